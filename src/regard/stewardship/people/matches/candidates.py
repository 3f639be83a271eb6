"""Candidates: matches as people look at them, and the rows that they are kept in. What becomes of one is `review`'s."""

from __future__ import annotations

import hashlib
import secrets
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import ColumnElement, Connection, delete, or_

from regard.stewardship.people.matches.probe import Probe
from regard.stewardship.policy import vocabulary
from regard.stewardship.policy.call import Call
from regard.stewardship.records import tables
from regard.traces import owe
from regard.vision.pictures.findings import Box

PENDING, CONFIRMED, REJECTED, EXPIRED = "pending", "confirmed", "rejected", "expired"
HOURS = 48
_of, _verdicts = tables.candidates.c, tables.verdicts.c


@dataclass(frozen=True, slots=True)
class Match:
    """A match as it was found: the FaceId, a similarity from 0 to 100, and the cosine that has it.

    `whose` is the subject of the face, as :func:`regard.gallery.faces.subject` names one. Of a user, `people` are the
    subjects of whose faces it is made: what one of them called false is false of the user too. One that was `held` for
    review before is looked at by two people.
    """

    whose: str
    face_id: str
    similarity: float
    people: tuple[str, ...] = ()
    score: float = 1.0
    held: bool = False


@dataclass(frozen=True, slots=True)
class Sought:
    """What was searched with: `by` the same bytes each time, and `face` where in a picture that is.

    `picture` gives what reviewers see of it, as JPEG. `whose` it is, where it is a face of the collection. `alike` says
    how like a face in another JPEG is, as a cosine; None where there is none to compare. Where nothing is left to show,
    it is not `open` to review any more: nothing new is held for it, and nobody new told of.
    """

    by: bytes
    picture: Callable[[], bytes] = lambda: b""
    face: Box | None = None
    whose: str = ""
    alike: Callable[[bytes], float | None] = lambda _jpeg: None
    open: bool = True


@dataclass(frozen=True, slots=True)
class Search:
    """Who searched which collection with what."""

    organization: str
    collection: str
    probe: Probe


@dataclass(frozen=True, slots=True)
class Candidate:
    """A match that waits, as a reviewer sees it: nothing of what others said.

    `doubted` says that somebody like the one in the picture was told apart from this person before.
    """

    id: str
    collection: str
    whose: str
    face_id: str
    similarity: float
    purpose: str
    created_at: float
    expires_at: float
    doubted: bool = False

    @classmethod
    def of(cls, row: Any) -> Candidate:
        """The candidate of a row."""
        told = (row.id, row.collection, row.whose, row.face_id, row.similarity, row.purpose)
        return cls(*told, row.created_at, row.expires_at, bool(row.doubted))


def needed(call: Call) -> bool:
    """Whether two people confirm what the call finds: where rights are at stake, and where nobody knows."""
    purpose = vocabulary.purposes().get(call.caller.purpose)
    return purpose is None or purpose.rights


def whose_user(user_id: str, first: str) -> str:
    """Whom a review of a user is about; `first` is the subject whose face is the user's oldest."""
    return f"user/{user_id}/{_digest(first)}"


def key_of(candidate: str) -> str:
    """The name of the house's key that seals what is shown of a candidate."""
    return f"candidate/{candidate}"


def row_of(search: Search, match: Match, purpose: str, at: float) -> dict[str, Any]:
    """A new candidate as a row, without its state and its end; asked for by nobody and without a picture."""
    return {
        "id": secrets.token_hex(16),
        "organization": search.organization,
        "collection": search.collection,
        "probe": bytes(search.probe),
        "whose": match.whose,
        "face_id": match.face_id,
        "similarity": match.similarity,
        "purpose": purpose,
        "asked_by": "",
        "probe_picture": b"",
        "created_at": at,
    }


def found_by(search: Search) -> tuple[ColumnElement[bool], ...]:
    """The candidates of a search, and of every other one of that collection with the same picture, by any face."""
    return (
        _of.organization == search.organization,
        _of.collection == search.collection,
        _of.probe.between(*search.probe.span),
    )


def of_person(whose: str) -> ColumnElement[bool]:
    """The candidates of a subject, and of users that they are the first of."""
    return or_(_of.whose == whose, _of.whose.like(f"user/%/{_digest(whose)}"))


def remove(connection: Connection, candidates: Sequence[str]) -> None:
    """Delete candidates with all that was said of them."""
    for table in (tables.mismatches, tables.verdicts):
        connection.execute(delete(table).where(table.c.candidate.in_(candidates)))
    connection.execute(delete(tables.candidates).where(_of.id.in_(candidates)))
    if candidates:
        owe(connection)


def subjects_of(matches: Iterable[Match]) -> set[str]:
    """Everybody whom matches are about."""
    return {whose for match in matches for whose in (match.whose, *match.people)}


def _digest(whose: str) -> str:
    # A subject may be as long as the column is.
    return hashlib.sha256(whose.encode()).hexdigest()[:32]
