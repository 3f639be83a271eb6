"""Review: a match is told only when two people who did not ask say so, each on their own, within 48 hours."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from regard.operations.common.registry import answered
from regard.stewardship.people.consent import NewConsent
from regard.stewardship.people.review import NoSuchCandidate
from regard.stewardship.people.reviewers import NotAReviewer, Reviewer
from regard.stewardship.policy.call import Call
from tests.helpers.fakes import Clock, picture_of
from tests.helpers.peopled import NOTICE, House

ALICE, BOB = 1, 2
HOUR = 3600.0


class Door(House):
    """A house where a door opens for staff: a person's rights are at stake."""

    def __init__(self, folder: Path, clock: Clock) -> None:
        super().__init__(folder, clock)
        self.caller = self.organizations.issue_key(self.organization, "access-control").caller

    def asked(self, person: int = ALICE, mark: int = 99) -> tuple[int, str | None]:
        """How many matches were told, and what was said of a review."""
        image = {"Bytes": picture_of(person, mark=mark)}
        answer, remarks = self.ask("SearchFacesByImage", CollectionId="staff", Image=image)
        return len(answer["FaceMatches"]), remarks.get("x-regard-review")

    def appointed(self, name: str, *keys: str) -> Reviewer:
        secret = self.reviews.reviewers.appoint(self.organization, name, keys)
        return self.reviews.reviewers.log_in(self.organization, name, secret)


def enrolled(door: Door) -> Door:
    """The house with two people in it who consented."""
    door.collection("staff", "consent")
    for person, name in ((ALICE, "alice"), (BOB, "bob")):
        drawn = door.consents.draw_up(door.organization, NewConsent(name, "staff", "access-control", NOTICE, 365))
        door.consents.attest(door.caller, drawn)
        door.index("staff", person, name=name)
    return door


@pytest.fixture
def door(tmp_path: Path) -> Door:
    return enrolled(Door(tmp_path / "data", Clock()))


def test_a_match_waits_until_two_people_confirmed_it(door: Door) -> None:
    ada, ben = door.appointed("ada"), door.appointed("ben")
    assert door.asked() == (0, "1 pending; two reviewers confirm within 48 hours")
    (candidate,) = door.reviews.pending(ada)
    assert (candidate.whose, candidate.collection) == ("external/alice", "staff")
    door.reviews.decide(ada, candidate.id, same=True)
    assert door.asked()[0] == 0
    door.reviews.decide(ben, candidate.id, same=True)
    assert door.asked() == (1, None)
    assert door.asked(mark=98)[0] == 0


def test_the_oldest_that_wait_come_first_and_all_are_counted(door: Door) -> None:
    ada = door.appointed("ada")
    for mark in range(3):
        door.clock.now += 1
        door.asked(mark=mark)
    everything = door.reviews.pending(ada)
    assert (door.reviews.waiting(ada), len(everything)) == (3, 3)
    assert door.reviews.pending(ada, 2) == everything[:2]
    assert door.reviews.pending(ada, 2, skipped=1) == everything[1:]
    door.reviews.decide(ada, everything[0].id, same=True)
    assert (door.reviews.waiting(ada), door.reviews.pending(ada, 1)) == (2, everything[1:2])
    assert door.reviews.waiting(door.appointed("cy", door.caller.access_key_id)) == 0


def test_the_same_person_twice_leaves_it_a_candidate(door: Door) -> None:
    ada = door.appointed("ada")
    door.asked()
    (candidate,) = door.reviews.pending(ada)
    door.reviews.decide(ada, candidate.id, same=True)
    with pytest.raises(NoSuchCandidate):
        door.reviews.decide(ada, candidate.id, same=True)
    assert (door.reviews.pending(ada), door.asked()[0]) == ([], 0)


def test_whoever_asked_does_not_decide(door: Door) -> None:
    asker = door.appointed("ada", door.caller.access_key_id)
    door.asked()
    (candidate,) = door.reviews.pending(door.appointed("ben"))
    assert door.reviews.pending(asker) == []
    with pytest.raises(NoSuchCandidate):
        door.reviews.decide(asker, candidate.id, same=True)


