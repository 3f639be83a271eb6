"""Whatever happens in whatever order, no template and no match is shown that its receipts do not cover."""

from __future__ import annotations

import io
import shutil
import tempfile
from contextlib import suppress
from pathlib import Path
from typing import Any
from unittest.mock import patch

import numpy as np
import pytest
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule, run_state_machine_as_test
from numpy.typing import NDArray
from PIL import Image
from sqlalchemy.exc import IntegrityError

from regard.operations.common.errors import ApiError
from regard.operations.common.registry import answered, ours
from regard.stewardship.people.consent import NewConsent
from regard.stewardship.people.matches.candidates import Candidate, whose_user
from regard.stewardship.policy.call import Call
from regard.vision.faces.similarity import score
from tests.helpers import fakes
from tests.helpers.databases import forget
from tests.helpers.fakes import Clock, picture_of
from tests.helpers.peopled import NOTICE, House

DAY = 86_400.0
NAMES = ("alice", "bob")
COLLECTIONS = ("a", "b")


class People(RuleBasedStateMachine):
    """The model: who has receipts until when, who was erased, and which faces may be there."""

    def __init__(self) -> None:
        super().__init__()
        self.root = Path(tempfile.mkdtemp())
        self.receipts: dict[tuple[str, str], list[list[float]]] = {}
        self.faces: dict[tuple[str, str], float] = {}
        self.erased: dict[str, float] = {}
        self.mark = 0

    @initialize()
    def open(self) -> None:
        self.house = House(self.root / "data", Clock())
        for collection in COLLECTIONS:
            self.house.collection(collection, "consent", **{"regard:retention-days": "40"})
        # Of fifteen events hardly any two that follow each other agree and enrol: somebody is there to begin with.
        self.consent("alice", "a", 60)
        self.enrol("alice", "a", False)

    def teardown(self) -> None:
        self.house.close()
        for each in self.root.iterdir():
            forget(each)
        shutil.rmtree(self.root)

    @property
    def now(self) -> float:
        return self.house.clock.now

    def _covered(self, name: str, collection: str) -> bool:
        return any(until > self.now for _, until in self.receipts.get((name, collection), ()))

    @rule(name=st.sampled_from(NAMES), collection=st.sampled_from(COLLECTIONS), days=st.sampled_from((5, 30, 60)))
    def consent(self, name: str, collection: str, days: int) -> None:
        self.house.clock.now += 1
        self.house.consent(name, collection, days)
        self.receipts.setdefault((name, collection), []).append([self.now, self.now + days * DAY])

    @rule(name=st.sampled_from(NAMES), collection=st.sampled_from(COLLECTIONS), again=st.booleans())
    def enrol(self, name: str, collection: str, again: bool) -> None:
        self.house.clock.now += 1
        self.mark += not again
        allowed = self._covered(name, collection)
        back = (
            any(
                given > self.erased[name] and until > self.now
                for (whose, _), receipts in self.receipts.items()
                for given, until in receipts
                if whose == name
            )
            if name in self.erased
            else True
        )
        try:
            found = self.house.index(collection, NAMES.index(name) + 1, mark=self.mark % 250, name=name)
        except ApiError:
            assert not (allowed and back)
            return
        assert allowed
        assert back
        if found:
            self.faces[name, collection] = max(self.faces.get((name, collection), 0.0), self.now)

    @rule(name=st.sampled_from(NAMES), collection=st.sampled_from(COLLECTIONS))
    def withdraw(self, name: str, collection: str) -> None:
        for receipt in self.house.consents.all(self.house.organization, name, collection):
            self.house.consents.withdraw(self.house.organization, receipt.consent.receipt_id)
        self.receipts.pop((name, collection), None)

    @rule(name=st.sampled_from(NAMES))
    def erase(self, name: str) -> None:
        self.house.clock.now += 1
        self.house.erase(name)
        self.erased[name] = self.now
        for collection in COLLECTIONS:
            self.receipts.pop((name, collection), None)
            self.faces.pop((name, collection), None)

    @rule(source=st.sampled_from(COLLECTIONS))
    def copy(self, source: str) -> None:
        (to,) = {*COLLECTIONS} - {source}
        for name in NAMES:
            if self._covered(name, source) and self._covered(name, to) and (name, source) in self.faces:
                enrolled = (self.faces[name, source], self.faces.get((name, to), 0.0))
                self.faces[name, to] = max(enrolled)
        given = {"CollectionId": to, "Source": source}
        # A face that was copied before is there already.
        with suppress(IntegrityError):
            call = Call(self.house.caller, ours()["CopyFaces"], given, "us-east-1", "copy", loopback=True)
            self.house.service.answer(call)

    @rule(collection=st.sampled_from(COLLECTIONS))
    def renew_keys(self, collection: str) -> None:
        self.house.gallery.renew_keys(self.house.organization, collection)

    @rule(days=st.sampled_from((4, 29, 41)))
    def wait(self, days: int) -> None:
        self.house.clock.now += days * DAY

    @rule()
    def sweep(self) -> None:
        self.house.retention.sweep()

    @rule()
    def restart(self) -> None:
        self.house.close()
        self.house = House(self.house.folder, self.house.clock)

    @rule(name=st.sampled_from(NAMES))
    def erase_and_restore(self, name: str) -> None:
        backup = self.root / "backup"
        self.house.back_up(backup)
        self.house = House(self.house.folder, self.house.clock)
        self.erase(name)
        self.house = self.house.restore(backup)
        shutil.rmtree(backup)

    @invariant()
    def nothing_is_shown_that_is_not_covered(self) -> None:
        for collection in COLLECTIONS:
            shown = {
                face["ExternalImageId"] for face in self.house.ask("ListFaces", CollectionId=collection)[0]["Faces"]
            }
            for number, name in enumerate(NAMES, 1):
                enrolled = self.faces.get((name, collection))
                may_be = self._covered(name, collection) and enrolled is not None and enrolled + 40 * DAY > self.now
                found = self.house.search(collection, number)
                assert may_be or (name not in shown and not found), (name, collection)

    @invariant()
    def no_key_outlives_what_it_opens(self) -> None:
        for name in self.erased:
            if not any((name, collection) in self.faces for collection in COLLECTIONS):
                assert f"external/{name}" not in {each for holders in self.house.keys().values() for each in holders}


