"""The gallery as one thing: its parts, a file each, on one database and one vault."""

from __future__ import annotations

import hashlib
import time
from collections.abc import Callable, Collection, Iterable, Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager, suppress
from pathlib import Path
from typing import Any

from sqlalchemy import Connection, Engine, Select, bindparam, func, select, update

from regard.database import asking, writing
from regard.gallery.bulk import Bulk
from regard.gallery.collections import marks, tables
from regard.gallery.collections.collections import Collections
from regard.gallery.collections.errors import CollectionSealed, NoSuchCollection
from regard.gallery.collections.tokens import PageTokens, Requests
from regard.gallery.faces import Faces, picture_of
from regard.gallery.figures import Figures
from regard.gallery.index.cache import Cache
from regard.gallery.index.vectors import Vectors
from regard.gallery.objections import Objections
from regard.gallery.portraits import Portraits
from regard.gallery.renewal import Renewal
from regard.gallery.search import Search, reading
from regard.gallery.subjects import Subjects
from regard.gallery.templates.key_store import HOUSE
from regard.gallery.templates.seals import Holder, Seal, Seals
from regard.gallery.templates.vault import Template, Vault, open_vault
from regard.gallery.transfer import Transfer
from regard.gallery.users import Users
from regard.reader import Reader
from regard.sealing import SealingKey
from regard.traces import Traces


class Gallery:
    """Collections, faces, users and search. Thread-safe.

    Mutations work in a transaction of :meth:`writing`, or in any other of the same database, and are whole or
    not at all. After a deletion was committed, :meth:`destroy_keys` makes it final.
    """

    def __init__(
        self,
        engine: Engine,
        vault: Vault,
        cache: Cache,
        key: SealingKey,
        clock: Callable[[], float] = time.time,
        memory: int | None = None,
        *,
        in_database: bool = False,
    ) -> None:
        self.collections = Collections(clock)
        self.faces = Faces(self.collections, vault, clock)
        self.users = Users(self.collections, vault, clock)
        self.bulk = Bulk(self.collections, vault, clock)
        self.subjects = Subjects(self.collections, vault)
        self.objections = Objections(vault)
        self.portraits = Portraits(vault)
        self.figures = Figures(clock)
        self.renewal = Renewal(self.collections, self.faces)
        self.transfer = Transfer(self.collections, vault, key)
        parts = (self.collections, self.faces, self.users)
        self.search = Search(engine, *parts, vault, cache, memory, in_database=in_database)
        self.vectors = Vectors(engine, vault)
        self.traces = Traces(engine)
        self.pages = PageTokens(key, clock)
        self.requests = Requests(clock)
        self._engine = engine
        self._vault = vault
        self._cache = cache

    def writing(self, within: str | None = None) -> AbstractContextManager[Connection]:
        """A transaction for mutations: committed at its end, rolled back by an error.

        `within` names the collection that it stays within: mutations of others need not wait for it.
        """
        return writing(self._engine, within)

    def reading(self) -> AbstractContextManager[Connection]:
        """A transaction that only reads, all of it from one snapshot."""
        return reading(self._engine)

    def asking(self) -> AbstractContextManager[Connection]:
        """To ask one question alone, as :func:`regard.database.asking` has it."""
        return asking(self._engine)

    def reader(self, query: Select[Any]) -> Reader:
        """To ask one question alone again and again, over a connection of its own."""
        return Reader(self._engine, query)

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
            with self.asking() as connection:
                return self.collections.find(connection, organization, collection_id).faces
        except NoSuchCollection:
            return 0

    def destroy_keys(self, collection: int, subjects: Collection[str] | None = None) -> None:
        """Destroy the keys of those `subjects` that have no face left in the collection; of all of it, when None."""
        with self.overwriting():
            if subjects is None or subjects:
                self._cache.drop(collection)
            if subjects is None:
                self._vault.keys.destroy(collection)
                self._forget_seals([collection])
            elif subjects:
                self._destroy_unused(collection, set(subjects))

    @contextmanager
    def overwriting(self) -> Iterator[None]:
        """At the end of the block what deletions left behind is overwritten, once, however many there were."""
        with self._vault.keys.traces.together(), self.traces.together():
            yield

    def digest(self, organization: str, picture: bytes) -> bytes:
        """A keyed digest of a picture, to know its exact copies in any collection of an organization."""
        return self._vault.digest(HOUSE, picture_of(organization, hashlib.sha256(picture).digest()))

    def house_key(self, name: str, make: bool = False) -> SealingKey | None:
        """A key that belongs to no collection; None when it was destroyed, or never made."""
        return self._vault.key(name, make)

    def destroy_house_keys(self, names: Collection[str]) -> None:
        """Destroy keys that belong to no collection: what they sealed is gone for good."""
        self._vault.keys.destroy(HOUSE, names)

    def person_key_name(self, organization: str, whose: str) -> str:
        """The name of the house's key for details on a person; it tells nobody who it is."""
        return self._vault.person_keys(organization, [whose])[0]

    def destroy_person_key(self, organization: str, whose: str) -> None:
        """Destroy the key of what the log keeps sealed on a person."""
        self._vault.destroy_person_key(organization, whose)

    def start(self) -> None:
        """Begin to work in the background."""
        self.vectors.start()
        for traces in (self.traces, self._vault.keys.traces):
            traces.start()

    def close(self) -> None:
        """Write the caches of searches to disk, for the next start, and overwrite what deletions left behind."""
        self.vectors.close()
        self.search.close()
        for traces in (self.traces, self._vault.keys.traces):
            traces.close()

    def renew_keys(self, organization: str, collection_id: str) -> int:
        """Seal every template of a collection under new keys and a new rotation; how many. Enrolments wait meanwhile.

        Raises NoSuchCollection.
        """
        faces = tables.faces.c
        with self.writing() as connection:
            collection = self.collections.find(connection, organization, collection_id)
            wanted = select(faces.subject, faces.face_id, faces.template).where(faces.collection == collection.id)
            renewed = self._vault.renewed(collection.id, [Template(*row) for row in connection.execute(wanted).all()])
            row = (faces.collection == collection.id) & (faces.face_id == bindparam("face"))
            statement = update(tables.faces).where(row).values(template=bindparam("sealed"))
            values = [{"face": each.face_id, "sealed": each.sealed} for each in renewed]
            if values:
                connection.execute(statement, values)
            self.portraits.renew(connection, collection.id)
        self._vault.settle_renewal(collection.id, renewed[0] if renewed else None)
        return len(renewed)

    @property
    def seals(self) -> Seals:
        """The seals of collections."""
        return self._vault.keys.seals

    def seal(self, organization: str, collection_id: str, needed: int, holders: Sequence[Holder]) -> Seal:
        """Seal a collection, from the next start on, to `needed` of the holders.

        Its keys are made anew, so that an older copy of the key store opens nothing, and its vectors in the clear go.
        Raises NoSuchCollection, CollectionSealed, ValueError when there are fewer holders than `needed`.
        """
        self.renew_keys(organization, collection_id)
        with self.writing() as connection:
            collection = self.collections.find(connection, organization, collection_id).id
            marks.end(connection, collection)
        self._vault.keys.seal_collection(collection, needed, holders)
        return self.seals.of(collection)

    def share_anew(self, seal: Seal, holders: Sequence[Holder]) -> Seal:
        """Seal a sealed collection that is open now to other holders. Raises CollectionSealed, ValueError."""
        self._vault.keys.seal_collection(seal.collection, seal.needed, holders)
        return self.seals.of(seal.collection)

    def give(self, seal: str, holder: str, share: bytes) -> Seal:
        """Take a share of a seal, which opens its collection with the last one. Raises WrongShare, LookupError."""
        self._vault.keys.give(seal, holder, share)
        return self.seals.get(seal)

    def require_open(self, organization: str, collection_id: str) -> None:
        """Raise CollectionSealed where the council sealed a collection of this name, and did not open it since."""
        if not (sealed := self.seals.collections()):
            return
        with self.asking() as connection, suppress(NoSuchCollection):
            collection = self.collections.find(connection, organization, collection_id).id
            if collection in sealed:
                try:
                    self._vault.keys.require_open(collection)
                except CollectionSealed:
                    self.search.forget(organization, collection_id)
                    raise

    def sweep(self) -> None:
        """Destroy the keys that a crash left without rows. Enrolments wait meanwhile."""
        with self.writing() as connection:
            for collection in self._vault.keys.renewing():
                self._vault.settle_renewal(collection, _one_of(connection, collection))
            removed = dict(connection.execute(select(tables.collections.c.id, tables.collections.c.removed)).all())
            self._cache.keep_only(removed)
            # Nobody has a face without a key: where as many have either, no key is left over. To name them takes long.
            held, used = self._vault.keys.counts(), _counts(connection, removed)
            if held != {collection: used[collection] for collection in held.keys() & used.keys()}:
                self._vault.keys.keep_only({collection: _subjects(connection, collection) for collection in removed})
            self._forget_seals([seal.collection for seal in self.seals.all() if seal.collection not in removed])

    def _destroy_unused(self, collection: int, subjects: set[str]) -> None:
        with self.writing(f"keys/{collection}") as connection:
            # Enrolment begins with the same row: nobody comes back between the look and the destruction.
            row = tables.collections.c
            connection.execute(update(tables.collections).where(row.id == collection).values(version=row.version))
            if unused := subjects - _subjects(connection, collection, subjects):
                self._vault.keys.destroy(collection, unused)

    def _forget_seals(self, collections: Sequence[int]) -> None:
        with self._vault.keys.engine.begin() as connection:
            self.seals.forget(connection, collections)


