"""What all tests of commands have: a data folder of their own."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from regard.settings import from_environment
from regard.stewardship.office import Office, open_office
from tests.helpers.started import started, stop


@pytest.fixture(autouse=True)
def _own_data(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("REGARD_DATA_DIR", str(tmp_path / "data"))


@pytest.fixture
def begun(tmp_path: Path, _own_data: None) -> None:
    """A data folder in which the service was started once."""
    stop(started(tmp_path / "data"))


@pytest.fixture
def office(begun: None) -> Iterator[Office]:
    """The office of the folder in which the service was started once."""
    office = open_office(from_environment())
    yield office
    office.logbook.close()
    office.engine.dispose()
