"""The vault: templates are sealed and opened here and nowhere else.

Each subject of each collection has an AES-256 key of its own, wrapped under the key of the collection, which is wrapped
under the root key; all are kept in a store apart from the database: a copy of the database opens nothing, and
destroying the key of a subject destroys the templates in every copy. The key of a sealed collection is wrapped under a
lock too, see :mod:`regard.gallery.templates.seals`. A key is durable before the row that needs it, and outlives the
row: a crash leaves keys without rows, which :meth:`Vault.keep_only` sweeps, never rows without keys.
"""

from __future__ import annotations

import hashlib
import hmac
import json
from collections.abc import Collection, Iterable, Sequence
from functools import cached_property
from itertools import groupby
from operator import attrgetter
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray
from sqlalchemy import (
    BigInteger,
    Column,
    ColumnElement,
    Connection,
    Engine,
    LargeBinary,
    MetaData,
    String,
    Table,
    bindparam,
    delete,
    event,
    func,
    select,
    update,
)

from regard.aead import KEY_BYTES, Packed
from regard.database import insert_new, make_tables, open_engine, sqlite_url
from regard.gallery.templates.rotation import rotation
from regard.gallery.templates.seals import Holder, Seals
from regard.sealing import SealBroken, SealingKey, open_each, seal_each

# Not in the metadata of the database: the store is a database of its own, outside its backups.
_metadata = MetaData()
_keys = Table(
    "keys",
    _metadata,
    Column("collection", BigInteger, primary_key=True),
    Column("subject", String(300), primary_key=True),
    Column("wrapped", LargeBinary, nullable=False),
    # One tree to look a key up in, not two.
    sqlite_with_rowid=False,
)

# What a collection has of its own, under names that no subject has: the key that wraps all others, the one that
# pictures are digested under, the seed of its rotation, and the key of what is cached of it.
_COLLECTION, _PICTURES, _ROTATION, CACHE = "collection", "", "rotation", "cache"
_OWN = {_COLLECTION, _PICTURES, _ROTATION, CACHE}
# Keys that belong to no collection: what is digested for an organization, and details that lie beside the log.
HOUSE = 0
_TEMPLATE = np.dtype("<f4")
_AT_ONCE = 10_000
# A row for each of the names, in their order.
_WANTED = {
    "sqlite": "SELECT wrapped FROM json_each(?) AS named "
    "LEFT JOIN keys ON collection = ? AND subject = named.value ORDER BY named.key",
    "postgresql": "SELECT wrapped FROM unnest(%s::text[]) WITH ORDINALITY AS named (name, place) "
    "LEFT JOIN keys ON collection = %s AND subject = named.name ORDER BY place",
}
_WRAPPED = select(_keys.c.wrapped).where(
    _keys.c.collection == bindparam("collection"), _keys.c.subject == bindparam("subject")
)
# The store's user_version, by how keys are wrapped.
_LAYERED = 1


class Template(NamedTuple):
    """A sealed template and what it is bound to."""

    subject: str
    face_id: str
    sealed: bytes


