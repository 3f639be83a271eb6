"""What the policy is asked while an operation runs: labels of one's own, people projects, liveness."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from functools import partial
from typing import Any

import pytest

from regard.evaluation.bias.association import Association
from regard.evaluation.statistics.intervals import Interval
from regard.stewardship.council.motions import BadMotion, Kind
from regard.stewardship.gate.gate import Denied
from regard.stewardship.policy.call import Call
from regard.stewardship.policy.custom_labels import Faces, Project
from regard.stewardship.records import records
from tests.helpers.stewarding import Stewardship

PARTS = Project("parts", ("screw", "nut"), {"regard:basis": "none"}, Faces(100, 0))
PEOPLE = Project("shifts", ("a", "b"), {"regard:basis": "attested"}, Faces(100, 60))
VERSION = "arn:aws:rekognition:us-east-1:100000000000:project/shifts/version/one/1700000000000"
APART = Association("group", 5, 500, 0.42, Interval(0.33, 0.5), 0.37, 0.2, 0.005)
PASSED = Association("group", 5, 500, 0.05, Interval(0.0, 0.18), 0.21, 0.2, 0.4)


def _call(room: Stewardship, sector: str = "retail", name: str = "CreateProjectVersion") -> Call:
    return room.call(room.caller(sector), name)


def _rule(ask: Callable[[], Any]) -> str:
    try:
        ask()
    except Denied as denied:
        return denied.rule
    return "allow"


def test_parts_are_trained_and_started_with_no_more_ado(room: Stewardship) -> None:
    matters, call = room.gate.matters, _call(room, "law-enforcement")
    assert _rule(lambda: matters.train(call, PARTS)) == "allow"
    assert _rule(lambda: matters.start(call, PARTS, VERSION, None)) == "allow"
    assert _rule(lambda: matters.use(call, PARTS)) == "allow"


@pytest.mark.parametrize("project", [PARTS, PEOPLE])
def test_nothing_is_trained_or_started_while_looking_at_pictures_is_stopped(
    room: Stewardship, project: Project
) -> None:
    call = _call(room)
    room.council.suspend("detect", "an incident", room.signer, 100)
    assert _rule(lambda: room.gate.matters.train(call, project)) == "suspended"
    assert _rule(lambda: room.gate.matters.start(call, project, VERSION, PASSED)) == "suspended"


def test_a_label_that_says_a_trait_is_denied_by_the_rule_with_its_name_and_recorded(room: Stewardship) -> None:
    call = _call(room)
    with pytest.raises(Denied, match="muslim") as denied:
        room.gate.matters.train(call, replace(PARTS, labels=("muslim", "other")))
    assert denied.value.rule == "no-inferred-traits"
    (record,) = records.read(room.engine, "denial")
    assert record.body["request"]["traits"] == ["religion"]


def test_a_label_of_two_meanings_asks_for_one(room: Stewardship) -> None:
    call, paint = _call(room), replace(PARTS, labels=("white", "grey"), faces=Faces(100, 1))
    with pytest.raises(Denied, match="regard:label:white") as denied:
        room.gate.matters.train(call, paint)
    assert denied.value.rule == "label-needs-meaning"


@pytest.mark.parametrize(
    ("tags", "agreed", "unnamed", "expected"),
    [
        ({}, set(), 0, "allow"),  # the key for development stands on attested
        ({"regard:basis": "none"}, set(), 0, "people-project-needs-basis"),
        ({"regard:basis": "consent"}, set(), 0, "people-project-needs-consents"),
        ({"regard:basis": "consent"}, {"ann"}, 0, "people-project-needs-consents"),
        ({"regard:basis": "consent"}, {"ann", "ben"}, 0, "allow"),
        ({"regard:basis": "consent"}, {"ann", "ben"}, 1, "people-project-needs-consents"),
        ({"regard:basis": "attested", "regard:purpose": "photo-library"}, set(), 0, "purpose-is-bound"),
    ],
)
def test_a_people_project_stands_on_what_an_enrolment_stands_on(
    room: Stewardship, tags: dict[str, str], agreed: set[str], unnamed: int, expected: str
) -> None:
    room.register.agreed = agreed
    project = replace(PEOPLE, tags=tags, people=frozenset({"ann", "ben"}), unnamed=unnamed)
    call = _call(room)
    assert _rule(lambda: room.gate.matters.train(call, project)) == expected
    assert _rule(lambda: room.gate.matters.start(call, project, VERSION, PASSED)) == expected


@pytest.mark.parametrize("act", ["train", "start", "use"])
def test_a_people_project_is_an_operation_on_faces(room: Stewardship, act: str) -> None:
    police = _call(room, "law-enforcement")
    given = {"train": (), "start": (VERSION, PASSED), "use": ()}[act]
    assert _rule(lambda: getattr(room.gate.matters, act)(police, PEOPLE, *given)) == "no-law-enforcement"


def test_a_people_project_starts_after_a_probe_that_finds_nothing_or_by_a_motion(room: Stewardship) -> None:
    matters, call = room.gate.matters, _call(room, name="StartProjectVersion")
    assert _rule(lambda: matters.start(call, PEOPLE, VERSION, PASSED)) == "allow"
    for probe in (None, APART, _of_few(PASSED)):
        assert _rule(partial(matters.start, call, PEOPLE, VERSION, probe)) == "people-project-is-probed"
    with pytest.raises(Denied, match=r"37% of 500 people, by chance in 20%"):
        matters.start(call, PEOPLE, VERSION, APART)
    with pytest.raises(Denied, match="REGARD_CUSTOM_AUDIT"):
        matters.start(call, PEOPLE, VERSION, None)
    room.carry(Kind.PROJECT, version=VERSION, allowed=True)
    assert _rule(lambda: matters.start(call, PEOPLE, VERSION, APART)) == "allow"
    assert _rule(lambda: matters.start(call, PEOPLE, f"{VERSION}1", APART)) == "people-project-is-probed"
    room.carry(Kind.PROJECT, version=VERSION, allowed=False)
    assert _rule(lambda: matters.start(call, PEOPLE, VERSION, APART)) == "people-project-is-probed"


def _of_few(found: Association) -> Association:
    """The same from so few people that a medium effect is not excluded."""
    return Association("group", 5, 60, found.effect, Interval(0.0, 0.5), 0.21, 0.2, 0.4)


def test_a_motion_on_a_project_names_a_version(room: Stewardship) -> None:
    with pytest.raises(BadMotion, match="one of its versions"):
        room.carry(Kind.PROJECT, version="arn:aws:rekognition:us-east-1:100000000000:project/shifts/1", allowed=True)


def test_a_project_begins_with_the_terms_of_its_key_and_they_are_only_tightened(room: Stewardship) -> None:
    call = room.call(room.caller(), "CreateProject", Tags={"regard:label:white": "paint"})
    room.gate.before(call)
    tags = call.parameters["Tags"]
    assert tags == {"regard:label:white": "paint", "regard:basis": "attested", "regard:purpose": "development"}
    ask = room.gate.matters.tags

    def tagged(**given: Any) -> str:
        return _rule(lambda: ask(room.call(call.caller, "TagResource", **given), tags))

    assert tagged(Tags={"regard:basis": "consent", "regard:people": "yes", "regard:label:white": "paper"}) == "allow"
    assert tagged(Tags={"regard:basis": "none"}) == "reserved-tags"
    assert tagged(Tags={"regard:purpose": "research"}) == "reserved-tags"
    assert tagged(Tags={"regard:people": "no"}) == "reserved-tags"
    # Whether what is lost is trained anew may be said one way and the other.
    assert [tagged(Tags={"regard:retrain": each}) for each in ("yes", "no")] == ["allow", "allow"]
    assert tagged(Tags={"regard:retrain": "maybe"}) == "reserved-tags"
    assert tagged(Tags={"Regard:Basis": "consent"}) == "reserved-tags"
    assert tagged(TagKeys=["regard:label:white"]) == "reserved-tags"
    assert tagged(TagKeys=["colour"]) == "allow"


def test_liveness_is_off_until_a_motion_and_any_member_stops_it(room: Stewardship) -> None:
    caller = room.caller()
    assert room.rule(caller, "CreateFaceLivenessSession") == "liveness-by-motion"
    room.carry(Kind.CAPABILITY, capability="liveness", enabled=True)
    assert room.rule(caller, "CreateFaceLivenessSession") == "allow"
    assert room.rule(room.caller("intelligence"), "CreateFaceLivenessSession") == "no-intelligence"
    room.council.suspend("liveness", "a mask passed", room.signer, 100)
    assert room.rule(caller, "CreateFaceLivenessSession") == "suspended"
    room.now += 100
    room.carry(Kind.CAPABILITY, capability="liveness", enabled=False)
    assert room.rule(caller, "CreateFaceLivenessSession") == "liveness-by-motion"
