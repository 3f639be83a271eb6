"""Whatever happens in whatever order: who was told apart is not told unseen, and nobody true is ever held back."""

from __future__ import annotations

import shutil
import tempfile
from pathlib import Path
from unittest.mock import patch

import pytest
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule

from regard.stewardship.people.review import NoSuchCandidate
from tests.helpers import fakes
from tests.helpers.databases import forget
from tests.helpers.fakes import Clock
from tests.stewardship.people.matches.test_mismatches import ALICE, BOB, LIKE, Shop, person_by_colour
from tests.stewardship.people.test_people import play

HOUR = 3600.0


class ToldApart(RuleBasedStateMachine):
    """The model: by whom Alice was told apart from the one who is like her, and for which pictures two confirmed her.

    LIKE is taken for Alice by every search; nobody else is.
    """

    MARKS = st.integers(100, 103)

    def __init__(self) -> None:
        super().__init__()
        self.root = Path(tempfile.mkdtemp())
        self.patched = patch.object(fakes, "person", person_by_colour)
        # What was said of which picture: the mismatch's id, and who gave their word.
        self.said: dict[int, tuple[str, set[str]]] = {}
        self.confirmed: set[int] = set()
        self.opened: dict[str, int] = {}

    @initialize()
    def open(self) -> None:
        self.patched.start()
        self.house = Shop(self.root / "data", Clock())
        self.house.collection("staff", "attested")
        self._enrol("alice", ALICE)
        self._enrol("bob", BOB)
        self.reviewers = [self.house.reviewer(name) for name in ("ada", "ben")]

    def teardown(self) -> None:
        self.patched.stop()
        self.house.close()
        for each in self.root.iterdir():
            forget(each)
        shutil.rmtree(self.root)

    def _enrol(self, name: str, number: int) -> None:
        self.house.index("staff", number, name=name, mark=number)

    @property
    def apart(self) -> bool:
        """Whether anybody's word counts for the two people."""
        return any("the person" in by or len(by) > 1 for _, by in self.said.values())

    @rule(mark=MARKS)
    def search(self, mark: int) -> None:
        told, remarks = self.house.looked(LIKE, mark)
        assert set(told) <= {"alice"}
        if self.said.get(mark):
            assert told == []
        elif self.apart:
            assert (told == ["alice"]) == (mark in self.confirmed)
            assert "x-regard-doubted" in remarks
        else:
            assert told == ["alice"]
        self._note(mark)

    def _note(self, mark: int) -> None:
        """Note by which picture a candidate was opened."""
        for candidate in self.house.reviews.pending(self.reviewers[0]):
            self.opened.setdefault(candidate.id, mark)

    @rule(mark=MARKS, by=st.sampled_from(("the person", "ada", "ben")))
    def not_me(self, mark: int, by: str) -> None:
        told, _ = self.house.looked(LIKE, mark)
        self._note(mark)
        if not told:
            return
        request = self.house.last_request
        mismatch = self.house.reviews.false_match(self.house.organization, "external/alice", request, by)
        self.said[mark] = (mismatch, {by})
        self.confirmed.discard(mark)

    @rule(mark=MARKS, by=st.sampled_from(("the person", "ada", "ben")))
    def take_back(self, mark: int, by: str) -> None:
        mismatch, said = self.said.get(mark, ("none", set()))
        try:
            self.house.reviews.take_back(self.house.organization, mismatch, by)
        except NoSuchCandidate:
            assert by not in said
            return
        assert by in said
        said.discard(by)
        if not said:
            del self.said[mark]

    @rule()
    def confirm(self) -> None:
        for candidate in self.house.reviews.pending(self.reviewers[0]):
            mark = self.opened[candidate.id]
            for reviewer in self.reviewers:
                self.house.reviews.decide(reviewer, candidate.id, same=True)
            self.confirmed.add(mark)

    @rule()
    def wait(self) -> None:
        self.house.clock.now += 49 * HOUR

    @rule()
    def erase_and_come_back(self) -> None:
        self.house.clock.now += 1
        self.house.erase("alice")
        self.said.clear()
        self.confirmed.clear()
        self.house.gallery.objections.lift(self.house.organization, "external/alice")
        self._enrol("alice", ALICE)

    @invariant()
    def nobody_true_is_held_back(self) -> None:
        for number, name in ((ALICE, "alice"), (BOB, "bob")):
            told, remarks = self.house.looked(number, mark=7)
            assert told == [name]
            assert "x-regard-review" not in remarks


@pytest.mark.long
@pytest.mark.slow("plays dozens of orders of events, each on a house of its own")
def test_no_order_of_events_tells_who_was_told_apart_or_holds_back_who_was_not(scale: float) -> None:
    play(ToldApart, 15, scale)
