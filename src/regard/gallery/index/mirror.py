"""Mirrors: the vectors of a collection in memory, brought up to date with the database before each search.
:mod:`.cache` keeps them over a restart.
"""

from __future__ import annotations

import time
from collections import OrderedDict
from collections.abc import Collection, Iterator, Sequence
from contextlib import suppress
from threading import Lock

import numpy as np
from numpy.typing import NDArray
from sqlalchemy import Connection, Table, select

from regard.gallery.collections import removals, tables
from regard.gallery.collections.collections import Kept
from regard.gallery.index.cache import Cache, Head
from regard.gallery.index.index import Index, Part
from regard.gallery.index.turns import Turns
from regard.gallery.templates.fusion import fused
from regard.gallery.templates.vault import Vault

_faces, _users = tables.faces.c, tables.users.c
# So few rows are gone before Python looks for cycles among them, which took a quarter of the time with 10,000.
_AT_ONCE = 1000
# Fewer faces are opened sooner than a cache is worth having.
WORTH_KEEPING = 10_000
# A cache is written again once the faces are so many times those that it holds, and after so many seconds.
_GROWN, _REST = 1.5, 600.0


class Shelf:
    """The rows of one table of a collection: an index of those with a vector, and the numbers of the `bare` rest."""

    def __init__(self, table: Table) -> None:
        self.index = Index()
        self.bare: set[int] = set()
        self._table = table

    def __len__(self) -> int:
        return len(self.index) + len(self.bare)

    def put(self, rows: Collection[int], seen: Sequence[int], vectors: NDArray[np.float32]) -> None:
        """Put rows in: those `seen` with their vectors, (n, d), and the others bare."""
        bare = set(rows) - set(seen)
        self.index.remove(bare)
        self.bare = (self.bare - set(seen)) | bare
        if seen:
            self.index.add(seen, vectors)

    def drop(self, rows: Collection[int]) -> None:
        """Take rows out."""
        self.index.remove(rows)
        self.bare.difference_update(rows)

    def settle(self, connection: Connection, collection: Kept, count: int) -> None:
        """Take out what is not in the table any more, which holds `count` rows of the collection.

        Every row there is was put in: as long as the numbers agree, so do the rows.
        """
        if len(self) != count:
            wanted = select(self._table.c.id).where(self._table.c.collection == collection.id)
            there = np.fromiter(connection.execute(wanted).scalars(), np.int64)
            self.drop(np.setdiff1d(self.index.ids, there).tolist())
            self.bare.intersection_update(there.tolist())


