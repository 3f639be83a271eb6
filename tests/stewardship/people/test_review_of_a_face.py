"""A review is about a face: whoever was confirmed for one face of a picture is not told of another one in it."""

from __future__ import annotations

from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest
from hypothesis import given
from hypothesis import strategies as st

from regard.operations.common.registry import answered, ours
from regard.stewardship.people import review
from regard.stewardship.people.consent import NewConsent
from regard.stewardship.people.matches.probe import Probe
from regard.stewardship.policy.call import Call
from regard.vision.pictures.findings import Box, Face
from tests.helpers.fakes import Clock, FakeAnalyzer, picture_of
from tests.helpers.peopled import NOTICE, House

ALICE = 1
BOTH = {"Image": {"Bytes": picture_of(ALICE, ALICE, mark=7)}}


class Door(House):
    """A house where a door opens for staff, with one person in it; two who look like her come by on one picture."""

    def __init__(self, folder: Path) -> None:
        super().__init__(folder, Clock())
        self.caller = self.organizations.issue_key(self.organization, "access-control").caller
        self.collection("staff", "consent")
        drawn = self.consents.draw_up(self.organization, NewConsent("alice", "staff", "access-control", NOTICE, 365))
        self.consents.attest(self.caller, drawn)
        self.index("staff", ALICE, name="alice")
        secrets = [self.reviews.reviewers.appoint(self.organization, name, ()) for name in ("ada", "ben")]
        self.two = [
            self.reviews.reviewers.log_in(self.organization, name, secret)
            for name, secret in zip(("ada", "ben"), secrets, strict=True)
        ]

    def call(self, name: str) -> tuple[dict[str, Any], str | None]:
        operation = answered().get(name) or ours()[name]
        call = Call(self.caller, operation, {"CollectionId": "staff", **BOTH}, "us-east-1", str(uuid4()))
        return self.service.answer(call), call.remarks.get("x-regard-review")

    def decide(self, *same: bool) -> None:
        """What waits, decided by one after the other."""
        for reviewer, verdict in zip(self.two, same, strict=False):
            for candidate in self.reviews.pending(reviewer):
                self.reviews.decide(reviewer, candidate.id, verdict)


@pytest.fixture
def door(tmp_path: Path) -> Door:
    return Door(tmp_path / "data")


@pytest.fixture
def other_first(monkeypatch: pytest.MonkeyPatch) -> pytest.MonkeyPatch:
    """From where it is used on, the redaction takes the second face for the likest."""
    detect = FakeAnalyzer.detect
    monkeypatch.setattr(FakeAnalyzer, "detect_all", lambda self, picture: detect(self, picture)[::-1])
    return monkeypatch


@pytest.mark.usefixtures("other_first")
def test_another_face_of_a_picture_is_looked_at_again(door: Door) -> None:
    assert door.call("SearchFacesByImage")[1] is not None
    door.decide(True, True)
    assert len(door.call("SearchFacesByImage")[0]["FaceMatches"]) == 1
    answer, waits = door.call("RedactOthers")
    assert (answer["left_open"], waits) == ([], "1 pending; two reviewers confirm within 48 hours")
    door.decide(True, True)
    (left,) = door.call("RedactOthers")[0]["left_open"]
    assert (left["person"], left["box"]["left"] > 0.5) == ("alice", True)


def test_the_same_face_by_another_operation_is_not_asked_for_again(door: Door, monkeypatch: pytest.MonkeyPatch) -> None:
    door.call("SearchFacesByImage")
    door.decide(True, True)
    detect = FakeAnalyzer.detect

    def a_little_off(self: FakeAnalyzer, picture: Any) -> list[Face]:
        first = detect(self, picture)[0]
        box = Box(first.box.left - 0.02, first.box.top + 0.03, first.box.width * 1.05, first.box.height * 0.95)
        return [Face(box, first.confidence, first.points)]

    monkeypatch.setattr(FakeAnalyzer, "detect_all", a_little_off)
    answer, waits = door.call("RedactOthers")
    assert (len(answer["left_open"]), waits) == (1, None)


@pytest.mark.usefixtures("other_first")
def test_who_is_not_the_one_face_may_be_the_other(door: Door) -> None:
    door.call("SearchFacesByImage")
    door.decide(False)
    assert door.call("SearchFacesByImage") == ({**door.call("SearchFacesByImage")[0], "FaceMatches": []}, None)
    door.call("RedactOthers")
    door.decide(True, True)
    assert len(door.call("RedactOthers")[0]["left_open"]) == 1
    assert door.call("SearchFacesByImage")[0]["FaceMatches"] == []


@pytest.mark.usefixtures("other_first")
def test_where_nobody_reviews_what_is_false_of_a_face_is_false_of_its_picture(
    door: Door, monkeypatch: pytest.MonkeyPatch
) -> None:
    door.call("SearchFacesByImage")
    door.decide(False)
    monkeypatch.setattr(review, "needed", lambda _call: False)
    assert door.call("RedactOthers")[0]["left_open"] == []
    assert door.call("SearchFacesByImage")[0]["FaceMatches"] == []


@pytest.mark.usefixtures("other_first")
def test_what_the_person_calls_false_is_false_of_the_whole_picture(door: Door) -> None:
    door.call("SearchFacesByImage")
    door.decide(True, True)
    door.call("SearchFacesByImage")
    door.logbook.take_over()
    told = door.logbook.payloads.about(door.organization, "external/alice").values()
    (request,) = {each["request_id"] for each in told if "similarity" in each}
    door.reviews.false_match(door.organization, "external/alice", request)
    for name, where in (("SearchFacesByImage", "FaceMatches"), ("RedactOthers", "left_open")):
        answer, waits = door.call(name)
        assert (answer[where], waits) == ([], None)


def test_a_user_who_is_made_of_another_person_is_another_probe(door: Door, monkeypatch: pytest.MonkeyPatch) -> None:
    for number, name in enumerate(("bob", "cara")):
        drawn = door.consents.draw_up(door.organization, NewConsent(name, "staff", "access-control", NOTICE, 365))
        door.consents.attest(door.caller, drawn)
        door.index("staff", ALICE, name=name, mark=20 + number)
    alice, bob, cara = door.faces("staff")
    for user in ("u", "v"):
        door.ask("CreateUser", CollectionId="staff", UserId=user)

    def made_of(user: str, face: str) -> None:
        with monkeypatch.context() as patch:
            patch.setattr(review, "needed", lambda _call: False)
            door.ask("AssociateFaces", CollectionId="staff", UserId=user, FaceIds=[face])

    def found() -> list[str]:
        answer, _ = door.ask("SearchUsers", CollectionId="staff", UserId="u")
        return [match["User"]["UserId"] for match in answer["UserMatches"]]

    made_of("u", alice)
    made_of("v", bob)
    assert found() == []
    door.decide(True, True)
    assert found() == ["v"]
    door.ask("DisassociateFaces", CollectionId="staff", UserId="u", FaceIds=[alice])
    made_of("u", cara)
    assert found() == []
    door.decide(True, True)
    assert found() == ["v"]


ratios, sizes = st.floats(-0.2, 1.2), st.floats(0, 1.4)


@pytest.mark.sqlite
@given(st.binary(min_size=32, max_size=32), st.none() | st.builds(Box, ratios, ratios, sizes, sizes))
def test_a_probe_is_read_as_it_was_written(picture: bytes, face: Box | None) -> None:
    probe = Probe(picture, face)
    again = Probe.read(bytes(probe))
    assert bytes(again) == bytes(probe)
    assert again.same(probe)
    first, last = probe.span
    assert first <= bytes(probe) <= last
