"""A data folder as `regard serve` leaves it at its first start, in the process of the test."""

from __future__ import annotations

from pathlib import Path

from regard.settings import Settings, from_environment
from regard.stewardship.office import Office, start_office
from tests.helpers.databases import settings_of


def settings_in(folder: Path) -> Settings:
    """The settings of a service that keeps its data in `folder`, on the database of the test."""
    place = settings_of(folder)
    return from_environment(
        data_dir=folder, database_url=place.get("REGARD_DATABASE_URL"), keys_url=place.get("REGARD_KEYS_URL")
    )


def started(folder: Path) -> Office:
    """Start in `folder`, as the service does; once more, where it did before."""
    office = start_office(settings_in(folder))
    office.organizations.first_start()
    office.logbook.take_over()
    return office


def stop(office: Office) -> None:
    """End as the service does."""
    office.logbook.close()
    office.engine.dispose()
