"""Tables that are made once a process: a new SQLite file is a copy, and what is up to date is not looked at again.

Migrating takes 0.04 s of a processor, looking for what to migrate 0.01 s, and tests open thousands of databases.
`tests/test_database.py` holds that a copy is what migrations make.
"""

from __future__ import annotations

import sqlite3
import tempfile
from functools import cache
from pathlib import Path

from sqlalchemy import Engine, text
from sqlalchemy.exc import DBAPIError

from regard.database import migrate, open_engine


def migrate_by_copy(engine: Engine) -> None:
    """Do as :func:`regard.database.migrate` does, sooner."""
    file = Path(engine.url.database or "")
    if engine.dialect.name == "sqlite" and file.is_file() and not file.stat().st_size:
        file.write_bytes(_migrated()[0])
    elif _version(engine) != _migrated()[1]:
        migrate(engine)


@cache
def _migrated() -> tuple[bytes, str | None]:
    """An SQLite file with all tables, and the last migration that it saw."""
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / "migrated.db"
        # Whoever opens a copy would have to change it, and to wait for the disk.
        with sqlite3.connect(file) as connection:
            connection.execute("PRAGMA journal_mode=WAL")
        connection.close()
        engine = open_engine(f"sqlite:///{file}")
        migrate(engine)
        version = _version(engine)
        engine.dispose()
        return file.read_bytes(), version


def _version(engine: Engine) -> str | None:
    try:
        with engine.connect() as connection:
            return connection.execute(text("SELECT version_num FROM alembic_version")).scalar()
    except DBAPIError:
        return None
