"""The key store: the keys that templates are sealed under, each wrapped, apart from the database and its backups.

Each subject of each collection has an AES-256 key of its own, wrapped under the key of the collection, which is wrapped
under the root key: a copy of the database opens nothing, and destroying the key of a subject destroys the templates in
every copy. The key of a sealed collection is wrapped under a lock too, see :mod:`.seals`. A key
is durable before the row that needs it, and outlives the row: a crash leaves keys without rows, which
:meth:`KeyStore.keep_only` sweeps, never rows without keys. What is sealed is :mod:`.vault`'s.
"""

from __future__ import annotations

import json
from collections.abc import Collection, Iterable, Mapping, Sequence
from itertools import groupby
from operator import attrgetter
from pathlib import Path
from typing import Any

import numpy as np
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
from regard.database import asking, insert_new, make_tables, open_engine, sqlite_url
from regard.gallery.templates.seals import Holder, Seals
from regard.sealing import SealBroken, SealingKey, open_each, seal_each
from regard.traces import Traces, owe

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
_COLLECTION, PICTURES, ROTATION, CACHE = "collection", "", "rotation", "cache"
_OWN = {_COLLECTION, PICTURES, ROTATION, CACHE}
# Keys that belong to no collection: what is digested for an organization, and details that lie beside the log.
HOUSE = 0
_AT_ONCE = 10_000
_LAST = chr(0x10FFFF)
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


