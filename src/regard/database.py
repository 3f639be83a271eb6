"""The database: one engine, one set of tables, one chain of migrations for all rooms.

A room describes its tables on :data:`metadata` in a `tables.py` of its own. What they hold is unknown here.

In SQLite one transaction writes at a time, and whoever reads first and then writes need not fear what came between.
On PostgreSQL advisory locks give the same. A transaction that writes takes the whole database, unless it says
that it stays within one part of it, as a collection: then it waits only for others in this part, and for those who
have the whole database.
"""

from __future__ import annotations

import hashlib
import select
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from functools import lru_cache, partial
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from sqlalchemy import Connection, Dialect, Engine, MetaData, Table, create_engine, event
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.exc import DBAPIError, InvalidatePoolError
from sqlalchemy.sql.compiler import SQLCompiler

from regard.settings import SettingError

MIGRATIONS = Path(__file__).parent / "migrations"
RECORDS = "records"
"""The part of the database that holds the record: entered last, and left with the transaction."""

_SCHEME = "postgresql+psycopg://"
# Advisory locks of PostgreSQL: one number, or two where the second is a digest of a name.
_WHOLE = 0x7265676172640001
_PARTS = 0x72656761
# How long a writer waits for its turn, as long as SQLite lets one wait; how long one that fell silent keeps others
# waiting; and how soon the locks of a machine that is gone are free, and a database that is gone is known to be.
_SESSION = {
    "lock_timeout": "30s",
    "idle_in_transaction_session_timeout": "60s",
    "tcp_keepalives_idle": "5",
    "tcp_keepalives_interval": "2",
    "tcp_keepalives_count": "3",
}
_POSTGRESQL: dict[str, Any] = {
    "pool_size": 8,
    "max_overflow": 40,
    # Each engine would begin by asking the database about a type that no table has.
    "use_native_hstore": False,
    "connect_args": {
        "connect_timeout": 10,
        "tcp_user_timeout": 15_000,
        "options": " ".join(f"-c {name}={value}" for name, value in _SESSION.items()),
    },
}
# How long a connection may lie unused, in seconds, before the database is asked whether it is there still.
_RESTED = 1.0
_USED = "regard.used"

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


def check_urls(database: str | None, keys: str | None) -> None:
    """Refuse URLs of the database and of the key store that would not do together. Raises SettingError."""
    for given in filter(None, (database, keys)):
        if not given.startswith(_SCHEME):
            raise SettingError(f"REGARD_DATABASE_URL and REGARD_KEYS_URL begin with {_SCHEME}")
        if find_spec("psycopg") is None:
            raise SettingError("PostgreSQL needs a driver: pip install 'regard[postgresql]'")
    if bool(database) != bool(keys):
        raise SettingError(
            "REGARD_DATABASE_URL and REGARD_KEYS_URL belong together: the services that share a database share its "
            "key store, too."
        )
    if database and database == keys:
        raise SettingError(
            "REGARD_KEYS_URL is the database itself: a backup of it would bring back what was erased. Give the key "
            "store a database of its own, outside the backups."
        )


def open_database(url: str) -> Engine:
    """Open `url` and bring its tables up to date. An answer given after a commit survives `kill -9`."""
    engine = open_engine(url)
    if engine.dialect.name == "sqlite":
        event.listen(engine, "connect", _make_durable)
        event.listen(engine, "begin", _begin_immediately)
    else:
        event.listen(engine, "begin", _take_turn)
    migrate(engine)
    return engine


def open_engine(url: str) -> Engine:
    """An engine on `url`, without migrations and without a say in how transactions that write begin."""
    if url.startswith("sqlite"):
        return create_engine(url)
    engine = create_engine(url, **_POSTGRESQL)
    event.listen(engine, "set_connection_execution_options", _read_one_snapshot)
    event.listen(engine, "checkin", _note_use)
    event.listen(engine, "checkout", partial(_see_that_it_is_there, engine.dialect))
    return engine


def reading(engine: Engine) -> Connection:
    """A connection for a `with`, to read from alone: what is read is of one moment, and no writer waits for it."""
    return engine.connect().execution_options(read_only=True)


def asking(engine: Engine) -> Connection:
    """A connection for a `with`, to ask one question alone, which is of one moment by itself.

    PostgreSQL is spoken to once, where :func:`reading` begins a transaction, asks and ends it.
    """
    return engine.connect().execution_options(read_only=True, alone=True)


@contextmanager
def writing(engine: Engine, within: str | None = None) -> Iterator[Connection]:
    """A transaction that writes; `within` names the one part of the database that it changes, besides the record."""
    with engine.connect() as connection, connection.execution_options(within=within).begin():
        yield connection


def take(connection: Connection, part: str) -> None:
    """Wait for this part of the database, and keep it to the end of the transaction. SQLite's one writer has it all."""
    if connection.dialect.name == "postgresql":
        number = int.from_bytes(hashlib.sha256(part.encode()).digest()[:4], signed=True)
        connection.exec_driver_sql("SELECT pg_advisory_xact_lock(%s, %s)", (_PARTS, number))


