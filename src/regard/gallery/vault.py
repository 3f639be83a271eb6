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
from functools import cached_property
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
from regard.gallery.rotation import rotation
from regard.sealing import SealBroken, SealingKey

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
# The holder of the seed of its rotation.
_ROTATION = "rotation"
_OWN = {_COLLECTION, _ROTATION}
# Keys that belong to no collection: what is digested for an organization, and details that lie beside the log.
HOUSE = 0
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
        self.store = store
        self._master = master

    def seal(
        self, collection: int, faces: Sequence[tuple[str, str]], templates: Iterable[NDArray[np.float32]]
    ) -> list[bytes]:
        """The sealed templates of `faces`, pairs of subject and FaceId. Keys that are missing are made."""
        keys = self._keys_made(collection, {_ROTATION, *(subject for subject, _ in faces)})
        return _sealed(keys, collection, faces, templates)

    def open(self, collection: int, templates: Sequence[Template]) -> dict[str, NDArray[np.float32]]:
        """The templates by FaceId, without those whose key was destroyed. Raises SealBroken."""
        return _opened(
            self._keys(collection, {_ROTATION, *(template.subject for template in templates)}), collection, templates
        )

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
            rows = [
                {"collection": collection, "subject": subject, "wrapped": self._wrap(collection, subject, key)}
                for subject, key in new.items()
            ]
            with self.store.begin() as connection:
                old = (_keys.c.collection == collection) & (_keys.c.subject != _COLLECTION)
                connection.execute(delete(_keys).where(old))
                connection.execute(insert(_keys), rows)
        self.destroy(-collection)

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
        key = self._house_key if collection == HOUSE else self._keys_made(collection, {_COLLECTION})[_COLLECTION]
        return [hmac.digest(key, each, hashlib.sha256) for each in data]

    @cached_property
    def _house_key(self) -> bytes:
        return self._keys_made(HOUSE, {_COLLECTION})[_COLLECTION]

    def key(self, name: str, make: bool = False) -> SealingKey | None:
        """The house's key of this name, which `make` makes where it is missing; None when it was destroyed."""
        keys = self._keys_made(HOUSE, {name}) if make else self._keys(HOUSE, {name})
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

    def keep_only(self, used: dict[int, set[str]]) -> None:
        """Destroy every collection's key but those of the collections and subjects in `used`."""
        for collection, held in self.holders().items():
            if collection not in used:
                self.destroy(collection)
            elif unused := held - used[collection]:
                self.destroy(collection, unused)

    def _keys_made(self, collection: int, subjects: set[str]) -> dict[str, bytes]:
        keys = self._keys(collection, subjects)
        made = {subject: SealingKey.generate() for subject in subjects - keys.keys()}
        if made:
            rows = [
                {"collection": collection, "subject": subject, "wrapped": self._wrap(collection, subject, key)}
                for subject, key in made.items()
            ]
            with self.store.begin() as connection:
                connection.execute(insert(_keys).prefix_with("OR IGNORE"), rows)
            # Of two who make a key at once the first is kept, and both go by it.
            keys |= self._keys(collection, set(made))
        return keys

    def _keys(self, collection: int, subjects: set[str]) -> dict[str, bytes]:
        wanted = select(_keys.c.subject, _keys.c.wrapped).where(_keys.c.collection == collection)
        with self.store.connect() as connection:
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
        if self.store.dialect.name == "sqlite":
            with self.store.connect() as connection:
                connection.exec_driver_sql("PRAGMA wal_checkpoint(TRUNCATE)")


def open_store(path: Path) -> Engine:
    """The key store in the SQLite file `path`, made when it is not there. It is no part of any backup."""
    store = create_engine(sqlite_url(path))
    event.listen(store, "connect", _make_durable)
    return store


def open_vault(path: Path, master: SealingKey) -> Vault:
    """The vault whose keys are in the SQLite file `path`, made when it is not there."""
    store = open_store(path)
    _metadata.create_all(store)
    return Vault(store, master)


def _sealed(
    keys: dict[str, bytes], collection: int, faces: Sequence[tuple[str, str]], templates: Iterable[NDArray[np.float32]]
) -> list[bytes]:
    rotated = [template @ rotation(keys[_ROTATION], len(template)) for template in templates]
    return [
        SealingKey(keys[subject]).seal(template.astype(_TEMPLATE).tobytes(), _context(collection, face_id))
        for (subject, face_id), template in zip(faces, rotated, strict=True)
    ]


def _opened(keys: dict[str, bytes], collection: int, templates: Sequence[Template]) -> dict[str, NDArray[np.float32]]:
    opening = {subject: SealingKey(key) for subject, key in keys.items()}
    opened = {
        face_id: opening[subject].open(sealed, _context(collection, face_id))
        for subject, face_id, sealed in templates
        if subject in opening
    }
    if not opened:
        return {}
    rows = np.frombuffer(b"".join(opened.values()), _TEMPLATE).reshape(len(opened), -1)
    return dict(zip(opened, rows @ rotation(keys[_ROTATION], rows.shape[1]).T, strict=True))


def _opens(keys: dict[str, bytes], collection: int, sample: Template) -> bool:
    try:
        return bool(_opened(keys, collection, [sample]))
    except SealBroken:
        return False


def person_key(organization: str, whose: str) -> str:
    """The name of the house's key for details on a person, which lie sealed beside the log."""
    return f"person/{organization}/{whose}"


def _make_durable(connection: Any, _record: Any) -> None:
    for pragma in ("journal_mode=WAL", "synchronous=FULL", "secure_delete=ON", "busy_timeout=30000"):
        connection.execute(f"PRAGMA {pragma}")


def _context(collection: int, name: str, kind: str = "template") -> bytes:
    return f"{kind}/{collection}/{name}".encode()


def _batches(subjects: Collection[str]) -> Iterable[list[str]]:
    # SQLite takes some 32,000 parameters a statement.
    listed = list(subjects)
    return (listed[start : start + _AT_ONCE] for start in range(0, len(listed), _AT_ONCE))
