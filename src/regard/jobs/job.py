"""A job: what was asked, by whom, and how far it is."""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any


class State(StrEnum):
    """Where a job stands."""

    QUEUED = "queued"
    RUNNING = "running"
    SUCCEEDED = "succeeded"
    FAILED = "failed"

    @property
    def open(self) -> bool:
        """Whether it is yet to end."""
        return self in (State.QUEUED, State.RUNNING)


@dataclass(frozen=True, slots=True)
class Asked:
    """What a caller asks for: the operation that starts the job, its parameters, and what the work needs `beside` them.

    `beside` is kept sealed with the parameters, but two that differ in it alone are the same job for a `token`.
    """

    organization: str
    access_key: str
    purpose: str
    operation: str
    given: dict[str, Any]
    beside: dict[str, Any] = field(default_factory=dict)
    token: str | None = None


@dataclass(frozen=True, slots=True)
class Job:
    """A job as it stands. `end` is what is told at its end, beside what its steps found: empty until then.

    `steps` are done; `done` of `whole` frames are, where `whole` is 0 as long as nobody knows. Times are seconds since
    1970. `round` counts how often it was put into the queue.
    """

    id: str
    organization: str
    access_key: str
    purpose: str
    operation: str
    given: dict[str, Any]
    beside: dict[str, Any]
    state: State
    steps: int
    done: int
    whole: int
    round: int
    created_at: float
    started_at: float | None
    ended_at: float | None
    expires_at: float
    end: dict[str, Any]

    @property
    def cause(self) -> str:
        """Why it failed; empty where it did not."""
        return str(self.end.get("StatusMessage", ""))


@dataclass(frozen=True, slots=True)
class Part:
    """Something that a step found: bytes, the number of elements in them, and the subject whom they are about, if one.

    `whose` is a subject of the organization as :func:`regard.gallery.faces.subject` names one: what is about them opens
    no more once they were erased.
    """

    data: bytes
    found: int
    whose: str = ""


@dataclass(frozen=True, slots=True)
class Step:
    """What one step of the work comes to. `done` are the frames that are over with it, of `whole` in all, 0 unknown.

    At least one part is about nobody; it may be empty.
    """

    parts: tuple[Part, ...]
    done: int
    whole: int = 0


@dataclass(frozen=True, slots=True)
class Outcome:
    """How work came to its end: what is told beside its parts, and counts for the log (frames, found, matched).

    `people` are subjects whom it found, each with details for the log: they are told as of any search.
    """

    end: dict[str, Any]
    counts: dict[str, int] = field(default_factory=dict)
    people: tuple[tuple[str, dict[str, Any]], ...] = ()
