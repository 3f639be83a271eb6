"""Review of matches: where a person's rights are at stake a match is a candidate until two people, apart, confirm it.

The two are not who asked, and neither sees what the other said (EU AI Act 14(5)). A candidate is kept with its period,
its gallery, the sealed probe and who decided; unconfirmed it is gone after 48 hours. One that is marked as not the same
person is not offered again, for whatever purpose it was found. Each is about one face of a picture (:mod:`.probe`).
Reviews of organizations are in `parties.admission`.
"""

from __future__ import annotations

import hashlib
import logging
import secrets
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import ColumnElement, Connection, Engine, and_, delete, func, select

from regard.database import reading
from regard.gallery.gallery import Gallery
from regard.stewardship.logbook.logbook import Logbook
from regard.stewardship.logbook.payloads import Part
from regard.stewardship.people.probe import Probe
from regard.stewardship.people.reviewers import Reviewer, Reviewers
from regard.stewardship.policy import vocabulary
from regard.stewardship.policy.call import Call
from regard.stewardship.records import tables
from regard.stewardship.records.sealed_rows import insert_sealed, is_row_sealed, is_told_of, update_sealed
from regard.traces import owe
from regard.vision.pictures.findings import Box

KIND = "regard/review"
PENDING, CONFIRMED, REJECTED, EXPIRED = "pending", "confirmed", "rejected", "expired"
HOURS = 48
NEEDED = 2
THE_PERSON = "the person"
_log = logging.getLogger(__name__)
_of, _verdicts = tables.candidates.c, tables.verdicts.c


class NoSuchCandidate(LookupError):
    """There is no such candidate that this person may decide on."""


@dataclass(frozen=True, slots=True)
class Match:
    """A match as it was found: the FaceId, and a similarity from 0 to 100.

    `whose` is the subject of the face, as :func:`regard.gallery.faces.subject` names one. Of a user, `people` are the
    subjects of whose faces it is made: what one of them called false is false of the user too.
    """

    whose: str
    face_id: str
    similarity: float
    people: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Search:
    """Who searched which collection with what."""

    organization: str
    collection: str
    probe: Probe


@dataclass(frozen=True, slots=True)
class Candidate:
    """A match that waits, as a reviewer sees it: nothing of what others said."""

    id: str
    collection: str
    whose: str
    face_id: str
    similarity: float
    purpose: str
    created_at: float
    expires_at: float


