"""The record: an append-only table of what was decided, which the public log follows."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import msgspec
from sqlalchemy import Connection, Engine, insert, select

from regard.database import RECORDS, asking, take
from regard.ledger.tree.entries import EntryError, canonical
from regard.ledger.tree.tiles import MOST_ENTRY_BYTES
from regard.stewardship.records import tables

# What an entry has more than its record: kind, hour, number, pseudonym, a role and the hash of a motion.
_ROOM = 1024
_ADD = insert(tables.records)


@dataclass(frozen=True, slots=True)
class Record:
    """One record. `at` is in seconds since 1970."""

    sequence: int
    kind: str
    at: float
    body: dict[str, Any]


def append(connection: Connection, kind: str, at: float, body: dict[str, Any]) -> int:
    """Add a record within the caller's transaction; its sequence number. The log's entries follow from these.

    Raises EntryError for what could not become an entry: it would keep all that follow it out of the log.
    """
    data = canonical(body)
    if len(data) > MOST_ENTRY_BYTES - _ROOM:
        raise EntryError(f"the record has {len(data)} bytes; at most {MOST_ENTRY_BYTES - _ROOM} fit into an entry")
    # Numbers are given out and committed in one order: who reads on behind a number misses none.
    take(connection, RECORDS)
    row = {"kind": kind, "at": at, "body": data.decode()}
    added = connection.execute(_ADD, row).inserted_primary_key
    assert added is not None
    return int(added[0])


def append_once(connection: Connection, kind: str, at: float, body: dict[str, Any]) -> None:
    """Add a record unless there is one of this kind with an equal body."""
    take(connection, RECORDS)
    table = tables.records
    same = (table.c.kind == kind) & (table.c.body == canonical(body).decode())
    if connection.execute(select(table.c.sequence).where(same).limit(1)).first() is None:
        append(connection, kind, at, body)


def read(engine: Engine, kind: str | None = None, after: int = 0) -> Iterator[Record]:
    """The records after a sequence number, oldest first, of one kind or of all."""
    table = tables.records
    query = select(table).where(table.c.sequence > after).order_by(table.c.sequence)
    if kind is not None:
        query = query.where(table.c.kind == kind)
    with asking(engine) as connection:
        for row in connection.execute(query):
            yield Record(row.sequence, row.kind, row.at, msgspec.json.decode(row.body))


def get(engine: Engine, sequence: int) -> Record:
    """One record. Raises LookupError."""
    found = next((record for record in read(engine, after=sequence - 1)), None)
    if found is None or found.sequence != sequence:
        raise LookupError(f"there is no record {sequence}")
    return found


def newest(engine: Engine, kind: str, most: int) -> list[Record]:
    """The newest records of a kind, the newest first."""
    table = tables.records
    query = select(table).where(table.c.kind == kind).order_by(table.c.sequence.desc()).limit(most)
    with asking(engine) as connection:
        rows = connection.execute(query).all()
    return [Record(row.sequence, row.kind, row.at, msgspec.json.decode(row.body)) for row in rows]


def last(engine: Engine, kind: str) -> Record:
    """The newest record of a kind. Raises LookupError."""
    found = newest(engine, kind, 1)
    if not found:
        raise LookupError(f"there is no record of kind {kind}")
    return found[0]
