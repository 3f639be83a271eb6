"""Collections that move: read out, sealed to whoever is to receive them, and taken in.

A file is sealed to the recipient's X25519 key with HPKE (RFC 9180) and opens nowhere else. It holds faces with their
ids, names, users and templates, and what goes along with them; not the keyed digests of pictures, which mean nothing
elsewhere.
"""

from __future__ import annotations

import base64
import re
from collections.abc import Callable, Iterator
from typing import BinaryIO

import msgspec
import numpy as np
from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey, X25519PublicKey
from cryptography.hazmat.primitives.hpke import AEAD, KDF, KEM, Suite
from sqlalchemy import Connection, select

from regard.gallery.bulk import Arrival
from regard.gallery.collections import tables
from regard.gallery.collections.collections import Collections, Kept
from regard.gallery.faces import Candidate
from regard.gallery.index.pieces import Pieces
from regard.gallery.objections import Carried
from regard.gallery.templates.vault import Template, Vault
from regard.names import legible
from regard.sealing import SealBroken, SealingKey

_AT_ONCE = 10_000
_MAGIC = b"regard.collection/2\n"
# Files from before anything went along with faces.
_BARE = b"regard.collection/1\n"
_NAME = "collection"
_PURPOSE = "transfer/x25519"
# What the API takes as an ExternalImageId, and so as any shorter id.
_ID = re.compile(r"[a-zA-Z0-9_.\-:]{1,255}")
_suite = Suite(KEM.X25519, KDF.HKDF_SHA256, AEAD.AES_256_GCM)
_faces = tables.faces.c


class NotForUs(ValueError):
    """The file is no collection, is not whole, or was sealed to somebody else."""


class Head(msgspec.Struct, frozen=True):
    """What collection a file holds."""

    collection_id: str
    face_model: str
    tags: dict[str, str]
    faces: int


class Along(msgspec.Struct, frozen=True):
    """What goes along with faces: receipts of consent, as bytes, and templates that are kept against enrolment."""

    receipts: list[bytes] = []
    objections: list[Carried] = []


class _Face(msgspec.Struct, frozen=True, array_like=True):
    face_id: str
    image_id: str
    external_image_id: str | None
    user_id: str | None
    box: tuple[float, float, float, float]
    confidence: float
    template: bytes
    enrolled: float | None = None


