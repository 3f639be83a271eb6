"""The database: migrations make exactly the tables that the rooms describe, and what is committed stays."""

from __future__ import annotations

from pathlib import Path

import pytest
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from sqlalchemy import Engine, inspect, text

import regard.gallery.tables
import regard.stewardship.tables
from regard.database import metadata, migrate, open_database, sqlite_url

ROOMS = (regard.gallery.tables, regard.stewardship.tables)


@pytest.fixture
def engine(tmp_path: Path) -> Engine:
    return open_database(sqlite_url(tmp_path / "regard.db"))


def test_migrations_make_the_tables_that_the_rooms_describe(engine: Engine) -> None:
    assert ROOMS
    with engine.connect() as connection:
        context = MigrationContext.configure(connection, opts={"compare_type": True})
        assert compare_metadata(context, metadata) == []


def test_migrating_twice_changes_nothing(engine: Engine) -> None:
    before = inspect(engine).get_table_names()
    migrate(engine)
    assert inspect(engine).get_table_names() == before


def test_a_commit_is_on_the_disk_before_it_returns(engine: Engine) -> None:
    with engine.connect() as connection:
        assert connection.execute(text("PRAGMA journal_mode")).scalar() == "wal"
        assert connection.execute(text("PRAGMA synchronous")).scalar() == 2  # FULL
        assert connection.execute(text("PRAGMA foreign_keys")).scalar() == 1
