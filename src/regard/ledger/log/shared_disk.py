"""The shared disk: the files of a log in a table of PostgreSQL, where several machines share one; :mod:`.disk` has a
folder.

Who holds the log has an advisory lock of a session of the database, and writes through that session alone. When the
session ends, for whatever reason, so does the lock, and nothing can be written through it any more: a process that was
taken for dead cannot come back and write beside its successor.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterable
from contextlib import suppress
from itertools import count
from pathlib import Path
from typing import Any

from sqlalchemy import ColumnElement, Connection, Engine, delete, func, select
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.exc import DBAPIError, SQLAlchemyError

from regard.database import asking
from regard.ledger.log.disk import Disk, HeldElsewhere, WrittenTwice
from regard.ledger.log.shards import Shards
from regard.ledger.log.tables import files

_of = files.c
_LOCK = 0x7265676172640002


class SharedDisk(Disk):
    """A :class:`Disk` whose files are rows, named by their paths below `root`.

    It is held once at most: whoever lost it opens another.
    """

    def __init__(self, engine: Engine, root: Path) -> None:
        self._engine = engine
        self._root = root
        self._lock = threading.Lock()
        self._session: Connection | None = None
        self._folders: set[Path] = set()
        self._growing: dict[int, tuple[Path, int]] = {}
        self._numbers = count(1)

    def hold(self, folder: Path) -> Callable[[], None]:
        """Keep all others from writing anywhere. Raises HeldElsewhere, and OSError."""
        try:
            session = self._engine.connect().execution_options(isolation_level="AUTOCOMMIT")
            if not session.execute(select(func.pg_try_advisory_lock(_LOCK))).scalar():
                session.close()
                raise HeldElsewhere("another process holds the log")
            # Not to be given back to the pool, which would keep the lock.
            session.detach()
        except SQLAlchemyError as error:
            raise _unanswered(error) from error
        self._session = session
        try:
            self.folder(folder)
        except OSError:
            self._end()
            raise
        return self._end

    def read(self, path: Path) -> bytes:
        """The bytes of a file. Raises FileNotFoundError, and OSError."""
        parts = self._asked(select(_of.data).where(*self._at(path), _of.data.is_not(None)).order_by(_of.part))
        if not parts:
            raise FileNotFoundError(str(path))
        return b"".join(parts)

    def names(self, folder: Path) -> list[str]:
        """What is in a folder, in order. Raises OSError."""
        wanted = select(_of.name).where(_of.folder == self._name(folder), _of.part == 0)
        return sorted(self._asked(wanted))

    def is_folder(self, path: Path) -> bool:
        """Whether there is a folder. Raises OSError."""
        return path in self._folders or bool(self._asked(select(_of.part).where(*self._at(path), _of.data.is_(None))))

    def open(self, path: Path) -> int:
        """A file to append to, of a single part."""
        file = next(self._numbers)
        self._growing[file] = (path, 0)
        return file

    def close(self, file: int) -> None:
        """Close a file that was opened."""
        del self._growing[file]

    def append(self, file: int, data: bytes) -> None:
        """Append to an open file, durably."""
        path, part = self._growing[file]
        self._run(insert(files), [self._row(path, data, part + 1)])
        self._growing[file] = (path, part + 1)

    def write_once(self, path: Path, data: bytes) -> None:
        """Make a file for ever, durably. Raises WrittenTwice."""
        with suppress(FileNotFoundError):
            if self.read(path) == data:
                return
            raise WrittenTwice(f"{path} exists with other bytes")
        self._run(insert(files), [self._row(path, data)])

    def replace(self, path: Path, data: bytes) -> None:
        """Make or replace a file of a single part, durably."""
        made = insert(files)
        kept = made.on_conflict_do_update(index_elements=list(files.primary_key), set_={"data": made.excluded.data})
        self._run(kept, [self._row(path, data)])

    def settle(self, folders: Iterable[Path]) -> None:
        """Each change is durable by itself."""

    def folder(self, path: Path) -> set[Path]:
        """Make a folder and those above it."""
        if path != self._root and not self.is_folder(path):
            self.folder(path.parent)
            self._run(insert(files).on_conflict_do_nothing(), [self._row(path, None)])
        self._folders.add(path)
        return set()

    def remove(self, path: Path) -> None:
        """Remove a file if it is there."""
        self._run(delete(files).where(*self._at(path)))

    def remove_folder(self, path: Path) -> None:
        """Remove an empty folder."""
        self._folders.discard(path)
        self.remove(path)

    def _run(self, statement: Any, rows: list[dict[str, Any]] | None = None) -> None:
        with self._lock:
            if self._session is None:
                raise HeldElsewhere("the log is not held by this process any more")
            try:
                self._session.execute(statement, rows)
            except SQLAlchemyError as error:
                # Whether this was written, only whoever holds the log next will know; nothing after it is.
                self._close()
                raise _unanswered(error) from error

    def _end(self) -> None:
        with self._lock:
            # The database ends a session some time after it was closed; the next to hold the log may come sooner.
            if self._session is not None:
                with suppress(SQLAlchemyError):
                    self._session.execute(select(func.pg_advisory_unlock(_LOCK)))
            self._close()

    def _close(self) -> None:
        session, self._session = self._session, None
        if session is not None:
            with suppress(SQLAlchemyError):
                session.close()

    def _asked(self, wanted: Any) -> list[Any]:
        try:
            with asking(self._engine) as connection:
                return list(connection.execute(wanted).scalars())
        except SQLAlchemyError as error:
            raise _unanswered(error) from error

    def _row(self, path: Path, data: bytes | None, part: int = 0) -> dict[str, Any]:
        return {"folder": self._name(path.parent), "name": path.name, "part": part, "data": data}

    def _at(self, path: Path) -> tuple[ColumnElement[bool], ...]:
        return _of.folder == self._name(path.parent), _of.name == path.name

    def _name(self, folder: Path) -> str:
        return folder.relative_to(self._root).as_posix()


def _unanswered(error: SQLAlchemyError) -> OSError:
    # Not the whole error: it shows what was to be written.
    return OSError(f"the database does not answer: {error.orig if isinstance(error, DBAPIError) else 'no connection'}")


class HoldersDisk(Disk):
    """Files beside those of the log, written by the process that holds it.

    Raises as `Shards.current` does where another process holds the log.
    """

    def __init__(self, shards: Shards) -> None:
        self._shards = shards

    def replace(self, path: Path, data: bytes) -> None:
        """Make or replace a file, durably."""
        self._shards.current()[1].replace(path, data)
