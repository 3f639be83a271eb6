"""A call: what somebody asks of the service, in the terms that permission is decided in."""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any

Account = dict[str, Any]


class Capability(StrEnum):
    """What an operation does to the people pictured, from nothing to finding out who they are."""

    NONE = "none"
    READ = "read"
    MANAGE = "manage"
    DETECT = "detect"
    COMPARE = "compare"
    ENROL = "enrol"
    IDENTIFY = "identify"
    LIVENESS = "liveness"
    SEARCH_LIVE = "search-live"


class DataClass(StrEnum):
    """The most sensitive thing that an operation reads or answers."""

    NOTHING = "nothing"
    SETTINGS = "settings"
    OBJECTS = "objects"
    FACES = "faces"
    TEMPLATES = "templates"


@dataclass(frozen=True, slots=True)
class Operation:
    """An operation as the gate sees it: its name in the API, its capability and its data class.

    `threshold` is the parameter that says how alike two faces must be, of an operation that is not AWS's. `compares`
    says of one of another capability that it compares faces all the same, and `default` from what similarity on, 0 to
    100, it takes two for one where the call gives no threshold. One that `ends` a collection takes away one, too, whose
    terms were changed behind the service.
    """

    name: str
    capability: Capability
    data: DataClass
    threshold: str | None = None
    compares: bool = False
    default: float = 80.0
    ends: bool = False

    @property
    def judges(self) -> bool:
        """Whether it says of faces how alike they are, or whose: its answers keep to a floor."""
        return self.compares or self.capability in (Capability.COMPARE, Capability.IDENTIFY)


@dataclass(frozen=True, slots=True)
class Caller:
    """Who calls: the access key that signed, the organization that holds it, the purpose it was issued for.

    `organization` is a 12-digit account id, as in an ARN. `basis` is what collections stand on whose tags say
    nothing. `operations` are the only ones the key may call, None for all. A `loopback_only` key works from
    this machine alone. `most_faces` is the most that one collection may hold.
    """

    access_key_id: str
    organization: str
    purpose: str
    basis: str = "none"
    operations: frozenset[str] | None = None
    loopback_only: bool = False
    most_faces: int | None = None

    def may_call(self, name: str) -> bool:
        """Whether the key was issued for the operation of this name."""
        return self.operations is None or name in self.operations


@dataclass(frozen=True, slots=True)
class Renewal:
    """What a version is trained in the place of, where the service begins that by itself: the id of the one that was
    lost, and the digest of the model that it had.
    """

    version: int
    model: str


@dataclass(slots=True)
class Call:
    """One call on its way through the gate. `remarks` become headers of the answer, named `x-regard-…`.

    `account` is what the log will say of it: the gate begins it, operations add counts. `people` are subjects of the
    collection whom it enrols, each with details that are sealed. `probe` is a keyed digest of what it searches with.
    `record` is the number of its record, once a
    transaction of the call's own made one.

    `person` is who asks in the console, by name, and `case` what for, in their words: both are sealed with the details.

    `floor` is the least similarity, 0 to 100, that the answer may tell or go by; the gate sets it. `waiting` counts the
    matches that two people have yet to confirm.

    `renewal` says that nobody asked just now: the service trains a version anew, as the key did that trained the first.

    `withheld` are members that the gate will empty in the answer: what only they need is not worked out.
    `loopback` says whether it came from this machine alone, as `wire.senders` tells it, or because no network was used.
    """

    caller: Caller
    operation: Operation
    parameters: dict[str, Any]
    region: str
    request_id: str
    loopback: bool = False
    withheld: tuple[str, ...] = ()
    remarks: dict[str, str] = field(default_factory=dict)
    account: Account = field(default_factory=dict)
    people: list[tuple[str, dict[str, Any]]] = field(default_factory=list)
    probe: str = ""
    person: str = ""
    case: str = ""
    record: int | None = None
    floor: float = 0.0
    waiting: int = 0
    renewal: Renewal | None = None

    def arn(self, resource: str) -> str:
        """The ARN of `resource` (for example `collection/friends`) of the caller's organization."""
        return f"arn:aws:rekognition:{self.region}:{self.caller.organization}:{resource}"
