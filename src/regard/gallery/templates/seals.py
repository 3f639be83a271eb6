"""Seals of collections that no operator opens alone: locks and their shares. How bytes are sealed is in
:mod:`regard.sealing`, who seals and opens in :mod:`regard.stewardship.gate.seals`.

The key of such a collection is sealed under a lock that is kept nowhere. Its shares are, each sealed to the key of one
person (HPKE, RFC 9180), beside the keys. Enough of them, given to a running process, open the collection in that
process until it ends.
"""

from __future__ import annotations

import hashlib
import hmac
import secrets
from collections.abc import Sequence
from itertools import groupby
from operator import attrgetter
from threading import Lock
from typing import Any, NamedTuple

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey, X25519PublicKey
from cryptography.hazmat.primitives.hpke import AEAD, KDF, KEM, Suite
from sqlalchemy import (
    BigInteger,
    Column,
    Connection,
    Engine,
    Integer,
    LargeBinary,
    MetaData,
    Row,
    String,
    Table,
    Text,
    delete,
    insert,
    select,
)

from regard.database import asking, make_tables
from regard.gallery.collections.errors import CollectionSealed
from regard.gallery.templates.shamir import combined, split
from regard.sealing import SealBroken, SealingKey

_metadata = MetaData()
_seals = Table(
    "seals",
    _metadata,
    Column("collection", BigInteger, primary_key=True),
    Column("id", String(16), nullable=False, unique=True),
    Column("needed", Integer, nullable=False),
)
_shares = Table(
    "shares",
    _metadata,
    Column("collection", BigInteger, primary_key=True),
    Column("number", Integer, primary_key=True),
    Column("holder", String(255), nullable=False),
    Column("key", Text, nullable=False),
    Column("digest", LargeBinary, nullable=False),
    Column("sealed", LargeBinary, nullable=False),
)
_SEALED = select(_seals.c.collection)
_suite = Suite(KEM.X25519, KDF.HKDF_SHA256, AEAD.AES_256_GCM)


class WrongShare(ValueError):
    """What was given is no share of this seal."""


class Holder(NamedTuple):
    """Who holds a share: a name, a public key as others know it, and the key that the share is sealed to."""

    name: str
    key: str
    box: X25519PublicKey


class Share(NamedTuple):
    """A share that lies here, for its holder alone."""

    holder: str
    key: str
    sealed: bytes


class Seal(NamedTuple):
    """A sealed collection. `given` is how many shares were given to this process, `needed` once it is open."""

    collection: int
    id: str
    needed: int
    given: int
    shares: list[Share]


