"""Users: people made of several faces by their organization. The person that a face shows is its subject:
:mod:`.subjects`.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass, field
from typing import Any

from sqlalchemy import ColumnElement, Connection, Select, delete, exists, insert, select, update

from regard.gallery.collections import removals, tables
from regard.gallery.collections.collections import Collections, Kept
from regard.gallery.collections.errors import NoSuchUser, QuotaExceeded, UserExists
from regard.gallery.templates.fusion import fused
from regard.gallery.templates.vault import Template, Vault

MOST_FACES_OF_A_USER = 100
_users, _faces = tables.users.c, tables.faces.c


@dataclass(frozen=True, slots=True)
class KeptUser:
    """A user as it is kept. `active` says whether any face is associated: fusing is done before the answer."""

    id: int
    user_id: str
    active: bool


@dataclass(slots=True)
class Association:
    """FaceIds by outcome: associated or freed; unknown; another user's; too unlike, with the cosine."""

    done: list[str] = field(default_factory=list)
    unknown: list[str] = field(default_factory=list)
    elsewhere: dict[str, str] = field(default_factory=dict)
    unlike: dict[str, float] = field(default_factory=dict)
    active: bool = False


@dataclass(frozen=True, slots=True)
class Prospect:
    """Faces that are about to be a user's: whose they are now by FaceId, their templates, and their subjects."""

    user_id: str
    face_ids: Sequence[str]
    owners: dict[str, str | None]
    templates: dict[str, Any]
    subjects: dict[str, str]

    def outcome(self, alike: Callable[[str, float, list[str]], bool]) -> Association:
        """What becomes of the faces, one after the other in the order given.

        `alike(FaceId, cosine, subjects)` says whether a face may be that of a user who is made of those subjects, the
        one who was first among them first.

        The first face of a user without any is taken as it is; each later one is compared with the user as fused
        so far. A face that is the user's already is passed over. Raises QuotaExceeded when the user would have more
        than 100 faces.
        """
        own = [face_id for face_id, owner in self.owners.items() if owner == self.user_id and face_id in self.templates]
        outcome = Association()
        for face_id in dict.fromkeys(self.face_ids):
            owner = self.owners.get(face_id)
            if face_id not in self.templates:
                outcome.unknown.append(face_id)
            elif owner is not None:
                if owner != self.user_id:
                    outcome.elsewhere[face_id] = owner
            elif own and not alike(face_id, score := self._cosine(own, face_id), self._made_of(own)):
                outcome.unlike[face_id] = score
            else:
                own.append(face_id)
                outcome.done.append(face_id)
        if len(own) > MOST_FACES_OF_A_USER:
            raise QuotaExceeded(f"A user has at most {MOST_FACES_OF_A_USER} faces.")
        outcome.active = bool(own)
        return outcome

    def _cosine(self, own: Sequence[str], face_id: str) -> float:
        return float(fused([self.templates[each] for each in own]) @ self.templates[face_id])

    def _made_of(self, own: Sequence[str]) -> list[str]:
        return list(dict.fromkeys(self.subjects[each] for each in own))