def play(machine: type[RuleBasedStateMachine], steps: int, scale: float) -> None:
    examples = max(5, int(50 * scale))
    unhurried = settings(deadline=None, suppress_health_check=list(HealthCheck))
    run_state_machine_as_test(machine, settings=settings(unhurried, max_examples=examples, stateful_step_count=steps))


@pytest.mark.long
@pytest.mark.slow("plays dozens of orders of events, each on a house of its own")
def test_no_order_of_events_shows_what_receipts_do_not_cover(scale: float) -> None:
    play(People, 15, scale)


# Whom the pictures show, by the number of their embedding: cara is like alice below the floor, dora is her twin.
NUMBERS = {"alice": 1, "bob": 80, "cara": 160, "dora": 240}
FLOOR = 99.0
LIKE_ALICE = {NUMBERS["cara"]: 97.0, NUMBERS["dora"]: 99.5}
SHOWN = (("alice",), ("bob",), ("dora", "alice"), ("cara", "bob"))


class Confirmed(RuleBasedStateMachine):
    """The model, where rights are at stake: what was compared with whom in every match that two people confirmed.

    What was compared is a face of the collection, a user, or one face of a picture: the one that reviewers see.
    """

    WHO, MARKS, USERS = st.sampled_from(SHOWN), st.integers(0, 1), st.sampled_from(("u", "v"))

    def __init__(self) -> None:
        super().__init__()
        self.root = Path(tempfile.mkdtemp())
        self.patched = patch.object(fakes, "person", _person)
        self.opened_by: dict[str, str] = {}
        self.allowed: set[tuple[str, str]] = set()

    @initialize()
    def open(self) -> None:
        self.patched.start()
        self.house = House(self.root / "data", Clock())
        self.house.caller = self.house.organizations.issue_key(self.house.organization, "access-control").caller
        self.house.collection("staff", "consent")
        self._make_users()
        appoint, log_in = self.house.reviews.reviewers.appoint, self.house.reviews.reviewers.log_in
        own = self.house.organization
        self.reviewers = [log_in(own, name, appoint(own, name, ())) for name in ("ada", "ben")]
        for name in NAMES:
            self._consent(name)
            self.enrol((name,), name, 9)

    def teardown(self) -> None:
        self.patched.stop()
        self.house.close()
        for each in self.root.iterdir():
            forget(each)
        shutil.rmtree(self.root)

    def _make_users(self) -> None:
        """The two users; one who was made of an erased person alone is gone, and is made again."""
        for user in {"u", "v"} - {*self.house.users("staff")}:
            self.house.ask("CreateUser", CollectionId="staff", UserId=user)

    def _consent(self, name: str) -> None:
        self.house.clock.now += 1
        asked = NewConsent(name, "staff", "access-control", NOTICE, 365)
        self.house.consents.attest(self.house.caller, self.house.consents.draw_up(self.house.organization, asked))

    def _ask(self, by: str, operation: str, **given: object) -> dict[str, Any]:
        """The answer; what it has reviewed is about what was compared, `by`."""
        known = {**answered(), **ours()}[operation]
        call = Call(self.house.caller, known, {"CollectionId": "staff", **given}, "us-east-1", operation)
        answer = self.house.service.answer(call)
        for reviewer in self.reviewers:
            for candidate in self.house.reviews.pending(reviewer):
                assert candidate.similarity >= FLOOR
                if candidate.id not in self.opened_by:
                    self.opened_by[candidate.id] = by + _seen(self.house.reviews.picture(reviewer, candidate.id))
        return answer

    def _faces(self, **of: str) -> list[dict[str, Any]]:
        found: list[dict[str, Any]] = self.house.ask("ListFaces", CollectionId="staff", **of)[0]["Faces"]
        return found

    def _user(self, user: str) -> str:
        """Whom a review of this user is about now; nobody where it has no faces."""
        first = next(iter(self._faces(UserId=user)), None)
        return whose_user(user, f"external/{first['ExternalImageId']}") if first else ""

    def _may_be_told(self, by: str, answer: dict[str, Any]) -> None:
        """Everybody whom a search tells of was confirmed for what was searched with, and is above the floor."""
        for match in answer.get("FaceMatches", []):
            assert (by, f"external/{match['Face']['ExternalImageId']}") in self.allowed
            assert match["Similarity"] >= FLOOR
        for match in answer.get("UserMatches", []):
            assert (by, self._user(match["User"]["UserId"])) in self.allowed
            assert match["Similarity"] >= FLOOR

    @rule(who=WHO, name=st.sampled_from(NAMES), mark=MARKS)
    def enrol(self, who: tuple[str, ...], name: str, mark: int) -> None:
        before = [face for face in self._faces() if face["ExternalImageId"] == name]
        by = _by(who, mark)
        answer = self._ask(by, "IndexFaces", ExternalImageId=name, **_picture(who, mark))
        for record in answer["FaceRecords"]:
            again = record["Face"]["FaceId"] in {face["FaceId"] for face in before}
            seen = _at(who, record["Face"]["BoundingBox"]["Left"])
            assert not before or again or (by + seen, f"external/{name}") in self.allowed

    @rule(number=st.integers(0, 3), user=USERS)
    def associate(self, number: int, user: str) -> None:
        faces = self._faces()
        if not faces:
            return
        face = faces[number % len(faces)]["FaceId"]
        whose = self._user(user)
        answer = self._ask(face, "AssociateFaces", UserId=user, FaceIds=[face])
        assert not answer["AssociatedFaces"] or not whose or (face, whose) in self.allowed
        assert not [each for each in answer["UnsuccessfulFaceAssociations"] if "Confidence" in each]

    @rule(user=USERS)
    def disassociate(self, user: str) -> None:
        if faces := [face["FaceId"] for face in self._faces(UserId=user)]:
            self.house.ask("DisassociateFaces", CollectionId="staff", UserId=user, FaceIds=faces[:1])

    @rule(who=WHO)
    def look(self, who: tuple[str, ...]) -> None:
        by = _by(who, 0)
        for operation in ("SearchFacesByImage", "SearchUsersByImage"):
            self._may_be_told(by + who[0], self._ask(by, operation, **_picture(who, 0)))
        answer = self._ask(by, "RedactOthers", **_picture(who, 0))
        for left in answer["left_open"]:
            assert (by + _at(who, left["box"]["left"]), f"external/{left['person']}") in self.allowed
            assert left["similarity"] >= FLOOR
        assert len(answer["left_open"]) + len(answer["covered"]) == len(who)

    @rule(number=st.integers(0, 3))
    def search_from_a_face(self, number: int) -> None:
        faces = self._faces()
        if not faces:
            return
        face = faces[number % len(faces)]["FaceId"]
        for operation in ("SearchFaces", "SearchUsers"):
            self._may_be_told(face, self._ask(face, operation, FaceId=face))

    @rule(user=USERS)
    def search_from_a_user(self, user: str) -> None:
        whose = self._user(user)
        if whose:
            self._may_be_told(whose, self._ask(whose, "SearchUsers", UserId=user))

    @rule()
    def confirm(self) -> None:
        for candidate in self.house.reviews.pending(self.reviewers[0]):
            self._decide(candidate, same=True, both=True)

    @rule(same=st.booleans(), both=st.booleans())
    def decide(self, same: bool, both: bool) -> None:
        for candidate in self.house.reviews.pending(self.reviewers[0])[:1]:
            self._decide(candidate, same=same, both=both)

    def _decide(self, candidate: Candidate, *, same: bool, both: bool) -> None:
        self.house.reviews.decide(self.reviewers[0], candidate.id, same)
        second = [each for each in self.house.reviews.pending(self.reviewers[1]) if each.id == candidate.id]
        if both and same and second:
            self.house.reviews.decide(self.reviewers[1], candidate.id, same)
            self.allowed.add((self.opened_by[candidate.id], candidate.whose))

    @rule()
    def wait(self) -> None:
        self.house.clock.now += 2 * DAY

    @rule(name=st.sampled_from(NAMES))
    def erase_and_come_back(self, name: str) -> None:
        self.house.clock.now += 1
        self.house.erase(name)
        gone = {f"external/{name}", *(whose_user(user, f"external/{name}") for user in ("u", "v"))}
        self.allowed = {each for each in self.allowed if not gone & {*each}}
        self._consent(name)
        self._make_users()


