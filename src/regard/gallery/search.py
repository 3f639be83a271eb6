"""Search: who in a collection is like a probe. The arithmetic is in :mod:`regard.gallery.index.index`."""

from __future__ import annotations

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from sqlalchemy import Connection, Engine, select

from regard.gallery.collections import marks, tables
from regard.gallery.collections.collections import Collections, Kept
from regard.gallery.collections.errors import NoSuchCollection, NoSuchFace, OtherModel
from regard.gallery.faces import Faces, KeptFace
from regard.gallery.index.cache import Cache
from regard.gallery.index.index import Hit, Index
from regard.gallery.index.mirror import Mirror, Mirrors
from regard.gallery.index.vectors import ClearIndex
from regard.gallery.templates.vault import Vault
from regard.gallery.users import KeptUser, Users


@dataclass(frozen=True, slots=True)
class Probe:
    """What is searched with: a face of the collection, a user of it, or the embedding of a new face.

    An embedding is float32 of length 1 and comes with the face model that made it.
    """

    face_id: str | None = None
    user_id: str | None = None
    embedding: NDArray[np.float32] | None = None
    face_model: str | None = None


class Search:
    """Searches collections, each held in memory once asked for. Thread-safe.

    `most` is how many to return, `at_least` the lowest cosine. The probe itself is never among what is found.
    Both searches raise NoSuchCollection, NoSuchFace, NoSuchUser, OtherModel. `memory` is how many bytes the
    collections may take in memory; None stands for no limit. With `in_database` the faces of a collection whose vectors
    are in the clear are searched there, and it is not held in memory for that.
    """

    def __init__(
        self,
        engine: Engine,
        collections: Collections,
        faces: Faces,
        users: Users,
        vault: Vault,
        cache: Cache,
        memory: int | None = None,
        *,
        in_database: bool = False,
    ) -> None:
        self._engine = engine
        self._collections = collections
        self._faces = faces
        self._users = users
        self._vault = vault
        self._cache = cache
        self._in_database = in_database
        self._mirrors = Mirrors(vault, cache, memory)
        self._keeper = ThreadPoolExecutor(1, "keeper")

    def faces(
        self, organization: str, collection_id: str, probe: Probe, most: int, at_least: float
    ) -> tuple[list[tuple[float, KeptFace]], str]:
        """The faces most like the probe with their scores, best first; and the subject of a face of the collection that
        was searched with, else nobody.
        """
        with self._searched(organization, collection_id) as (connection, collection, faces):
            vector, itself = self._vector(connection, collection, faces, probe)
            hits = faces.search(vector, most, at_least, [itself.id] if itself else [])
            kept = self._faces.numbered(connection, collection, _rows(hits))
        return [(score, kept[row]) for row, score in hits], itself.subject if itself else ""

    def users(
        self, organization: str, collection_id: str, probe: Probe, most: int, at_least: float
    ) -> tuple[list[tuple[float, KeptUser]], str]:
        """The users most like the probe with their scores, best first; and whose face was searched with, as
        :meth:`faces` has it. Users without faces are not found.
        """
        itself: KeptFace | None = None
        with self._current(organization, collection_id) as (connection, collection, mirror):
            vector: NDArray[np.float32] | None
            if probe.user_id is None:
                (vector, itself), without = self._vector(connection, collection, mirror.faces, probe), []
            else:
                without = [self._users.require(connection, collection, probe.user_id)]
                vector = mirror.users.vector(without[0])
            hits = [] if vector is None else mirror.users.search(vector, most, at_least, without)
            kept = self._users.numbered(connection, collection, _rows(hits))
        return [(score, kept[row]) for row, score in hits], itself.subject if itself else ""

    def forget(self, organization: str, collection_id: str) -> None:
        """Drop from memory what it holds of a collection."""
        self._mirrors.drop(organization, collection_id)

    def close(self) -> None:
        """Keep on disk what is in memory, for the next start."""
        self._keeper.shutdown()
        for mirror in self._mirrors.all():
            if mirror.due(closing=True):
                self._keep(mirror)

    @contextmanager
    def _searched(self, organization: str, collection_id: str) -> Iterator[tuple[Connection, Kept, Index | ClearIndex]]:
        if self._in_database:
            with self._found(organization, collection_id) as (connection, collection):
                mark = marks.find(connection, collection.id)
                if mark is not None and mark.ready:
                    yield connection, collection, ClearIndex(connection, self._vault, mark)
                    return
        with self._current(organization, collection_id) as (connection, collection, mirror):
            yield connection, collection, mirror.faces

    @contextmanager
    def _current(self, organization: str, collection_id: str) -> Iterator[tuple[Connection, Kept, Mirror]]:
        mirror = self._mirrors.of(organization, collection_id)
        with mirror.turns.together(), self._found(organization, collection_id) as (connection, collection):
            if mirror.shows(collection):
                yield connection, collection, mirror
                return
        with mirror.turns.alone(), self._found(organization, collection_id) as (connection, collection):
            if not mirror.shows(collection):
                mirror.catch_up(connection, collection)
                self._mirrors.keep_to_budget()
                if mirror.due():
                    self._keeper.submit(self._keep, mirror)
            yield connection, collection, mirror

    def _keep(self, mirror: Mirror) -> None:
        with reading(self._engine) as connection:
            mirror.keep(connection)
        # Whoever removed a face meanwhile may have found no cache yet to destroy.
        kept = tables.collections.c
        with reading(self._engine) as connection:
            removed = connection.execute(select(kept.removed).where(kept.id == mirror.collection)).scalar()
        if removed is None or removed > self._cache.version(mirror.collection):
            self._cache.drop(mirror.collection)

    @contextmanager
    def _found(self, organization: str, collection_id: str) -> Iterator[tuple[Connection, Kept]]:
        with reading(self._engine) as connection:
            try:
                collection = self._collections.find(connection, organization, collection_id)
            except NoSuchCollection:
                self._mirrors.drop(organization, collection_id)
                raise
            yield connection, collection

    def _vector(
        self, connection: Connection, collection: Kept, faces: Index | ClearIndex, probe: Probe
    ) -> tuple[NDArray[np.float32], KeptFace | None]:
        """What to search with, and the face of the collection that it is of."""
        if probe.face_id is not None:
            face = self._faces.with_ids(connection, collection, [probe.face_id]).get(probe.face_id)
            vector = None if face is None else faces.vector(face.id)
            if face is None or vector is None:
                raise NoSuchFace
            return vector, face
        if probe.embedding is None or probe.face_model != collection.face_model:
            raise OtherModel(collection.collection_id, collection.face_model, str(probe.face_model))
        return probe.embedding, None


@contextmanager
def reading(engine: Engine) -> Iterator[Connection]:
    """A transaction that only reads, all of it from one snapshot."""
    with engine.connect().execution_options(read_only=True) as connection:
        yield connection


def _rows(hits: list[Hit]) -> list[int]:
    return [row for row, _ in hits]