class Reviews:
    """Holds matches until `reviewers` confirmed them. Thread-safe.

    One thing: a candidate from the search that opens it to the verdict, the word of the person, or its end.
    """

    def __init__(
        self, engine: Engine, gallery: Gallery, logbook: Logbook, clock: Callable[[], float] = time.time
    ) -> None:
        self.reviewers = Reviewers(engine)
        self._engine = engine
        self._gallery = gallery
        self._logbook = logbook
        self._clock = clock

    def shown(
        self,
        call: Call,
        probe: bytes,
        picture: Callable[[], bytes] | None,
        matches: Sequence[Match],
        face: Box | None = None,
    ) -> set[str]:
        """Which of the subjects that matched may be told of; the others wait, which `call.remarks` says, or are false.

        `probe` is what was searched with, the same bytes each time, and `face` where in a picture that is; `picture`
        gives what reviewers see of it, as JPEG: without it nothing new is held for them, and nobody new told of.
        """
        organization, collection = call.caller.organization, str(call.parameters["CollectionId"])
        search = Search(organization, collection, Probe(self._gallery.digest(organization, probe), face))
        call.probe = bytes(search.probe).hex()
        if not needed(call):
            # Without a review nobody looks whether it is another face: what is false of one is false of the picture.
            states = self._states(search, of_picture=True)
            return {match.whose for match in matches if _said(states, match) != REJECTED}
        self.expire()
        states = self._states(search)
        states |= {match.whose: said for match in matches if (said := _said(states, match))}
        if new := [match for match in matches if match.whose not in states]:
            seen = picture() if picture else b""
            for match in {each.whose: each for each in reversed(new)}.values():
                if picture:
                    self._open(call, search, seen, match)
                states[match.whose] = PENDING if picture else EXPIRED
        if waiting := len({match.whose for match in matches if states[match.whose] == PENDING}):
            call.waiting += waiting
            call.remarks["x-regard-review"] = f"{call.waiting} pending; two reviewers confirm within {HOURS} hours"
        return {match.whose for match in matches if states[match.whose] == CONFIRMED}

    def waiting(self, reviewer: Reviewer) -> int:
        """How many wait for this person, as :meth:`pending` has them."""
        self.expire()
        with reading(self._engine) as connection:
            wanted = select(func.count()).select_from(tables.candidates).where(*_waiting_for(reviewer))
            return connection.execute(wanted).scalar() or 0

    def pending(self, reviewer: Reviewer, most: int | None = None) -> list[Candidate]:
        """What waits for this person: not asked by them, and not decided by them yet; the oldest `most`, or all."""
        self.expire()
        # The pictures of those alone that are answered are read.
        first = select(_of.id).where(*_waiting_for(reviewer)).order_by(_of.created_at).limit(most)
        wanted = select(tables.candidates).where(_of.id.in_(first))
        with reading(self._engine) as connection:
            rows = connection.execute(wanted.order_by(_of.created_at))
            return [_candidate(row) for row in rows if is_row_sealed(connection, tables.candidates, row)]

    def picture(self, reviewer: Reviewer, candidate: str) -> bytes:
        """What a candidate was searched with, as JPEG. Raises NoSuchCandidate."""
        row = self._waiting(reviewer, candidate)
        key = self._gallery.house_key(_key(candidate))
        if key is None:
            raise NoSuchCandidate(f"the probe of {candidate} was erased")
        return key.open(row.probe_picture, candidate.encode())

    def decide(self, reviewer: Reviewer, candidate: str, same: bool) -> None:
        """Say whether a candidate is the same person, once. Two who say so confirm it; one who denies rejects it.

        Raises NoSuchCandidate.
        """
        row = self._waiting(reviewer, candidate)
        with self._engine.begin() as connection:
            # Looked at again: the same person may have said so twice at once.
            waits = select(_of.id).where(_of.id == candidate, *_waiting_for(reviewer))
            if connection.execute(waits).first() is None:
                raise NoSuchCandidate(f"the candidate {candidate} was decided meanwhile")
            said = {"candidate": candidate, "reviewer": reviewer.name, "same": same, "at": self._clock()}
            insert_sealed(connection, tables.verdicts, said)
            verdicts = connection.execute(select(tables.verdicts).where(_verdicts.candidate == candidate)).all()
            # A verdict that nobody gave counts for nothing.
            names = sorted(
                each.reviewer
                for each in verdicts
                if is_told_of(connection, tables.verdicts, each, f"a verdict on the candidate {candidate}")
            )
            if same and len(names) < NEEDED:
                return
            outcome = CONFIRMED if same else REJECTED
            record = self._settle(connection, row, outcome, names)
        self._logbook.take_over(record)

    def not_me(self, organization: str, whose: str, candidate: str) -> None:
        """Mark a candidate as false, at the word of the person: it is not offered again. Raises NoSuchCandidate."""
        wanted = select(tables.candidates).where(
            _of.organization == organization, _of.whose == whose, _of.id == candidate
        )
        with self._engine.begin() as connection:
            row = connection.execute(wanted).first()
            if row is None:
                raise NoSuchCandidate(f"no match {candidate} of yours is known")
            record = self._settle(connection, row, REJECTED, [THE_PERSON])
        self._logbook.take_over(record)

    def false_match(self, organization: str, whose: str, request_id: str, said_by: str = THE_PERSON) -> None:
        """Mark what the search of this request told of a subject as false: the picture does not find them again.

        Raises NoSuchCandidate.
        """
        told = self._details(organization, whose, request_id)
        picture = Probe(Probe.read(bytes.fromhex(told["probe"])).picture)
        search, now = Search(organization, told["collection"], picture), self._clock()
        match = Match(whose, told.get("face_id", told.get("user_id", "")), float(told["similarity"]))
        row = _row(search, match, told["purpose"], now) | {"state": REJECTED, "expires_at": now, "settled_at": now}
        same = (*_found_by(search), _of.whose == whose)
        with self._engine.begin() as connection:
            values = {"state": REJECTED, "settled_at": now, "probe": bytes(picture)}
            if not update_sealed(connection, tables.candidates, and_(*same), **values):
                insert_sealed(connection, tables.candidates, row)
            kept = connection.execute(select(tables.candidates).where(*same)).first()
            record = self._log(connection, kept, REJECTED, [said_by])
        self._logbook.take_over(record)

    def counts(self, organization: str) -> dict[str, dict[str, int]]:
        """By purpose, how many matches people confirmed, rejected, or have still to decide on."""
        wanted = select(_of.purpose, _of.state, func.count()).where(_of.organization == organization)
        found: dict[str, dict[str, int]] = {}
        with reading(self._engine) as connection:
            for purpose, state, number in connection.execute(wanted.group_by(_of.purpose, _of.state)):
                found.setdefault(purpose, {})[state] = number
        return found

    def expire(self) -> int:
        """Purge what nobody confirmed in time; how many."""
        overdue = select(tables.candidates).where(_of.state == PENDING, _of.expires_at <= self._clock())
        with reading(self._engine) as connection:
            if connection.execute(overdue.limit(1)).first() is None:
                return 0
        with self._engine.begin() as connection:
            rows = connection.execute(overdue).all()
            for row in rows:
                self._log(connection, row, EXPIRED, [])
            self._delete(connection, [row.id for row in rows])
        self._gallery.destroy_house_keys([_key(row.id) for row in rows])
        self._logbook.take_over()
        return len(rows)

    def forget(self, organization: str, whose: str) -> int:
        """Delete every candidate of a subject, and of users that they are the first of; how many there were."""
        with self._engine.begin() as connection:
            theirs = (_of.whose == whose) | _of.whose.like(f"user/%/{_digest(whose)}")
            wanted = select(_of.id).where(_of.organization == organization, theirs)
            found = list(connection.execute(wanted).scalars())
            self._delete(connection, found)
        self._gallery.destroy_house_keys([_key(each) for each in found])
        return len(found)

    def _states(self, search: Search, *, of_picture: bool = False) -> dict[str, str]:
        """What is said of whom: of the face that was searched with, or `of_picture` of any; false goes first."""
        wanted = select(tables.candidates).where(*_found_by(search))
        states: dict[str, str] = {}
        with reading(self._engine) as connection:
            for row in connection.execute(wanted):
                probe, state = Probe.read(row.probe), _state(connection, row)
                false = state == REJECTED
                if (of_picture or probe.same(search.probe) or (false and probe.face is None)) and (
                    false or states.get(row.whose) != REJECTED
                ):
                    states[row.whose] = state
        return states

    def _open(self, call: Call, search: Search, picture: bytes, match: Match) -> None:
        row = _row(search, match, call.caller.purpose, self._clock())
        key = self._gallery.house_key(_key(row["id"]), make=True)
        assert key is not None
        row |= {
            "asked_by": call.caller.access_key_id,
            "probe_picture": key.seal(picture, row["id"].encode()),
            "state": PENDING,
            "expires_at": row["created_at"] + HOURS * 3600,
        }
        with self._engine.begin() as connection:
            insert_sealed(connection, tables.candidates, row)
            made = connection.execute(select(tables.candidates).where(_of.id == row["id"])).one()
            record = self._log(connection, made, "opened", [])
        self._logbook.take_over(record)

    def _waiting(self, reviewer: Reviewer, candidate: str) -> Any:
        self.expire()
        wanted = select(tables.candidates).where(_of.id == candidate, *_waiting_for(reviewer))
        with reading(self._engine) as connection:
            row = connection.execute(wanted).first()
            if row is None or not is_row_sealed(connection, tables.candidates, row):
                raise NoSuchCandidate(f"no candidate {candidate} waits for you")
        return row

    def _details(self, organization: str, whose: str, request_id: str) -> dict[str, Any]:
        """What the log's details say of a match."""
        self._logbook.take_over()
        for told in self._logbook.payloads.about(organization, whose).values():
            if told.get("request_id") == request_id and {"probe", "similarity"} <= told.keys():
                return told
        raise NoSuchCandidate(f"no search {request_id} found this person; what is exported names those that did")

    def _settle(self, connection: Connection, row: Any, outcome: str, names: list[str]) -> int:
        update_sealed(connection, tables.candidates, _of.id == row.id, state=outcome, settled_at=self._clock())
        return self._log(connection, row, outcome, names)

    def _log(self, connection: Connection, row: Any, change: str, names: list[str]) -> int:
        body = {"organization": row.organization, "change": change, "purpose": row.purpose}
        details = {
            "operation": f"review {change}",
            "candidate": row.id,
            "face_id": row.face_id,
            "reviewers": names,
            "collection": row.collection,
        }
        part = Part(row.organization, details, f"{row.collection}/{row.whose}")
        return self._logbook.record(connection, KIND, body, [self._logbook.seal(part)])

    def _delete(self, connection: Connection, candidates: Sequence[str]) -> None:
        connection.execute(delete(tables.verdicts).where(_verdicts.candidate.in_(candidates)))
        connection.execute(delete(tables.candidates).where(_of.id.in_(candidates)))
        if candidates:
            owe(connection)


