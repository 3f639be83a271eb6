"""Pins: what must not become less or other from one start to the next, sealed under the root key.

Most are rows of the database. One is kept outside of it too, in a file beside `root.sealed`: who can write to the
database alone cannot take it back.
"""

from __future__ import annotations

from pathlib import Path

from sqlalchemy import Connection, delete, insert, select, update

from regard.files import write_whole
from regard.sealing import SealBroken, SealingKey
from regard.stewardship.records import tables

_FILE = "genesis.sealed"
_of = tables.pins.c


class PinBroken(RuntimeError):
    """A pin does not open, or what is there is not what was pinned; the text says which, and what to do."""


class Pins:
    """The pins of one data folder. Rows are read and written in the caller's transaction."""

    def __init__(self, folder: Path, key: SealingKey) -> None:
        self.file = folder / _FILE
        self._key = key

    def read(self, connection: Connection, name: str) -> bytes | None:
        """What is pinned under a name, or None. Raises PinBroken."""
        sealed = connection.execute(select(_of.sealed).where(_of.name == name)).scalar()
        return None if sealed is None else self._opened(name, sealed)

    def below(self, connection: Connection, prefix: str) -> dict[str, bytes]:
        """What is pinned under names that begin so, without the beginning, in their order. Raises PinBroken."""
        wanted = select(_of.name, _of.sealed).where(_of.name.startswith(prefix, autoescape=True)).order_by(_of.name)
        rows = connection.execute(wanted).all()
        return {name.removeprefix(prefix): self._opened(name, sealed) for name, sealed in rows}

    def put(self, connection: Connection, name: str, value: bytes) -> None:
        """Pin a value under a name, in place of the one that was."""
        row = {"sealed": self._key.seal(value, _context(name))}
        if not connection.execute(update(tables.pins).where(_of.name == name).values(row)).rowcount:
            connection.execute(insert(tables.pins).values(row | {"name": name}))

    def drop(self, connection: Connection, prefix: str) -> None:
        """Take back what is pinned under names that begin so."""
        connection.execute(delete(tables.pins).where(_of.name.startswith(prefix, autoescape=True)))

    def read_file(self) -> bytes | None:
        """What is pinned beside the database, or None. Raises PinBroken."""
        return self._opened(_FILE, self.file.read_bytes()) if self.file.exists() else None

    def write_file(self, value: bytes) -> None:
        """Pin a value beside the database."""
        write_whole(self.file, self._key.seal(value, _context(_FILE)))

    def _opened(self, name: str, sealed: bytes) -> bytes:
        try:
            return self._key.open(sealed, _context(name))
        except SealBroken:
            raise PinBroken(
                f"what is pinned as {name} was changed, or sealed under another root key. Put back root.sealed, "
                "regard.db and genesis.sealed as they were, from one backup."
            ) from None


def any_pinned(connection: Connection) -> bool:
    """Whether a service that pins was started on this database."""
    return connection.execute(select(_of.name).limit(1)).first() is not None


def _context(name: str) -> bytes:
    return f"pin/{name}".encode()
