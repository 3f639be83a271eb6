"""A stream processor: what it was made with, where it stands, and its session."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import Any

import msgspec


class Status(StrEnum):
    """Where a stream processor stands, in the API's words."""

    STOPPED = "STOPPED"
    STARTING = "STARTING"
    RUNNING = "RUNNING"
    FAILED = "FAILED"
    STOPPING = "STOPPING"
    UPDATING = "UPDATING"

    @property
    def works(self) -> bool:
        """Whether somebody is to work on it."""
        return self in (Status.STARTING, Status.RUNNING, Status.STOPPING)


class Session(msgspec.Struct, frozen=True):
    """One run, from Start to its end. Times are seconds since 1970.

    Which key started it, for which purpose, by which operation, and what was `asked`. `seconds` are those of video that
    it is about, None for no end; none before `begins_at` is. `first_at` is the time at which the first frame was looked
    at, `last_at` of the last, as far as it was noted. `seen` are the classes that were told of, `labels` what was said
    of them, and `told` the names of the last messages, by kind: the one of the end waits for them; `told_at` is the
    time of the last one. One that searches faces does so in the `collection` that it was started with, by its number,
    and before the camera whose source was set at `source_at`: in no others.
    """

    id: str
    access_key: str
    purpose: str
    operation: str
    asked: dict[str, Any]
    seconds: int | None = None
    begins_at: float = 0.0
    floor: float = 0.0
    first_at: float | None = None
    last_at: float | None = None
    seen: tuple[str, ...] = ()
    told: dict[str, str] = {}
    told_at: float | None = None
    labels: tuple[dict[str, Any], ...] = ()
    collection: int = 0
    source_at: float = 0.0


@dataclass(frozen=True, slots=True)
class Processor:
    """A stream processor as it stands. `given` are the parameters that it was made with, but its name and tags.

    `cause` says why it failed. `region` is the one in its ARN. `turn` counts those who began to work on it.
    """

    id: int
    organization: str
    name: str
    region: str
    given: dict[str, Any]
    tags: dict[str, str]
    cause: str
    status: Status
    session: Session | None
    turn: int
    created_at: float
    updated_at: float

    @property
    def arn(self) -> str:
        """Its ARN."""
        return f"arn:aws:rekognition:{self.region}:{self.organization}:streamprocessor/{self.name}"

    @property
    def stream(self) -> str:
        """The ARN of the stream that it looks at."""
        return str(self.given["Input"]["KinesisVideoStream"]["Arn"])

    @property
    def searches_faces(self) -> bool:
        """Whether it looks for people of a collection, and not for classes of things."""
        return "FaceSearch" in self.given["Settings"]
