"""From log to report: entries as anyone reads them back, checked for their form. `entries` makes them."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Annotated, Any, get_args

import msgspec
import rfc8785

_FORM = "%Y-%m-%dT%H:00Z"
_HOUR = 3600
# More calls than a month can have; the sum of any gaps stays a number that JSON can tell.
_MOST = 2**40


def hours(told: str) -> int:
    """Hours since 1970 of an hour as entries tell it. Raises ValueError."""
    return int(datetime.strptime(told, _FORM).replace(tzinfo=UTC).timestamp()) // _HOUR


def hour_of(number: int) -> str:
    """An hour as entries tell it, of hours since 1970."""
    return datetime.fromtimestamp(number * _HOUR, UTC).strftime(_FORM)


class _Entry(msgspec.Struct, frozen=True, tag_field="kind"):
    at: str

    def __post_init__(self) -> None:
        hours(self.at)


class Call(_Entry, frozen=True, tag="regard/call"):
    """A call. `sequence` counts those of its organization within the shard, from 1."""

    operation: str
    organization: str
    purpose: str
    outcome: str
    sequence: Annotated[int, msgspec.Meta(ge=1, le=_MOST)]
    sector: str = "unknown"
    rules: tuple[str, ...] = ()


class Founded(_Entry, frozen=True, tag="regard/founded"):
    """The first charter, in the text of the motion that set it."""

    motion: str
    text: str


class Opened(_Entry, frozen=True, tag="regard/motion"):
    """A motion that was put to the vote; without its text where that names somebody."""

    motion: str
    about: str
    role: str = "unknown"
    text: str = ""


class Ballot(_Entry, frozen=True, tag="regard/ballot"):
    """A ballot on a motion."""

    motion: str
    role: str
    choice: str
    reason: str = ""


class Outcome(_Entry, frozen=True, tag="regard/outcome"):
    """What became of a motion."""

    motion: str
    outcome: str


class Suspension(_Entry, frozen=True, tag="regard/suspension"):
    """One member's stop of a capability, until an hour."""

    capability: str
    role: str
    until: str
    reason: str

    def __post_init__(self) -> None:
        hours(self.at)
        hours(self.until)


class PolicyLoaded(_Entry, frozen=True, tag="regard/policy"):
    """The policy that was loaded, by its hash."""

    policy: str


class KeyChanged(_Entry, frozen=True, tag="regard/key"):
    """An access key that was issued or revoked."""

    change: str
    purpose: str


class Attestation(_Entry, frozen=True, tag="regard/attestation"):
    """A partner signed the list of its end customers."""

    organization: str


class Screening(_Entry, frozen=True, tag="regard/screening"):
    """A review of an organization that was opened or decided."""

    change: str


class Audit(_Entry, frozen=True, tag="regard/audit"):
    """The rates that an audit of a model found."""

    model: str
    results: dict[str, Any]

    def __post_init__(self) -> None:
        hours(self.at)
        rfc8785.dumps(self.results)


class Filed(_Entry, frozen=True, tag="regard/report"):
    """An appeal or a report of abuse, to be answered by the hour `due`."""

    report: str
    about: str
    due: str

    def __post_init__(self) -> None:
        hours(self.at)
        hours(self.due)


class Answered(_Entry, frozen=True, tag="regard/report-answered"):
    """The answer to a report."""

    report: str
    outcome: str


class Other(msgspec.Struct, frozen=True):
    """An entry of a kind that a report only counts."""

    kind: str


Known = (
    Call
    | Founded
    | Opened
    | Ballot
    | Outcome
    | Suspension
    | PolicyLoaded
    | KeyChanged
    | Attestation
    | Screening
    | Audit
    | Filed
    | Answered
)
_KINDS = frozenset(str(each.__struct_config__.tag) for each in get_args(Known))
_known: msgspec.json.Decoder[Known] = msgspec.json.Decoder(Known)
_other = msgspec.json.Decoder(Other)


class Unreadable(ValueError):
    """An entry that is not of the form that its kind has."""


def read(data: bytes) -> Known | Other:
    """Read an entry. Raises Unreadable."""
    try:
        return _known.decode(data)
    except (msgspec.MsgspecError, UnicodeDecodeError):
        other = _read_other(data)
    if other.kind in _KINDS:
        raise Unreadable(f"this {other.kind} lacks what its kind has: {data[:200]!r}")
    return other


def _read_other(data: bytes) -> Other:
    try:
        return _other.decode(data)
    except (msgspec.MsgspecError, UnicodeDecodeError):
        raise Unreadable(f"this is no entry: {data[:200]!r}") from None