class Vault:
    """Seals and opens templates. Thread-safe, as long as callers that seal for a collection take turns."""

    def __init__(self, store: Engine, root: SealingKey) -> None:
        self.store = store
        self.seals = Seals(store)
        self.shared = store.dialect.name == "postgresql"
        self._root = root

    def seal(
        self,
        collection: int,
        faces: Sequence[tuple[str, str]],
        templates: Iterable[NDArray[np.float32]],
        beside: Iterable[str] = (),
    ) -> list[bytes]:
        """The sealed templates of `faces`, pairs of subject and FaceId. Keys that are missing are made.

        With those of new subjects the house's keys `beside` are made: who needs both waits for the disk once.
        """
        keys = self._keys_made(collection, {_ROTATION, *(subject for subject, _ in faces)}, beside)
        return _sealed(keys, collection, faces, templates)

    def open(self, collection: int, templates: Sequence[Template]) -> dict[str, NDArray[np.float32]]:
        """The templates by FaceId, without those whose key was destroyed. Raises SealBroken, CollectionSealed."""
        places, rows = self.open_all(collection, templates)
        return {templates[place].face_id: row for place, row in zip(places, rows, strict=True)}

    def open_all(
        self, collection: int, templates: Sequence[tuple[str, str, bytes]]
    ) -> tuple[list[int], NDArray[np.float32]]:
        """What :meth:`open` gives, for many at once: the places of those that open, and their templates, (n, d)."""
        found, keys = self._keys_in_order(collection, [_ROTATION, *(subject for subject, _, _ in templates)])
        # Without its rotation no template of a collection is what it was.
        if len(found) < 2 or found[0] != 0:
            return [], np.empty((0, 0), np.float32)
        seed, places = keys.data[:KEY_BYTES].tobytes(), [place - 1 for place in found[1:]]
        keys = Packed(keys.data[KEY_BYTES:], keys.ends[1:] - KEY_BYTES)
        return places, _opened(keys, seed, collection, [templates[place] for place in places])

    def renewed(self, collection: int, templates: Sequence[Template]) -> list[Template]:
        """The templates that open, sealed under new keys and a new rotation, which count after `settle_renewal`."""
        opened = self.open(collection, templates)
        faces = [(template.subject, template.face_id) for template in templates if template.face_id in opened]
        self.destroy(-collection)
        keys = self._keys_made(-collection, {_ROTATION, *(subject for subject, _ in faces)})
        sealed = _sealed(keys, collection, faces, [opened[face_id] for _, face_id in faces])
        return [Template(*face, data) for face, data in zip(faces, sealed, strict=True)]

    def settle_renewal(self, collection: int, sample: Template | None) -> None:
        """End a renewal: the new keys count if `sample`, as it is kept now, opens under them; else they are dropped."""
        with self.store.connect() as connection:
            names = connection.execute(select(_keys.c.subject).where(_keys.c.collection == -collection)).scalars().all()
        new = self._keys(-collection, set(names))
        if sample is not None and _opens(new, collection, sample):
            kept = self._keys(collection, {_PICTURES})
            # The council's shares open the key of a sealed collection, and no other.
            stays = {_COLLECTION} if self.seals.is_open(collection) else set()
            with self.store.begin() as connection:
                old = (_keys.c.collection == collection) & _keys.c.subject.not_in(stays)
                connection.execute(delete(_keys).where(old))
                self._put(connection, collection, kept | new)
        self.destroy(-collection)

    def seal_collection(self, collection: int, needed: int, holders: Sequence[Holder]) -> None:
        """Have the collection open, from the next start on, only to `needed` of the holders; or to others than before.

        Raises ValueError when so many are never there, CollectionSealed.
        """
        with self.store.begin() as connection:
            lock = self.seals.make(connection, collection, needed, holders)
            key = self._collection_key(connection, collection)
            wrapped = self._root.seal(lock.seal(key, _context(collection, "", "lock")), _collection_context(collection))
            connection.execute(update(_keys).where(*_row(collection, _COLLECTION)).values(wrapped=wrapped))
        if self.seals.is_open(collection):
            self.seals.opened(collection, lock)
        self._forget()

    def require_open(self, collection: int) -> None:
        """Raise CollectionSealed when the keys of a collection cannot be had now."""
        self._keys(collection, set())

    def give(self, seal: str, holder: str, share: bytes) -> None:
        """Take a share, the last of which opens its collection. Raises WrongShare, LookupError."""
        lock = self.seals.give(seal, holder, share)
        if lock is not None:
            self.seals.opened(self.seals.get(seal).collection, lock)

    def renewing(self) -> list[int]:
        """The collections whose renewal was begun and not settled."""
        with self.store.connect() as connection:
            wanted = select(_keys.c.collection).where(_keys.c.collection < HOUSE).distinct()
            return [-staged for staged in connection.execute(wanted).scalars()]

    def digest(self, collection: int, data: bytes) -> bytes:
        """A digest of `data` that nobody can test a guess against without the collection's key."""
        return self.digests(collection, [data])[0]

    def digests(self, collection: int, data: Iterable[bytes]) -> list[bytes]:
        """The digests of many."""
        # The house's own is never destroyed: it is read once.
        key = self._house_key if collection == HOUSE else self._keys_made(collection, {_PICTURES})[_PICTURES]
        return [hmac.digest(key, each, hashlib.sha256) for each in data]

    @cached_property
    def _house_key(self) -> bytes:
        return self._keys_made(HOUSE, {_PICTURES})[_PICTURES]

    def key(self, name: str, make: bool = False, collection: int = HOUSE) -> SealingKey | None:
        """The key of this name, which `make` makes where it is missing; None when it was destroyed."""
        keys = self._keys_made(collection, {name}) if make else self._keys(collection, {name})
        return SealingKey(keys[name]) if name in keys else None

    def destroy(self, collection: int, subjects: Collection[str] | None = None) -> None:
        """Destroy the keys of `subjects`, or all of the collection: what they sealed is gone for good."""
        with self.store.begin() as connection:
            if subjects is None:
                connection.execute(delete(_keys).where(_keys.c.collection == collection))
            for some in _batches(subjects or ()):
                connection.execute(delete(_keys).where(_keys.c.collection == collection, _keys.c.subject.in_(some)))
        self._forget()

    def holders(self) -> dict[int, set[str]]:
        """The subjects that have a key, by collection; of a collection with keys of its own alone, none."""
        found: dict[int, set[str]] = {}
        wanted = select(_keys.c.collection, _keys.c.subject).where(_keys.c.collection != HOUSE)
        with self.store.connect() as connection:
            for collection, subject in connection.execute(wanted):
                found.setdefault(collection, set()).update({subject} - _OWN)
        return found

    def counts(self) -> dict[int, int]:
        """How many :meth:`holders` there are, by collection."""
        subjects = func.count().filter(_keys.c.subject.not_in(_OWN))
        wanted = select(_keys.c.collection, subjects).where(_keys.c.collection != HOUSE).group_by(_keys.c.collection)
        with self.store.connect() as connection:
            return dict(connection.execute(wanted).all())

    def keep_only(self, used: dict[int, set[str]]) -> None:
        """Destroy every collection's key but those of the collections and subjects in `used`."""
        for collection, held in self.holders().items():
            if collection not in used:
                self.destroy(collection)
            elif unused := held - used[collection]:
                self.destroy(collection, unused)

    def bring_up_to_date(self) -> None:
        """Wrap the keys of a store from before collections had keys under such keys, all at once or not at all."""
        if self.shared:
            return
        with self.store.connect() as connection:
            if connection.exec_driver_sql("PRAGMA user_version").scalar() == _LAYERED:
                return
            # The driver would begin with the first change alone, and another process could do the same meanwhile.
            connection.exec_driver_sql("BEGIN IMMEDIATE")
            if connection.exec_driver_sql("PRAGMA user_version").scalar() != _LAYERED:
                rows = connection.execute(select(_keys)).all()
                connection.execute(delete(_keys))
                for collection, some in groupby(sorted(rows), attrgetter("collection")):
                    keys = {
                        row.subject: self._root.open(row.wrapped, _context(collection, row.subject, "key"))
                        for row in some
                        # What was cached of collections is made anew.
                        if collection != HOUSE or not row.subject.startswith("index/")
                    }
                    self._put(connection, collection, keys)
                connection.exec_driver_sql(f"PRAGMA user_version={_LAYERED}")
            connection.commit()
        self._forget()

    def _keys_made(self, collection: int, subjects: set[str], beside: Iterable[str] = ()) -> dict[str, bytes]:
        keys = self._keys(collection, subjects)
        if made := {subject: SealingKey.generate() for subject in subjects - keys.keys()}:
            with self.store.begin() as connection:
                kept = self._put(connection, collection, made)
                if beside:
                    self._put(connection, HOUSE, {name: SealingKey.generate() for name in beside})
            # Of two who make a key at once the first is kept, and both go by it.
            keys |= made if kept == len(made) else self._keys(collection, set(made))
        return keys

    def _keys(self, collection: int, subjects: set[str]) -> dict[str, bytes]:
        names = list(subjects - {_COLLECTION})
        found, keys = self._keys_in_order(collection, names)
        return {names[place]: key for place, key in zip(found, keys.apart(), strict=True)}

    def _keys_in_order(self, collection: int, names: Sequence[str]) -> tuple[Sequence[int], Packed]:
        """The places of those names that have a key, and the keys."""
        # A whole collection may be asked for: the names are one parameter, and the driver's own rows become no others.
        asked = [_COLLECTION, *names]
        with self.store.connect() as connection:
            driver: Any = connection.connection.driver_connection
            parameters = (asked if self.shared else json.dumps(asked), collection)
            (own,), *rows = driver.execute(_WANTED[self.store.dialect.name], parameters).fetchall()
        if own is None:
            return [], Packed.of([])
        found = [place for place, (data,) in enumerate(rows) if data is not None]
        key = self._unwrapped(collection, own)
        contexts = _contexts(collection, [names[place] for place in found], "key")
        wrapped = Packed.of([rows[place][0] for place in found])
        return found, open_each(Packed.of([key] * len(found)), wrapped, contexts)

    def _put(self, connection: Connection, collection: int, keys: dict[str, bytes]) -> int:
        """Keep keys of a collection, and its own where it has none; those there already stay as they are.

        How many were not there.
        """
        key = self._collection_key(connection, collection)
        contexts = _contexts(collection, list(keys), "key")
        wrapped = seal_each(Packed.of([key] * len(keys)), Packed.of(list(keys.values())), contexts)
        rows = [
            {"collection": collection, "subject": subject, "wrapped": data}
            for subject, data in zip(keys, wrapped.apart(), strict=True)
        ]
        return insert_new(connection, _keys, rows)

    def _collection_key(self, connection: Connection, collection: int) -> bytes:
        """The key of a collection, made where it has none; another process that makes one waits."""
        row = {"collection": collection, "subject": _COLLECTION}
        kept = connection.execute(_WRAPPED, row).scalar()
        if kept is None:
            wrapped = self._root.seal(SealingKey.generate(), _collection_context(collection))
            insert_new(connection, _keys, [row | {"wrapped": wrapped}])
            kept = connection.execute(_WRAPPED, row).scalar_one()
        return self._unwrapped(collection, kept)

    def _unwrapped(self, collection: int, wrapped: bytes) -> bytes:
        key = self._root.open(wrapped, _collection_context(collection))
        if len(key) == KEY_BYTES:
            return key
        try:
            return self.seals.lock(collection).open(key, _context(collection, "", "lock"))
        except SealBroken:
            # Another process made a new lock for other holders.
            raise self.seals.closed(collection) from None

    def _forget(self) -> None:
        # Deleted pages were overwritten in the log; the file itself follows only at a checkpoint. PostgreSQL keeps
        # deleted rows until it is told to let go of them.
        statement, options = "PRAGMA wal_checkpoint(TRUNCATE)", {}
        if self.shared:
            statement, options = "VACUUM keys", {"isolation_level": "AUTOCOMMIT"}
        with self.store.connect().execution_options(**options) as connection:
            connection.exec_driver_sql(statement)