class Seals:
    """The seals of a key store. Thread-safe; what was given is in memory alone."""

    def __init__(self, store: Engine) -> None:
        self._store = store
        self._lock = Lock()
        self._given: dict[int, dict[bytes, bytes]] = {}
        self._open: dict[int, SealingKey] = {}
        make_tables(store, _metadata)

    def make(self, connection: Connection, collection: int, needed: int, holders: Sequence[Holder]) -> SealingKey:
        """A new lock for a collection, opened by `needed` of the holders; a seal that is there keeps its id.

        It counts once the caller's transaction is committed, which seals the collection's key under it. Raises
        ValueError when so many are never there.
        """
        lock = SealingKey.generate()
        pieces = split(lock, needed, len(holders))
        there = connection.execute(select(_seals.c.id).where(_seals.c.collection == collection)).scalar()
        seal = there or secrets.token_hex(8)
        self.forget(connection, [collection])
        connection.execute(insert(_seals).values(collection=collection, id=seal, needed=needed))
        rows = [
            {
                "collection": collection,
                "number": number,
                "holder": holder.name,
                "key": holder.key,
                "digest": _digest(pieces[number]),
                "sealed": _suite.encrypt(pieces[number], holder.box, info=_info(seal)),
            }
            for number, holder in enumerate(holders, 1)
        ]
        connection.execute(insert(_shares), rows)
        return SealingKey(lock)

    def forget(self, connection: Connection, collections: Sequence[int]) -> None:
        """Delete the seals of collections, in the caller's transaction: nothing opens what was locked by them."""
        for table in (_seals, _shares):
            connection.execute(delete(table).where(table.c.collection.in_(collections)))

    def opened(self, collection: int, lock: SealingKey) -> None:
        """Keep `lock`, which opens the collection, in memory, for as long as this process lives."""
        with self._lock:
            self._open[collection] = lock
            self._given.pop(collection, None)

    def lock(self, collection: int) -> SealingKey:
        """The lock of a collection that is open. Raises CollectionSealed."""
        if (lock := self._open.get(collection)) is None:
            raise self.closed(collection)
        return lock

    def closed(self, collection: int) -> CollectionSealed:
        """The error that says how many shares are missing; a lock that did not open any more is dropped."""
        with self._lock:
            self._open.pop(collection, None)
        seal = self.of(collection)
        return CollectionSealed(seal.id, seal.needed, seal.given)

    def all(self) -> list[Seal]:
        """Every seal there is."""
        return self._found()

    def collections(self) -> set[int]:
        """The collections that are sealed, opened since or not."""
        with asking(self._store) as connection:
            return set(connection.scalars(_SEALED))

    def get(self, seal: str) -> Seal:
        """One seal. Raises LookupError."""
        for found in self._found(_seals.c.id == seal):
            return found
        raise LookupError(f"there is no seal {seal}")

    def of(self, collection: int) -> Seal:
        """The seal of a collection. Raises LookupError."""
        for found in self._found(_seals.c.collection == collection):
            return found
        raise LookupError("the collection is not sealed")

    def check(self, seal: str, holder: str, share: bytes) -> Seal:
        """The seal, if the share is the holder's. Raises WrongShare, LookupError."""
        found = self.get(seal)
        wanted = select(_shares.c.digest).where(_shares.c.collection == found.collection, _shares.c.holder == holder)
        with asking(self._store) as connection:
            kept = connection.execute(wanted).scalar()
        if kept is None or not hmac.compare_digest(kept, _digest(share)):
            raise WrongShare(f"this is not the share of {holder}")
        return found

    def give(self, seal: str, holder: str, share: bytes) -> SealingKey | None:
        """Take a share; the lock, once enough of them are there. Raises WrongShare, LookupError."""
        found, digest = self.check(seal, holder, share), _digest(share)
        with asking(self._store) as connection:
            rows = connection.execute(select(_shares).where(_shares.c.collection == found.collection)).all()
        with self._lock:
            given = self._given.setdefault(found.collection, {})
            given[digest] = share
            # Of earlier locks there may be shares too.
            fitting = {row.number: given[row.digest] for row in rows if row.digest in given}
            return SealingKey(combined(fitting)) if len(fitting) >= found.needed else None

    def is_open(self, collection: int) -> bool:
        """Whether enough shares were given to this process."""
        return collection in self._open

    def _found(self, *which: Any) -> list[Seal]:
        of = _shares.c
        joined = select(_seals, of.holder, of.key, of.sealed, of.digest).join(
            _shares, of.collection == _seals.c.collection
        )
        with asking(self._store) as connection:
            rows = connection.execute(joined.where(*which).order_by(of.collection, of.number)).all()
        return [self._seal(list(some)) for _, some in groupby(rows, attrgetter("collection"))]

    def _seal(self, rows: Sequence[Row[Any]]) -> Seal:
        first, shares = rows[0], [Share(row.holder, row.key, row.sealed) for row in rows]
        given = self._given.get(first.collection, {})
        count = first.needed if self.is_open(first.collection) else sum(row.digest in given for row in rows)
        return Seal(first.collection, first.id, first.needed, count, shares)


def opened_share(seal: str, sealed: bytes, key: X25519PrivateKey) -> bytes:
    """A share, opened by its holder. Raises SealBroken."""
    try:
        return _suite.decrypt(sealed, key, info=_info(seal))
    except (InvalidTag, ValueError):
        raise SealBroken("the share does not open with this key") from None


def _info(seal: str) -> bytes:
    return f"regard.share/{seal}".encode()


def _digest(share: bytes) -> bytes:
    return hashlib.sha256(b"regard share" + share).digest()
