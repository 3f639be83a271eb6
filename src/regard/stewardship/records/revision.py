"""The revision: a number that rises with every change of register or law, in any process. Reviews are elsewhere."""

from __future__ import annotations

from sqlalchemy import Connection, Engine, select, update

from regard.reader import Reader
from regard.stewardship.records import tables


class Revision:
    """Reads the number that every change adds one to. Thread-safe."""

    def __init__(self, engine: Engine) -> None:
        self._reader = Reader(engine, select(tables.revision.c.number))

    def current(self) -> int:
        """The number now, as committed by whichever process."""
        return int(self._reader.rows()[0][0])


def changed(connection: Connection) -> None:
    """Say, within the transaction of a change, that there was one."""
    connection.execute(update(tables.revision).values(number=tables.revision.c.number + 1))
