"""Collections as rows: their names, face models, counts and tags. What a collection stands on,
:mod:`regard.stewardship.council.collections` says.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime

from sqlalchemy import Connection, bindparam, delete, insert, select, update

from regard.gallery.collections import marks, tables
from regard.gallery.collections.errors import CollectionExists, NoSuchCollection, QuotaExceeded
from regard.gallery.collections.terms import check_terms, seal_terms
from regard.traces import owe

MOST_TAGS = 200
_collections = tables.collections.c

# Statements of every call are built once: to build one takes longer than to execute it.
_NAMED = (_collections.organization == bindparam("owner"), _collections.collection_id == bindparam("name"))
_FIND = select(tables.collections).where(*_NAMED)
_CHANGE = (
    update(tables.collections).where(*_NAMED).values(version=_collections.version + 1).returning(tables.collections)
)
_TAGS = (
    select(tables.tags.c.key, tables.tags.c.value)
    .where(tables.tags.c.collection == bindparam("collection"))
    .order_by(tables.tags.c.key)
)


@dataclass(frozen=True, slots=True)
class Kept:
    """A collection as it is kept. `id` is ours and never used twice; `collection_id` is the organization's."""

    id: int
    organization: str
    collection_id: str
    face_model: str
    version: int
    removed: int
    faces: int
    users: int
    created_at: float
    seal: bytes | None = field(repr=False)

    @property
    def created(self) -> datetime:
        """When it was made."""
        return datetime.fromtimestamp(self.created_at, UTC)


class Collections:
    """Makes, finds and lists collections. All methods work in the caller's transaction."""

    def __init__(self, clock: Callable[[], float]) -> None:
        self._clock = clock

    def create(
        self, connection: Connection, organization: str, collection_id: str, face_model: str, tags: Mapping[str, str]
    ) -> None:
        """Make a collection pinned to `face_model`. Raises CollectionExists, QuotaExceeded."""
        if _find(connection, organization, collection_id) is not None:
            raise CollectionExists(collection_id)
        made = connection.execute(
            insert(tables.collections).values(
                organization=organization,
                collection_id=collection_id,
                face_model=face_model,
                version=0,
                removed=0,
                faces=0,
                users=0,
                created_at=self._clock(),
            )
        )
        assert made.inserted_primary_key
        _set_tags(connection, made.inserted_primary_key[0], tags)
        seal_terms(connection, made.inserted_primary_key[0])

    def find(self, connection: Connection, organization: str, collection_id: str) -> Kept:
        """The collection of this name. Raises NoSuchCollection."""
        found = _find(connection, organization, collection_id)
        if found is None:
            raise NoSuchCollection(collection_id)
        return found

    def change(self, connection: Connection, organization: str, collection_id: str) -> Kept:
        """The collection with its version counted up: every mutation begins here, and the next one waits.

        Raises NoSuchCollection.
        """
        row = connection.execute(_CHANGE, {"owner": organization, "name": collection_id}).one_or_none()
        if row is None:
            raise NoSuchCollection(collection_id)
        return Kept(*row)

    def delete(self, connection: Connection, organization: str, collection_id: str) -> Kept:
        """Delete a collection with all in it; afterwards its keys are to be destroyed. Raises NoSuchCollection."""
        found = self.change(connection, organization, collection_id)
        marks.end(connection, found.id)
        for table in (tables.faces, tables.users, tables.tags):
            connection.execute(delete(table).where(table.c.collection == found.id))
        connection.execute(delete(tables.collections).where(_collections.id == found.id))
        owe(connection)
        return found

    def page(self, connection: Connection, organization: str, after: int, most: int) -> list[Kept]:
        """At most `most` collections of the organization, oldest first, from behind the id `after`."""
        wanted = (
            select(tables.collections)
            .where(_collections.organization == organization, _collections.id > after)
            .order_by(_collections.id)
            .limit(most)
        )
        return [Kept(*row) for row in connection.execute(wanted)]

    def tag(self, connection: Connection, organization: str, collection_id: str, tags: Mapping[str, str]) -> None:
        """Add tags; a key that is there gets the new value. Raises NoSuchCollection, TermsChanged, QuotaExceeded."""
        found = self.change(connection, organization, collection_id)
        check_terms(connection, found.id)
        _set_tags(connection, found.id, tags)
        seal_terms(connection, found.id)

    def untag(self, connection: Connection, organization: str, collection_id: str, keys: Collection[str]) -> None:
        """Remove the tags with these keys; unknown keys are passed over. Raises NoSuchCollection, TermsChanged."""
        found = self.change(connection, organization, collection_id)
        check_terms(connection, found.id)
        connection.execute(delete(tables.tags).where(tables.tags.c.collection == found.id, tables.tags.c.key.in_(keys)))
        seal_terms(connection, found.id)

    def tags(self, connection: Connection, organization: str, collection_id: str) -> dict[str, str]:
        """All tags of a collection by its name. Raises NoSuchCollection."""
        return self.tags_of(connection, self.find(connection, organization, collection_id))

    def tags_of(self, connection: Connection, collection: Kept) -> dict[str, str]:
        """All tags of a collection, as :meth:`find` gives it."""
        return _tags(connection, collection.id)


def _find(connection: Connection, organization: str, collection_id: str) -> Kept | None:
    row = connection.execute(_FIND, {"owner": organization, "name": collection_id}).one_or_none()
    return None if row is None else Kept(*row)


def _tags(connection: Connection, collection: int) -> dict[str, str]:
    return {row.key: row.value for row in connection.execute(_TAGS, {"collection": collection})}


def _set_tags(connection: Connection, collection: int, tags: Mapping[str, str]) -> None:
    if not tags:
        return
    if len(_tags(connection, collection).keys() | tags.keys()) > MOST_TAGS:
        raise QuotaExceeded(f"A resource has at most {MOST_TAGS} tags.")
    connection.execute(delete(tables.tags).where(tables.tags.c.collection == collection, tables.tags.c.key.in_(tags)))
    rows = [{"collection": collection, "key": key, "value": value} for key, value in tags.items()]
    connection.execute(insert(tables.tags), rows)
