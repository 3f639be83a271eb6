"""The entries of live video: how a session ended, and whom a search found. Starts and stops are entries of calls."""

from __future__ import annotations

from sqlalchemy import Connection

from regard.stewardship.logbook.logbook import Logbook
from regard.stewardship.logbook.payloads import Part
from regard.streams.processor import Processor
from regard.streams.processors import People

KIND = "regard/stream"


def record_stream(logbook: Logbook, connection: Connection, processor: Processor, what: str, people: People) -> None:
    """Record what happened (ended, failed, matched) within the transaction in which it does.

    Of people who match nobody there is no entry. Who was found has details of their own, sealed, as of any search.
    """
    session = processor.session
    body = {
        "organization": processor.organization,
        "operation": session.operation if session else "",
        "purpose": session.purpose if session else "",
        "searches": "faces" if processor.searches_faces else "labels",
        "outcome": what,
    }
    told = {"processor": processor.name, "session": session.id if session else "", "cause": processor.cause}
    own = Part(processor.organization, {"operation": f"stream {what}"} | told)
    parts = [Part(processor.organization, told | details, whose) for whose, details in people]
    logbook.record(connection, KIND, body, [logbook.seal(part) for part in (own, *parts)])