def insert_new(connection: Connection, table: Table, rows: Sequence[Mapping[str, Any]]) -> int:
    """Insert those rows whose keys are not in the table yet; how many they were. As :func:`insert_rows` does it."""
    return _insert(connection, table, rows, only_new=True)


def insert_rows(connection: Connection, table: Table, rows: Sequence[Mapping[str, Any]]) -> int:
    """Insert rows, all of the same columns, with values that the driver takes as they are; how many they were.

    SQLAlchemy would look at each value first, which takes as long as inserting does.
    """
    return _insert(connection, table, rows, only_new=False)


def _insert(connection: Connection, table: Table, rows: Sequence[Mapping[str, Any]], *, only_new: bool) -> int:
    if not rows:
        return 0
    compiled = _compiled(connection.dialect, table, tuple(rows[0]), only_new)
    if compiled.positiontup is None:
        values: list[Any] = [dict(row) for row in rows]
    else:
        values = [tuple(map(row.__getitem__, compiled.positiontup)) for row in rows]
    return connection.exec_driver_sql(str(compiled), values).rowcount


@lru_cache(maxsize=64)
def _compiled(dialect: Dialect, table: Table, columns: tuple[str, ...], only_new: bool) -> SQLCompiler:
    insert = (postgresql.insert if dialect.name == "postgresql" else sqlite.insert)(table)
    compiled = (insert.on_conflict_do_nothing() if only_new else insert).compile(
        dialect=dialect, column_keys=list(columns)
    )
    assert isinstance(compiled, SQLCompiler)
    return compiled


def make_tables(engine: Engine, tables: MetaData) -> None:
    """Make the tables that are missing, of a database without migrations, whose transactions the driver begins."""
    with engine.connect() as connection:
        if engine.dialect.name == "sqlite":
            # It would begin with the first change alone, when another process that starts has made them meanwhile.
            connection.exec_driver_sql("BEGIN IMMEDIATE")
        take(connection, "tables")
        tables.create_all(connection)
        connection.commit()


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
    if version(engine) == newest():
        return
    # Slow to import, and most starts and commands find nothing to migrate.
    import alembic.command
    import alembic.config

    config = alembic.config.Config()
    config.set_main_option("script_location", str(MIGRATIONS))
    config.set_main_option("path_separator", "os")
    config.attributes["engine"] = engine
    alembic.command.upgrade(config, "head")


def version(engine: Engine) -> str | None:
    """The last migration that this database has seen; None where it has seen none."""
    with asking(engine) as connection:
        try:
            seen: str | None = connection.exec_driver_sql("SELECT version_num FROM alembic_version").scalar()
        except DBAPIError:
            return None
        return seen


def newest() -> str:
    """The last migration that there is: each is in a file of its name, and the names are in order."""
    return max(file.stem for file in (MIGRATIONS / "versions").glob("*.py"))


def _make_durable(connection: Any, _record: Any) -> None:
    # SQLAlchemy begins transactions itself (below): the driver's own, deferred BEGIN could not be waited for.
    connection.isolation_level = None
    for pragma in ("busy_timeout=30000", "journal_mode=WAL", "synchronous=FULL", "secure_delete=ON", "foreign_keys=ON"):
        connection.execute(f"PRAGMA {pragma}")


def _begin_immediately(connection: Any) -> None:
    # A transaction that reads first and writes later would fail with "database is locked" in WAL mode
    # when another writer came between. Readers that never write ask for BEGIN DEFERRED by an option.
    deferred = connection.get_execution_options().get("read_only", False)
    connection.exec_driver_sql("BEGIN DEFERRED" if deferred else "BEGIN IMMEDIATE")


def _note_use(_connection: Any, record: Any) -> None:
    record.info[_USED] = time.monotonic()


def _see_that_it_is_there(dialect: Dialect, connection: Any, record: Any, _proxy: Any) -> None:
    """Notice a connection that a restart of the database broke before it is used.

    One that was used just now has the end of its session to read, if that ended; only a machine that is gone without a
    word has to be asked. Most are used again within milliseconds, and asking takes as long as many a question.
    """
    used = record.info.get(_USED)
    if used is None:
        return
    try:
        if time.monotonic() - used < _RESTED and not _has_news(connection):
            return
        dialect.do_ping(connection)
    except dialect.loaded_dbapi.Error as error:
        raise InvalidatePoolError from error


def _has_news(connection: Any) -> bool:
    poll = select.poll()
    poll.register(connection.fileno(), select.POLLIN)
    return bool(poll.poll(0))


def _read_one_snapshot(_connection: Connection, options: dict[str, Any]) -> None:
    if options.get("alone"):
        options["isolation_level"] = "AUTOCOMMIT"
    elif options.get("read_only"):
        options |= {"isolation_level": "REPEATABLE READ", "postgresql_readonly": True}


def _take_turn(connection: Connection) -> None:
    options = connection.get_execution_options()
    if options.get("read_only") or options.get("isolation_level") == "AUTOCOMMIT":
        return
    within = options.get("within")
    if within is None:
        connection.exec_driver_sql("SELECT pg_advisory_xact_lock(%s)", (_WHOLE,))
    elif within != RECORDS:
        connection.exec_driver_sql("SELECT pg_advisory_xact_lock_shared(%s)", (_WHOLE,))
        take(connection, within)
