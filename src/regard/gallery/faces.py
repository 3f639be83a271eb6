"""Faces as a collection keeps them: enrolled, listed, deleted. :mod:`regard.vision.faces.faces` finds them in pictures,
:mod:`.bulk` enrols thousands at once.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass
from typing import Any
from uuid import uuid4

import numpy as np
from numpy.typing import NDArray
from sqlalchemy import Connection, bindparam, delete, insert, select, update

from regard.gallery.collections import removals, tables
from regard.gallery.collections.collections import Collections, Kept
from regard.gallery.collections.errors import FaceChanged, OtherModel, QuotaExceeded
from regard.gallery.index import vectors
from regard.gallery.templates.key_store import HOUSE
from regard.gallery.templates.vault import Template, Vault

MOST_FACES = 20_000_000
_faces = tables.faces.c

Box = tuple[float, float, float, float]


@dataclass(frozen=True, slots=True)
class Candidate:
    """A face to be enrolled. `box` is left, top, width, height as ratios; `template` float32 of length 1."""

    box: Box
    confidence: float
    template: NDArray[np.float32]


@dataclass(frozen=True, slots=True)
class KeptFace:
    """A face as it is kept, without its template. `id` is ours; `face_id` is the API's."""

    id: int
    face_id: str
    image_id: str
    external_image_id: str | None
    box: Box
    confidence: float
    face_model: str
    user_id: str | None
    subject: str


@dataclass(frozen=True, slots=True)
class Deletion:
    """What was deleted and what was not. The keys of `subjects` may have no use left."""

    collection: int
    deleted: list[str]
    unknown: list[str]
    associated: dict[str, str]
    subjects: set[str]


class Faces:
    """Enrols, lists and deletes faces. All methods work in the caller's transaction."""

    def __init__(self, collections: Collections, vault: Vault, clock: Callable[[], float]) -> None:
        self._collections = collections
        self._vault = vault
        self._clock = clock

    def enrol(
        self,
        connection: Connection,
        organization: str,
        collection_id: str,
        picture: bytes,
        candidates: Sequence[Candidate],
        face_model: str,
        external_image_id: str | None = None,
        most: int = MOST_FACES,
    ) -> list[KeptFace]:
        """Enrol faces of one picture and return them as kept, in the order given.

        The same face of the same picture under the same `external_image_id` is kept once: the row that is there
        comes back. `most` is how many faces the collection may hold. Raises NoSuchCollection, OtherModel,
        QuotaExceeded.
        """
        collection = self._collections.change(connection, organization, collection_id)
        if collection.face_model != face_model:
            raise OtherModel(collection_id, collection.face_model, face_model)
        source = self._vault.digest(collection.id, identity(hashlib.sha256(picture).digest(), external_image_id))
        there = {face.box: face for face in _of_source(connection, collection, source)}
        new = [candidate for candidate in candidates if candidate.box not in there]
        if new:
            if collection.faces + len(new) > most:
                raise QuotaExceeded(f"The collection id: {collection_id} may hold {most} faces.")
            shared = {
                "source": source,
                "picture": self._vault.digest(HOUSE, picture_of(organization, hashlib.sha256(picture).digest())),
                "image_id": next((face.image_id for face in there.values()), None) or str(uuid4()),
                "external_image_id": external_image_id,
            }
            kept = self._insert(connection, organization, collection, shared, new)
            there |= {face.box: face for face in kept}
        return [there[candidate.box] for candidate in candidates]

    def page(
        self,
        connection: Connection,
        collection: Kept,
        after: int,
        most: int,
        user_id: str | None = None,
        face_ids: Collection[str] | None = None,
    ) -> list[KeptFace]:
        """At most `most` faces, oldest first, from behind the id `after`; of one user or with these ids only."""
        wanted = select(*_COLUMNS).where(_faces.collection == collection.id, _faces.id > after)
        if user_id is not None:
            wanted = wanted.where(_faces.user_id == user_id)
        if face_ids is not None:
            wanted = wanted.where(_faces.face_id.in_(face_ids))
        return [_kept(row) for row in connection.execute(wanted.order_by(_faces.id).limit(most))]

    def with_ids(self, connection: Connection, collection: Kept, face_ids: Collection[str]) -> dict[str, KeptFace]:
        """The faces with these ids, by id; unknown ids are left out."""
        wanted = select(*_COLUMNS).where(_faces.collection == collection.id, _faces.face_id.in_(face_ids))
        return {face.face_id: face for face in map(_kept, connection.execute(wanted))}

    def numbered(self, connection: Connection, collection: Kept, rows: Collection[int]) -> dict[int, KeptFace]:
        """The faces with these row numbers, by number; unknown ones are left out."""
        # Mostly nobody is found, and to look for none of many SQLite reads them all.
        if not rows:
            return {}
        wanted = select(*_COLUMNS).where(_faces.collection == collection.id, _faces.id.in_(rows))
        return {face.id: face for face in map(_kept, connection.execute(wanted))}

    def enrolled_from(
        self, connection: Connection, collection: Kept, picture: bytes, external_image_id: str
    ) -> list[KeptFace]:
        """The faces that were enrolled from this very file under this name."""
        whole = identity(hashlib.sha256(picture).digest(), external_image_id)
        return _of_source(connection, collection, self._vault.digest(collection.id, whole))

    def likeness(
        self, connection: Connection, collection: Kept, whose: str, embeddings: NDArray[np.float32]
    ) -> NDArray[np.float32] | None:
        """The highest cosine of each embedding, shape (n, d), to a subject's templates; None where there are none."""
        wanted = select(_faces.subject, _faces.face_id, _faces.template).where(
            _faces.collection == collection.id, _faces.subject == whose
        )
        found = self._vault.open(collection.id, [Template(*row) for row in connection.execute(wanted)])
        if not found:
            return None
        return np.asarray((embeddings @ np.stack(list(found.values())).T).max(axis=1))

    def delete(
        self, connection: Connection, organization: str, collection_id: str, face_ids: Sequence[str]
    ) -> Deletion:
        """Delete faces; one that is associated with a user stays. Raises NoSuchCollection."""
        collection = self._collections.change(connection, organization, collection_id)
        there = self.with_ids(connection, collection, face_ids)
        associated = {face.face_id: face.user_id for face in there.values() if face.user_id is not None}
        asked = list(dict.fromkeys(face_ids))
        deleted = [face_id for face_id in asked if face_id in there and face_id not in associated]
        if deleted:
            connection.execute(
                delete(tables.faces).where(_faces.collection == collection.id, _faces.face_id.in_(deleted))
            )
            removals.note(connection, collection, faces=[there[face_id].id for face_id in deleted])
            connection.execute(
                update(tables.collections)
                .where(tables.collections.c.id == collection.id)
                .values(faces=tables.collections.c.faces - len(deleted), removed=collection.version)
            )
        unknown = [face_id for face_id in asked if face_id not in there]
        subjects = {there[face_id].subject for face_id in deleted}
        return Deletion(collection.id, deleted, unknown, associated, subjects)

    def _insert(
        self,
        connection: Connection,
        organization: str,
        collection: Kept,
        shared: dict[str, Any],
        candidates: Sequence[Candidate],
    ) -> list[KeptFace]:
        ids = [str(uuid4()) for _ in candidates]
        subjects = [subject(shared["external_image_id"], face_id) for face_id in ids]
        pairs = list(zip(subjects, ids, strict=True))
        # What is told of these people lies sealed beside the log, under keys that are needed soon.
        people = set(self._vault.person_keys(organization, set(subjects)))
        sealed = self._vault.seal(collection.id, pairs, [each.template for each in candidates], people)
        now = self._clock()
        rows = [
            row_of(collection, *pair, candidate, template) | shared | {"created_at": now}
            for pair, candidate, template in zip(pairs, candidates, sealed, strict=True)
        ]
        kept = connection.execute(_INSERT, rows).all()
        vectors.keep(connection, self._vault, collection)
        grow(connection, collection, len(rows))
        return [_kept(row) for row in kept]


