"""Subjects, the people pictured: what is held on one, over all collections, and taking it out whole."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray
from sqlalchemy import ColumnElement, Connection, delete, select, update

from regard.gallery.collections import removals, tables, tokens
from regard.gallery.collections.collections import Collections, Kept
from regard.gallery.collections.errors import CollectionSealed
from regard.gallery.faces import Box
from regard.gallery.templates.fusion import fused
from regard.gallery.templates.vault import Template, Vault

_AT_ONCE = 10_000
_faces, _users, _collections = tables.faces.c, tables.users.c, tables.collections.c


@dataclass(frozen=True, slots=True)
class Held:
    """A face that is held on a person, without its template. `picture` is a keyed digest; times are in seconds."""

    collection_id: str
    face_id: str
    image_id: str
    user_id: str | None
    box: Box
    face_model: str
    picture: bytes | None
    created_at: float


@dataclass(frozen=True, slots=True)
class Removal:
    """What was taken out of a collection: faces, users without any left, and subjects whose keys may be of no use."""

    collection: int
    faces: int
    users: list[str] = field(default_factory=list)
    subjects: set[str] = field(default_factory=set)


class Subjects:
    """Finds and removes what is held on people. All methods work in the caller's transaction."""

    def __init__(self, collections: Collections, vault: Vault) -> None:
        self._collections = collections
        self._vault = vault

    def held(self, connection: Connection, organization: str, whose: str) -> list[Held]:
        """Every face of a subject, over all collections of an organization, oldest first."""
        wanted = (
            select(
                _collections.collection_id,
                _faces.face_id,
                _faces.image_id,
                _faces.user_id,
                _faces.left,
                _faces.top,
                _faces.width,
                _faces.height,
                _faces.face_model,
                _faces.picture,
                _faces.created_at,
            )
            .join(tables.collections, _collections.id == _faces.collection)
            .where(_collections.organization == organization, _faces.subject == whose)
            .order_by(_faces.id)
        )
        rows: Sequence[Any] = connection.execute(wanted).all()
        return [
            Held(
                collection_id=row.collection_id,
                face_id=row.face_id,
                image_id=row.image_id,
                user_id=row.user_id,
                box=(row.left, row.top, row.width, row.height),
                face_model=row.face_model,
                picture=row.picture,
                created_at=row.created_at,
            )
            for row in rows
        ]

    def template(self, connection: Connection, organization: str, whose: str) -> tuple[str, NDArray[np.float32]] | None:
        """The face model that most faces of a subject are from, and the vector fused from those; None without any."""
        wanted = (
            select(_faces.collection, _faces.subject, _faces.face_id, _faces.template, _faces.face_model)
            .join(tables.collections, _collections.id == _faces.collection)
            .where(_collections.organization == organization, _faces.subject == whose)
        )
        by_model: dict[str, list[NDArray[np.float32]]] = {}
        for collection, subject, face_id, sealed, face_model in connection.execute(wanted):
            # A seal that nobody opened keeps nobody from being erased.
            with suppress(CollectionSealed):
                opened = self._vault.open(collection, [Template(subject, face_id, sealed)])
                by_model.setdefault(face_model, []).extend(opened.values())
        if not any(by_model.values()):
            return None
        face_model, templates = max(by_model.items(), key=lambda item: len(item[1]))
        return face_model, fused(templates)

    def holding(self, connection: Connection) -> list[tuple[str, str]]:
        """Organization and subject of everybody who has a face in the gallery."""
        wanted = (
            select(_collections.organization, _faces.subject)
            .join(tables.collections, _collections.id == _faces.collection)
            .distinct()
        )
        return [(row[0], row[1]) for row in connection.execute(wanted)]

    def erase(self, connection: Connection, organization: str, whose: str, until: float | None = None) -> list[Removal]:
        """Remove a subject from every collection of an organization; `until` spares faces enrolled after that time."""
        wanted = (
            select(_collections.collection_id)
            .join(tables.faces, _collections.id == _faces.collection)
            .where(_collections.organization == organization, _faces.subject == whose)
            .distinct()
        )
        early = _faces.created_at <= until if until is not None else None
        removals = []
        for name in connection.execute(wanted).scalars().all():
            which = [_faces.subject == whose] + ([early] if early is not None else [])
            removals.append(self.remove(connection, organization, name, *which))
        return [removal for removal in removals if removal.faces]

    def remove(
        self, connection: Connection, organization: str, collection_id: str, *which: ColumnElement[bool]
    ) -> Removal:
        """Remove the faces of a collection that `which` describes, whatever users they are associated with.

        Those users are fused anew from the faces that stay; one without any goes too. No answer that is kept for a
        ClientRequestToken names the faces any more. Raises NoSuchCollection.
        """
        collection = self._collections.change(connection, organization, collection_id)
        found = select(_faces.id, _faces.face_id, _faces.subject, _faces.user_id).where(
            _faces.collection == collection.id, *which
        )
        rows = connection.execute(found).all()
        if not rows:
            return Removal(collection.id, 0)
        for ids in _batches({row.id for row in rows}):
            connection.execute(delete(tables.faces).where(_faces.id.in_(ids)))
        tokens.forget(connection, organization, {row.face_id for row in rows})
        gone = self._settle_users(connection, collection, {row.user_id for row in rows} - {None})
        removals.note(connection, collection, [row.id for row in rows], list(gone))
        connection.execute(
            update(tables.collections)
            .where(_collections.id == collection.id)
            .values(
                faces=_collections.faces - len(rows), users=_collections.users - len(gone), removed=collection.version
            )
        )
        return Removal(collection.id, len(rows), sorted(gone.values()), {row.subject for row in rows})

    def _settle_users(self, connection: Connection, collection: Kept, users: set[str]) -> dict[int, str]:
        """Have users fused anew; those without faces are deleted, and given by row number."""
        gone: dict[int, str] = {}
        for some in _batches(users):
            of = (_faces.collection == collection.id, _faces.user_id.in_(some))
            stay = set(connection.execute(select(_faces.user_id).where(*of).distinct()).scalars())
            named = (_users.collection == collection.id, _users.user_id.in_(some))
            connection.execute(update(tables.users).where(*named).values(number=collection.version))
            empty = (_users.collection == collection.id, _users.user_id.in_({*some} - stay))
            found = connection.execute(select(_users.id, _users.user_id).where(*empty)).all()
            connection.execute(delete(tables.users).where(*empty))
            gone |= {row.id: row.user_id for row in found}
        return gone


def _batches(names: Collection[Any]) -> Sequence[list[Any]]:
    listed = sorted(names)
    return [listed[start : start + _AT_ONCE] for start in range(0, len(listed), _AT_ONCE)]
