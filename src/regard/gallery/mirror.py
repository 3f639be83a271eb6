"""The vectors of one collection in memory, brought up to date before each search."""

from __future__ import annotations

from threading import Lock

import numpy as np
from numpy.typing import NDArray
from sqlalchemy import Connection, select

from regard.gallery import tables
from regard.gallery.collections import Kept
from regard.gallery.fusion import fused
from regard.gallery.index import Index
from regard.gallery.vault import Template, Vault

_faces, _users = tables.faces.c, tables.users.c


class Mirror:
    """Faces and users of a collection, searchable. Whoever uses it holds its lock.

    A reader opens its snapshot of the database while it holds the lock, so that snapshots and mirror only move
    forward together, and a search answers from exactly the rows that its snapshot shows.
    """

    def __init__(self, vault: Vault) -> None:
        self.lock = Lock()
        self.faces = Index()
        self.users = Index()
        self._vault = vault
        self._collection = 0
        self._version = 0

    def catch_up(self, connection: Connection, collection: Kept) -> None:
        """Follow what happened to the collection, in whichever process, since the last time."""
        if collection.id != self._collection:
            self.faces, self.users = Index(), Index()
            self._collection, self._version = collection.id, 0
        if collection.version == self._version:
            return
        if collection.removed > self._version:
            self._drop_removed(connection)
        self._add_faces(connection)
        self._fuse_users(connection)
        self._version = collection.version

    def _drop_removed(self, connection: Connection) -> None:
        # Rows that are gone leave no tombstone behind that would still name them: the ids that stay are compared.
        for index, name in ((self.faces, _faces.face_id), (self.users, _faces.user_id)):
            if len(index):
                stay = connection.execute(select(name).where(_faces.collection == self._collection).distinct())
                index.remove(set(index.ids) - set(stay.scalars()))

    def _add_faces(self, connection: Connection) -> None:
        wanted = select(_faces.subject, _faces.face_id, _faces.template).where(
            _faces.collection == self._collection, _faces.number > self._version
        )
        found = self._vault.open(self._collection, [Template(*row) for row in connection.execute(wanted)])
        self.faces.add(list(found), list(found.values()))

    def _fuse_users(self, connection: Connection) -> None:
        wanted = (
            select(_users.user_id, _faces.face_id)
            .outerjoin_from(
                tables.users,
                tables.faces,
                (_faces.collection == _users.collection) & (_faces.user_id == _users.user_id),
            )
            .where(_users.collection == self._collection, _users.number > self._version)
            .order_by(_faces.id)
        )
        templates: dict[str, list[NDArray[np.float32]]] = {}
        for user_id, face_id in connection.execute(wanted):
            vector = self.faces.vector(face_id)
            templates.setdefault(user_id, []).extend([] if vector is None else [vector])
        self.users.remove([user_id for user_id, some in templates.items() if not some])
        fresh = {user_id: fused(some) for user_id, some in templates.items() if some}
        self.users.add(list(fresh), list(fresh.values()))
