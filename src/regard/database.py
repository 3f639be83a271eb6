"""The database: one engine, one set of tables, one chain of migrations for all rooms.

A room describes its tables on :data:`metadata` in a `tables.py` of its own. What they hold is unknown here.
"""

from __future__ import annotations

from contextlib import suppress
from pathlib import Path
from typing import Any

import alembic.command
import alembic.config
from sqlalchemy import Engine, MetaData, create_engine, event

MIGRATIONS = Path(__file__).parent / "migrations"

# Fixed names, so that a later migration can drop a constraint on every database alike.
metadata = MetaData(
    naming_convention={
        "ix": "ix_%(column_0_N_label)s",
        "uq": "uq_%(table_name)s_%(column_0_N_name)s",
        "ck": "ck_%(table_name)s_%(constraint_name)s",
        "fk": "fk_%(table_name)s_%(column_0_N_name)s_%(referred_table_name)s",
        "pk": "pk_%(table_name)s",
    }
)


def open_database(url: str) -> Engine:
    """Open `url` and bring its tables up to date. An answer given after a commit survives `kill -9`."""
    engine = create_engine(url)
    if engine.dialect.name == "sqlite":
        event.listen(engine, "connect", _make_durable)
        event.listen(engine, "begin", _begin_immediately)
    migrate(engine)
    return engine


def sqlite_url(path: Path) -> str:
    """The URL of an SQLite file; it and its folder are made when they are not there, readable by their owner alone."""
    path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    keep_private(path)
    return f"sqlite:///{path}"


def keep_private(path: Path) -> None:
    """See that an SQLite file, made when it is not there, is its owner's alone (0600), whatever its folder allows."""
    path.touch(mode=0o600)
    # SQLite gives the files beside it the mode that the file has when it makes them.
    for file in (path, path.with_name(f"{path.name}-wal"), path.with_name(f"{path.name}-shm")):
        with suppress(FileNotFoundError):
            if file.stat().st_mode & 0o077:
                file.chmod(0o600)


def migrate(engine: Engine) -> None:
    """Run the migrations that this database has not seen."""
    config = alembic.config.Config()
    config.set_main_option("script_location", str(MIGRATIONS))
    config.set_main_option("path_separator", "os")
    config.attributes["engine"] = engine
    alembic.command.upgrade(config, "head")


def _make_durable(connection: Any, _record: Any) -> None:
    # SQLAlchemy begins transactions itself (below): the driver's own, deferred BEGIN could not be waited for.
    connection.isolation_level = None
    for pragma in ("journal_mode=WAL", "synchronous=FULL", "foreign_keys=ON", "busy_timeout=30000"):
        connection.execute(f"PRAGMA {pragma}")


def _begin_immediately(connection: Any) -> None:
    # A transaction that reads first and writes later would fail with "database is locked" in WAL mode
    # when another writer came between. Readers that never write ask for BEGIN DEFERRED by an option.
    deferred = connection.get_execution_options().get("read_only", False)
    connection.exec_driver_sql("BEGIN DEFERRED" if deferred else "BEGIN IMMEDIATE")