class Users:
    """Makes users and associates faces with them. All methods work in the caller's transaction."""

    def __init__(self, collections: Collections, vault: Vault, clock: Callable[[], float]) -> None:
        self._collections = collections
        self._vault = vault
        self._clock = clock

    def create(self, connection: Connection, organization: str, collection_id: str, user_id: str) -> None:
        """Make a user without faces. Raises NoSuchCollection, UserExists."""
        collection = self._collections.change(connection, organization, collection_id)
        if self._row(connection, collection, user_id) is not None:
            raise UserExists(user_id)
        connection.execute(
            insert(tables.users).values(
                collection=collection.id, user_id=user_id, number=collection.version, created_at=self._clock()
            )
        )
        _count(connection, collection, 1)

    def delete(self, connection: Connection, organization: str, collection_id: str, user_id: str) -> None:
        """Delete a user; its faces stay, on their own. Raises NoSuchCollection, NoSuchUser."""
        collection = self._changed(connection, organization, collection_id, user_id)
        _set_user(connection, collection, None, _faces.user_id == user_id)
        row = self.require(connection, collection, user_id)
        connection.execute(delete(tables.users).where(_users.id == row))
        removals.note(connection, collection, users=[row])
        _count(connection, collection, -1)

    def page(self, connection: Connection, collection: Kept, after: int, most: int) -> list[KeptUser]:
        """At most `most` users, oldest first, from behind the id `after`."""
        wanted = _with_activity().where(_users.collection == collection.id, _users.id > after)
        return [KeptUser(*row) for row in connection.execute(wanted.order_by(_users.id).limit(most))]

    def numbered(self, connection: Connection, collection: Kept, rows: Collection[int]) -> dict[int, KeptUser]:
        """The users with these row numbers, by number; unknown ones are left out."""
        if not rows:
            return {}
        wanted = _with_activity().where(_users.collection == collection.id, _users.id.in_(rows))
        return {row[0]: KeptUser(*row) for row in connection.execute(wanted)}

    def subjects(self, connection: Connection, collection: Kept, user_ids: Collection[str]) -> list[tuple[str, str]]:
        """Of whose faces these users are made: UserId and subject, each pair once, who was enrolled first first."""
        wanted = select(_faces.user_id, _faces.subject)
        made = wanted.where(_faces.collection == collection.id, _faces.user_id.in_(user_ids)).order_by(_faces.id)
        return list(dict.fromkeys((user_id, subject) for user_id, subject in connection.execute(made)))

    def require(self, connection: Connection, collection: Kept, user_id: str) -> int:
        """The row number of the user of this name. Raises NoSuchUser when the collection has none."""
        row = self._row(connection, collection, user_id)
        if row is None:
            raise NoSuchUser(user_id)
        return row

    def prospect(self, connection: Connection, collection: Kept, user_id: str, face_ids: Sequence[str]) -> Prospect:
        """The faces that are about to be a user's. Raises NoSuchUser."""
        self.require(connection, collection, user_id)
        rows = _rows(connection, collection, user_id, face_ids)
        sealed = [Template(subject, face_id, template) for face_id, subject, template, _ in rows]
        return Prospect(
            user_id,
            face_ids,
            {face_id: owner for face_id, _, _, owner in rows},
            self._vault.open(collection.id, sealed),
            {face_id: subject for face_id, subject, _, _ in rows},
        )

    def associate(
        self,
        connection: Connection,
        organization: str,
        collection_id: str,
        user_id: str,
        face_ids: Sequence[str],
        at_least: float,
        admitted: Collection[str] | None = None,
    ) -> Association:
        """Associate faces whose cosine to the user is at least `at_least`, as :meth:`Prospect.outcome` has it.

        `admitted` are the only ones that likeness may make the user's; None stands for any. Raises NoSuchCollection,
        NoSuchUser, QuotaExceeded.
        """
        collection = self._changed(connection, organization, collection_id, user_id)

        def alike(face_id: str, score: float, _: list[str]) -> bool:
            return score >= at_least and (admitted is None or face_id in admitted)

        outcome = self.prospect(connection, collection, user_id, face_ids).outcome(alike)
        if outcome.done:
            _set_user(connection, collection, user_id, _faces.face_id.in_(outcome.done))
        return outcome

    def disassociate(
        self, connection: Connection, organization: str, collection_id: str, user_id: str, face_ids: Sequence[str]
    ) -> Association:
        """Free faces of the user; a face of no user counts as unknown. Raises NoSuchCollection, NoSuchUser."""
        collection = self._changed(connection, organization, collection_id, user_id)
        owners = {face_id: owner for face_id, _, _, owner in _rows(connection, collection, user_id, face_ids)}
        outcome = Association()
        for face_id in dict.fromkeys(face_ids):
            owner = owners.get(face_id)
            if owner is None:
                outcome.unknown.append(face_id)
            elif owner != user_id:
                outcome.elsewhere[face_id] = owner
            else:
                outcome.done.append(face_id)
        if outcome.done:
            _set_user(connection, collection, None, _faces.face_id.in_(outcome.done))
        outcome.active = sum(owner == user_id for owner in owners.values()) > len(outcome.done)
        return outcome

    def _changed(self, connection: Connection, organization: str, collection_id: str, user_id: str) -> Kept:
        collection = self._collections.change(connection, organization, collection_id)
        changed = connection.execute(
            update(tables.users)
            .where(_users.collection == collection.id, _users.user_id == user_id)
            .values(number=collection.version)
        )
        if not changed.rowcount:
            raise NoSuchUser(user_id)
        return collection

    def _row(self, connection: Connection, collection: Kept, user_id: str) -> int | None:
        wanted = select(_users.id).where(_users.collection == collection.id, _users.user_id == user_id)
        return connection.execute(wanted).scalar()


def _rows(
    connection: Connection, collection: Kept, user_id: str, face_ids: Sequence[str]
) -> list[tuple[str, str, bytes, str | None]]:
    """The faces of the user and those with these ids: FaceId, subject, sealed template, UserId."""
    wanted = select(_faces.face_id, _faces.subject, _faces.template, _faces.user_id).where(
        _faces.collection == collection.id, (_faces.user_id == user_id) | _faces.face_id.in_(face_ids)
    )
    wanted = wanted.order_by(_faces.id)
    return [tuple(row) for row in connection.execute(wanted)]


def _with_activity() -> Select[Any]:
    has_faces = exists().where(_faces.collection == _users.collection, _faces.user_id == _users.user_id)
    return select(_users.id, _users.user_id, has_faces)


def _set_user(connection: Connection, collection: Kept, user_id: str | None, which: ColumnElement[bool]) -> None:
    connection.execute(update(tables.faces).where(_faces.collection == collection.id, which).values(user_id=user_id))


def _count(connection: Connection, collection: Kept, more: int) -> None:
    values: dict[str, Any] = {"users": tables.collections.c.users + more}
    if more < 0:
        values["removed"] = collection.version
    connection.execute(update(tables.collections).where(tables.collections.c.id == collection.id).values(values))
