"""From record to log: the public entry of each kind of record, with details replaced by commitments.

A record whose kind begins with `regard/` becomes an entry as it is. Of the others, those below are told in public
words; the rest are details of calls that have an entry of their own, and stay here.
"""

from __future__ import annotations

import base64
import time
from collections.abc import Callable, Sequence
from typing import Any

import msgspec

from regard.ledger.tree.notes import Note
from regard.stewardship.council.charter import Charter
from regard.stewardship.council.law import FOUNDED, MOTION_CARRIED
from regard.stewardship.council.motions import Kind, Motion
from regard.stewardship.logbook.payloads import Sealed
from regard.stewardship.records.records import Record

PUBLIC = "regard/"
CALL = "regard/call"
# Their texts name organizations and collections. Who looks for people in live pictures, and where, anybody may read.
PRIVATE_MOTIONS = (Kind.ADMISSION, Kind.TAGS, Kind.VECTORS, Kind.PROJECT)
_PARTS = "parts"

Body = dict[str, Any]
Charters = Callable[[], Charter]
Kinds = Callable[[str], Kind | None]


def hour(at: float) -> str:
    """The hour of a time, as entries tell it: who knows when somebody was pictured should learn no more here."""
    return time.strftime("%Y-%m-%dT%H:00Z", time.gmtime(at))


def rounded(number: int) -> int:
    """A number to one significant digit, as the sizes of galleries are told."""
    scale: int = 10 ** (len(str(number)) - 1)
    return round(number / scale) * scale


def with_parts(body: Body, parts: Sequence[Sealed]) -> Body:
    """The body of a record that carries sealed parts until the log has taken them."""
    kept = [[each.commitment, each.organization, each.subject, _text(each.data)] for each in parts]
    return body | ({_PARTS: kept} if kept else {})


def parts_of(record: Record) -> list[Sealed]:
    """The sealed parts that a record carries."""
    return [
        Sealed(commitment, organization, subject, base64.b64decode(data))
        for commitment, organization, subject, data in record.body.get(_PARTS, ())
    ]


def of_record(record: Record, charter: Charters, kind_of: Kinds) -> tuple[str, Body] | None:
    """Kind and body of the entry for a record, None for what is not public; organizations by their id still.

    `charter` gives the charter in force: by it, members are told by their roles. `kind_of` gives the kind of a motion
    by its hash, None of one that is gone: of one that names an organization, the reasons of votes are kept back as its
    text is.
    """
    told = _WORDS.get(record.kind)
    if record.kind.startswith(PUBLIC):
        kind, body = record.kind, {name: value for name, value in record.body.items() if name != _PARTS}
    elif told is not None:
        kind, body = told[0], told[1](record, charter)
    else:
        return None
    if record.kind == "ballot" and kind_of(body["motion"]) in (None, *PRIVATE_MOTIONS):
        del body["reason"]
    return kind, body | {"record": record.sequence}


def _founded(record: Record, _charter: Charters) -> Body:
    return {"motion": record.body["motion"], "text": record.body["text"]}


def _motion(record: Record, charter: Charters) -> Body:
    motion = Motion.parse(Note.parse(record.body["note"].encode()).text)
    told: Body = {"motion": motion.hash, "about": str(motion.kind), "role": _role(motion.proposer, charter)}
    return told if motion.kind in PRIVATE_MOTIONS else told | {"text": motion.text}


def _ballot(record: Record, charter: Charters) -> Body:
    _, body, _ = Note.parse(record.body["note"].encode()).text.split("\n", 2)
    ballot = msgspec.json.decode(body)
    return {
        "motion": ballot["motion"],
        "role": _role(ballot["member"], charter),
        "choice": ballot["vote"],
        "reason": ballot["reason"],
    }


def _outcome(record: Record, _charter: Charters) -> Body:
    return {"motion": record.body["motion"], "outcome": record.body.get("outcome", "carried")}


def _suspension(record: Record, charter: Charters) -> Body:
    stop = msgspec.json.decode(Note.parse(record.body["note"].encode()).text.partition("\n")[2])
    return {
        "capability": stop["capability"],
        "role": _role(stop["member"], charter),
        "until": hour(stop["ends"]),
        "reason": stop["reason"],
    }


def _attestation(record: Record, _charter: Charters) -> Body:
    return {"organization": record.body["organization"], "until": hour(record.body["until"])}


def _registered(record: Record, _charter: Charters) -> Body:
    return {"change": "registered", "organizations": record.body["organizations"], "ties": record.body["ties"]}


def _tie(record: Record, _charter: Charters) -> Body:
    return {"change": record.kind, "tie": str(record.body["kind"]), "organization": record.body["source"]}


def _about(**fixed: str) -> Callable[[Record, Charters], Body]:
    return lambda record, _: {"organization": record.body["organization"], **fixed}


def _review(record: Record, _charter: Charters) -> Body:
    return {"organization": record.body["organization"], "change": record.body["decision"]}


def _role(member: str, charter: Charters) -> str:
    found = charter().member(member)
    return found.role if found else "former member"


_WORDS: dict[str, tuple[str, Callable[[Record, Charters], Body]]] = {
    FOUNDED: ("regard/founded", _founded),
    "motion": ("regard/motion", _motion),
    "ballot": ("regard/ballot", _ballot),
    MOTION_CARRIED: ("regard/outcome", _outcome),
    "motion-closed": ("regard/outcome", _outcome),
    "suspension": ("regard/suspension", _suspension),
    "attestation": ("regard/attestation", _attestation),
    "registered": ("regard/organization", _registered),
    "organization-changed": ("regard/organization", _about(change="changed")),
    "tie-added": ("regard/organization", _tie),
    "tie-removed": ("regard/organization", _tie),
    "review-opened": ("regard/screening", _about(change="opened")),
    "review": ("regard/screening", _review),
    "collection-defaults": ("regard/collection", _about(change="defaults")),
}


def _text(data: bytes) -> str:
    return base64.b64encode(data).decode()
