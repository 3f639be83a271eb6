"""Vectors in the clear, in pgvector, of the collections that :mod:`regard.gallery.collections.marks` marks; all others
are searched in memory.

Each mark turns its vectors by a rotation of its own, which no template has and no renewal of keys changes. They come
in the transaction that enrols their faces. A trigger takes them out in the transaction that deletes the faces, whoever
deletes them. Searches take candidates from them, and their order from the sealed templates.
"""

from __future__ import annotations

import logging
from collections.abc import Collection, Mapping, Sequence
from contextlib import suppress
from threading import Event, Thread
from typing import Any

import numpy as np
from numpy.typing import NDArray
from sqlalchemy import (
    ARRAY,
    BigInteger,
    ColumnElement,
    Connection,
    Engine,
    any_,
    column,
    exists,
    literal,
    select,
    table,
    update,
)
from sqlalchemy.exc import DBAPIError

from regard.database import writing
from regard.gallery.collections import marks, tables
from regard.gallery.collections.collections import Kept
from regard.gallery.collections.errors import CollectionSealed
from regard.gallery.collections.marks import Mark
from regard.gallery.index.index import Hit, Index
from regard.gallery.templates.rotation import rotation
from regard.gallery.templates.vault import Template, Vault

# Below so many faces a scan of all is as quick as a graph, and finds all. See docs/benchmarks.md.
INDEXED_FROM = 100_000
# How far the product of two vectors of length 1 moves when both are rounded to half precision: twice 2^-11, and a
# little for the products of what is lost, the rotation and float32.
_SLACK = 1e-3
# How many nodes a search of the graph keeps in view: what its recall hangs on. pgvector allows no more.
_IN_VIEW = 1000
_AT_ONCE = 10_000
_LOOK = 10.0
# Of an advisory lock: who builds a graph.
_BUILDING = 0x7265676172640003
# The oldest pgvector that goes on searching a graph until it has found enough.
_VERSION = (0, 8)
_TABLE = """
CREATE TABLE clear.vectors (collection bigint, face bigint, vector halfvec NOT NULL, PRIMARY KEY (collection, face))
    PARTITION BY LIST (collection);
CREATE FUNCTION clear.forget() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN
    DELETE FROM clear.vectors USING gone WHERE vectors.collection = gone.collection AND vectors.face = gone.id;
    RETURN NULL;
END $$;
CREATE TRIGGER forget_vectors AFTER DELETE ON faces REFERENCING OLD TABLE AS gone
    FOR EACH STATEMENT EXECUTE FUNCTION clear.forget()
"""
_faces = tables.faces.c
_log = logging.getLogger(__name__)


class NoVectors(LookupError):
    """The database cannot hold vectors; the text says why, and what helps."""


class ClearIndex:
    """The vectors of a marked collection, searched as an :class:`Index` is, in the snapshot of a transaction.

    As long as all vectors are scanned it finds what an index in memory finds: the product of two of them is within
    `_SLACK` of that of the templates, and candidates are taken until none that is left can still win. A graph (HNSW)
    may miss some. What it finds has the order and the scores of the templates.
    """

    def __init__(self, connection: Connection, vault: Vault, mark: Mark) -> None:
        self._connection = connection
        self._vault = vault
        self._mark = mark

    def vector(self, name: int) -> NDArray[np.float32] | None:
        """The template of the face with this number, or None."""
        return self._opened([name]).vector(name)

    def search(
        self, query: NDArray[np.float32], most: int, at_least: float, without: Collection[int] = ()
    ) -> list[Hit]:
        """The `most` ids with the highest cosine of at least `at_least`, highest first, equal ones by id."""
        turned = _turned(self._vault, self._mark, query[None])[0]
        asked = 2 * (most + len(without)) + 16
        while True:
            near = self._near(turned, asked)
            hits = self._opened([row for row, _ in near]).search(query, most, at_least, without)
            last = hits[-1][1] if len(hits) == most else at_least
            if len(near) < asked or near[-1][1] + _SLACK < last:
                return hits
            asked *= 4

    def _near(self, query: NDArray[np.float32], most: int) -> list[Hit]:
        kind = f"halfvec({len(query)})"
        settings = {"hnsw.ef_search": str(_IN_VIEW), "hnsw.iterative_scan": "strict_order"}
        for setting in settings.items():
            self._connection.exec_driver_sql("SELECT set_config(%s, %s, true)", setting)
        far = f"vector::{kind} <#> %(query)s::{kind}"
        statement = f"SELECT face, -({far}) FROM clear.{self._mark.partition} ORDER BY {far} LIMIT %(most)s"
        asked = {"query": str(query.tolist()), "most": most}
        return [(face, product) for face, product in self._connection.exec_driver_sql(statement, asked)]

    def _opened(self, rows: Sequence[int]) -> Index:
        # One parameter: a driver takes no more than 65,535.
        which = _faces.id == any_(literal(list(rows), ARRAY(BigInteger)))
        index = Index()
        index.add(*_opened(self._vault, self._mark, _sealed(self._connection, self._mark, which)))
        return index