def needed(call: Call) -> bool:
    """Whether two people confirm what the call finds: where rights are at stake, and where nobody knows."""
    purpose = vocabulary.purposes().get(call.caller.purpose)
    return purpose is None or purpose.rights


def whose_user(user_id: str, first: str) -> str:
    """Whom a review of a user is about; `first` is the subject whose face is the user's oldest."""
    return f"user/{user_id}/{_digest(first)}"


def _digest(whose: str) -> str:
    # A subject may be as long as the column is.
    return hashlib.sha256(whose.encode()).hexdigest()[:32]


def _state(connection: Connection, row: Any) -> str:
    """Where a candidate stands. One that was changed in the database waits, and nobody can decide on it."""
    if is_row_sealed(connection, tables.candidates, row):
        return str(row.state)
    _log.error("the candidate %s was changed in the database, and is told to nobody", row.id)
    return PENDING


def _said(states: Mapping[str, str], match: Match) -> str | None:
    """What is said of a match: false, where one of its people said so; None for one that is new."""
    false = any(states.get(whose) == REJECTED for whose in match.people)
    return REJECTED if false else states.get(match.whose)


def _found_by(search: Search) -> tuple[ColumnElement[bool], ...]:
    """The candidates of a search, and of every other one of that collection with the same picture, by any face."""
    return (
        _of.organization == search.organization,
        _of.collection == search.collection,
        _of.probe.between(*search.probe.span),
    )


def _waiting_for(reviewer: Reviewer) -> tuple[ColumnElement[bool], ...]:
    """What a reviewer may decide on: not asked by them, and not decided by them yet."""
    return (
        _of.organization == reviewer.organization,
        _of.state == PENDING,
        _of.asked_by.not_in(reviewer.keys),
        _of.id.not_in(select(_verdicts.candidate).where(_verdicts.reviewer == reviewer.name)),
    )


def _row(search: Search, match: Match, purpose: str, at: float) -> dict[str, Any]:
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


def _candidate(row: Any) -> Candidate:
    return Candidate(
        row.id,
        row.collection,
        row.whose,
        row.face_id,
        row.similarity,
        row.purpose,
        row.created_at,
        row.expires_at,
    )


def _key(candidate: str) -> str:
    return f"candidate/{candidate}"
