"""What is owed, as rows of a table: taken by one sender at a time, and tried again after growing pauses for a day."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from contextlib import AbstractContextManager
from typing import Any, NamedTuple

from sqlalchemy import ColumnElement, Connection, Engine, Table, func, select, update

from regard.database import reading, writing

# Seconds from one try to the next: doubled each time, up to the most. After a day nobody is told any more.
FIRST_PAUSE, MOST_PAUSE, GIVEN_UP_AFTER = 5.0, 3600.0, float(24 * 3600)
# Whoever took a row to send it and said nothing for so long was killed: longer than any sending takes.
_TAKEN_SECONDS = 60.0


class Again(NamedTuple):
    """When a row that was not taken is tried again, and whether that is given up."""

    at: float
    given_up: bool


class Outbox:
    """Rows with `id`, `kind`, `tries`, `next_at` and `created_at`. Thread-safe; any number of processes may send.

    `waiting` says which rows are yet to be sent, and `part` which part of the database they are.
    """

    def __init__(
        self, engine: Engine, table: Table, part: str, clock: Callable[[], float], waiting: ColumnElement[bool]
    ) -> None:
        self._engine, self._table, self._part, self._clock, self._waiting = engine, table, part, clock, waiting

    def owed(self, of: ColumnElement[bool] | None = None) -> int:
        """How many rows are yet to be sent, of those that are asked for."""
        with reading(self._engine) as connection:
            count = (
                select(func.count()).select_from(self._table).where(self._waiting if of is None else self._waiting & of)
            )
            return connection.execute(count).scalar_one()

    def taken(self, kind: str, *ready: ColumnElement[bool]) -> Mapping[str, Any] | None:
        """Take the row that is due the longest, if one is: nobody else sends it for a while."""
        of, now = self._table.c, self._clock()
        due = (of.kind == kind) & self._waiting & (of.next_at <= now)
        wanted = select(self._table).where(due, *ready).order_by(of.next_at, of.id).limit(1)
        with reading(self._engine) as connection:
            if connection.execute(wanted).first() is None:
                return None
        with writing(self._engine, self._part) as connection:
            found = connection.execute(wanted).mappings().first()
            if found is None:
                return None
            row = {**found, "tries": found["tries"] + 1}
            self.note(connection, row, tries=row["tries"], next_at=now + _TAKEN_SECONDS)
        return row

    def again(self, row: Mapping[str, Any]) -> Again:
        """When a row is tried again that was not taken just now."""
        at = self._clock() + min(FIRST_PAUSE * 2.0 ** (row["tries"] - 1), MOST_PAUSE)
        return Again(at, at > row["created_at"] + GIVEN_UP_AFTER)

    def writing(self) -> AbstractContextManager[Connection]:
        """A transaction on the rows."""
        return writing(self._engine, self._part)

    def note(self, connection: Connection, row: Mapping[str, Any], **values: Any) -> None:
        """Note something of a row."""
        connection.execute(update(self._table).where(self._table.c.id == row["id"]).values(values))
