"""Search: who in a collection is like a probe."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from threading import Lock
from typing import Any

import numpy as np
from numpy.typing import NDArray
from sqlalchemy import Connection, Engine

from regard.gallery.collections import Collections, Kept
from regard.gallery.errors import NoSuchCollection, NoSuchFace, OtherModel
from regard.gallery.faces import Faces, KeptFace
from regard.gallery.index import Hit
from regard.gallery.mirror import Mirror
from regard.gallery.users import KeptUser, Users
from regard.gallery.vault import Vault


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
    Both searches raise NoSuchCollection, NoSuchFace, NoSuchUser, OtherModel.
    """

    def __init__(self, engine: Engine, collections: Collections, faces: Faces, users: Users, vault: Vault) -> None:
        self._engine = engine
        self._collections = collections
        self._faces = faces
        self._users = users
        self._vault = vault
        self._mirrors: dict[tuple[str, str], Mirror] = {}
        self._lock = Lock()

    def faces(
        self, organization: str, collection_id: str, probe: Probe, most: int, at_least: float
    ) -> tuple[list[tuple[float, KeptFace]], str]:
        """The faces most like the probe with their scores, best first, and the face model."""
        with self._current(organization, collection_id) as (connection, collection, mirror):
            vector = self._vector(connection, collection, mirror, probe)
            without = [] if probe.face_id is None else [probe.face_id]
            hits = [] if vector is None else mirror.faces.search(vector, most, at_least, without)
            kept = self._faces.with_ids(connection, collection, _names(hits))
        return [(score, kept[face_id]) for face_id, score in hits], collection.face_model

    def users(
        self, organization: str, collection_id: str, probe: Probe, most: int, at_least: float
    ) -> tuple[list[tuple[float, KeptUser]], str]:
        """The users most like the probe with their scores, best first, and the face model.

        Users without faces are not found.
        """
        with self._current(organization, collection_id) as (connection, collection, mirror):
            vector = self._vector(connection, collection, mirror, probe)
            without = [] if probe.user_id is None else [probe.user_id]
            hits = [] if vector is None else mirror.users.search(vector, most, at_least, without)
            kept = self._users.with_ids(connection, collection, _names(hits))
        return [(score, kept[user_id]) for user_id, score in hits], collection.face_model

    @contextmanager
    def _current(self, organization: str, collection_id: str) -> Iterator[tuple[Connection, Kept, Mirror]]:
        name = (organization, collection_id)
        with self._lock:
            mirror = self._mirrors.setdefault(name, Mirror(self._vault))
        with mirror.lock, reading(self._engine) as connection:
            try:
                collection = self._collections.find(connection, organization, collection_id)
            except NoSuchCollection:
                with self._lock:
                    self._mirrors.pop(name, None)
                raise
            mirror.catch_up(connection, collection)
            yield connection, collection, mirror

    def _vector(
        self, connection: Connection, collection: Kept, mirror: Mirror, probe: Probe
    ) -> NDArray[np.float32] | None:
        if probe.face_id is not None:
            found = mirror.faces.vector(probe.face_id)
            if found is None:
                raise NoSuchFace
            return found
        if probe.user_id is not None:
            self._users.require(connection, collection, probe.user_id)
            return mirror.users.vector(probe.user_id)
        if probe.face_model != collection.face_model:
            raise OtherModel(collection.collection_id, collection.face_model, str(probe.face_model))
        return probe.embedding


@contextmanager
def reading(engine: Engine) -> Iterator[Connection]:
    """A transaction that only reads, all of it from one snapshot."""
    options: dict[str, Any] = {"read_only": True}
    if engine.dialect.name == "postgresql":
        options = {"isolation_level": "REPEATABLE READ", "postgresql_readonly": True}
    with engine.connect().execution_options(**options) as connection:
        yield connection


def _names(hits: list[Hit]) -> list[str]:
    return [name for name, _ in hits]
