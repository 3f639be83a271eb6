"""A session: what it was made with, where it stands, and what came of it. Nothing is kept here."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

import msgspec


class Status(StrEnum):
    """Where a session stands, in AWS's words. SUCCEEDED says that the film was looked at, not that somebody lives."""

    CREATED = "CREATED"
    IN_PROGRESS = "IN_PROGRESS"
    SUCCEEDED = "SUCCEEDED"
    FAILED = "FAILED"
    EXPIRED = "EXPIRED"

    @property
    def open(self) -> bool:
        """Whether something may yet come of it."""
        return self in (Status.CREATED, Status.IN_PROGRESS)


class Preference(msgspec.Struct, frozen=True):
    """A kind of challenge that is wanted, and between which versions."""

    kind: str
    least: str = ""
    most: str = ""


class Place(msgspec.Struct, frozen=True):
    """Where pictures go: a bucket, and how their names begin."""

    bucket: str
    prefix: str = ""


class Asked(msgspec.Struct, frozen=True):
    """What a session is made with: how many audit images, where pictures go, and which challenges are preferred.

    `operation` is the one that made it, by which the gate is asked again.
    """

    audits: int = 0
    place: Place | None = None
    preferences: tuple[Preference, ...] = ()
    operation: str = ""


class Posed(msgspec.Struct, frozen=True):
    """The challenge that was posed: AWS's name of its kind, and its version; and what the client says that it is."""

    kind: str
    version: str
    client: str = ""


class Shot(msgspec.Struct, frozen=True):
    """A picture out of the film: a JPEG file, or the name of an object, and the box of the face as ratios, if any.

    The box is left, top, width and height.
    """

    data: bytes = b""
    name: str = ""
    box: tuple[float, float, float, float] | None = None


class Result(msgspec.Struct, frozen=True):
    """What came of a session: 0 to 100, the pictures, and the names of checks that it did not pass."""

    confidence: float
    reference: Shot | None = None
    audits: tuple[Shot, ...] = ()
    lacking: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Session:
    """A session as it stands. Times are seconds since 1970. Of one that expired nothing else is known."""

    id: str
    organization: str
    access_key: str
    status: Status
    created_at: float
    expires_at: float
    asked: Asked
    posed: Posed | None
    result: Result | None
