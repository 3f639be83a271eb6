"""Caches: mirrors (:mod:`.mirror`) kept sealed on disk, so that a restart does not open every template anew.

A cache holds the templates of a collection, as the mirror does, sealed block by block under a key of its own. That key
lies with those of the collection in the key store, outside the backups, and is destroyed with the file whenever
something is removed from the collection: a cache never outlives a face. It is read into memory and opened there, at
the speed of AES; nothing unsealed is ever mapped to disk.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from typing import BinaryIO
from uuid import uuid4

import msgspec
import numpy as np

from regard.gallery.collections.errors import CollectionSealed
from regard.gallery.index.index import Index, Part
from regard.gallery.index.pieces import Pieces
from regard.gallery.templates.key_store import CACHE
from regard.gallery.templates.vault import Vault
from regard.sealing import SealBroken, SealingKey

_SUFFIX = ".sealed"
# Later than any version.
_NEVER = 1 << 63


class Head(msgspec.Struct, frozen=True):
    """The collection and the version that a cache holds.

    `stamp` is the row number and the FaceId of the newest face: a database of another history, as a backup restores
    it, has another face there. `bare` are the row numbers without a vector, of faces and of users.
    """

    collection: int
    version: int
    stamp: tuple[int, str]
    bare: tuple[list[int], list[int]]


class _PartHead(msgspec.Struct, frozen=True):
    shelf: int
    rows: int
    dimensions: int


class Cache:
    """The caches in a folder. Thread-safe; of two that write the same one, the last wins."""

    def __init__(self, folder: Path, vault: Vault) -> None:
        self._folder = folder
        self._vault = vault

    def write(self, head: Head, shelves: Sequence[Iterable[Part]]) -> None:
        """Keep the vectors of faces (the first shelf) and those of users (the second)."""
        key = self._vault.key(CACHE, make=True, collection=head.collection)
        assert key
        self._folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        path = self._path(head.collection)
        unfinished = path.with_suffix(f".{uuid4()}")
        try:
            with unfinished.open("wb") as file:
                _write(file, key, head, shelves)
            unfinished.replace(path)
        finally:
            unfinished.unlink(missing_ok=True)

    def version(self, collection: int) -> int:
        """The version that the cache of a collection is of; -1 where there is none that opens."""
        head = next(self._opened(collection), None)
        return -1 if head is None else msgspec.json.decode(head, type=Head).version

    def read(self, collection: int) -> tuple[Head, list[Index]] | None:
        """The head of a collection's cache, and its indexes of faces and of users; None where none opens."""
        pieces = self._opened(collection)
        head = next(pieces, None)
        if head is None:
            return None
        indexes = [Index(), Index()]
        for data in pieces:
            if not data:
                return msgspec.json.decode(head, type=Head), indexes
            if (arrays := next(pieces, None)) is None:
                break
            part = msgspec.json.decode(data, type=_PartHead)
            indexes[part.shelf].put(_part(part, arrays))
        return None

    def _opened(self, collection: int) -> Iterator[bytes]:
        """The pieces of a cache up to the first that does not open: its key was destroyed, or it is not whole."""
        with suppress(FileNotFoundError, SealBroken, CollectionSealed), self._path(collection).open("rb") as file:
            key = self._vault.key(CACHE, collection=collection)
            pieces = Pieces(file, _name(collection))
            while key:
                yield pieces.get(key)

    def drop(self, collection: int) -> None:
        """Destroy the caches of a collection: first the key, so that no copy of a file opens again, on any machine."""
        path = self._path(collection)
        if path.exists() or self._vault.keys.shared:
            self._vault.keys.destroy(collection, [CACHE])
            path.unlink(missing_ok=True)

    def keep_only(self, removed: Mapping[int, int]) -> None:
        """Destroy the caches of all collections but these, those of a version before `removed`, and unfinished ones."""
        for path in self._folder.glob("*"):
            if path.suffix != _SUFFIX:
                path.unlink(missing_ok=True)
            elif self.version(int(path.stem)) < removed.get(int(path.stem), _NEVER):
                self.drop(int(path.stem))

    def _path(self, collection: int) -> Path:
        return self._folder / f"{collection}{_SUFFIX}"


def _write(file: BinaryIO, key: SealingKey, head: Head, shelves: Sequence[Iterable[Part]]) -> None:
    pieces = Pieces(file, _name(head.collection))
    pieces.put(key, msgspec.json.encode(head))
    for shelf, parts in enumerate(shelves):
        for part in parts:
            rows, dimensions = part.vectors.shape
            pieces.put(key, msgspec.json.encode(_PartHead(shelf, rows, dimensions)))
            pieces.put(key, part.ids.tobytes() + part.vectors.tobytes())
    pieces.put(key, b"")


def _part(head: _PartHead, data: bytes) -> Part:
    vectors = np.frombuffer(data, np.float32, head.rows * head.dimensions, 8 * head.rows)
    return Part(np.frombuffer(data, np.int64, head.rows), vectors.reshape(head.rows, head.dimensions))


def _name(collection: int) -> str:
    # Files from before have other names, and do not open.
    return f"index/vectors/{collection}"