class KeyStore:
    """Keys of 32 bytes by collection and name: that of a subject, or one of the collection's own. Thread-safe.

    The keys of a renewal of collection `c` wait under `-c` until :meth:`replace` has them count.
    """

    def __init__(self, engine: Engine, root: SealingKey) -> None:
        self.engine = engine
        self.seals = Seals(engine)
        self.shared = engine.dialect.name == "postgresql"
        self.traces = Traces(engine, vacuum="keys")
        self._root = root

    def find(self, collection: int, names: set[str]) -> dict[str, bytes]:
        """The keys that are there, by name. Raises CollectionSealed."""
        listed = list(names - {_COLLECTION})
        found, keys = self.find_in_order(collection, listed)
        return {listed[place]: key for place, key in zip(found, keys.apart(), strict=True)}

    def find_in_order(self, collection: int, names: Sequence[str]) -> tuple[Sequence[int], Packed]:
        """The places of those names that have a key, and the keys. Raises CollectionSealed."""
        # A whole collection may be asked for: the names are one parameter, and the driver's own rows become no others.
        asked = [_COLLECTION, *names]
        with asking(self.engine) as connection:
            driver: Any = connection.connection.driver_connection
            parameters = (asked if self.shared else json.dumps(asked), collection)
            (own,), *rows = driver.execute(_WANTED[self.engine.dialect.name], parameters).fetchall()
        if own is None:
            return [], Packed.of([])
        found = [place for place, (data,) in enumerate(rows) if data is not None]
        key = self._unwrapped(collection, own)
        bound = contexts("key", collection, [names[place] for place in found])
        wrapped = Packed.of([rows[place][0] for place in found])
        return found, open_each(Packed.of([key] * len(found)), wrapped, bound)

    def make(self, collection: int, names: set[str], beside: Iterable[str] = ()) -> dict[str, bytes]:
        """The keys by name; those that are missing are made. Raises CollectionSealed.

        With those that are made the house's keys `beside` are made: who needs both waits for the disk once.
        """
        keys = self.find(collection, names)
        if made := {name: SealingKey.generate() for name in names - keys.keys()}:
            with self.engine.begin() as connection:
                kept = self._put(connection, collection, made)
                if beside:
                    self._put(connection, HOUSE, {name: SealingKey.generate() for name in beside})
            # Of two who make a key at once the first is kept, and both go by it.
            keys |= made if kept == len(made) else self.find(collection, set(made))
        return keys

    def names(self, collection: int, beginning: str = "") -> set[str]:
        """The names that have a key in a collection, of them those with this beginning."""
        wanted = select(_keys.c.subject).where(_keys.c.collection == collection)
        if beginning:
            wanted = wanted.where(_keys.c.subject >= beginning, _keys.c.subject < beginning + _LAST)
        with asking(self.engine) as connection:
            return set(connection.execute(wanted).scalars())

    def rename(self, collection: int, names: Mapping[str, str]) -> None:
        """Keep keys under other names, the new by the old. One whose new name has a key already stays as it is."""
        keys = self.find(collection, set(names))
        taken = self.find(collection, set(names.values()))
        moved = {name: key for name, key in keys.items() if names[name] not in taken}
        with self.engine.begin() as connection:
            self._put(connection, collection, {names[name]: key for name, key in moved.items()})
            for some in _batches(moved):
                connection.execute(delete(_keys).where(_keys.c.collection == collection, _keys.c.subject.in_(some)))
            owe(connection)
        self.traces.overwrite()

    def replace(self, collection: int, keys: dict[str, bytes]) -> None:
        """Have `keys` count in place of all of a collection but the one that pictures are digested under.

        A sealed collection that is open keeps its own key, too. Raises CollectionSealed.
        """
        kept = self.find(collection, {PICTURES})
        # The council's shares open the key of a sealed collection, and no other.
        stays = {_COLLECTION} if self.seals.is_open(collection) else set()
        with self.engine.begin() as connection:
            old = (_keys.c.collection == collection) & _keys.c.subject.not_in(stays)
            connection.execute(delete(_keys).where(old))
            owe(connection)
            self._put(connection, collection, kept | keys)

    def renewing(self) -> list[int]:
        """The collections whose renewal was begun and not settled."""
        with asking(self.engine) as connection:
            wanted = select(_keys.c.collection).where(_keys.c.collection < HOUSE).distinct()
            return [-staged for staged in connection.execute(wanted).scalars()]

    def destroy(self, collection: int, names: Collection[str] | None = None) -> None:
        """Destroy the keys of these names, or all of the collection: what they sealed is gone for good."""
        with self.engine.begin() as connection:
            if names is None:
                connection.execute(delete(_keys).where(_keys.c.collection == collection))
            for some in _batches(names or ()):
                connection.execute(delete(_keys).where(_keys.c.collection == collection, _keys.c.subject.in_(some)))
            owe(connection)
        self.traces.overwrite()

    def holders(self) -> dict[int, set[str]]:
        """The subjects that have a key, by collection; of a collection with keys of its own alone, none."""
        found: dict[int, set[str]] = {}
        wanted = select(_keys.c.collection, _keys.c.subject).where(_keys.c.collection != HOUSE)
        with asking(self.engine) as connection:
            for collection, subject in connection.execute(wanted):
                found.setdefault(collection, set()).update({subject} - _OWN)
        return found

    def counts(self) -> dict[int, int]:
        """How many :meth:`holders` there are, by collection."""
        subjects = func.count().filter(_keys.c.subject.not_in(_OWN))
        wanted = select(_keys.c.collection, subjects).where(_keys.c.collection != HOUSE).group_by(_keys.c.collection)
        with asking(self.engine) as connection:
            return dict(connection.execute(wanted).all())

    def keep_only(self, used: dict[int, set[str]]) -> None:
        """Destroy every collection's key but those of the collections and subjects in `used`."""
        for collection, held in self.holders().items():
            if collection not in used:
                self.destroy(collection)
            elif unused := held - used[collection]:
                self.destroy(collection, unused)

    def seal_collection(self, collection: int, needed: int, holders: Sequence[Holder]) -> None:
        """Have the collection open, from the next start on, only to `needed` of the holders; or to others than before.

        Raises ValueError when so many are never there, CollectionSealed.
        """
        with self.engine.begin() as connection:
            lock = self.seals.make(connection, collection, needed, holders)
            key = self._collection_key(connection, collection)
            wrapped = self._root.seal(lock.seal(key, _context("lock", collection)), _context("collection", collection))
            connection.execute(update(_keys).where(*_row(collection, _COLLECTION)).values(wrapped=wrapped))
            owe(connection)
        if self.seals.is_open(collection):
            self.seals.opened(collection, lock)
        self.traces.overwrite()

    def require_open(self, collection: int) -> None:
        """Raise CollectionSealed when the keys of a collection cannot be had now."""
        self.find(collection, set())

    def give(self, seal: str, holder: str, share: bytes) -> None:
        """Take a share, the last of which opens its collection. Raises WrongShare, LookupError."""
        lock = self.seals.give(seal, holder, share)
        if lock is not None:
            self.seals.opened(self.seals.get(seal).collection, lock)

    def bring_up_to_date(self) -> None:
        """Wrap the keys of a store from before collections had keys under such keys, all at once or not at all."""
        if self.shared:
            return
        with self.engine.connect() as connection:
            if connection.exec_driver_sql("PRAGMA user_version").scalar() == _LAYERED:
                return
            # The driver would begin with the first change alone, and another process could do the same meanwhile.
            connection.exec_driver_sql("BEGIN IMMEDIATE")
            if connection.exec_driver_sql("PRAGMA user_version").scalar() != _LAYERED:
                rows = connection.execute(select(_keys)).all()
                connection.execute(delete(_keys))
                for collection, some in groupby(sorted(rows), attrgetter("collection")):
                    keys = {
                        row.subject: self._root.open(row.wrapped, _context("key", collection, row.subject))
                        for row in some
                        # What was cached of collections is made anew.
                        if collection != HOUSE or not row.subject.startswith("index/")
                    }
                    self._put(connection, collection, keys)
                connection.exec_driver_sql(f"PRAGMA user_version={_LAYERED}")
                owe(connection)
            connection.commit()
        self.traces.overwrite()

    def _put(self, connection: Connection, collection: int, keys: dict[str, bytes]) -> int:
        """Keep keys of a collection, and its own where it has none; those there already stay as they are.

        How many were not there.
        """
        key = self._collection_key(connection, collection)
        bound = contexts("key", collection, list(keys))
        wrapped = seal_each(Packed.of([key] * len(keys)), Packed.of(list(keys.values())), bound)
        rows = [
            {"collection": collection, "subject": name, "wrapped": data}
            for name, data in zip(keys, wrapped.apart(), strict=True)
        ]
        return insert_new(connection, _keys, rows)

    def _collection_key(self, connection: Connection, collection: int) -> bytes:
        """The key of a collection, made where it has none; another process that makes one waits."""
        row = {"collection": collection, "subject": _COLLECTION}
        kept = connection.execute(_WRAPPED, row).scalar()
        if kept is None:
            wrapped = self._root.seal(SealingKey.generate(), _context("collection", collection))
            insert_new(connection, _keys, [row | {"wrapped": wrapped}])
            kept = connection.execute(_WRAPPED, row).scalar_one()
        return self._unwrapped(collection, kept)

    def _unwrapped(self, collection: int, wrapped: bytes) -> bytes:
        key = self._root.open(wrapped, _context("collection", collection))
        if len(key) == KEY_BYTES:
            return key
        try:
            return self.seals.lock(collection).open(key, _context("lock", collection))
        except SealBroken:
            # Another process made a new lock for other holders.
            raise self.seals.closed(collection) from None


