"""Models at rest: the file of a version, named by its digest, and sealed under the version's key."""

from __future__ import annotations

from collections.abc import Iterator
from hashlib import sha256

import msgspec
from sqlalchemy import Connection, delete, insert, select

from regard.custom.errors import CustomChanged
from regard.custom.tables import projects
from regard.custom.versions import tables
from regard.custom.versions.versions import Versions
from regard.sealing import SealBroken

_of = tables.models.c
# Under which kind a model keeps whom it was trained with.
PICTURED = "Pictured"


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


class Pictured(msgspec.Struct, frozen=True, array_like=True):
    """Pictures of people, and the people whom lines name, as keyed digests: what a model was trained with of them.

    A copy carries them along, and with them goes when they are withdrawn.
    """

    pictures: frozenset[bytes] = frozenset()
    people: frozenset[bytes] = frozenset()

    def meets(self, other: Pictured) -> bool:
        """Whether both have a picture or a person in common."""
        return not (self.pictures.isdisjoint(other.pictures) and self.people.isdisjoint(other.people))

    def file(self) -> dict[str, bytes]:
        """As it is kept beside a model."""
        return {PICTURED: msgspec.msgpack.encode(self)} if self.pictures or self.people else {}


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


def pictured_in(
    connection: Connection, versions: Versions, organization: str | None = None
) -> Iterator[tuple[int, Pictured]]:
    """Every version, of an organization or of all, that has a model of people, with what that was trained with of them.

    One whose model does not open any more is not among them: it answers nothing either.
    """
    wanted = select(_of.version).order_by(_of.version)
    if organization is not None:
        # Whose it is is asked first: each model that is opened is decrypted whole.
        project = tables.versions.c.project
        own = select(tables.versions.c.id).join(projects, projects.c.id == project)
        wanted = wanted.where(_of.version.in_(own.where(projects.c.organization == organization)))
    for (version,) in connection.execute(wanted).all():
        sealed = connection.execute(select(_of.sealed).where(_of.version == version)).scalar_one()
        try:
            model = msgspec.msgpack.decode(versions.key(version).open(sealed, _context(version)), type=ModelFile)
            if PICTURED in model.files:
                yield version, msgspec.msgpack.decode(model.files[PICTURED], type=Pictured)
        except (CustomChanged, SealBroken, msgspec.MsgspecError):
            continue


def _context(version: int) -> bytes:
    return f"custom/version/{version}/model".encode()
