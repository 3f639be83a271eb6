"""Renewal under another face model: a collection made anew beside the old one until it can take its place. New keys for
the same templates are :meth:`regard.gallery.gallery.Gallery.renew_keys`.
"""

from __future__ import annotations

from sqlalchemy import Connection, exists, func, select, update

from regard.gallery.collections import tables
from regard.gallery.collections.collections import Collections, Kept
from regard.gallery.collections.terms import seal_terms
from regard.gallery.faces import Faces, KeptFace

_faces = tables.faces.c


class Renewal:
    """Says what of a collection is still to be renewed, and switches. All methods work in the caller's transaction."""

    def __init__(self, collections: Collections, faces: Faces) -> None:
        self._collections = collections
        self._faces = faces

    def due(self, connection: Connection, old: Kept, new: Kept, picture: bytes | None = None) -> list[KeptFace]:
        """The faces of `old` that `new` has not yet, oldest first; with a `picture`'s digest those of it alone."""
        renewed = tables.faces.alias()
        there = exists().where(renewed.c.collection == new.id, renewed.c.face_id == _faces.face_id)
        wanted = select(_faces.face_id).where(_faces.collection == old.id, ~there).order_by(_faces.id)
        if picture is not None:
            wanted = wanted.where(_faces.picture == picture)
        ids = connection.execute(wanted).scalars().all()
        return [
            face
            for start in range(0, len(ids), _AT_ONCE)
            for face in self._faces.with_ids(connection, old, ids[start : start + _AT_ONCE]).values()
        ]

    def switch(self, connection: Connection, organization: str, old: str, new: str) -> Kept:
        """Delete the collection `old` and give its name to `new`. Returns what was deleted: destroy its keys.

        Raises NoSuchCollection.
        """
        renewed = self._collections.change(connection, organization, new)
        replaced = self._collections.find(connection, organization, old)
        before = tables.faces.alias()
        enrolled = select(before.c.created_at).where(
            before.c.collection == replaced.id, before.c.face_id == _faces.face_id
        )
        # No term begins anew. Whoever has no face in the old collection was enrolled in the new one.
        first = func.coalesce(enrolled.scalar_subquery(), _faces.created_at)
        connection.execute(update(tables.faces).where(_faces.collection == renewed.id).values(created_at=first))
        deleted = self._collections.delete(connection, organization, old)
        kept = tables.collections.c
        connection.execute(update(tables.collections).where(kept.id == renewed.id).values(collection_id=old))
        seal_terms(connection, renewed.id)
        return deleted


_AT_ONCE = 10_000
