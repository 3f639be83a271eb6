"""The gallery as one thing: its parts on one database and one vault."""

from __future__ import annotations

import time
from collections.abc import Callable, Collection
from contextlib import AbstractContextManager
from pathlib import Path

from sqlalchemy import Connection, Engine, select, update

from regard.gallery import tables
from regard.gallery.collections import Collections
from regard.gallery.errors import NoSuchCollection
from regard.gallery.faces import Faces
from regard.gallery.search import Search, reading
from regard.gallery.tokens import PageTokens, Requests
from regard.gallery.users import Users
from regard.gallery.vault import Vault, open_vault
from regard.sealing import SealingKey


class Gallery:
    """Collections, faces, users and search. Thread-safe.

    Mutations work in a transaction of :meth:`writing`, or in any other of the same database, and are whole or
    not at all. After a deletion was committed, :meth:`destroy_keys` makes it final.
    """

    def __init__(self, engine: Engine, vault: Vault, key: SealingKey, clock: Callable[[], float] = time.time) -> None:
        self.collections = Collections(clock)
        self.faces = Faces(self.collections, vault, clock)
        self.users = Users(self.collections, vault, clock)
        self.search = Search(engine, self.collections, self.faces, self.users, vault)
        self.pages = PageTokens(key, clock)
        self.requests = Requests(clock)
        self._engine = engine
        self._vault = vault

    def writing(self) -> AbstractContextManager[Connection]:
        """A transaction for mutations: committed at its end, rolled back by an error."""
        return self._engine.begin()

    def reading(self) -> AbstractContextManager[Connection]:
        """A transaction that only reads, all of it from one snapshot."""
        return reading(self._engine)

    def tags(self, organization: str, collection_id: str) -> dict[str, str] | None:
        """The tags of a collection, or None when there is none of this name."""
        try:
            with self.reading() as connection:
                return self.collections.tags(connection, organization, collection_id)
        except NoSuchCollection:
            return None

    def face_count(self, organization: str, collection_id: str) -> int:
        """How many faces a collection holds; 0 when there is none of this name."""
        try:
            with self.reading() as connection:
                return self.collections.find(connection, organization, collection_id).faces
        except NoSuchCollection:
            return 0

    def destroy_keys(self, collection: int, subjects: Collection[str] | None = None) -> None:
        """Destroy the keys of those `subjects` that have no face left in the collection; None stands for all keys."""
        if subjects is None:
            self._vault.destroy(collection)
        elif subjects:
            with self.writing() as connection:
                # Enrolment begins with the same row: nobody comes back between the look and the destruction.
                row = tables.collections.c
                connection.execute(update(tables.collections).where(row.id == collection).values(version=row.version))
                if unused := set(subjects) - _subjects(connection, collection, subjects):
                    self._vault.destroy(collection, unused)

    def sweep(self) -> None:
        """Destroy the keys that a crash left without rows. Enrolments wait meanwhile."""
        with self.writing() as connection:
            ids = connection.execute(select(tables.collections.c.id)).scalars().all()
            self._vault.keep_only({collection: _subjects(connection, collection) for collection in ids})


def open_gallery(engine: Engine, keys: Path, key: SealingKey, clock: Callable[[], float] = time.time) -> Gallery:
    """The gallery on a database, with its keys in the file `keys`; what a crash left half there is swept."""
    gallery = Gallery(engine, open_vault(keys, key), key, clock)
    gallery.sweep()
    return gallery


def _subjects(connection: Connection, collection: int, among: Collection[str] | None = None) -> set[str]:
    faces = tables.faces.c
    wanted = select(faces.subject).where(faces.collection == collection).distinct()
    if among is not None:
        wanted = wanted.where(faces.subject.in_(among))
    return set(connection.execute(wanted).scalars())
