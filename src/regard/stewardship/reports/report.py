"""The transparency report of a period as data: what it holds. `reckoning` counts it, `report_words` puts it in words.

What the council does and what the operator owes is told in full. What organizations did is told in counts, without the
small ones (see `suppression`). Reports of abuse, which people file, are in `people.inbox`.
"""

from __future__ import annotations

from typing import Any

import msgspec

from regard.stewardship.reports.suppression import Breakdown

FORM = "regard.report/v1"
DEVELOPMENT = "development"
OPEN = "open"


class Calls(msgspec.Struct, frozen=True):
    """The calls of a period, each in one row of each table. `organizations` is how many made them."""

    organizations: int | str
    outcomes: Breakdown
    operations: Breakdown
    purposes: Breakdown
    sectors: Breakdown


class Vote(msgspec.Struct, frozen=True):
    """A ballot: by which role, what it says, and why."""

    role: str
    choice: str
    reason: str


class Question(msgspec.Struct, frozen=True):
    """A motion as it stands at the end. `title` is empty where the motion's text is not public."""

    motion: str
    about: str
    title: str
    opened: str
    outcome: str
    settled: str
    votes: tuple[Vote, ...]


class Stop(msgspec.Struct, frozen=True):
    """One member's stop of a capability."""

    capability: str
    role: str
    since: str
    until: str
    reason: str


class InForce(msgspec.Struct, frozen=True):
    """A policy, and since when it is in force. `pack` is its name, where the log tells it."""

    since: str
    policy: str
    pack: str


class Response(msgspec.Struct, frozen=True):
    """How reports of one kind were dealt with in the period: numbers, and hours from filing to answer."""

    filed: int
    answered: int
    late: int
    waiting: int
    median_hours: int | None
    longest_hours: int | None


class Overdue(msgspec.Struct, frozen=True):
    """A report whose term passed without an answer. `hours` is by how much, up to when the report is judged."""

    report: str
    about: str
    filed: str
    due: str
    hours: int


class Audited(msgspec.Struct, frozen=True):
    """What an audit of a model found."""

    at: str
    model: str
    results: dict[str, Any]


class Council(msgspec.Struct, frozen=True):
    """How many sit on the council at the end, None where the log does not say, and whether it was ever one person."""

    members: int | None
    alone: bool


class Report(msgspec.Struct, frozen=True):
    """The report of a `period` of the log `origin`, as of its first `size` entries, which hash to `root`.

    `closed` says that a later period has begun and this one cannot change any more. Hours are judged at `judged`.
    Counts below `k` are not told. `development` are the calls of keys for development, which `calls` does not hold.
    `missing` is how many calls the sequences of their organizations lack. `other` are entries of kinds that are only
    counted.
    """

    form: str
    origin: str
    period: str
    size: int
    root: str
    closed: bool
    judged: str
    k: int
    council: Council
    calls: Calls
    development: Calls
    missing: int
    policies: tuple[InForce, ...]
    motions: tuple[Question, ...]
    suspensions: tuple[Stop, ...]
    keys: dict[str, Breakdown]
    attestations: int
    screenings: Breakdown
    responses: dict[str, Response]
    overdue: tuple[Overdue, ...]
    audits: tuple[Audited, ...]
    other: dict[str, int]
    unreadable: int