class Vectors:
    """Fills the partitions of marked collections. Thread-safe."""

    def __init__(self, engine: Engine, vault: Vault) -> None:
        self._engine = engine
        self._vault = vault
        self._closing = Event()

    def start(self) -> None:
        """Begin to follow the marks, from time to time until the process ends. What is broken off is begun anew."""
        Thread(target=self._work, name="vectors", daemon=True).start()

    def close(self) -> None:
        """Follow no more."""
        self._closing.set()

    def prepare(self) -> None:
        """Make the table of vectors when it is not there. Raises NoVectors."""
        if self._engine.dialect.name != "postgresql":
            raise NoVectors("pgvector is an extension of PostgreSQL: set REGARD_DATABASE_URL")
        try:
            with writing(self._engine) as connection:
                connection.exec_driver_sql("CREATE EXTENSION IF NOT EXISTS vector")
                wanted = "SELECT extversion FROM pg_extension WHERE extname = 'vector'"
                version = str(connection.exec_driver_sql(wanted).scalar())
                if not marks.possible(connection):
                    connection.exec_driver_sql(_TABLE)
        except DBAPIError as error:
            raise NoVectors(f"the database has no pgvector, and may not add it: {error.orig}") from None
        if tuple(map(int, version.split(".")[:2])) < _VERSION:
            raise NoVectors(f"the database has pgvector {version}: ALTER EXTENSION vector UPDATE, to 0.8 at least")

    def follow(self) -> None:
        """Fill the partitions of new marks, and build the graphs of those that have grown large."""
        kept = tables.collections
        with self._engine.connect().execution_options(read_only=True) as connection:
            found = {mark.collection: mark for mark in marks.every(connection)}
            collections = [Kept(*row) for row in connection.execute(select(kept).where(kept.c.id.in_(found)))]
        for collection in collections:
            mark = found[collection.id]
            with suppress(CollectionSealed):
                if not mark.ready:
                    self._fill(mark, f"{collection.organization}/{collection.collection_id}")
                if collection.faces >= INDEXED_FROM:
                    self._index(mark)

    def _work(self) -> None:
        while not self._closing.wait(_LOOK):
            try:
                self.follow()
            except Exception:
                if not self._closing.is_set():
                    _log.exception("vectors were not brought into the database; the next turn tries again")

    def _fill(self, mark: Mark, within: str) -> None:
        after: int | None = 0
        while after is not None:
            # Others wait for some thousand faces, not for all of them.
            with writing(self._engine, within) as connection:
                after = self._fill_some(connection, mark, after)

    def _fill_some(self, connection: Connection, mark: Mark, after: int) -> int | None:
        """Add the vectors of some faces behind this number; the last one's number, or None at the end."""
        if marks.find(connection, mark.collection) != mark:
            return None
        there = table(mark.partition, column("face"), schema="clear")
        missing = (_faces.id > after) & ~exists().where(there.c.face == _faces.id)
        found = _sealed(connection, mark, missing, _AT_ONCE)
        _add(connection, self._vault, mark, found)
        if len(found) == _AT_ONCE:
            return max(found)
        connection.execute(update(marks.marked).where(marks.marked.c.collection == mark.collection).values(ready=True))
        return None

    def _index(self, mark: Mark) -> None:
        # Enrolments and searches go on meanwhile. A graph that was broken off is there but not valid: it is built anew.
        name = f"clear.{mark.partition}_graph"
        with self._engine.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
            ask = connection.exec_driver_sql
            if not ask("SELECT pg_try_advisory_lock(%s)", (_BUILDING,)).scalar():
                return
            try:
                valid = ask("SELECT indisvalid FROM pg_index WHERE indexrelid = to_regclass(%s)", (name,)).scalar()
                if valid is False:
                    ask(f"DROP INDEX CONCURRENTLY {name}")
                if not valid:
                    dimensions = ask(f"SELECT vector_dims(vector) FROM clear.{mark.partition} LIMIT 1").scalar()
                    ask(
                        f"CREATE INDEX CONCURRENTLY {mark.partition}_graph ON clear.{mark.partition} "
                        f"USING hnsw ((vector::halfvec({dimensions})) halfvec_ip_ops)"
                    )
            finally:
                ask("SELECT pg_advisory_unlock(%s)", (_BUILDING,))


