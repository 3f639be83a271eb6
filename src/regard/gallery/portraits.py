"""Portraits: sealed crops of enrolled faces, for who agreed to it; reviewers compare them, and the person may see them.

One lies beside its face under the same key, and goes with it however it goes; no operation answers one. Faces that are
copied, imported or exported take none along: it was agreed to for one collection.
"""

from __future__ import annotations

from collections.abc import Collection
from contextlib import suppress
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Connection, delete, select, update

from regard.database import insert_new
from regard.gallery.collections import tables
from regard.gallery.collections.collections import Kept
from regard.gallery.collections.errors import CollectionSealed
from regard.gallery.templates.vault import Vault
from regard.sealing import SealingKey
from regard.traces import owe

# The longer side in pixels: enough for people to compare by, and a few kilobytes.
MOST_PIXELS = 256
_of, _faces, _collections = tables.portraits.c, tables.faces.c, tables.collections.c


@dataclass(frozen=True, slots=True)
class Portrait:
    """A crop of an enrolled face, as JPEG."""

    collection_id: str
    face_id: str
    external_image_id: str
    jpeg: bytes


class Portraits:
    """Keeps and opens portraits. All methods work in the caller's transaction."""

    def __init__(self, vault: Vault) -> None:
        self._vault = vault

    def keep(self, connection: Connection, collection: Kept, whose: str, face_id: str, jpeg: bytes) -> None:
        """Keep the portrait of a face that was enrolled; one that is there stays."""
        key = self._vault.key(whose, collection=collection.id)
        assert key is not None, "the template was sealed under it"
        sealed = key.seal(jpeg, _bound(collection.id, face_id))
        insert_new(connection, tables.portraits, [{"collection": collection.id, "face_id": face_id, "sealed": sealed}])

    def of(
        self,
        connection: Connection,
        organization: str,
        whose: str,
        collection_id: str | None = None,
        user_id: str | None = None,
    ) -> list[Portrait]:
        """The portraits of a subject, or of a `user_id` in place of one, oldest first; not those of what is sealed."""
        wanted = (
            select(_collections.collection_id, *tables.portraits.columns, _faces.subject, _faces.external_image_id)
            .join(tables.faces, (_faces.collection == _of.collection) & (_faces.face_id == _of.face_id))
            .join(tables.collections, _collections.id == _of.collection)
            .where(_collections.organization == organization)
            .where(_faces.subject == whose if user_id is None else _faces.user_id == user_id)
            .order_by(_faces.id)
        )
        if collection_id is not None:
            wanted = wanted.where(_collections.collection_id == collection_id)
        found = []
        for row in connection.execute(wanted):
            with suppress(CollectionSealed):
                if key := self._vault.key(row.subject, collection=row.collection):
                    jpeg = key.open(row.sealed, _bound(row.collection, row.face_id))
                    found.append(Portrait(row.collection_id, row.face_id, row.external_image_id or "", jpeg))
        return found

    def holding(self, connection: Connection, organization: str, collection_id: str) -> set[str]:
        """The subjects of a collection who have a portrait."""
        wanted = (
            select(_faces.subject)
            .join(tables.portraits, (_faces.collection == _of.collection) & (_faces.face_id == _of.face_id))
            .join(tables.collections, _collections.id == _of.collection)
            .where(_collections.organization == organization, _collections.collection_id == collection_id)
        )
        return set(connection.execute(wanted.distinct()).scalars())

    def remove(self, connection: Connection, organization: str, collection_id: str, people: Collection[str]) -> None:
        """Delete the portraits of these subjects of a collection; their faces stay."""
        wanted = (
            select(_of.collection, _of.face_id)
            .join(tables.faces, (_faces.collection == _of.collection) & (_faces.face_id == _of.face_id))
            .join(tables.collections, _collections.id == _of.collection)
            .where(_collections.organization == organization, _collections.collection_id == collection_id)
            .where(_faces.subject.in_(people))
        )
        for collection, face_id in connection.execute(wanted).all():
            connection.execute(delete(tables.portraits).where(_of.collection == collection, _of.face_id == face_id))
        owe(connection)

    def renew(self, connection: Connection, collection: int) -> None:
        """Seal the portraits of a collection anew, under the keys that its renewal made and that do not count yet."""
        wanted = (
            select(_of.face_id, _of.sealed, _faces.subject)
            .join(tables.faces, (_faces.collection == _of.collection) & (_faces.face_id == _of.face_id))
            .where(_of.collection == collection)
        )
        for row in connection.execute(wanted).all():
            old, new = (self._vault.key(row.subject, collection=number) for number in (collection, -collection))
            at = (_of.collection == collection, _of.face_id == row.face_id)
            if old is None or new is None:
                connection.execute(delete(tables.portraits).where(*at))
            else:
                sealed = _sealed_anew(old, new, row, _bound(collection, row.face_id))
                connection.execute(update(tables.portraits).where(*at).values(sealed=sealed))


def _sealed_anew(old: SealingKey, new: SealingKey, row: Any, bound: bytes) -> bytes:
    return new.seal(old.open(row.sealed, bound), bound)


def _bound(collection: int, face_id: str) -> bytes:
    """What a portrait is bound to: it opens as that of no other face."""
    return f"portrait/{collection}/{face_id}".encode()
