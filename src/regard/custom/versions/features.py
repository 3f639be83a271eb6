"""What a backbone saw of the pictures of a project: kept once a picture, sealed under a key that goes with the project.

Whoever changes the picture, or the backbone, has it looked at again.
"""

from __future__ import annotations

import hashlib
import hmac
from collections.abc import Sequence

from sqlalchemy import Connection, delete, insert, select

from regard.custom.versions import tables
from regard.gallery.gallery import Gallery
from regard.sealing import SealBroken, SealingKey
from regard.traces import owe

_of = tables.features.c
_AT_ONCE = 500


class KeptFeatures:
    """Features of all projects. Thread-safe; each method works in the caller's transaction."""

    def __init__(self, gallery: Gallery, key: SealingKey) -> None:
        """`key` is the root key, under which source-refs are digested."""
        self._gallery = gallery
        self._naming = key.derived("custom/features")

    def keep(self, connection: Connection, project: int, seen: Sequence[tuple[str, str, bytes]]) -> None:
        """Keep what was seen of pictures: each by its source-ref, and what its `data` hangs on, the picture's ETag and
        the digest of the backbone.
        """
        key = self._gallery.house_key(_name(project), make=True)
        assert key is not None
        named = {self._digest(project, source): (on, data) for source, on, data in seen}
        rows = [
            {"project": project, "source": name, "sealed": key.seal(data, _context(name, on))}
            for name, (on, data) in named.items()
        ]
        if rows:
            self._drop(connection, project, list(named))
            connection.execute(insert(tables.features), rows)

    def found(self, connection: Connection, project: int, sought: Sequence[tuple[str, str]]) -> list[bytes | None]:
        """What was kept of pictures, each by its source-ref and what it hangs on; None of one that was not seen so."""
        key = self._gallery.house_key(_name(project))
        if key is None:
            return [None] * len(sought)
        names = [self._digest(project, source) for source, _ in sought]
        kept: dict[bytes, bytes] = {}
        for begin in range(0, len(names), _AT_ONCE):
            which = (_of.project == project, _of.source.in_(names[begin : begin + _AT_ONCE]))
            wanted = select(_of.source, _of.sealed).where(*which)
            kept |= {bytes(source): sealed for source, sealed in connection.execute(wanted)}
        return [_opened(key, kept.get(name), _context(name, on)) for name, (_, on) in zip(names, sought, strict=True)]

    def forget(self, connection: Connection, project: int, sources: Sequence[str]) -> None:
        """Delete what was seen of the pictures of these source-refs."""
        self._drop(connection, project, [self._digest(project, each) for each in sources])
        owe(connection)

    def drop(self, connection: Connection, project: int) -> None:
        """Delete all of a project. Its key is to be destroyed once the transaction is over: `destroy`."""
        connection.execute(delete(tables.features).where(_of.project == project))
        owe(connection)

    def destroy(self, project: int) -> None:
        """Destroy the key of a project that was deleted."""
        self._gallery.destroy_house_keys([_name(project)])

    def _drop(self, connection: Connection, project: int, names: Sequence[bytes]) -> None:
        for begin in range(0, len(names), _AT_ONCE):
            which = (_of.project == project, _of.source.in_(names[begin : begin + _AT_ONCE]))
            connection.execute(delete(tables.features).where(*which))

    def _digest(self, project: int, source: str) -> bytes:
        return hmac.digest(self._naming, f"{project}/{source}".encode(), hashlib.sha256)


def _opened(key: SealingKey, sealed: bytes | None, context: bytes) -> bytes | None:
    try:
        return None if sealed is None else key.open(sealed, context)
    except SealBroken:
        # Of another picture, or another backbone; or changed behind the service. It is looked at again.
        return None


def _name(project: int) -> str:
    return f"custom/features/{project}"


def _context(name: bytes, on: str) -> bytes:
    return b"custom/features/" + name + b"/" + on.encode()