def open_gallery(
    engine: Engine,
    keys: Path,
    key: SealingKey,
    clock: Callable[[], float] = time.time,
    memory: int | None = None,
    keys_url: str | None = None,
    *,
    in_database: bool = False,
) -> Gallery:
    """The gallery on a database; what a crash left half there is swept.

    Its keys are in the file `keys`, or in the database at `keys_url`; the caches of searches lie beside the file.
    `memory` is how many bytes the searched collections may take in memory; None stands for no limit. `in_database`
    searches collections there whose vectors are there in the clear. Raises NoVectors where the database cannot.
    """
    vault = open_vault(keys_url or keys, key)
    gallery = Gallery(engine, vault, Cache(keys.with_name("index"), vault), key, clock, memory, in_database=in_database)
    if in_database:
        gallery.vectors.prepare()
    gallery.sweep()
    return gallery


def _one_of(connection: Connection, collection: int) -> Template | None:
    faces = tables.faces.c
    wanted = select(faces.subject, faces.face_id, faces.template).where(faces.collection == collection)
    row = connection.execute(wanted.order_by(faces.number).limit(1)).first()
    return None if row is None else Template(*row)


def _counts(connection: Connection, collections: Iterable[int]) -> dict[int, int]:
    faces = tables.faces.c
    wanted = select(faces.collection, func.count(faces.subject.distinct())).group_by(faces.collection)
    return dict.fromkeys(collections, 0) | dict(connection.execute(wanted).all())


def _subjects(connection: Connection, collection: int, among: Collection[str] | None = None) -> set[str]:
    faces = tables.faces.c
    wanted = select(faces.subject).where(faces.collection == collection).distinct()
    if among is not None:
        wanted = wanted.where(faces.subject.in_(among))
    return set(connection.execute(wanted).scalars())