class Transfer:
    """Reads collections out and writes them to files. All methods work in the caller's transaction."""

    def __init__(self, collections: Collections, vault: Vault, key: SealingKey) -> None:
        self._collections = collections
        self._vault = vault
        self._private = X25519PrivateKey.from_private_bytes(key.derived(_PURPOSE))

    @property
    def recipient(self) -> str:
        """The key that others seal collections to, in base64."""
        return base64.b64encode(self._private.public_key().public_bytes_raw()).decode()

    def arrivals(self, connection: Connection, collection: Kept) -> Iterator[list[Arrival]]:
        """The faces of a collection, some thousands at a time, oldest first, without those that do not open."""
        after = 0
        columns = (
            *(_faces.id, _faces.subject, _faces.face_id, _faces.template, _faces.image_id, _faces.external_image_id),
            *(_faces.user_id, _faces.left, _faces.top, _faces.width, _faces.height, _faces.confidence),
            _faces.created_at,
        )
        wanted = select(*columns).where(_faces.collection == collection.id).order_by(_faces.id).limit(_AT_ONCE)
        while rows := connection.execute(wanted.where(_faces.id > after)).all():
            opened = self._vault.open(collection.id, [Template(*row[1:4]) for row in rows])
            yield [
                Arrival(
                    None, name, Candidate((*box,), confidence, opened[face_id]), face_id, image_id, user_id, enrolled
                )
                for _, _, face_id, _, image_id, name, user_id, *box, confidence, enrolled in rows
                if face_id in opened
            ]
            after = rows[-1].id

    def write(
        self, connection: Connection, organization: str, collection_id: str, file: BinaryIO, to: str, along: Along
    ) -> int:
        """Write a collection, sealed to the recipient `to`, and give the number of faces.

        Raises NoSuchCollection, ValueError when `to` is no key.
        """
        collection = self._collections.find(connection, organization, collection_id)
        tags = self._collections.tags(connection, organization, collection_id)
        content = SealingKey.generate()
        file.write(_MAGIC + _suite.encrypt(content, recipient_key(to), info=_MAGIC))
        pieces, key, faces = Pieces(file, _NAME), SealingKey(content), 0
        pieces.put(key, msgspec.msgpack.encode(Head(collection_id, collection.face_model, tags, collection.faces)))
        pieces.put(key, msgspec.msgpack.encode(along))
        for some in self.arrivals(connection, collection):
            pieces.put(key, msgspec.msgpack.encode([_packed(arrival) for arrival in some]))
            faces += len(some)
        pieces.put(key, b"")
        return faces

    def read(self, file: BinaryIO) -> tuple[Head, Along, Iterator[list[Arrival]]]:
        """What collection a file holds, what goes along, and its faces, some thousands at a time.

        Raises NotForUs, also while reading.

        Until the last face was read nobody knows that the file is whole: take faces in within one transaction.
        """
        magic = file.read(len(_MAGIC))
        get = self._getter(file, magic)
        head = msgspec.msgpack.decode(get(), type=Head)
        along = Along() if magic == _BARE else msgspec.msgpack.decode(get(), type=Along)
        return head, along, _unpacked(get)

    def _getter(self, file: BinaryIO, magic: bytes) -> Callable[[], bytes]:
        if magic not in (_MAGIC, _BARE):
            raise NotForUs("the file holds no collection; `regard collections export` writes one")
        try:
            sealed = file.read(len(_suite.encrypt(bytes(32), self._private.public_key())))
            key = SealingKey(_suite.decrypt(sealed, self._private, info=magic))
        except (InvalidTag, ValueError):
            raise NotForUs(
                "the collection was sealed to another key than this service's, "
                "which `regard collections key` prints; ask for it sealed to that one"
            ) from None
        pieces = Pieces(file, _NAME)

        def get() -> bytes:
            try:
                return pieces.get(key)
            except SealBroken:
                raise NotForUs("the file is not whole; have it sent again") from None

        return get


def recipient_key(text: str) -> X25519PublicKey:
    """The key that a recipient printed. Raises ValueError."""
    try:
        return X25519PublicKey.from_public_bytes(base64.b64decode(text, validate=True))
    except ValueError:
        raise ValueError(f"{text!r} is no recipient's key; `regard collections key` prints one, there") from None


def _packed(arrival: Arrival) -> _Face:
    face, template = arrival.face, arrival.face.template.astype("<f4").tobytes()
    assert arrival.face_id
    assert arrival.image_id
    ids = (arrival.face_id, arrival.image_id, arrival.external_image_id, arrival.user_id)
    return _Face(*ids, face.box, face.confidence, template, arrival.enrolled)


def _checked(faces: list[_Face]) -> list[_Face]:
    """The faces, whose ids are such as the API takes. Raises NotForUs: an honest service writes no others."""
    for face in faces:
        for each in (face.face_id, face.image_id, face.external_image_id, face.user_id):
            if each is not None and not _ID.fullmatch(each):
                raise NotForUs(f"the file has an id that is none, {legible(each)!r}: ask for it from another service")
    return faces


def _unpacked(get: Callable[[], bytes]) -> Iterator[list[Arrival]]:
    while data := get():
        yield [
            Arrival(
                None,
                face.external_image_id,
                Candidate(face.box, face.confidence, np.frombuffer(face.template, "<f4")),
                face.face_id,
                face.image_id,
                face.user_id,
                face.enrolled,
            )
            for face in _checked(msgspec.msgpack.decode(data, type=list[_Face]))
        ]