def open_store(place: Path | str) -> Engine:
    """The key store in an SQLite file, made when it is not there, or at a URL. It is no part of any backup."""
    if isinstance(place, str):
        return open_engine(place)
    store = open_engine(sqlite_url(place))
    event.listen(store, "connect", _make_durable)
    return store


def open_vault(place: Path | str, root: SealingKey) -> Vault:
    """The vault whose keys are in an SQLite file, made when it is not there, or at a URL."""
    store = open_store(place)
    make_tables(store, _metadata)
    vault = Vault(store, root)
    vault.bring_up_to_date()
    return vault


def _sealed(
    keys: dict[str, bytes], collection: int, faces: Sequence[tuple[str, str]], templates: Iterable[NDArray[np.float32]]
) -> list[bytes]:
    rows = np.array(list(templates), np.float32)
    if not len(rows):
        return []
    turned = (rows @ rotation(keys[_ROTATION], rows.shape[1])).astype(_TEMPLATE)
    contexts = _contexts(collection, [face_id for _, face_id in faces])
    clear = Packed(turned.view(np.uint8).ravel(), np.arange(1, len(turned) + 1) * turned[0].nbytes)
    return seal_each(Packed.of([keys[subject] for subject, _ in faces]), clear, contexts).apart()


def _opened(
    keys: Packed, seed: bytes, collection: int, templates: Sequence[tuple[str, str, bytes]]
) -> NDArray[np.float32]:
    contexts = _contexts(collection, [face_id for _, face_id, _ in templates])
    opened = open_each(keys, Packed.of([sealed for _, _, sealed in templates]), contexts)
    rows = opened.data.view(_TEMPLATE).reshape(len(templates), -1)
    return rows @ rotation(seed, rows.shape[1]).T


