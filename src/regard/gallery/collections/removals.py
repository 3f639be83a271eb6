"""Removals: which rows left a collection of late, so that whoever holds a copy need not compare all of it.

Row numbers only: they are never used twice, and name nobody. Old ones go; who needs them compares.
"""

from __future__ import annotations

from collections.abc import Collection

from sqlalchemy import Connection, delete, insert, select

from regard.gallery.collections import tables
from regard.gallery.collections.collections import Kept
from regard.traces import owe

# How many changes of a collection are looked back on.
_KEPT = 10_000
_removals = tables.removals.c


def note(connection: Connection, collection: Kept, faces: Collection[int] = (), users: Collection[int] = ()) -> None:
    """Note rows as removed by the present change of the collection."""
    rows = [{"collection": collection.id, "number": collection.version, "face": row, "user": None} for row in faces]
    rows += [{"collection": collection.id, "number": collection.version, "face": None, "user": row} for row in users]
    if rows:
        owe(connection)
        connection.execute(insert(tables.removals), rows)
    old = (_removals.collection == collection.id, _removals.number <= collection.version - _KEPT)
    connection.execute(delete(tables.removals).where(*old))


def since(connection: Connection, collection: int, version: int) -> tuple[list[int], list[int]]:
    """The faces and the users whose removal after this version is still noted."""
    wanted = select(_removals.face, _removals.user).where(
        _removals.collection == collection, _removals.number > version
    )
    rows = connection.execute(wanted).all()
    return [face for face, _ in rows if face is not None], [user for _, user in rows if user is not None]
