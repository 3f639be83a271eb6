"""Looking for people by face in live pictures: what a motion that allows one says, and whether it covers a search.

It allows one camera, one processor and one collection, at a place and until a time that it names, with a text that is
told to whoever passes by. Anything else than what it names is another search, and needs a motion of its own.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Annotated, Any, Literal

import msgspec
from sqlalchemy import Connection, select

from regard.gallery.collections import tables
from regard.stewardship.council.collections import BASIS, row_of
from regard.stewardship.council.motions import BadMotion
from regard.stewardship.policy.vocabulary import BASES

CONSENT = BASES[-1]
# As long as a court may allow that people are listened to at a time: 18 U.S.C. 2518(5). Another motion may follow.
MOST_SECONDS = 30 * 86_400

_ARN = r"^arn:aws:rekognition:[a-z0-9-]+:\d{12}:streamprocessor/[a-zA-Z0-9_.\-]{1,128}$"
_Words = Annotated[str, msgspec.Meta(min_length=1, max_length=512, pattern=r"\S")]


class Leave(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What a carried motion allows: the payload of a motion of kind `live-search`.

    `processor` is the ARN of the stream processor, `source` the ARN of its stream and `camera` the digest of where that
    leads (:func:`regard.streams.cameras.places.camera_of`); `place` is where people are looked at, `notice` what is
    told to them there, `ends` when it is over in seconds since 1970.
    """

    allowed: Literal[True]
    organization: Annotated[str, msgspec.Meta(pattern=r"^\d{12}$")]
    processor: Annotated[str, msgspec.Meta(pattern=_ARN)]
    source: _Words
    camera: Annotated[str, msgspec.Meta(pattern=r"^[0-9a-f]{64}$")]
    collection: Annotated[str, msgspec.Meta(pattern=r"^[a-zA-Z0-9_.\-]{1,255}$")]
    place: _Words
    notice: Annotated[str, msgspec.Meta(min_length=20, max_length=2000, pattern=r"\S\s+\S")]
    ends: int


class End(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The payload of a motion that ends what another allowed before its time."""

    allowed: Literal[False]
    processor: Annotated[str, msgspec.Meta(pattern=_ARN)]


@dataclass(frozen=True, slots=True)
class Processor:
    """A stream processor as it is at this moment: its ARN, its stream's, where that leads, and what it searches."""

    arn: str
    source: str
    camera: str
    collection: str


def read_live(payload: Mapping[str, Any], opened: int) -> Leave | End:
    """What a motion opened at `opened` asks for. Raises BadMotion."""
    try:
        if payload.get("allowed") is False:
            return msgspec.convert(payload, End)
        leave = msgspec.convert(payload, Leave)
    except msgspec.ValidationError as error:
        raise BadMotion(f"a motion on a live search cannot be read: {error}") from None
    if leave.processor.split(":")[4] != leave.organization:
        raise BadMotion("the stream processor is another organization's")
    if not 0 < leave.ends - opened <= MOST_SECONDS:
        raise BadMotion(f"a live search ends within {MOST_SECONDS // 86_400} days: `ends` is in seconds since 1970")
    return leave


def check_live(connection: Connection, payload: Mapping[str, Any], opened: int) -> None:
    """Refuse a motion on a live search that could never be made. Raises BadMotion."""
    asked = read_live(payload, opened)
    if isinstance(asked, End):
        return
    row, of = row_of(connection, payload), tables.tags.c
    basis = connection.execute(select(of.value).where(of.collection == row, of.key == BASIS)).scalar() if row else None
    if basis != CONSENT:
        raise BadMotion(f"a live search is of a collection that is there and whose tag {BASIS} is {CONSENT}")


def why_not(leave: Leave | None, collection: str, processor: Processor, now: float) -> str:
    """Why this search of `collection` may not go on at `now`, in seconds since 1970; empty where `leave` covers it."""
    if leave is None:
        return "No carried motion allows a live search by this stream processor."
    if now >= leave.ends:
        return "The motion that allowed it has lapsed. Another one may follow."
    told = {
        "stream": (leave.source, processor.source),
        "camera": (leave.camera, processor.camera),
        "collection": (leave.collection, collection),
        "processor's collection": (leave.collection, processor.collection),
    }
    other = [what for what, (allowed, found) in told.items() if allowed != found]
    if leave.processor != processor.arn:
        other.insert(0, "stream processor")
    return f"The motion that carried allows another {other[0]} than this one." if other else ""
