"""The entry of a model of one's own: its digest, and that whoever trained it is committed to its labels."""

from __future__ import annotations

from sqlalchemy import Connection

from regard.custom.versions.states import State
from regard.custom.versions.versions import Version
from regard.custom.versions.workshop import Made
from regard.stewardship.logbook.logbook import Logbook
from regard.stewardship.logbook.payloads import Part

KIND = "regard/version"


def record_version(logbook: Logbook, connection: Connection, made: Made) -> None:
    """Record a version within the transaction from which on its model is there.

    The names of its project, of its labels and of the key that had it made are sealed: the entry commits to them.
    """
    body = {
        "organization": made.job.organization,
        "change": "copied" if made.version.state is State.COPIED else "trained",
        "purpose": made.job.purpose,
        "model": made.digest,
        "people": made.people,
    }
    details = {
        "operation": made.job.operation,
        "version": made.version.resource,
        "labels": list(made.labels),
        "access_key": made.job.access_key,
        "job": made.job.id,
    }
    logbook.record(connection, KIND, body, [logbook.seal(Part(made.job.organization, details))])


def record_withdrawal(logbook: Logbook, connection: Connection, version: Version) -> None:
    """Record that a model was withdrawn, with somebody who was in its pictures, within the transaction that does so.

    Who that was is not told: it is their leaving.
    """
    organization = version.project.organization
    body = {"organization": organization, "change": "withdrawn", "model": version.digest, "people": True}
    details = {"operation": "withdrawal", "version": version.resource}
    logbook.record(connection, KIND, body, [logbook.seal(Part(organization, details))])
