"""How many messages were given up, for all processes together: a figure for the operator, on which nothing hangs."""

from __future__ import annotations

from sqlalchemy import Connection, Engine, func, insert, select, update

from regard.database import reading, take
from regard.streams.tables import stream_drops

_of = stream_drops.c


def note(connection: Connection, kind: str, count: int) -> None:
    """Count messages of a kind that nobody will be sent, within the transaction that deletes them."""
    if not count:
        return
    take(connection, "streams/drops")
    found = update(stream_drops).where(_of.kind == kind).values(count=_of.count + count)
    if not connection.execute(found).rowcount:
        connection.execute(insert(stream_drops).values(kind=kind, count=count))


def dropped(engine: Engine) -> int:
    """How many there were, since the database was made."""
    with reading(engine) as connection:
        return int(connection.execute(select(func.coalesce(func.sum(_of.count), 0))).scalar_one())
