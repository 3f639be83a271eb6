"""Review of matches: where a person's rights are at stake a match is a candidate until two people, apart, confirm it.

The two are not who asked, and neither sees what the other said (EU AI Act 14(5)). A candidate is kept with its period,
its gallery, the sealed probe and who decided; unconfirmed it is gone after 48 hours. One that is marked as not the same
person is not offered again, for whatever purpose it was found. Each is about one face of a picture (:mod:`.probe`).
Reviews of organizations are in `parties.admission`.
"""

from __future__ import annotations

import logging
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import ColumnElement, Connection, Engine, and_, func, or_, select

from regard.database import asking, reading
from regard.gallery.gallery import Gallery
from regard.stewardship.logbook.logbook import Logbook
from regard.stewardship.logbook.payloads import Part
from regard.stewardship.people.matches.candidates import (
    CONFIRMED,
    EXPIRED,
    HOURS,
    PENDING,
    REJECTED,
    Candidate,
    Match,
    Search,
    Sought,
    found_by,
    key_of,
    needed,
    of_person,
    remove,
    row_of,
)
from regard.stewardship.people.matches.mismatches import NEEDED, THE_PERSON, Mismatches
from regard.stewardship.people.matches.probe import Probe
from regard.stewardship.people.matches.standings import Said, said_of, said_of_match, states_of
from regard.stewardship.people.reviewers import Reviewer, Reviewers
from regard.stewardship.policy.call import Call
from regard.stewardship.policy.enrolment import Enrolment
from regard.stewardship.records import tables
from regard.stewardship.records.sealed_rows import insert_sealed, is_row_sealed, is_told_of, update_sealed

__all__ = ["NoSuchCandidate", "Reviews", "needed"]

KIND = "regard/review"
_UNSEEN: Mapping[str, int] = {}
_NOBODY: Mapping[str, bytes] = {}
_log = logging.getLogger(__name__)
_of, _verdicts = tables.candidates.c, tables.verdicts.c


@dataclass(frozen=True, slots=True)
class Known:
    """What is known of the matches of one search: what was `said` of its picture; who is `doubted`; and the `others`
    whose face it is instead, as keyed digests by the `whose` of the match.
    """

    said: Sequence[Said]
    doubted: set[str]
    others: Mapping[str, bytes]


class NoSuchCandidate(LookupError):
    """There is no such candidate that this person may decide on."""