def _opens(keys: dict[str, bytes], collection: int, sample: Template) -> bool:
    if sample.subject not in keys:
        return False
    try:
        _opened(Packed.of([keys[sample.subject]]), keys[_ROTATION], collection, [sample])
    except SealBroken:
        return False
    return True


def person_key(organization: str, whose: str) -> str:
    """The name of the house's key for details on a person, which lie sealed beside the log."""
    return f"person/{organization}/{whose}"


def _make_durable(connection: Any, _record: Any) -> None:
    for pragma in ("journal_mode=WAL", "synchronous=FULL", "secure_delete=ON", "busy_timeout=30000"):
        connection.execute(f"PRAGMA {pragma}")


def _row(collection: int, subject: str) -> tuple[ColumnElement[bool], ...]:
    return _keys.c.collection == collection, _keys.c.subject == subject


def _collection_context(collection: int) -> bytes:
    return _context(collection, "", "collection")


def _context(collection: int, name: str, kind: str = "template") -> bytes:
    return f"{kind}/{collection}/{name}".encode()


def _contexts(collection: int, names: Sequence[str], kind: str = "template") -> Packed:
    """The contexts of many names, at once where a character of theirs is a byte."""
    head = _context(collection, "", kind).decode()
    data = head.join(["", *names]).encode()
    lengths = np.fromiter(map(len, names), np.int64, len(names)) + len(head)
    if lengths.sum() == len(data):
        return Packed(np.frombuffer(data, np.uint8), lengths.cumsum())
    return Packed.of([_context(collection, name, kind) for name in names])


def _batches(subjects: Collection[str]) -> Iterable[list[str]]:
    # SQLite takes some 32,000 parameters a statement.
    listed = list(subjects)
    return (listed[start : start + _AT_ONCE] for start in range(0, len(listed), _AT_ONCE))
