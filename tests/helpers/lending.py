"""Databases of a PostgreSQL that tests borrow one after the other: to empty one is quicker than to make one."""

from __future__ import annotations

from collections import defaultdict
from itertools import count
from typing import TYPE_CHECKING

from psycopg import ProgrammingError

if TYPE_CHECKING:
    from tests.helpers.databases import Server

# Triggers that keep what may not be deleted do not hold a replica.
_AS_REPLICA = "SET session_replication_role = replica"
_EMPTY = """
DO $$
DECLARE
    each regclass;
BEGIN
    FOR each IN SELECT oid FROM pg_class WHERE relkind = 'r' AND pg_relation_size(oid) > 0
        AND relnamespace NOT IN ('pg_catalog'::regnamespace, 'information_schema'::regnamespace)
    LOOP
        -- To truncate makes new files; to delete leaves the rows in the old ones until these are large.
        IF pg_relation_size(each) > 262144 THEN EXECUTE 'TRUNCATE ' || each || ' CASCADE';
        ELSE EXECUTE 'DELETE FROM ' || each;
        END IF;
    END LOOP;
    PERFORM setval(seqrelid::regclass, seqstart, false) FROM pg_sequence
        WHERE pg_sequence_last_value(seqrelid) IS NOT NULL;
END $$
"""
# Told all at once, and waited for here: pg_terminate_backend looks only ten times a second whether one is gone.
_LEAVE = """
DO $$
DECLARE
    until timestamptz := clock_timestamp() + interval '5 s';
BEGIN
    PERFORM pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname IN ({0});
    WHILE EXISTS (SELECT FROM pg_stat_activity WHERE datname IN ({0})) AND clock_timestamp() < until LOOP
        PERFORM pg_sleep(0.001), pg_stat_clear_snapshot();
    END LOOP;
END $$
"""
# More tables, columns, indexes, functions, triggers or extensions than before change one of these.
_SHAPE = "SELECT " + ", ".join(
    f"(SELECT count(*) FROM {each})" for each in ("pg_attribute", "pg_proc", "pg_trigger", "pg_extension")
)


class Lender:
    """Lends databases with the tables and rows of a template, and empty ones, and takes them back.

    What comes back is emptied to what its template holds; where more than rows changed, it is dropped.
    """

    def __init__(self, server: Server, template: str) -> None:
        self._server = server
        self._template = template
        self._shape = server.ask(_SHAPE, of=template)
        self._refill = [
            f"INSERT INTO {name} SELECT * FROM json_populate_recordset(NULL::{name}, '{rows}')"
            for (name,) in server.ask("SELECT tablename FROM pg_tables WHERE schemaname = 'public'", of=template)
            for (rows,) in server.ask(f"SELECT json_agg(each)::text FROM {name} AS each", of=template)
            if rows
        ]
        # By the names that borrowers know them by: their own names, and what they are like.
        self._lent: dict[str, tuple[str, str]] = {}
        self._numbers = count()
        self._free: dict[str, list[str]] = defaultdict(list)

    def lend(self, name: str, *, empty: bool = False) -> str:
        """The URL of the database of this name, which it has until it is given back."""
        if name not in self._lent:
            like = "template1" if empty else self._template
            self._lent[name] = (self._free[like].pop() if self._free[like] else self._made(like), like)
        return self._server.url_of(self._lent[name][0])

    def copy(self, old: str, new: str) -> None:
        """Lend a copy of a lent database, in the place of another of its name."""
        database, like = self._lent[old]
        if new in self._lent:
            self._server.drop(self._lent[new][0])
        self._server.ask(_leaving(database))
        self._lent[new] = (self._made(database), like)

    def take_back(self, *names: str) -> None:
        """Take back the databases of these names that are lent, or else all, with whoever uses them."""
        lent = [self._lent.pop(name) for name in names or [*self._lent] if name in self._lent]
        if not lent:
            return
        # Threads of the test may be about: what they knew the databases by is gone before these are emptied.
        freed = {database: (self._new_name(), like) for database, like in lent}
        self._server.ask(
            *(f"ALTER DATABASE {database} ALLOW_CONNECTIONS false" for database in freed),
            _leaving(*freed),
            *(f"ALTER DATABASE {database} RENAME TO {free}" for database, (free, _) in freed.items()),
            *(f"ALTER DATABASE {free} ALLOW_CONNECTIONS true" for free, _ in freed.values()),
        )
        for free, like in freed.values():
            if self._emptied(free, like):
                self._free[like].append(free)
            else:
                self._server.drop(free)

    def _emptied(self, database: str, like: str) -> bool:
        """Whether it holds again what its template does."""
        if like != self._template:
            # Of an empty one the tables are whatever a key store makes: the next one finds them there.
            self._server.ask(_AS_REPLICA, _EMPTY, of=database)
            return True
        try:
            return self._server.ask(_AS_REPLICA, _EMPTY, *self._refill, _SHAPE, of=database) == self._shape
        except ProgrammingError:
            # A table that is gone takes no rows.
            return False

    def _made(self, like: str) -> str:
        """A new database with all that another has."""
        # To copy its files takes half of what writing each page into PostgreSQL's log takes.
        self._server.ask(f"CREATE DATABASE {(made := self._new_name())} TEMPLATE {like} STRATEGY file_copy")
        return made

    def _new_name(self) -> str:
        return f"lent_{next(self._numbers)}"


def _leaving(*databases: str) -> str:
    """The statement that has everybody leave these databases."""
    return _LEAVE.format(", ".join(f"'{database}'" for database in databases))