class Reviews:
    """Holds matches until `reviewers` confirmed them. Thread-safe.

    One thing: a candidate from the search that opens it to the verdict, the word of the person, or its end.
    """

    def __init__(
        self,
        engine: Engine,
        gallery: Gallery,
        logbook: Logbook,
        clock: Callable[[], float] = time.time,
        agreed: Callable[[Enrolment], bool] = lambda _enrolment: False,
    ) -> None:
        """`agreed` says whether a person agrees now that reviewers see a crop of their enrolled face."""
        self._agreed = agreed
        self.reviewers = Reviewers(engine)
        self.mismatches = Mismatches(engine, gallery, clock)
        self._engine = engine
        self._gallery = gallery
        self._logbook = logbook
        self._clock = clock

    def shown(
        self, call: Call, sought: Sought, matches: Sequence[Match], others: Mapping[str, bytes] = _NOBODY
    ) -> set[str]:
        """Which of the subjects that matched may be told of; the others wait, which `call.remarks` says, or are false.

        Two people look where rights are at stake; and at whoever was told apart from the one who is in the picture.
        `others` are what :meth:`Mismatches.others` says of the matches.
        """
        organization, collection = call.caller.organization, str(call.parameters["CollectionId"])
        search = Search(organization, collection, Probe(self._gallery.digest(organization, sought.by), sought.face))
        call.probe = bytes(search.probe).hex()
        # One transaction for all that is asked of most searches.
        with reading(self._engine) as connection:
            told_apart = self.mismatches.are_any(connection, organization)
            said = said_of(connection, search, self._clock())
        doubted = self.mismatches.doubted(organization, sought, matches) if told_apart else set()
        looked_at = [match for match in matches if match.whose in doubted or match.held or needed(call)]
        if doubted:
            call.remarks["x-regard-doubted"] = f"{len(doubted)} told apart before from somebody like this"
        known = Known(said, doubted, others)
        told = self._confirmed(call, search, sought, looked_at, known) if looked_at else set()
        if len(looked_at) < len(matches):
            # Without a review nobody looks whether it is another face: what is false of one is false of the picture.
            states = states_of(said, search.probe, of_picture=True)
            rest = (match for match in matches if match not in looked_at)
            told |= {match.whose for match in rest if said_of_match(states, match) != REJECTED}
        return told

    def _confirmed(
        self, call: Call, search: Search, sought: Sought, matches: Sequence[Match], known: Known
    ) -> set[str]:
        """Of the matches at which two people look, those whom they confirmed; what is new is put before them."""
        self.expire()
        states = states_of(known.said, search.probe)
        states |= {match.whose: said for match in matches if (said := said_of_match(states, match))}
        if new := [match for match in matches if match.whose not in states]:
            self._hold(call, search, sought, new, known)
            states |= {match.whose: PENDING if sought.open else EXPIRED for match in new}
        if waiting := len({match.whose for match in matches if states[match.whose] == PENDING}):
            call.waiting += waiting
            call.remarks["x-regard-review"] = f"{call.waiting} pending; two reviewers confirm within {HOURS} hours"
        return {match.whose for match in matches if states[match.whose] == CONFIRMED}

    def _hold(self, call: Call, search: Search, sought: Sought, new: Sequence[Match], known: Known) -> None:
        """Put what is new among the matches before two people, once each; nothing where there is nothing to show."""
        if not sought.open:
            return
        seen = sought.picture()
        for match in {each.whose: each for each in reversed(new)}.values():
            also = {"doubted": match.whose in known.doubted, "other": known.others.get(match.whose)}
            self._open(call, search, seen, match, also)

    def waiting(self, reviewer: Reviewer) -> int:
        """How many wait for this person, as :meth:`pending` has them."""
        self.expire()
        with asking(self._engine) as connection:
            wanted = select(func.count()).select_from(tables.candidates).where(*self._waiting_for(reviewer))
            return connection.execute(wanted).scalar() or 0

    def pending(self, reviewer: Reviewer, most: int | None = None, skipped: int = 0) -> list[Candidate]:
        """What waits for this person: not asked by them, and not decided by them yet; the oldest `most`, or all, but
        for the `skipped` before those. One that was changed in the database is none of them, and is counted.
        """
        self.expire()
        # The pictures of those alone that are answered are read.
        oldest = _of.created_at, _of.id
        these = select(_of.id).where(*self._waiting_for(reviewer)).order_by(*oldest).limit(most).offset(skipped)
        wanted = select(tables.candidates).where(_of.id.in_(these))
        with reading(self._engine) as connection:
            rows = connection.execute(wanted.order_by(*oldest))
            return [Candidate.of(row) for row in rows if is_row_sealed(connection, tables.candidates, row)]

    def picture(self, reviewer: Reviewer, candidate: str) -> bytes:
        """What a candidate was searched with, as JPEG. Raises NoSuchCandidate."""
        row = self._waiting(reviewer, candidate)
        key = self._gallery.house_key(key_of(candidate))
        if key is None:
            raise NoSuchCandidate(f"the probe of {candidate} was erased")
        return key.open(row.probe_picture, candidate.encode())

    def portrait(self, reviewer: Reviewer, candidate: str) -> bytes:
        """The enrolled face that it was compared with, as JPEG; empty where none is kept. Raises NoSuchCandidate."""
        return self._portrait(self._waiting(reviewer, candidate))

    def decide(self, reviewer: Reviewer, candidate: str, same: bool) -> None:
        """Say whether a candidate is the same person, once. Two who say so confirm it; one who denies rejects it, and
        two who do tell the two people apart. Raises NoSuchCandidate.
        """
        row = self._waiting(reviewer, candidate)
        seen = {"pictures": bool(self.picture(reviewer, candidate)) + bool(self._portrait(row))}
        with self._engine.begin() as connection:
            # Looked at again: the same person may have said so twice at once.
            waits = select(_of.id).where(_of.id == candidate, *self._waiting_for(reviewer))
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
            if not same:
                self.mismatches.say(connection, row, reviewer.name)
            # Where somebody denied it before, which neither is told, nothing makes it one again.
            if same and (row.state == REJECTED or len(names) < NEEDED):
                return
            if row.state == REJECTED:
                record = self._log(connection, row, "told apart", names, seen)
            else:
                record = self._settle(connection, row, CONFIRMED if same else REJECTED, names, seen)
        self._logbook.take_over(record)

    def not_me(self, organization: str, whose: str, candidate: str, said_by: str = THE_PERSON) -> str:
        """Mark a candidate as false, at the word of the person, who is told apart from the one in the picture; its id.

        Raises NoSuchCandidate.
        """
        wanted = select(tables.candidates).where(
            _of.organization == organization, _of.whose == whose, _of.id == candidate
        )
        with self._engine.begin() as connection:
            row = connection.execute(wanted).first()
            if row is None:
                raise NoSuchCandidate(f"no match {candidate} of yours is known")
            record = self._settle(connection, row, REJECTED, [said_by])
            self.mismatches.say(connection, row, said_by)
        self._logbook.take_over(record)
        return candidate

    def false_match(self, organization: str, whose: str, request_id: str, said_by: str = THE_PERSON) -> str:
        """Mark what the search of this request told of a subject as false: the picture does not find them again.

        Said by the person, or by two reviewers, the two people are told apart. The id of the candidate. Raises
        NoSuchCandidate.
        """
        told = self._details(organization, whose, request_id)
        picture = Probe(Probe.read(bytes.fromhex(told["probe"])).picture)
        search, now = Search(organization, told["collection"], picture), self._clock()
        match = Match(whose, told.get("face_id", told.get("user_id", "")), float(told["similarity"]))
        row = row_of(search, match, told["purpose"], now) | {"state": REJECTED, "expires_at": now, "settled_at": now}
        row["other"] = bytes.fromhex(told["other"]) if "other" in told else None
        same = (*found_by(search), _of.whose == whose)
        with self._engine.begin() as connection:
            values = {"state": REJECTED, "settled_at": now, "probe": bytes(picture)}
            if not update_sealed(connection, tables.candidates, and_(*same), **values):
                insert_sealed(connection, tables.candidates, row)
            kept = connection.execute(select(tables.candidates).where(*same)).first()
            record = self._log(connection, kept, REJECTED, [said_by])
            self.mismatches.say(connection, kept, said_by)
        self._logbook.take_over(record)
        assert kept is not None
        return str(kept.id)

    def take_back(self, organization: str, candidate: str, said_by: str, whose: str | None = None) -> None:
        """Take one's own word back that a match was false, of a subject `whose` where that is to be so.

        Where nobody's word is left the match is as it was before: found, or put before two people anew. Raises
        NoSuchCandidate where one never gave one's word.
        """
        wanted = select(tables.candidates).where(_of.organization == organization, _of.id == candidate)
        with self._engine.begin() as connection:
            row = connection.execute(wanted if whose is None else wanted.where(_of.whose == whose)).first()
            try:
                nobody = row is not None and self.mismatches.take_back(connection, candidate, said_by)
            except LookupError:
                row = None
            if row is None:
                raise NoSuchCandidate(f"you did not call the match {candidate} false")
            record = self._log(connection, row, "taken back", [said_by])
            if nobody:
                remove(connection, [candidate])
        if nobody:
            self._gallery.destroy_house_keys([key_of(candidate)])
        self._logbook.take_over(record)

    def counts(self, organization: str) -> dict[str, dict[str, int]]:
        """By purpose, how many matches people confirmed, rejected, or have still to decide on."""
        wanted = select(_of.purpose, _of.state, func.count()).where(_of.organization == organization)
        found: dict[str, dict[str, int]] = {}
        with asking(self._engine) as connection:
            for purpose, state, number in connection.execute(wanted.group_by(_of.purpose, _of.state)):
                found.setdefault(purpose, {})[state] = number
        return found

    def expire(self) -> int:
        """Purge what nobody confirmed in time; how many."""
        overdue = select(tables.candidates).where(_of.state == PENDING, _of.expires_at <= self._clock())
        with asking(self._engine) as connection:
            if connection.execute(overdue.limit(1)).first() is None:
                return 0
        with self._engine.begin() as connection:
            rows = connection.execute(overdue).all()
            for row in rows:
                self._log(connection, row, EXPIRED, [])
            remove(connection, [row.id for row in rows])
        self._gallery.destroy_house_keys([key_of(row.id) for row in rows])
        self._logbook.take_over()
        return len(rows)

    def forget(self, organization: str, whose: str) -> int:
        """Delete every candidate of a subject, of users that they are the first of, and those that they are the other
        one in; how many there were.
        """
        with self._engine.begin() as connection:
            wanted = select(_of.id).where(_of.organization == organization, of_person(whose))
            other = self.mismatches.by_other(connection, organization, whose)
            found = [*connection.execute(wanted).scalars(), *other]
            remove(connection, found)
        self._gallery.destroy_house_keys([key_of(each) for each in found])
        return len(found)

    def _open(self, call: Call, search: Search, picture: bytes, match: Match, known: dict[str, Any]) -> None:
        row = row_of(search, match, call.caller.purpose, self._clock()) | known
        key = self._gallery.house_key(key_of(row["id"]), make=True)
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
        wanted = select(tables.candidates).where(_of.id == candidate, *self._waiting_for(reviewer))
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

    def _portrait(self, row: Any) -> bytes:
        user = row.face_id if row.whose.startswith("user/") else None
        with self._gallery.reading() as connection:
            of = self._gallery.portraits.of(connection, row.organization, row.whose, row.collection, user)
        # Who may see it is asked for each, and not only where what ended is let go of.
        agreed = (
            each.jpeg
            for each in of
            if self._agreed(Enrolment(row.organization, row.collection, each.external_image_id))
        )
        return next(agreed, b"")

    def _settle(
        self, connection: Connection, row: Any, outcome: str, names: list[str], seen: Mapping[str, int] = _UNSEEN
    ) -> int:
        update_sealed(connection, tables.candidates, _of.id == row.id, state=outcome, settled_at=self._clock())
        return self._log(connection, row, outcome, names, seen)

    def _log(
        self, connection: Connection, row: Any, change: str, names: list[str], seen: Mapping[str, int] = _UNSEEN
    ) -> int:
        """Record what became of a candidate; of what reviewers decided, how many pictures of the two they had."""
        body = {"organization": row.organization, "change": change, "purpose": row.purpose, **seen}
        details = {
            "operation": f"review {change}",
            "candidate": row.id,
            "face_id": row.face_id,
            "reviewers": names,
            "collection": row.collection,
        }
        part = Part(row.organization, details, f"{row.collection}/{row.whose}")
        return self._logbook.record(connection, KIND, body, [self._logbook.seal(part)])

    def _waiting_for(self, reviewer: Reviewer) -> tuple[ColumnElement[bool], ...]:
        """What a reviewer may decide on: not asked by them, and not decided by them yet.

        What another one denied is among it, so that nobody sees that: a second denial tells the two people apart.
        """
        decided = select(_verdicts.candidate)
        denied = _of.id.in_(decided.where(_verdicts.same.is_(False)))
        again = and_(_of.state == REJECTED, _of.expires_at > self._clock(), denied)
        return (
            _of.organization == reviewer.organization,
            or_(_of.state == PENDING, again),
            _of.asked_by.not_in(reviewer.keys),
            _of.id.not_in(decided.where(_verdicts.reviewer == reviewer.name)),
        )
