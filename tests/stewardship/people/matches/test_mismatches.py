"""Not this person stays so: another picture of who was told apart from somebody is looked at by two people."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from types import SimpleNamespace
from typing import Any
from uuid import uuid4

import numpy as np
import pytest
from numpy.typing import NDArray

from regard.evaluation.samples.sample import Sample
from regard.operations.common.registry import answered
from regard.stewardship.people.matches.candidates import Match, Sought
from regard.stewardship.people.matches.mismatches import THE_ORGANIZATION, Pairs
from regard.stewardship.people.review import NoSuchCandidate
from regard.stewardship.people.reviewers import Reviewer
from regard.stewardship.policy.call import Call
from tests.helpers import fakes
from tests.helpers.fakes import Clock, picture_of
from tests.helpers.peopled import House

# By the number of their embedding. LIKE and COUSIN are like Alice at a cosine of 0.6, and hardly like each other; TWIN
# is more like LIKE than like Alice.
ALICE, BOB, LIKE, TWIN, COUSIN = 10, 60, 110, 160, 210
FACES = {ALICE: "alice", BOB: "bob", LIKE: "like", TWIN: "twin", COUSIN: "cousin"}
WAITS = "1 pending; two reviewers confirm within 48 hours"
_different = fakes.person


def _axis(number: int) -> NDArray[np.float32]:
    found = np.zeros(128, np.float32)
    found[number] = 1
    return found


def person_by_colour(number: int, dimensions: int = 128) -> NDArray[np.float32]:
    """The embedding of the person whose number is nearest: what a JPEG makes of a colour is still that person."""
    who = FACES[min(FACES, key=lambda each: abs(each - number))]
    alice, other = _axis(0), _axis(1)
    like = 0.6 * alice + 0.8 * other
    made = {"alice": alice, "bob": _axis(2), "like": like, "twin": 0.9 * like + np.sqrt(1 - 0.81) * _axis(3)}
    made |= {"cousin": 0.6 * alice + 0.8 * _axis(4)}
    found: NDArray[np.float32] = made[who].astype(np.float32)
    return found[:dimensions]


class Shop(House):
    """A house that finds people for a purpose without review; whoever it finds may say that it is somebody else."""

    def __init__(self, folder: Path, clock: Clock) -> None:
        super().__init__(folder, clock)
        self.as_of("photo-library")

    def as_of(self, purpose: str) -> None:
        self.caller = self.organizations.issue_key(self.organization, purpose).caller

    def looked(self, person: int, mark: int = 99, collection: str = "staff") -> tuple[list[str], dict[str, str]]:
        """Who was told, best first, and what was remarked."""
        image = {"Bytes": picture_of(person, mark=mark)}
        operation, self.last_request = answered()["SearchFacesByImage"], str(uuid4())
        given = {"CollectionId": collection, "Image": image}
        call = Call(self.caller, operation, given, "us-east-1", self.last_request)
        answer, remarks = self.service.answer(call), call.remarks
        return [match["Face"]["ExternalImageId"] for match in answer["FaceMatches"]], remarks

    def request(self, name: str) -> str:
        told = self.export(name)
        return str([event for event in told["events"] if "similarity" in event][-1]["request_id"])

    def export(self, name: str) -> dict[str, Any]:
        found: dict[str, Any] = json.loads(self.access.export(self.organization, f"external/{name}").json)
        return found

    def not_me(self, name: str, said_by: str = "the person") -> str:
        return self.reviews.false_match(self.organization, f"external/{name}", self.request(name), said_by)

    def reviewer(self, name: str) -> Reviewer:
        secret = self.reviews.reviewers.appoint(self.organization, name, ())
        return self.reviews.reviewers.log_in(self.organization, name, secret)

    def decide(self, *same: bool) -> None:
        for name, verdict in zip(("ada", "ben"), same, strict=False):
            reviewer = self.reviewer(name)
            for candidate in self.reviews.pending(reviewer):
                self.reviews.decide(reviewer, candidate.id, verdict)


@pytest.fixture
def shop(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Shop]:
    monkeypatch.setattr(fakes, "person", person_by_colour)
    shop = Shop(tmp_path / "data", Clock())
    shop.collection("staff", "attested")
    for person, name in ((ALICE, "alice"), (BOB, "bob")):
        shop.index("staff", person, name=name, mark=person)
    yield shop
    shop.close()


def test_another_picture_of_who_was_not_the_person_waits_for_two_people(shop: Shop) -> None:
    assert shop.looked(LIKE)[0] == ["alice"]
    shop.not_me("alice")
    told, remarks = shop.looked(LIKE, mark=98)
    assert told == []
    assert remarks["x-regard-review"] == WAITS
    assert remarks["x-regard-doubted"] == "1 told apart before from somebody like this"
    (candidate,) = shop.reviews.pending(shop.reviewer("ada"))
    assert (candidate.whose, candidate.doubted) == ("external/alice", True)
    shop.decide(True, True)
    assert shop.looked(LIKE, mark=98)[0] == ["alice"]


def test_the_person_and_everybody_else_are_told_as_before(shop: Shop) -> None:
    shop.looked(LIKE)
    shop.not_me("alice")
    for person, name in ((ALICE, "alice"), (BOB, "bob")):
        told, remarks = shop.looked(person, mark=97)
        assert told == [name]
        assert not {"x-regard-review", "x-regard-doubted"} & remarks.keys()


@pytest.fixture
def doors(shop: Shop) -> Shop:
    """The same house, which opens doors besides: there two people look at every match."""
    shop.as_of("access-control")
    shop.collection("doors", "attested")
    shop.index("doors", ALICE, name="alice", mark=40)
    assert shop.looked(LIKE, collection="doors")[0] == []
    shop.as_of("photo-library")
    return shop


def test_whom_the_picture_that_reviewers_saw_is_like_waits_and_nobody_else(doors: Shop) -> None:
    doors.decide(False, False)
    told, remarks = doors.looked(LIKE, mark=98)
    assert (told, remarks["x-regard-review"]) == ([], WAITS)
    # As like Alice as the other was, but not like the other: a picture says more than the likeness.
    assert doors.looked(COUSIN)[0] == ["alice"]


def test_one_reviewer_tells_nobody_apart(doors: Shop) -> None:
    doors.decide(False)
    assert doors.looked(LIKE, mark=98)[0] == ["alice"]
    doors.decide(True, False)
    assert doors.looked(LIKE, mark=98)[0] == []
    changes = [entry["change"] for entry in doors.entries() if entry["kind"] == "regard/review"]
    assert changes == ["opened", "rejected", "told apart", "opened"]


def test_who_is_enrolled_beside_is_known_by_name_alone(shop: Shop) -> None:
    shop.index("staff", LIKE, name="lia", mark=50)
    assert shop.looked(LIKE)[0] == ["lia", "alice"]
    shop.not_me("alice")
    told, remarks = shop.looked(TWIN)
    assert (told, remarks["x-regard-review"]) == (["lia"], WAITS)
    # The other way round, too: the pair is of two people.
    told, remarks = shop.looked(ALICE)
    assert (told, remarks["x-regard-doubted"][0]) == (["alice"], "1")
    faces = {
        face["ExternalImageId"]: face["FaceId"] for face in shop.ask("ListFaces", CollectionId="staff")[0]["Faces"]
    }
    answer, remarks = shop.ask("SearchFaces", CollectionId="staff", FaceId=faces["lia"])
    assert (answer["FaceMatches"], remarks["x-regard-review"]) == (
        [],
        "1 pending; two reviewers confirm within 48 hours",
    )


def test_a_mismatch_is_undone_by_whoever_said_it(shop: Shop) -> None:
    shop.looked(LIKE)
    mismatch = shop.not_me("alice")
    (told,) = shop.export("alice")["mismatches"]
    assert (told["mismatch"], told["said_by"], told["counts"]) == (mismatch, "you", True)
    for by, whose in (("ada", None), ("the person", "external/bob")):
        with pytest.raises(NoSuchCandidate):
            shop.reviews.take_back(shop.organization, mismatch, by, whose)
    assert shop.looked(LIKE, mark=98)[0] == []
    shop.reviews.take_back(shop.organization, mismatch, "the person", "external/alice")
    assert shop.looked(LIKE)[0] == ["alice"]
    assert shop.looked(LIKE, mark=95)[0] == ["alice"]
    assert shop.export("alice")["mismatches"] == []


def test_of_two_reviewers_each_takes_back_their_own_word(shop: Shop) -> None:
    shop.looked(LIKE)
    request, alice = shop.request("alice"), "external/alice"
    mismatch = shop.reviews.false_match(shop.organization, alice, request, "ada")
    assert shop.looked(LIKE, mark=98)[0] == ["alice"]
    assert shop.reviews.false_match(shop.organization, alice, request, "ben") == mismatch
    assert shop.looked(LIKE, mark=94)[0] == []
    shop.reviews.take_back(shop.organization, mismatch, "ada")
    assert shop.looked(LIKE, mark=92)[0] == ["alice"]
    assert shop.looked(LIKE)[0] == []
    shop.reviews.take_back(shop.organization, mismatch, "ben")
    assert shop.looked(LIKE)[0] == ["alice"]


def test_the_word_of_the_organization_tells_nobody_apart(shop: Shop) -> None:
    shop.looked(LIKE)
    mismatch = shop.not_me("alice", THE_ORGANIZATION)
    assert shop.looked(LIKE)[0] == []
    assert shop.looked(LIKE, mark=98)[0] == ["alice"]
    with pytest.raises(NoSuchCandidate):
        shop.reviews.take_back(shop.organization, mismatch, "the person", "external/alice")


@pytest.mark.parametrize("erased", ["alice", "lia"])
def test_with_either_of_the_two_the_pair_is_gone(shop: Shop, erased: str) -> None:
    shop.index("staff", LIKE, name="lia", mark=50)
    shop.looked(LIKE)
    candidate = shop.not_me("alice")
    shop.erase(erased)
    assert shop.reviews.counts(shop.organization) == {}
    assert shop.gallery.house_key(f"candidate/{candidate}") is None
    assert shop.export("alice")["mismatches"] == []


def test_no_template_and_no_name_of_the_other_is_kept(shop: Shop) -> None:
    shop.looked(LIKE)
    shop.not_me("alice")
    keys = shop.gallery._vault.keys.names(0, "candidate/")
    assert keys == set()
    shop.index("staff", LIKE, name="lia", mark=50)
    shop.looked(LIKE, mark=93)
    assert "lia" not in json.dumps(shop.export("alice"))


@dataclass
class Counted:
    """How many matches wait, of how many: of the other one, of the person, and of people who are neither."""

    other: tuple[int, int] = (0, 0)
    person: tuple[int, int] = (0, 0)
    neither: tuple[int, int] = (0, 0)


def counted(vectors: NDArray[np.float32], subjects: NDArray[np.int64], at_least: float, *, seen: bool) -> Counted:
    """Everybody with two pictures is enrolled with the first; each false match with it is called false, by turns.

    Then everybody searches with every picture. `seen` says whether the picture of the other one was kept.
    """
    found = Counted()
    cosines = vectors @ vectors.T
    for subject in np.flatnonzero(np.bincount(subjects) > 1):
        mine = np.flatnonzero(subjects == subject)
        near = np.flatnonzero(cosines[mine[0]] >= at_least)
        for false in near[subjects[near] != subject]:
            row = SimpleNamespace(candidate="c", whose="alice", other=None, score=float(cosines[mine[0], false]))
            for probe in set(near.tolist()) - {int(mine[0]), int(false)}:
                match = Match("alice", "", 0.0, score=float(cosines[mine[0], probe]))
                alike = float(cosines[probe, false])
                sought = Sought(b"", alike=lambda _jpeg, alike=alike: alike)  # type: ignore[misc]
                pairs = Pairs.of(sought, [match], {"alice": b"a"}, (lambda _: b"x") if seen else (lambda _: b""))
                waits = pairs.doubts(row, match)
                # Whoever was not called false is found as Alice all the same, or is found as somebody else.
                kind = {subject: "person", subjects[false]: "other"}.get(subjects[probe])
                if kind:
                    told, of = getattr(found, kind)
                    setattr(found, kind, (told + waits, of + 1))
            for probe in np.flatnonzero((subjects != subject) & (subjects != subjects[false]))[::97]:
                match = Match("bob", "", 0.0, score=0.5)
                sought = Sought(b"", alike=lambda _jpeg: 1.0)
                waits = Pairs.of(sought, [match], {"bob": b"bob"}, lambda _: b"x").doubts(row, match)
                told, of = found.neither
                found.neither = (told + waits, of + 1)
                assert probe >= 0
    return found


@pytest.mark.slow("looks at 2,730 pictures of LFW")
@pytest.mark.xdist_group("press")
def test_on_press_photographs_no_match_of_others_waits_and_few_of_the_person(press: Sample) -> None:
    for at_least in (0.35, 0.40):
        likeness = counted(press.embeddings, press.subjects, at_least, seen=False)
        picture = counted(press.embeddings, press.subjects, at_least, seen=True)
        print(f"called false at cosine {at_least}: by likeness {likeness}; by the picture {picture}")
        for found in (likeness, picture):
            assert found.neither[0] == 0 < found.neither[1]
        assert likeness.other[0] > 0.85 * likeness.other[1]
        assert likeness.person[0] < 0.05 * likeness.person[1]
        assert picture.other[0] > 0.98 * picture.other[1]
        assert picture.person[0] < 0.005 * picture.person[1]
