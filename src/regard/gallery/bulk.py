"""Enrolment of faces by the thousand in one transaction, for imports and copies; :mod:`.faces` enrols those of one
picture.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from sqlalchemy import Connection, select, update

from regard.database import insert_rows
from regard.gallery.collections import tables
from regard.gallery.collections.collections import Collections, Kept
from regard.gallery.collections.errors import OtherModel, QuotaExceeded
from regard.gallery.faces import MOST_FACES, Candidate, grow, identity, picture_of, row_of, subject
from regard.gallery.index import vectors
from regard.gallery.templates.key_store import HOUSE
from regard.gallery.templates.vault import Vault

_CACHE_KIB = 1 << 18


@dataclass(frozen=True, slots=True)
class Arrival:
    """A face that comes with many: `picture` is the SHA-256 of the file it is from, None where nobody knows it.

    A face that moves here from elsewhere brings its ids, the name of the user that it is of, and when it was enrolled,
    in seconds since 1970: moving prolongs no term.
    """

    picture: bytes | None
    external_image_id: str | None
    face: Candidate
    face_id: str | None = None
    image_id: str | None = None
    user_id: str | None = None
    enrolled: float | None = None


class Bulk:
    """Takes faces in by the thousand. Works in the caller's transaction."""

    def __init__(self, collections: Collections, vault: Vault, clock: Callable[[], float]) -> None:
        self._collections = collections
        self._vault = vault
        self._clock = clock

    def enrol(
        self,
        connection: Connection,
        organization: str,
        collection_id: str,
        arrivals: Sequence[Arrival],
        face_model: str,
        most: int = MOST_FACES,
    ) -> list[str]:
        """Enrol faces that the caller knows to be new, and give their FaceIds in the same order.

        Unlike :meth:`Faces.enrol` it does not look for a face that is there already. Faces of one picture and name
        share an ImageId. Raises NoSuchCollection, OtherModel, QuotaExceeded.
        """
        collection = self._collections.change(connection, organization, collection_id)
        if collection.face_model != face_model:
            raise OtherModel(collection_id, collection.face_model, face_model)
        if collection.faces + len(arrivals) > most:
            raise QuotaExceeded(f"The collection id: {collection_id} may hold {most} faces.")
        ids = [arrival.face_id or made for arrival, made in zip(arrivals, _uuids(len(arrivals)), strict=True)]
        pairs = [
            (subject(arrival.external_image_id, face_id), face_id)
            for arrival, face_id in zip(arrivals, ids, strict=True)
        ]
        sealed = self._vault.seal(collection.id, pairs, [arrival.face.template for arrival in arrivals])
        sources = self._vault.digests(
            collection.id,
            [
                identity(arrival.picture or face_id.encode(), arrival.external_image_id)
                for arrival, face_id in zip(arrivals, ids, strict=True)
            ],
        )
        pictures = self._pictures(organization, arrivals)
        images = dict(zip(sources, _uuids(len(sources)), strict=True))
        now = self._clock()
        rows = [
            row_of(collection, *pair, arrival.face, template)
            | {
                "external_image_id": arrival.external_image_id,
                "image_id": arrival.image_id or images[source],
                "source": source,
                "picture": pictures.get(arrival.picture),
                "user_id": arrival.user_id,
                "created_at": now if arrival.enrolled is None else min(arrival.enrolled, now),
            }
            for pair, arrival, template, source in zip(pairs, arrivals, sealed, sources, strict=True)
        ]
        self._name_users(connection, collection, {arrival.user_id for arrival in arrivals} - {None}, now)
        if rows:
            if connection.dialect.name == "sqlite":
                # The keys of the table's indexes are random: a small page cache is written out and read back all the
                # time.
                connection.exec_driver_sql(f"PRAGMA cache_size=-{_CACHE_KIB}")
            insert_rows(connection, tables.faces, rows)
            vectors.keep(connection, self._vault, collection)
            grow(connection, collection, len(rows))
        return ids

    def _pictures(self, organization: str, arrivals: Sequence[Arrival]) -> dict[bytes | None, bytes]:
        """The digests that pictures are kept under, by their SHA-256."""
        known = [picture for picture in {arrival.picture for arrival in arrivals} if picture]
        digests = self._vault.digests(HOUSE, [picture_of(organization, picture) for picture in known])
        return dict(zip(known, digests, strict=True))

    def _name_users(self, connection: Connection, collection: Kept, names: set[str | None], now: float) -> None:
        if not names:
            return
        users, row = tables.users.c, tables.collections.c
        named = (users.collection == collection.id, users.user_id.in_(names))
        connection.execute(update(tables.users).where(*named).values(number=collection.version))
        there = set(connection.execute(select(users.user_id).where(*named)).scalars())
        new = [
            {"collection": collection.id, "user_id": name, "number": collection.version, "created_at": now}
            for name in sorted(filter(None, names - there))
        ]
        if new:
            insert_rows(connection, tables.users, new)
            connection.execute(
                update(tables.collections).where(row.id == collection.id).values(users=row.users + len(new))
            )


def _uuids(count: int) -> list[str]:
    """Random UUIDs (RFC 9562, version 4), in less than half of the time that making an object of each takes."""
    digits = os.urandom(16 * count).hex()
    variants = str.maketrans(dict(zip("0123456789abcdef", 4 * "89ab", strict=True)))
    return [
        f"{each[:8]}-{each[8:12]}-4{each[13:16]}-{each[16].translate(variants)}{each[17:20]}-{each[20:]}"
        for each in (digits[start : start + 32] for start in range(0, len(digits), 32))
    ]
