"""Mismatches: pairs of people who were told apart, by the one who was found or by two reviewers.

"Not me" counts for two people, not for a picture: whenever the one is found by the face of the other, two reviewers
look at it, whatever the purpose. Nothing biometric is kept for that beside what is kept anyway. Who the other is,
is known

1. where the face that was searched with is enrolled, or somebody enrolled was found by it and more like it: by a keyed
   digest of their name, which goes with either of the two;
2. by the picture that reviewers saw, sealed with the candidate (EU AI Act 12(3)(c)): it is opened, embedded and let go;
3. else by nothing but how alike they were: nobody keeps the face of somebody who did not agree to it. Whoever is hardly
   more like the person than the one who was not is looked at.
"""

from __future__ import annotations

import logging
import time
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Connection, Engine, or_, select

from regard.database import reading
from regard.gallery.gallery import Gallery
from regard.stewardship.people.matches.candidates import Match, Sought, key_of, subjects_of
from regard.stewardship.records import tables
from regard.stewardship.records.sealed_rows import insert_sealed, is_told_of, update_sealed
from regard.vision.faces.similarity import score

NEEDED = 2
THE_PERSON, THE_ORGANIZATION = "the person", "the organization"
# Two pictures of one person: what bystanders are known by, see regard.operations.gallery.bystanders.
SAME = 0.50
# How much more like the person than the one who was not somebody may be, as a cosine, and is looked at all the same. On
# LFW that is 9 of 10 other pictures of the other one, and at Similarity 80 to 99 1 of 9 of the person's own.
MARGIN = 0.05
_log = logging.getLogger(__name__)
_of, _candidates = tables.mismatches.c, tables.candidates.c


@dataclass(frozen=True, slots=True)
class Mismatch:
    """A pair that was told apart, as the person may read it: the candidate's id, when, and whether they said so."""

    candidate: str
    collection: str
    at: float
    yours: bool
    counts: bool


class Mismatches:
    """Keeps who was told apart from whom, and finds matches that this puts in doubt. Thread-safe."""

    def __init__(self, engine: Engine, gallery: Gallery, clock: Callable[[], float] = time.time) -> None:
        self._engine = engine
        self._gallery = gallery
        self._clock = clock

    def name(self, organization: str, whose: str) -> bytes:
        """The keyed digest of a person, which tells nobody who it is."""
        return self._gallery.objections.names([(organization, whose)])[0]

    def say(self, connection: Connection, candidate: Any, by: str) -> None:
        """Enter that somebody called a candidate's row false: it counts once the person said so, or two reviewers."""
        row = connection.execute(select(tables.mismatches).where(_of.candidate == candidate.id)).first()
        if row is not None:
            said = sorted({*row.said_by, by})
            update_sealed(connection, tables.mismatches, _of.candidate == candidate.id, said_by=said)
            return
        told = {"candidate": candidate.id, "organization": candidate.organization, "whose": candidate.whose}
        told |= {"other": candidate.other, "score": score(candidate.similarity), "said_by": [by], "at": self._clock()}
        insert_sealed(connection, tables.mismatches, told)

    def take_back(self, connection: Connection, candidate: str, by: str) -> bool:
        """Take one's word back; whether nobody's is left. Raises LookupError where it was never given."""
        row = connection.execute(select(tables.mismatches).where(_of.candidate == candidate)).first()
        if row is None or by not in row.said_by:
            raise LookupError(candidate)
        said = [each for each in row.said_by if each != by]
        update_sealed(connection, tables.mismatches, _of.candidate == candidate, said_by=said)
        return not said

    def others(self, organization: str, sought: Sought, matches: Sequence[Match]) -> dict[str, bytes]:
        """Whose face it is where it is not that of a match, by the `whose` of the match: the enrolled one's who was
        searched with, else of whoever else was found and is no less alike. As keyed digests.
        """
        ranked, found = sorted(matches, key=lambda each: -each.score), dict[str, str]()
        for match in ranked:
            ours = {match.whose, *match.people}
            if match.whose in found or sought.whose in ours:
                continue
            nearest = next((each for each in ranked if not ours & {each.whose, *each.people}), None)
            if sought.whose:
                found[match.whose] = sought.whose
            elif nearest is not None and nearest.score >= match.score:
                found[match.whose] = next(iter(nearest.people), nearest.whose)
        names = self._names(organization, {*found.values()})
        return {whose: names[other] for whose, other in found.items()}

    def of(self, organization: str, whose: str) -> list[Mismatch]:
        """The pairs that a person is one of, as the one who was found; oldest first."""
        wanted = (
            select(tables.mismatches, _candidates.collection)
            .join(tables.candidates, _candidates.id == _of.candidate)
            .where(_of.organization == organization, _of.whose == whose)
            .order_by(_of.at)
        )
        with reading(self._engine) as connection:
            return [
                Mismatch(row.candidate, row.collection, row.at, THE_PERSON in row.said_by, _counts(row))
                for row in connection.execute(wanted)
            ]

    def by_other(self, connection: Connection, organization: str, whose: str) -> list[str]:
        """The candidates in which a person is the other one."""
        wanted = select(_of.candidate).where(
            _of.organization == organization, _of.other == self.name(organization, whose)
        )
        return list(connection.execute(wanted).scalars())

    def doubted(self, organization: str, sought: Sought, matches: Sequence[Match]) -> set[str]:
        """Of the matches of one search, those that were told apart from whom it searched with: their `whose`."""
        names = self._names(organization, subjects_of(matches) | ({sought.whose} if sought.whose else set()))
        wanted = select(tables.mismatches).where(
            _of.organization == organization, or_(_of.whose.in_(names), _of.other.in_(names.values()))
        )
        with reading(self._engine) as connection:
            rows = [row for row in connection.execute(wanted) if _counts(row)]
            for row in rows:
                # One that somebody edited still has two people look: that harms nobody.
                is_told_of(connection, tables.mismatches, row, f"what was said of the candidate {row.candidate}")
        pairs = Pairs.of(sought, matches, names, self._kept_picture)
        return {match.whose for match in matches if any(pairs.doubts(row, match) for row in rows)}

    def are_any(self, connection: Connection, organization: str) -> bool:
        """Whether anybody of an organization was told apart: most never have to ask :meth:`doubted`."""
        there = select(_of.candidate).where(_of.organization == organization).limit(1)
        return connection.execute(there).first() is not None

    def _names(self, organization: str, people: Collection[str]) -> dict[str, bytes]:
        """The keyed digests of people, by their subjects."""
        digests = self._gallery.objections.names([(organization, each) for each in people])
        return dict(zip(people, digests, strict=True))

    def _kept_picture(self, candidate: str) -> bytes:
        """The sealed picture of who was not the person; empty where none is kept."""
        wanted = select(tables.candidates).where(_candidates.id == candidate)
        with reading(self._engine) as connection:
            row = connection.execute(wanted).first()
            if row is None:
                _log.error("the candidate %s is gone, of which two people were told apart", candidate)
                return b""
            if not is_told_of(connection, tables.candidates, row, f"the candidate {candidate}"):
                return b""
        key = self._gallery.house_key(key_of(candidate)) if row.probe_picture else None
        return key.open(row.probe_picture, candidate.encode()) if key else b""


