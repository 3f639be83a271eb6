"""Traces: what deleted rows leave behind in the files of a database, and overwriting it.

SQLite overwrites a deleted row where it lies (`secure_delete`). Two copies outlive that: older pages in the write-ahead
log, until a checkpoint empties it; and what stayed in the unused part of a page when rows moved to another one, until
`VACUUM` writes the file anew. Of 10,000 rows, deleted with `secure_delete`, 9 to 68 could still be read so (SQLite
3.40, `tests/test_traces.py`). PostgreSQL keeps deleted rows until it is told to let go of them, see docs/shared.md.

What is owed stands in the SQLite file itself: its `application_id` counts deletions, and is 0 when nothing is left of
any. So whoever opens the file next pays what a process left that was killed.
"""

from __future__ import annotations

import logging
import sqlite3
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

from sqlalchemy import Connection, Engine
from sqlalchemy.exc import SQLAlchemyError

# How long a checkpoint waits for readers of older pages: meanwhile nobody writes. And how often it is tried at once.
_PATIENCE_MS = 200
_TRIES = 3
# A file that is not larger is written anew before the answer, another in the background.
_AT_ONCE_BYTES = 8 << 20
# To write files anew may take this share of the time.
_SHARE = 0.01
_LOOK_SECONDS = 60.0
_SOON_SECONDS = 1.0
_MOST_COUNTED = 0x7FFFFFFF
_log = logging.getLogger(__name__)


def owe(connection: Connection) -> None:
    """Note, within the transaction that deletes rows, that copies of them may be left."""
    if connection.dialect.name == "sqlite":
        counted = connection.exec_driver_sql("PRAGMA application_id").scalar_one()
        connection.exec_driver_sql(f"PRAGMA application_id={counted % _MOST_COUNTED + 1}")


class Traces:
    """Overwrites what deletions left in one database. Thread-safe; who asks at the same time is served at once.

    Between `start` and `close` what could not be done at once is done in the background.
    """

    def __init__(self, engine: Engine, vacuum: str | None = None, clock: Callable[[], float] = time.monotonic) -> None:
        """`vacuum` is the table that PostgreSQL is told to let go of deleted rows of."""
        self._engine = engine
        self._vacuum = vacuum
        self._clock = clock
        self._shared = engine.dialect.name == "postgresql"
        self._turn = threading.Lock()
        self._asked = self._answered = 0
        self._unemptied = False
        self._rests_until = clock()
        self._own = threading.local()
        self._closing, self._wake = threading.Event(), threading.Event()
        self._worker: threading.Thread | None = None

    @contextmanager
    def together(self) -> Iterator[None]:
        """Within the block this thread's calls of :meth:`overwrite` wait, and are one at its end."""
        self._own.depth = getattr(self._own, "depth", 0) + 1
        try:
            yield
        finally:
            self._own.depth -= 1
            self.overwrite()

    def overwrite(self) -> bool:
        """Overwrite what committed deletions left; whether nothing is left.

        The write-ahead log is empty then, unless somebody reads older pages all the while. Where something is left, it
        is done in the background.
        """
        if getattr(self._own, "depth", 0):
            return False
        self._asked = mine = self._asked + 1
        with self._turn:
            # Whoever had the turn meanwhile may have done it for all that asked before.
            if self._answered < mine:
                upto = self._asked
                if not self._done(_AT_ONCE_BYTES):
                    self._wake.set()
                    return False
                self._answered = upto
        return True

    def start(self) -> None:
        """Begin to overwrite in the background, first what an earlier process left."""
        if not self._shared:
            self._worker = threading.Thread(target=self._work, name="traces", daemon=True)
            self._worker.start()

    def close(self) -> None:
        """End that, and empty the write-ahead log."""
        self._closing.set()
        self._wake.set()
        if self._worker is not None:
            self._worker.join()
        if not self._shared:
            with self._turn:
                self._rests_until = self._clock()
                self._done(_AT_ONCE_BYTES, always=True)

    def _work(self) -> None:
        while not self._closing.is_set():
            self._wake.clear()
            with self._turn:
                done = self._done(None)
            if done:
                self._wake.wait(_LOOK_SECONDS)
            else:
                resting = 0.0 if self._unemptied else self._rests_until - self._clock()
                self._closing.wait(min(max(resting, _SOON_SECONDS), _LOOK_SECONDS))

    def _done(self, most_bytes: int | None, *, always: bool = False) -> bool:
        """Do what is owed, writing anew files of up to `most_bytes`; whether nothing is owed any more."""
        try:
            if self._shared:
                self._let_go()
                return True
            with self._connected() as connection:
                owed = _counted(connection)
                if not (owed or always):
                    return True
                anew = bool(owed) and self._written_anew(connection, most_bytes)
                self._unemptied = not any(_emptied(connection) for _ in range(_TRIES))
                return anew and not self._unemptied and _settled(connection, owed)
        except (sqlite3.Error, SQLAlchemyError):
            # A database that is gone, or a full disk: what was asked for is done, and this is tried again.
            _log.exception("what deletions left could not be overwritten")
            return False

    def _let_go(self) -> None:
        if self._vacuum:
            with self._engine.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
                connection.exec_driver_sql(f"VACUUM {self._vacuum}")

    def _written_anew(self, connection: Any, most_bytes: int | None) -> bool:
        pages, each = _pragma(connection, "page_count"), _pragma(connection, "page_size")
        begun = self._clock()
        if begun < self._rests_until or (most_bytes is not None and pages * each > most_bytes):
            return False
        try:
            connection.execute("VACUUM")
        except sqlite3.OperationalError as error:
            if error.sqlite_errorcode & 0xFF not in (sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED):
                raise
            return False
        ended = self._clock()
        self._rests_until = ended + (ended - begun) / _SHARE
        return True

    @contextmanager
    def _connected(self) -> Iterator[Any]:
        """A connection outside of any transaction, which waits for others but a moment."""
        pooled = self._engine.raw_connection()
        connection: Any = pooled.driver_connection
        before = _pragma(connection, "busy_timeout")
        try:
            connection.execute(f"PRAGMA busy_timeout={_PATIENCE_MS}")
            yield connection
        finally:
            connection.execute(f"PRAGMA busy_timeout={before}")
            pooled.close()


def _pragma(connection: Any, pragma: str) -> int:
    return int(connection.execute(f"PRAGMA {pragma}").fetchone()[0])


def _counted(connection: Any) -> int:
    return _pragma(connection, "application_id")


def _emptied(connection: Any) -> bool:
    """Whether all of the write-ahead log is in the file, and the log empty."""
    busy, _, _ = connection.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchone()
    return not busy


def _settled(connection: Any, owed: int) -> bool:
    """Note that nothing is owed, unless somebody deleted more meanwhile."""
    try:
        connection.execute("BEGIN IMMEDIATE")
    except sqlite3.OperationalError:
        return False
    same = _counted(connection) == owed
    if same:
        connection.execute("PRAGMA application_id=0")
    connection.execute("COMMIT")
    return same
