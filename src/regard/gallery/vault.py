"""The vault: templates are sealed and opened here and nowhere else.

Each subject of each collection has an AES-256 key of its own, wrapped under the master key and kept in a store
apart from the database: a copy of the database opens nothing, and destroying the key of a subject destroys the
templates in every copy. A key is durable before the row that needs it, and outlives the row: a crash leaves keys
without rows, which :meth:`Vault.keep_only` sweeps, never rows without keys.
"""

from __future__ import annotations

import hashlib
import hmac
from collections.abc import Collection, Iterable, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray
from sqlalchemy import (
    BigInteger,
    Column,
    Engine,
    LargeBinary,
    MetaData,
    String,
    Table,
    create_engine,
    delete,
    event,
    insert,
    select,
)

from regard.database import sqlite_url
from regard.sealing import SealingKey

# Not in the metadata of the database: the store is a database of its own, outside its backups.
_metadata = MetaData()
_keys = Table(
    "keys",
    _metadata,
    Column("collection", BigInteger, primary_key=True),
    Column("subject", String(300), primary_key=True),
    Column("wrapped", LargeBinary, nullable=False),
)

# The holder of a collection's own key, which pictures are digested under. No subject has an empty name.
_COLLECTION = ""
_TEMPLATE = np.dtype("<f4")
_AT_ONCE = 10_000


class Template(NamedTuple):
    """A sealed template and what it is bound to."""

    subject: str
    face_id: str
    sealed: bytes


class Vault:
    """Seals and opens templates. Thread-safe, as long as callers that seal for a collection take turns."""

    def __init__(self, store: Engine, master: SealingKey) -> None:
        self._store = store
        self._master = master

    def seal(
        self, collection: int, faces: Sequence[tuple[str, str]], templates: Iterable[NDArray[np.float32]]
    ) -> list[bytes]:
        """The sealed templates of `faces`, pairs of subject and FaceId. Keys that are missing are made."""
        keys = self._keys_made(collection, {subject for subject, _ in faces})
        return [
            SealingKey(keys[subject]).seal(template.astype(_TEMPLATE).tobytes(), _context(collection, face_id))
            for (subject, face_id), template in zip(faces, templates, strict=True)
        ]

    def open(self, collection: int, templates: Sequence[Template]) -> dict[str, NDArray[np.float32]]:
        """The templates by FaceId, without those whose key was destroyed. Raises SealBroken."""
        keys = {
            subject: SealingKey(key)
            for subject, key in self._keys(collection, {template.subject for template in templates}).items()
        }
        return {
            face_id: np.frombuffer(keys[subject].open(sealed, _context(collection, face_id)), _TEMPLATE)
            for subject, face_id, sealed in templates
            if subject in keys
        }

    def digest(self, collection: int, data: bytes) -> bytes:
        """A digest of `data` that nobody can test a guess against without the collection's key."""
        return hmac.digest(self._keys_made(collection, {_COLLECTION})[_COLLECTION], data, hashlib.sha256)

    def destroy(self, collection: int, subjects: Collection[str] | None = None) -> None:
        """Destroy the keys of `subjects`, or all of the collection: what they sealed is gone for good."""
        with self._store.begin() as connection:
            if subjects is None:
                connection.execute(delete(_keys).where(_keys.c.collection == collection))
            for some in _batches(subjects or ()):
                connection.execute(delete(_keys).where(_keys.c.collection == collection, _keys.c.subject.in_(some)))
        self._forget()

    def holders(self) -> dict[int, set[str]]:
        """The subjects that have a key, by collection."""
        found: dict[int, set[str]] = {}
        with self._store.connect() as connection:
            for collection, subject in connection.execute(select(_keys.c.collection, _keys.c.subject)):
                found.setdefault(collection, set()).add(subject)
        return found

    def keep_only(self, used: dict[int, set[str]]) -> None:
        """Destroy every key but those of the collections and subjects in `used`."""
        for collection, held in self.holders().items():
            if collection not in used:
                self.destroy(collection)
            elif unused := held - used[collection] - {_COLLECTION}:
                self.destroy(collection, unused)

    def _keys_made(self, collection: int, subjects: set[str]) -> dict[str, bytes]:
        keys = self._keys(collection, subjects)
        made = {subject: SealingKey.generate() for subject in subjects - keys.keys()}
        if made:
            rows = [
                {"collection": collection, "subject": subject, "wrapped": self._wrap(collection, subject, key)}
                for subject, key in made.items()
            ]
            with self._store.begin() as connection:
                connection.execute(insert(_keys), rows)
        return keys | made

    def _keys(self, collection: int, subjects: set[str]) -> dict[str, bytes]:
        wanted = select(_keys.c.subject, _keys.c.wrapped).where(_keys.c.collection == collection)
        with self._store.connect() as connection:
            rows = [
                row
                for some in _batches(subjects)
                for row in connection.execute(wanted.where(_keys.c.subject.in_(some)))
            ]
        return {subject: self._master.open(wrapped, _context(collection, subject, "key")) for subject, wrapped in rows}

    def _wrap(self, collection: int, subject: str, key: bytes) -> bytes:
        return self._master.seal(key, _context(collection, subject, "key"))

    def _forget(self) -> None:
        # Deleted pages were overwritten in the log; the file itself follows only at a checkpoint.
        if self._store.dialect.name == "sqlite":
            with self._store.connect() as connection:
                connection.exec_driver_sql("PRAGMA wal_checkpoint(TRUNCATE)")


def open_vault(path: Path, master: SealingKey) -> Vault:
    """The vault whose keys are in the SQLite file `path`, made when it is not there."""
    store = create_engine(sqlite_url(path))
    event.listen(store, "connect", _make_durable)
    _metadata.create_all(store)
    return Vault(store, master)


def _make_durable(connection: Any, _record: Any) -> None:
    for pragma in ("journal_mode=WAL", "synchronous=FULL", "secure_delete=ON", "busy_timeout=30000"):
        connection.execute(f"PRAGMA {pragma}")


def _context(collection: int, name: str, kind: str = "template") -> bytes:
    return f"{kind}/{collection}/{name}".encode()


def _batches(subjects: Collection[str]) -> Iterable[list[str]]:
    # SQLite takes some 32,000 parameters a statement.
    listed = list(subjects)
    return (listed[start : start + _AT_ONCE] for start in range(0, len(listed), _AT_ONCE))