@dataclass(frozen=True, slots=True)
class Pairs:
    """One search, to be held against pairs. `names` are the keyed digests of everybody in it.

    `found` is how alike each of them is at most, by digest; `picture` gives the one that was kept of a candidate.
    """

    sought: Sought
    names: Mapping[str, bytes]
    found: Mapping[bytes, float]
    picture: Callable[[str], bytes]

    @classmethod
    def of(
        cls, sought: Sought, matches: Sequence[Match], names: Mapping[str, bytes], picture: Callable[[str], bytes]
    ) -> Pairs:
        """The search that found these matches."""
        found: dict[bytes, float] = {}
        for match in matches:
            for whose in (match.whose, *match.people):
                found[names[whose]] = max(match.score, found.get(names[whose], match.score))
        return cls(sought, names, found, picture)

    def doubts(self, row: Any, match: Match) -> bool:
        """Whether a match may be the other one of a pair, and not whom it is told as."""
        ours = (match.whose, *match.people)
        if self.sought.whose in ours:
            return False
        if row.whose in ours:
            return self._is_other(row.other, match) or self._looks_like_other(row, match)
        other = any(self.names[each] == row.other for each in ours)
        return other and row.whose in self.names and self._is_other(self.names[row.whose], match)

    def _is_other(self, other: bytes | None, match: Match) -> bool:
        """Whether it was searched with the other's face, or the other was found, too, and no less alike."""
        if other is None:
            return False
        if self.sought.whose:
            return self.names[self.sought.whose] == other
        return self.found.get(other, -1.0) >= match.score

    def _looks_like_other(self, row: Any, match: Match) -> bool:
        picture = self.picture(row.candidate)
        alike = self.sought.alike(picture) if picture else None
        if alike is not None:
            return alike >= max(SAME, match.score)
        # Who was searched with, or found beside, is known to be the other one or not.
        if row.other is not None and (self.sought.whose or row.other in self.found):
            return False
        return match.score <= float(row.score) + MARGIN


def _counts(row: Any) -> bool:
    return THE_PERSON in row.said_by or len({*row.said_by} - {THE_ORGANIZATION}) >= NEEDED