def test_nobody_sees_what_another_said(door: Door) -> None:
    ada, ben = door.appointed("ada"), door.appointed("ben")
    door.asked()
    (before,) = door.reviews.pending(ben)
    door.reviews.decide(ada, before.id, same=True)
    assert door.reviews.pending(ben) == [before]


def test_one_who_denies_ends_it_and_the_pair_is_not_offered_again(door: Door) -> None:
    ada, ben = door.appointed("ada"), door.appointed("ben")
    door.asked()
    (candidate,) = door.reviews.pending(ada)
    door.reviews.decide(ada, candidate.id, same=False)
    assert door.asked() == (0, None)
    # What the other said nobody sees: ben is asked all the same, and makes it no match again.
    assert door.reviews.pending(ben) == [candidate]
    door.reviews.decide(ben, candidate.id, same=True)
    assert (door.asked(), door.reviews.pending(ben)) == ((0, None), [])


def test_a_person_says_not_me(door: Door) -> None:
    door.asked()
    (candidate,) = door.reviews.pending(door.appointed("ada"))
    with pytest.raises(NoSuchCandidate):
        door.reviews.not_me(door.organization, "external/bob", candidate.id)
    door.reviews.not_me(door.organization, "external/alice", candidate.id)
    assert door.asked() == (0, None)


def test_after_48_hours_what_nobody_confirmed_is_purged_and_said(door: Door) -> None:
    ada = door.appointed("ada")
    door.asked()
    door.clock.now += 48 * HOUR - 1
    (candidate,) = door.reviews.pending(ada)
    assert door.gallery.house_key(f"candidate/{candidate.id}")
    door.clock.now += 1
    door.retention.sweep()
    assert door.reviews.pending(ada) == []
    assert door.gallery.house_key(f"candidate/{candidate.id}") is None
    told = [entry["change"] for entry in door.entries() if entry["kind"] == "regard/review"]
    assert told == ["opened", "expired"]
    assert door.asked() == (0, "1 pending; two reviewers confirm within 48 hours")


def test_a_confirmed_one_stays_after_48_hours(door: Door) -> None:
    door.asked()
    for name in ("ada", "ben"):
        reviewer = door.appointed(name)
        (candidate,) = door.reviews.pending(reviewer)
        door.reviews.decide(reviewer, candidate.id, same=True)
    door.clock.now += 48 * HOUR + 1
    assert door.asked()[0] == 1


def test_reviewers_see_the_face_that_was_searched_with(door: Door) -> None:
    ada = door.appointed("ada")
    door.asked()
    (candidate,) = door.reviews.pending(ada)
    assert door.reviews.picture(ada, candidate.id).startswith(b"\xff\xd8")
    stored = b"".join(file.read_bytes() for file in door.folder.glob("regard.db*"))
    assert b"\xff\xd8\xff\xe0" not in stored


def test_reviewers_of_another_organization_see_nothing(door: Door) -> None:
    door.asked()
    other = door.organizations.register("Another", "other")
    secret = door.reviews.reviewers.appoint(other.id, "ada")
    stranger = door.reviews.reviewers.log_in(other.id, "ada", secret)
    assert door.reviews.pending(stranger) == []
    with pytest.raises(NotAReviewer):
        door.reviews.reviewers.log_in(door.organization, "ada", secret)


def test_erasure_takes_candidates_with_it(door: Door) -> None:
    ada = door.appointed("ada")
    door.asked()
    door.clock.now += 1
    door.erase("alice")
    assert door.reviews.pending(ada) == []