def _person(number: int, dimensions: int = 128) -> NDArray[np.float32]:
    """The embedding of a person; those who look like alice do so at the similarity that they are to have."""
    own = _different(number, dimensions)
    if number not in LIKE_ALICE:
        return own
    alice = _different(NUMBERS["alice"], dimensions)
    aside = own - (own @ alice) * alice
    near = score(LIKE_ALICE[number], None)
    found: NDArray[np.float32] = near * alice + np.sqrt(1 - near**2) * aside / np.linalg.norm(aside)
    return found.astype(np.float32)


_different = fakes.person


def _picture(who: tuple[str, ...], mark: int) -> dict[str, Any]:
    return {"Image": {"Bytes": picture_of(*(NUMBERS[name] for name in who), mark=mark)}}


def _by(who: tuple[str, ...], mark: int) -> str:
    """A picture, to which the face that was compared is to be added."""
    return f"{'+'.join(who)} {mark}: "


def _at(who: tuple[str, ...], left: float) -> str:
    """Whose face of a picture begins there."""
    return who[int(left * len(who))]


def _seen(jpeg: bytes) -> str:
    """Whom reviewers see; nobody where what was compared is no picture."""
    if not jpeg:
        return ""
    with Image.open(io.BytesIO(jpeg)) as opened:
        pixels = np.asarray(opened)
    red = int(pixels[pixels.shape[0] // 2, pixels.shape[1] // 2, 0])
    return min(NUMBERS, key=lambda name: abs(NUMBERS[name] - red))


@pytest.mark.slow("plays dozens of orders of events, each on a house of its own")
def test_no_order_of_events_tells_a_name_or_a_similarity_that_nobody_confirmed(scale: float) -> None:
    play(Confirmed, 25, scale)