def subject(external_image_id: str | None, face_id: str) -> str:
    """Whom a face shows: the person that the organization names by ExternalImageId, else this face alone."""
    return f"face/{face_id}" if external_image_id is None else f"external/{external_image_id}"


_COLUMNS = (
    _faces.id,
    _faces.face_id,
    _faces.image_id,
    _faces.external_image_id,
    _faces.left,
    _faces.top,
    _faces.width,
    _faces.height,
    _faces.confidence,
    _faces.face_model,
    _faces.user_id,
    _faces.subject,
)
# Statements of every enrolment are built once: to build one takes longer than to execute it.
_INSERT = insert(tables.faces).returning(*_COLUMNS)
_GROW = (
    update(tables.collections)
    .where(tables.collections.c.id == bindparam("collection"))
    .values(faces=tables.collections.c.faces + bindparam("more"))
)
_OF_SOURCE = select(*_COLUMNS).where(_faces.collection == bindparam("of"), _faces.source == bindparam("digest"))


def row_of(collection: Kept, whose: str, face_id: str, candidate: Candidate, template: bytes) -> dict[str, Any]:
    """The row of a face that is enrolled now, as far as it is its own; `template` is sealed."""
    left, top, width, height = candidate.box
    return {
        "collection": collection.id,
        "face_id": face_id,
        "number": collection.version,
        "subject": whose,
        "left": left,
        "top": top,
        "width": width,
        "height": height,
        "confidence": candidate.confidence,
        "template": template,
        "face_model": collection.face_model,
    }


def grow(connection: Connection, collection: Kept, more: int) -> None:
    """Count so many faces more in a collection."""
    connection.execute(_GROW, {"collection": collection.id, "more": more})


def _kept(row: Sequence[Any]) -> KeptFace:
    face_id, image_id, external_image_id, left, top, width, height = row[1:8]
    kept = KeptFace(row[0], face_id, image_id, external_image_id, (left, top, width, height), *row[8:])
    # The template opens for the subject alone; what callers are told must be the same person.
    if kept.subject != subject(external_image_id, face_id):
        raise FaceChanged(face_id)
    return kept


def _of_source(connection: Connection, collection: Kept, source: bytes) -> list[KeptFace]:
    return [_kept(row) for row in connection.execute(_OF_SOURCE, {"of": collection.id, "digest": source})]


def picture_of(organization: str, picture: bytes) -> bytes:
    """What is digested to know the file with this SHA-256 again in any collection of an organization."""
    return f"picture/{organization}/".encode() + picture


def identity(picture: bytes, external_image_id: str | None) -> bytes:
    """What is digested to know the file with this SHA-256 again under the same name in the same collection."""
    # The first part is of fixed length: two pairs never give the same bytes.
    return picture + (external_image_id or "").encode()