def keep(connection: Connection, vault: Vault, collection: Kept) -> None:
    """Add the vectors of the faces that the present change of a collection enrols, where it is marked."""
    if (mark := marks.find(connection, collection.id)) is not None:
        _add(connection, vault, mark, _sealed(connection, mark, _faces.number == collection.version))


def _sealed(
    connection: Connection, mark: Mark, which: ColumnElement[bool], most: int | None = None
) -> dict[int, Template]:
    """The templates of `which` faces, by number, those of the lowest numbers."""
    wanted = select(_faces.id, _faces.subject, _faces.face_id, _faces.template)
    wanted = wanted.where(_faces.collection == mark.collection, which).order_by(_faces.id).limit(most)
    return {number: Template(*template) for number, *template in connection.execute(wanted)}


def _add(connection: Connection, vault: Vault, mark: Mark, sealed: Mapping[int, Template]) -> None:
    ids, vectors = _opened(vault, mark, sealed)
    if not ids:
        return
    # What COPY reads: each field behind its length in bytes, numbers with the highest byte first.
    dimensions = vectors.shape[1]
    head = [("fields", ">i2"), ("its", ">i4"), ("collection", ">i8"), ("one's", ">i4"), ("face", ">i8")]
    data = np.zeros(
        len(ids), [*head, ("size", ">i4"), ("dimensions", ">i2"), ("_", ">i2"), ("vector", ">f2", dimensions)]
    )
    data["fields"], data["its"], data["one's"], data["size"] = 3, 8, 8, 4 + 2 * dimensions
    data["collection"], data["face"], data["dimensions"] = mark.collection, ids, dimensions
    data["vector"] = _turned(vault, mark, vectors)
    driver: Any = connection.connection.driver_connection
    with driver.cursor() as cursor, cursor.copy(f"COPY clear.{mark.partition} FROM STDIN (FORMAT BINARY)") as copy:
        copy.write(b"PGCOPY\n\xff\r\n\0" + bytes(8) + data.tobytes() + b"\xff\xff")


def _opened(vault: Vault, mark: Mark, sealed: Mapping[int, Template]) -> tuple[list[int], NDArray[np.float32]]:
    """The numbers and templates, (n, d), of the faces that still open."""
    numbers = list(sealed)
    places, vectors = vault.open_all(mark.collection, list(sealed.values()))
    return [numbers[place] for place in places], vectors


def _turned(vault: Vault, mark: Mark, vectors: NDArray[np.float32]) -> NDArray[np.float32]:
    seed = vault.digest(mark.collection, f"vectors/{mark.motion}".encode())
    return vectors @ rotation(seed, vectors.shape[1])
