"""The database: migrations make exactly the tables that the rooms describe, and what is committed stays."""

from __future__ import annotations

from pathlib import Path

import pytest
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import Engine, inspect, select, text
from sqlalchemy.exc import IntegrityError, OperationalError

import regard.custom.tables
import regard.custom.versions.tables
import regard.gallery.collections.tables
import regard.jobs.tables
import regard.liveness.tables
import regard.stewardship.records.tables
import regard.stewardship.staff.tables
import regard.streams.tables
from regard.database import (
    MIGRATIONS,
    insert_new,
    insert_rows,
    metadata,
    migrate,
    newest,
    open_database,
    open_engine,
    sqlite_url,
    version,
    writing,
)
from regard.ledger.log.tables import files
from tests.helpers.databases import POSTGRESQL, database_url, forget, on
from tests.helpers.migrated import migrate_by_copy

ROOMS = (
    regard.custom.tables,
    regard.custom.versions.tables,
    regard.gallery.collections.tables,
    regard.jobs.tables,
    regard.liveness.tables,
    regard.stewardship.records.tables,
    regard.stewardship.staff.tables,
    regard.streams.tables,
)


@pytest.fixture
def engine(tmp_path: Path) -> Engine:
    return open_database(database_url(tmp_path))


def test_migrations_make_the_tables_that_the_rooms_describe(engine: Engine) -> None:
    assert ROOMS
    with engine.connect() as connection:
        context = MigrationContext.configure(connection, opts={"compare_type": True})
        assert compare_metadata(context, metadata) == []


def test_its_files_are_their_owners_alone_in_a_folder_that_others_read(tmp_path: Path) -> None:
    tmp_path.chmod(0o755)
    (tmp_path / "old.db").touch(mode=0o644)
    for name in ("new.db", "old.db"):
        with open_database(sqlite_url(tmp_path / name)).connect() as connection:
            connection.execute(text("SELECT 1"))
            modes = {file.stat().st_mode & 0o777 for file in tmp_path.glob(f"{name}*")}
        assert modes == {0o600}


def test_migrating_twice_changes_nothing(engine: Engine) -> None:
    before = inspect(engine).get_table_names()
    migrate(engine)
    assert inspect(engine).get_table_names() == before


def test_only_a_database_that_lacks_the_newest_migration_is_migrated(
    engine: Engine, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert newest() == ScriptDirectory(str(MIGRATIONS)).get_current_head() == version(engine)
    asked: list[str] = []
    monkeypatch.setattr("alembic.command.upgrade", lambda _config, to: asked.append(to))
    migrate(engine)
    assert asked == []
    with writing(engine) as connection:
        connection.execute(text("UPDATE alembic_version SET version_num = '0013_pins'"))
    migrate(engine)
    assert asked == ["head"]


def test_rows_are_inserted_once_and_counted(engine: Engine) -> None:
    rows = [{"folder": "f", "name": name, "part": 0, "data": name.encode()} for name in ("a", "b", "c")]
    with writing(engine) as connection:
        assert insert_rows(connection, files, rows[:2]) == 2
        assert insert_new(connection, files, rows) == 1
        assert insert_new(connection, files, rows) == 0
        assert insert_new(connection, files, []) == 0
        assert set(connection.execute(select(files.c.name, files.c.data))) >= {("a", b"a"), ("b", b"b"), ("c", b"c")}
    with pytest.raises(IntegrityError), writing(engine) as connection:
        insert_rows(connection, files, rows[:1])


def test_a_commit_is_on_the_disk_before_it_returns(engine: Engine) -> None:
    with engine.connect() as connection:
        if engine.dialect.name == "postgresql":
            assert connection.execute(text("SHOW synchronous_commit")).scalar() == "on"
            return
        assert connection.execute(text("PRAGMA journal_mode")).scalar() == "wal"
        assert connection.execute(text("PRAGMA synchronous")).scalar() == 2  # FULL
        assert connection.execute(text("PRAGMA foreign_keys")).scalar() == 1


@pytest.mark.sqlite("PostgreSQL copies databases itself")
def test_the_copy_that_tests_begin_with_is_what_migrations_make(tmp_path: Path) -> None:
    told = []
    for make in (migrate, migrate_by_copy):
        engine = open_engine(sqlite_url(tmp_path / f"{make.__name__}.db"))
        make(engine)
        with engine.connect() as connection:
            made = connection.execute(text("SELECT type, name, sql FROM sqlite_master ORDER BY name")).fetchall()
            seen = connection.execute(text("SELECT version_num FROM alembic_version")).fetchall()
        told.append([*made, *seen])
    assert len(told[0]) > 1
    assert told[0] == told[1]


@pytest.mark.sqlite("it borrows from PostgreSQL by itself")
def test_a_database_that_tests_are_lent_again_is_as_new(tmp_path: Path) -> None:
    with on(POSTGRESQL):
        engine = open_database(database_url(tmp_path))
        with writing(engine) as connection:
            kept = connection.execute(text("SELECT * FROM stewardship_revision")).fetchall()
            connection.execute(text("UPDATE stewardship_revision SET number = 7"))
            insert_rows(connection, files, [{"folder": "f", "name": "a", "part": 0, "data": b"a"}])
        engine.dispose()
        forget(tmp_path)
        with open_database(database_url(tmp_path / "again")).connect() as connection:
            assert connection.execute(text("SELECT * FROM stewardship_revision")).fetchall() == kept
            assert not connection.execute(select(files.c.name)).fetchall()
        with pytest.raises(OperationalError, match="does not exist"):
            engine.connect()