def open_key_store(place: Path | str, root: SealingKey) -> KeyStore:
    """The key store in an SQLite file, made when it is not there, or at a URL. It is no part of any backup."""
    if isinstance(place, str):
        engine = open_engine(place)
    else:
        engine = open_engine(sqlite_url(place))
        event.listen(engine, "connect", _make_durable)
    make_tables(engine, _metadata)
    store = KeyStore(engine, root)
    store.bring_up_to_date()
    return store


def contexts(kind: str, collection: int, names: Sequence[str]) -> Packed:
    """What sealed bytes of this kind are bound to, one context for each of many names in a collection."""
    head = _context(kind, collection).decode()
    # At once where a character of theirs is a byte.
    data = head.join(["", *names]).encode()
    lengths = np.fromiter(map(len, names), np.int64, len(names)) + len(head)
    if lengths.sum() == len(data):
        return Packed(np.frombuffer(data, np.uint8), lengths.cumsum())
    return Packed.of([_context(kind, collection, name) for name in names])


def _context(kind: str, collection: int, name: str = "") -> bytes:
    return f"{kind}/{collection}/{name}".encode()


def _make_durable(connection: Any, _record: Any) -> None:
    for pragma in ("busy_timeout=30000", "journal_mode=WAL", "synchronous=FULL", "secure_delete=ON"):
        connection.execute(f"PRAGMA {pragma}")


def _row(collection: int, name: str) -> tuple[ColumnElement[bool], ...]:
    return _keys.c.collection == collection, _keys.c.subject == name


def _batches(names: Collection[str]) -> Iterable[list[str]]:
    # SQLite takes some 32,000 parameters a statement.
    listed = list(names)
    return (listed[start : start + _AT_ONCE] for start in range(0, len(listed), _AT_ONCE))
