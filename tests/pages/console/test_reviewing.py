"""The pages of reviewers: matches and labels, decided with a touch."""

from __future__ import annotations

import re
from typing import Any
from uuid import uuid4

import pytest

from regard.operations.common.registry import answered
from regard.stewardship.people.consent import NewConsent
from regard.stewardship.people.flows import Flow
from regard.stewardship.policy.call import Call
from regard.stewardship.staff.staff import Role
from tests.helpers.consoled import Console
from tests.helpers.fakes import picture_of
from tests.helpers.filled import asked, filled
from tests.helpers.peopled import NOTICE


def test_reviewers_decide_with_a_touch_and_not_on_what_they_searched_for(console: Console) -> None:
    filled(console)
    door = console.office.organizations.issue_key(console.organization, "access-control")
    _consented(console, door.caller)
    cy = console.somebody("cy")
    cy.send("/console/under", {"mark": cy.marks("/console/under")["/console/under"], "key": door.access_key_id})
    files = {"picture": ("a.png", picture_of(1, mark=9), "image/png")}
    waits = cy.post("/console/search", {"collection": "door", "case": "7"}, files=files).text
    assert "Nobody of 1 faces in door may be told of" in waits
    assert "1 pending" in waits
    ada, ben = (console.somebody(name, Role.REVIEWER) for name in ("ada", "ben"))
    # Who asked becomes a reviewer, and sees nothing of it.
    same_person = console.somebody("cy", Role.REVIEWER)
    assert "Nothing waits for you" in same_person.get("/console/review").text
    for reviewer in (ada, ben):
        shown = reviewer.get("/console/review").text
        assert "Candidate 1 of 1: is the person in the picture alice?" in shown
        (path,) = [each for each in reviewer.marks("/console/review") if each.startswith("/console/review/")]
        assert reviewer.post(path, {"same": "yes", "touch": ""}).status_code == 403
        assert reviewer.post(path, {"same": "perhaps"}).status_code == 400
        assert reviewer.post(path, {"same": "yes"}).headers["location"] == "/console/review?decided=1"
    assert "You decided 1" in ada.get("/console/review?decided=1").text
    holdings = console.house.holdings
    assert holdings.reviews.counts(console.organization)["access-control"] == {"confirmed": 1}


def test_a_reviewer_says_which_labels_of_a_picture_are_right(console: Console) -> None:
    loops = console.house.holdings.loops
    loops.flows.define(console.organization, Flow("all"))
    arn = f"arn:aws:sagemaker:us-east-1:{console.organization}:flow-definition/all"
    config = {"HumanLoopName": "picture-1", "FlowDefinitionArn": arn}
    image = {"Bytes": picture_of(1)}
    asked(console, "DetectModerationLabels", Image=image, MinConfidence=0, HumanLoopConfig=config)
    ada = console.somebody("ada", Role.REVIEWER)
    assert "Pictures whose labels wait for you: 1" in ada.get("/console").text
    assert "/console/pictures" in ada.get("/console/review").text
    shown = ada.get("/console/pictures").text
    assert "this one is picture-1" in shown
    label = re.search('name="right" value="([^"]+)"', shown)
    assert label
    (path,) = [each for each in ada.marks("/console/pictures") if each.startswith("/console/pictures/")]
    assert ada.post(path, {"right": label[1], "touch": ""}).status_code == 403
    assert ada.post(path, {"right": "No such label"}).status_code == 400
    assert ada.post(path, {"right": label[1]}).status_code == 303
    assert loops.get(console.organization, "picture-1").right == [label[1]]
    assert "No picture waits" in ada.get("/console/pictures").text


@pytest.mark.parametrize("portrait", [False, True])
def test_a_reviewer_sees_the_enrolled_face_of_who_agreed_to_it(console: Console, portrait: bool) -> None:
    door = console.office.organizations.issue_key(console.organization, "access-control")
    _consented(console, door.caller, portrait=portrait)
    cy = console.somebody("cy")
    cy.send("/console/under", {"mark": cy.marks("/console/under")["/console/under"], "key": door.access_key_id})
    files = {"picture": ("a.png", picture_of(1, mark=9), "image/png")}
    cy.post("/console/search", {"collection": "door", "case": "7"}, files=files)
    shown = console.somebody("ada", Role.REVIEWER).get("/console/review").text
    assert (shown.count("<img"), "one picture only" in shown) == (2 if portrait else 1, not portrait)
    assert ('alt="the enrolled face of alice, candidate 1"' in shown) is portrait


def _consented(console: Console, caller: Any, *, portrait: bool = False) -> None:
    def ask(name: str, **parameters: Any) -> None:
        call = Call(caller, answered()[name], parameters, "us-east-1", str(uuid4()), loopback=True)
        console.house.service.answer(call)

    ask("CreateCollection", CollectionId="door", Tags={"regard:basis": "consent"})
    drawn = console.office.consents.draw_up(
        console.organization, NewConsent("alice", "door", "access-control", NOTICE, 30, portrait=portrait)
    )
    console.office.consents.attest(caller, drawn)
    ask("IndexFaces", CollectionId="door", Image={"Bytes": picture_of(1)}, ExternalImageId="alice")