class Mirror:
    """Faces and users of a collection, searchable.

    Whoever uses it has a turn, and opens a snapshot of the database within that turn: together with others while the
    mirror shows the version of that snapshot, alone to make it so. Snapshots and mirror then only move forward
    together, and a search answers from exactly the rows that its snapshot shows. `collection` is the number of the
    collection, 0 before the first time.
    """

    def __init__(self, vault: Vault, cache: Cache) -> None:
        self.turns = Turns()
        self._vault = vault
        self._cache = cache
        self.collection, self._version, self._removed = 0, 0, 0
        self._faces, self._users = Shelf(tables.faces), Shelf(tables.users)
        self._kept_version, self._kept_faces, self._kept_at = 0, 0, -_REST

    @property
    def nbytes(self) -> int:
        """Bytes of memory set aside."""
        return self.faces.nbytes + self.users.nbytes

    @property
    def faces(self) -> Index:
        """The templates of faces, by row number."""
        return self._faces.index

    @property
    def users(self) -> Index:
        """The fused templates of users, by row number; users without faces are not in it."""
        return self._users.index

    def shows(self, collection: Kept) -> bool:
        """Whether the mirror holds exactly this version."""
        return (collection.id, collection.version) == (self.collection, self._version)

    def catch_up(self, connection: Connection, collection: Kept) -> None:
        """Follow what happened to the collection, in whichever process, since the last time."""
        restored = False
        if collection.id != self.collection:
            self._reset(collection.id)
            restored = self._restore(connection, collection)
        self._follow(connection, collection)
        if restored and len(self._faces) != collection.faces:
            # The cache was of another history, which a backup has undone.
            self._reset(collection.id)
            self._follow(connection, collection)

    def due(self, *, closing: bool = False) -> bool:
        """Whether it is time to write the cache anew: much has changed, or all that was kept is gone.

        It is not written often; when the mirror is `closing`, any change is reason enough.
        """
        if len(self.faces) < WORTH_KEEPING or self._kept_version == self._version:
            return False
        if closing:
            return True
        changed = self._removed > self._kept_version or len(self.faces) > _GROWN * self._kept_faces
        return changed and time.monotonic() - self._kept_at >= _REST

    def keep(self, connection: Connection) -> None:
        """Write what is in memory to the cache, unless it changes meanwhile."""
        with self.turns.together():
            if not len(self.faces):
                return
            version, newest = self._version, int(self.faces.ids.max())
            bare = (sorted(self._faces.bare), sorted(self._users.bare))
        named = connection.execute(select(_faces.face_id).where(_faces.id == newest)).scalar()
        head = Head(self.collection, version, (newest, named or ""), bare)
        self._kept_at = time.monotonic()
        with suppress(_MovedOn):
            self._cache.write(head, [self._parts(version, shelf.index) for shelf in (self._faces, self._users)])
            self._kept_version, self._kept_faces = version, len(self.faces)

    def _parts(self, version: int, index: Index) -> Iterator[Part]:
        parts = index.parts()
        while True:
            # Searches go on, and whoever changes the mirror waits for one part alone.
            with self.turns.together():
                if self._version != version:
                    raise _MovedOn
                part = next(parts, None)
                if part is None:
                    return
                yield part

    def _restore(self, connection: Connection, collection: Kept) -> bool:
        found = self._cache.read(collection.id)
        if found is None:
            return False
        head, shelves = found
        row, face_id = head.stamp
        there = connection.execute(select(_faces.face_id).where(_faces.id == row)).scalar()
        if head.version > collection.version or there != face_id:
            return False
        for shelf, index, bare in zip((self._faces, self._users), shelves, head.bare, strict=True):
            shelf.index, shelf.bare = index, set(bare)
        self._version = self._kept_version = head.version
        self._kept_faces = len(self.faces)
        return True

    def _reset(self, collection: int) -> None:
        self._faces, self._users = Shelf(tables.faces), Shelf(tables.users)
        self.collection, self._version, self._removed = collection, 0, 0
        self._kept_version, self._kept_faces, self._kept_at = 0, 0, -_REST

    def _follow(self, connection: Connection, collection: Kept) -> None:
        if collection.removed > self._version:
            faces, users = removals.since(connection, collection.id, self._version)
            self._faces.drop(faces)
            self._users.drop(users)
        self._add_faces(connection)
        self._fuse_users(connection)
        self._faces.settle(connection, collection, collection.faces)
        self._users.settle(connection, collection, collection.users)
        self._version, self._removed = collection.version, collection.removed

    def _add_faces(self, connection: Connection) -> None:
        wanted = (
            select(_faces.id, _faces.subject, _faces.face_id, _faces.template)
            .where(_faces.collection == self.collection, _faces.number > self._version)
            .order_by(_faces.number)
        )
        # The driver's own rows, which become no others.
        found = connection.execute(wanted).cursor
        while some := found.fetchmany(_AT_ONCE):
            rows = [row for row, *_ in some]
            sealed = [(subject, face_id, template) for _, subject, face_id, template in some]
            places, vectors = self._vault.open_all(self.collection, sealed)
            self._faces.put(rows, [rows[place] for place in places], vectors)

    def _fuse_users(self, connection: Connection) -> None:
        wanted = (
            select(_users.id, _faces.id)
            .outerjoin_from(
                tables.users,
                tables.faces,
                (_faces.collection == _users.collection) & (_faces.user_id == _users.user_id),
            )
            .where(_users.collection == self.collection, _users.number > self._version)
            .order_by(_faces.id)
        )
        templates: dict[int, list[NDArray[np.float32]]] = {}
        for user, face in connection.execute(wanted):
            vector = None if face is None else self.faces.vector(face)
            templates.setdefault(user, []).extend([] if vector is None else [vector])
        seen = {user: fused(some) for user, some in sorted(templates.items()) if some}
        self._users.put(templates.keys(), list(seen), np.array(list(seen.values()), np.float32))


class Mirrors:
    """The mirrors of collections, by whose they are and their name. Thread-safe.

    Together they keep to `budget` bytes: whichever was not asked for the longest goes first, and is read anew when it
    is asked for again. The one asked for last stays, however large. None stands for no limit.
    """

    def __init__(self, vault: Vault, cache: Cache, budget: int | None) -> None:
        self._vault = vault
        self._cache = cache
        self._budget = budget
        self._lock = Lock()
        self._mirrors: OrderedDict[tuple[str, str], Mirror] = OrderedDict()

    def of(self, organization: str, collection_id: str) -> Mirror:
        """The mirror of a collection, empty at first."""
        with self._lock:
            name = (organization, collection_id)
            mirror = self._mirrors.setdefault(name, Mirror(self._vault, self._cache))
            self._mirrors.move_to_end(name)
            return mirror

    def all(self) -> list[Mirror]:
        """Every mirror there is."""
        with self._lock:
            return list(self._mirrors.values())

    def drop(self, organization: str, collection_id: str) -> None:
        """Forget the mirror of a collection."""
        with self._lock:
            self._mirrors.pop((organization, collection_id), None)

    def keep_to_budget(self) -> None:
        """Forget mirrors until the others fit."""
        if self._budget is None:
            return
        with self._lock:
            taken = sum(mirror.nbytes for mirror in self._mirrors.values())
            while taken > self._budget and len(self._mirrors) > 1:
                taken -= self._mirrors.popitem(last=False)[1].nbytes


class _MovedOn(Exception):
    """The mirror changed while it was being written."""
