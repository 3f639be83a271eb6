"""Models at rest: the file of a version, named by its digest, and sealed under the version's key."""

from __future__ import annotations

from hashlib import sha256

import msgspec
from sqlalchemy import Connection, delete, insert, select

from regard.custom.errors import CustomChanged
from regard.custom.versions import tables
from regard.custom.versions.versions import Versions
from regard.sealing import SealBroken

_of = tables.models.c


class ModelFile(msgspec.Struct, frozen=True):
    """A model: the head as ONNX, and its manifest as JSON, which has the head's digest.

    `files` are kept beside it, by their kinds, for whoever copies it; the digest is not over them.
    """

    onnx: bytes
    manifest: bytes
    files: dict[str, bytes] = {}

    @property
    def digest(self) -> str:
        """What it is known by: SHA-256 over the digests of both, in hex."""
        return sha256(sha256(self.onnx).digest() + sha256(self.manifest).digest()).hexdigest()


def keep_model(connection: Connection, versions: Versions, version: int, model: ModelFile) -> None:
    """Keep the model of a version, in the place of one that was there."""
    sealed = versions.key(version).seal(msgspec.msgpack.encode(model), _context(version))
    connection.execute(delete(tables.models).where(_of.version == version))
    connection.execute(insert(tables.models).values(version=version, sealed=sealed))


def model_of(connection: Connection, versions: Versions, version: int, digest: str) -> ModelFile:
    """The model of a version, which is the one whose digest its row says. Raises CustomChanged."""
    sealed = connection.execute(select(_of.sealed).where(_of.version == version)).scalar_one_or_none()
    try:
        if sealed is not None:
            opened = versions.key(version).open(sealed, _context(version))
            model = msgspec.msgpack.decode(opened, type=ModelFile)
            if model.digest == digest:
                return model
    except (SealBroken, msgspec.MsgspecError):
        pass
    raise CustomChanged("the model of a version is not the one that was trained: it is not used")


def _context(version: int) -> bytes:
    return f"custom/version/{version}/model".encode()
