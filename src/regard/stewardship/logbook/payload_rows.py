"""Where sealed payloads lie: in a file of this machine, or in a table of a database that several machines share."""

from __future__ import annotations

import sqlite3
import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import NamedTuple, Protocol

from sqlalchemy import ColumnElement, Connection, Engine, delete, select

from regard.database import RECORDS, asking, insert_new, keep_private, writing
from regard.stewardship.records.tables import payloads


class Row(NamedTuple):
    """A sealed part. `at` is in seconds since 1970."""

    commitment: str
    organization: str
    subject: str
    at: int
    sealed: bytes


# As large as what a call leaves at most.
_CHECK = Row("", "", "", 0, bytes(65_536))
_KEEP = "INSERT OR IGNORE INTO payloads VALUES (?, ?, ?, ?, ?)"
# With the condition of the index, without which it would not be used.
_ABOUT = "organization = ? AND subject = ? AND subject <> ''"


class Rows(Protocol):
    """Rows by commitment, which are kept once and never changed. Thread-safe."""

    def keep(self, rows: Sequence[Row]) -> None:
        """Keep rows; those there already stay as they are. On return they are safe from the end of the process."""

    def check(self) -> None:
        """Raise sqlite3.Error or SQLAlchemyError while there is no room to keep anything."""

    def keep_within(self, connection: Connection, rows: Sequence[Row], /) -> Sequence[Row]:
        """Keep rows in the caller's transaction; answers those that are left for `keep`."""

    def find(self, commitment: str) -> Row | None:
        """One row, or None."""

    def about(self, organization: str, subject: str) -> list[Row]:
        """The rows about one subject of an organization, oldest first."""

    def erase(self, organization: str, subject: str) -> int:
        """Remove the rows about one subject, for good; how many there were."""

    def close(self) -> None:
        """Let go of the file."""


class FileRows:
    """Rows in an SQLite file, which overwrites what it removes."""

    def __init__(self, path: Path) -> None:
        self._lock = threading.Lock()
        keep_private(path)
        self._database = sqlite3.connect(path, check_same_thread=False, isolation_level=None, timeout=30)
        for line in ("PRAGMA journal_mode=WAL", "PRAGMA synchronous=NORMAL", "PRAGMA secure_delete=ON"):
            self._database.execute(line)
        self._database.execute(
            "CREATE TABLE IF NOT EXISTS payloads (commitment TEXT PRIMARY KEY, organization TEXT NOT NULL,"
            " subject TEXT NOT NULL, at INTEGER NOT NULL, sealed BLOB NOT NULL)"
        )
        # Most rows are about nobody, and are never looked for by whom they are about.
        self._database.execute("DROP INDEX IF EXISTS payloads_subject")
        self._database.execute(
            "CREATE INDEX IF NOT EXISTS payloads_person ON payloads (organization, subject) WHERE subject <> ''"
        )

    def keep(self, rows: Sequence[Row]) -> None:
        """Keep rows; those there already stay as they are. On return they are safe from the end of the process."""
        if len(rows) == 1:
            # Most calls leave one: a statement by itself is as much a transaction as one that is begun and ended.
            with self._lock:
                self._database.execute(_KEEP, rows[0])
            return
        with self._transaction() as database:
            database.executemany(_KEEP, rows)

    def check(self) -> None:
        """Raise sqlite3.Error while there is no room to keep anything."""
        self.keep([_CHECK])
        with self._transaction() as database:
            database.execute("DELETE FROM payloads WHERE commitment = ?", (_CHECK.commitment,))

    def keep_within(self, _connection: Connection, rows: Sequence[Row], /) -> Sequence[Row]:
        """Answers all rows, for `keep`: a file is another database and has no part in the transaction."""
        return rows

    def find(self, commitment: str) -> Row | None:
        """One row, or None."""
        with self._lock:
            found = self._database.execute("SELECT * FROM payloads WHERE commitment = ?", (commitment,)).fetchone()
        return None if found is None else Row(*found)

    def about(self, organization: str, subject: str) -> list[Row]:
        """The rows about one subject of an organization, oldest first."""
        query = f"SELECT * FROM payloads WHERE {_ABOUT} ORDER BY rowid"
        with self._lock:
            return list(map(Row._make, self._database.execute(query, (organization, subject))))

    def erase(self, organization: str, subject: str) -> int:
        """Remove the rows about one subject, for good; how many there were."""
        with self._lock:
            statement = f"DELETE FROM payloads WHERE {_ABOUT}"
            erased = self._database.execute(statement, (organization, subject)).rowcount
            self._database.execute("PRAGMA wal_checkpoint(TRUNCATE)")
        return int(erased)

    def close(self) -> None:
        """Let go of the file."""
        self._database.close()

    @contextmanager
    def _transaction(self) -> Iterator[sqlite3.Connection]:
        """All or nothing; what failed leaves no transaction open."""
        with self._lock, self._database:
            self._database.execute("BEGIN IMMEDIATE")
            yield self._database


class TableRows:
    """Rows in a table of PostgreSQL. What is removed opens no more in any copy, once the key of its person is gone."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine

    def keep(self, rows: Sequence[Row]) -> None:
        """Keep rows; those there already stay as they are. On return they are safe from the end of the process."""
        if rows:
            with writing(self._engine, RECORDS) as connection:
                connection.exec_driver_sql("SET LOCAL synchronous_commit TO off")
                self.keep_within(connection, rows)

    def check(self) -> None:
        """Raise SQLAlchemyError while there is no room to keep anything."""
        self.keep([_CHECK])
        with writing(self._engine, RECORDS) as connection:
            connection.execute(delete(payloads).where(payloads.c.commitment == _CHECK.commitment))

    def keep_within(self, connection: Connection, rows: Sequence[Row], /) -> Sequence[Row]:
        """Keep rows in the caller's transaction, all of them; answers an empty list."""
        if rows:
            insert_new(connection, payloads, [row._asdict() for row in rows])
        return ()

    def find(self, commitment: str) -> Row | None:
        """One row, or None."""
        return next(iter(self._rows(payloads.c.commitment == commitment)), None)

    def about(self, organization: str, subject: str) -> list[Row]:
        """The rows about one subject of an organization, oldest first."""
        return self._rows(payloads.c.organization == organization, payloads.c.subject == subject)

    def erase(self, organization: str, subject: str) -> int:
        """Remove the rows about one subject, for good; how many there were."""
        named = (payloads.c.organization == organization) & (payloads.c.subject == subject)
        with writing(self._engine, RECORDS) as connection:
            return connection.execute(delete(payloads).where(named)).rowcount

    def close(self) -> None:
        """Closes nothing: whoever made the engine closes it."""

    def _rows(self, *which: ColumnElement[bool]) -> list[Row]:
        columns = [payloads.c[name] for name in Row._fields]
        with asking(self._engine) as connection:
            return [Row(*row) for row in connection.execute(select(*columns).where(*which).order_by(payloads.c.id))]