def test_searches_of_faces_and_users_wait_too(door: Door) -> None:
    face = door.faces("staff")[0]
    assert door.index("staff", ALICE, mark=5, name="alice") == []
    for name in ("ada", "ben"):
        reviewer = door.appointed(name)
        (candidate,) = door.reviews.pending(reviewer)
        door.reviews.decide(reviewer, candidate.id, same=True)
    again = door.index("staff", ALICE, mark=5, name="alice")
    assert len(again) == 1
    answer, remarks = door.ask("SearchFaces", CollectionId="staff", FaceId=face)
    assert (answer["FaceMatches"], "x-regard-review" in remarks) == ([], True)
    door.ask("CreateUser", CollectionId="staff", UserId="u")
    door.ask("AssociateFaces", CollectionId="staff", UserId="u", FaceIds=[face])
    answer, remarks = door.ask("SearchUsers", CollectionId="staff", FaceId=again[0])
    assert (answer["UserMatches"], "x-regard-review" in remarks) == ([], True)


class Shop(Door):
    """A house that searches for a purpose without review."""

    def __init__(self, folder: Path, clock: Clock) -> None:
        super().__init__(folder, clock)
        self.caller = self.organizations.issue_key(self.organization, "photo-library").caller

    def request_of(self, name: str) -> str:
        """The last search that found a person, as they are told of it."""
        told = json.loads(self.access.export(self.organization, f"external/{name}").json)
        return str([event for event in told["events"] if "similarity" in event][-1]["request_id"])


@pytest.fixture
def shop(tmp_path: Path) -> Shop:
    shop = Shop(tmp_path / "data", Clock())
    shop.collection("staff", "attested")
    for person, name in ((ALICE, "alice"), (BOB, "bob")):
        shop.index("staff", person, name=name)
    return shop


def test_a_match_that_is_called_false_without_review_is_not_offered_again(shop: Shop) -> None:
    assert shop.asked() == (1, None)
    shop.reviews.false_match(shop.organization, "external/alice", shop.request_of("alice"))
    assert shop.asked() == (0, None)
    assert shop.asked(BOB) == (1, None)
    assert shop.reviews.counts(shop.organization) == {"photo-library": {"rejected": 1}}
    told = [entry for entry in shop.entries() if entry["kind"] == "regard/review"]
    assert [(entry["change"], entry["purpose"]) for entry in told] == [("rejected", "photo-library")]
    again = Shop(shop.folder, shop.clock)
    assert again.asked() == (0, None)


def test_only_a_search_that_found_the_person_can_be_called_false(shop: Shop) -> None:
    shop.asked()
    for whose, request in (("external/bob", shop.request_of("alice")), ("external/alice", "another")):
        with pytest.raises(NoSuchCandidate):
            shop.reviews.false_match(shop.organization, whose, request)
    assert shop.asked()[0] == 1


def test_a_confirmed_match_that_the_person_denies_is_not_told_any_more(door: Door) -> None:
    door.asked()
    for name in ("ada", "ben"):
        reviewer = door.appointed(name)
        (candidate,) = door.reviews.pending(reviewer)
        door.reviews.decide(reviewer, candidate.id, same=True)
    assert door.asked()[0] == 1
    told = json.loads(door.access.export(door.organization, "external/alice").json)
    request = next(event["request_id"] for event in told["events"] if "similarity" in event)
    door.reviews.false_match(door.organization, "external/alice", request, "ada")
    assert door.asked() == (0, None)
    assert door.reviews.counts(door.organization) == {"access-control": {"rejected": 1}}


def test_whoever_is_erased_leaves_no_false_match_behind(shop: Shop) -> None:
    shop.asked()
    shop.reviews.false_match(shop.organization, "external/alice", shop.request_of("alice"))
    shop.erase("alice")
    assert shop.reviews.counts(shop.organization) == {}


def test_who_searched_and_in_which_case_lies_sealed_beside_the_log(door: Door) -> None:
    image = {"Bytes": picture_of(ALICE, mark=91)}
    given = {"CollectionId": "staff", "Image": image}
    operation = answered()["SearchFacesByImage"]
    call = Call(door.caller, operation, given, "us-east-1", "asked", person="Ada L.", case="7/2026")
    door.service.answer(call)
    assert b"Ada L." not in door.log()
    (commitment,) = [entry["commitments"][0] for entry in door.entries() if entry["kind"] == "regard/call"][-1:]
    told = door.logbook.payloads.open(commitment)
    assert (told["person"], told["case"], told["request_id"]) == ("Ada L.", "7/2026", "asked")
