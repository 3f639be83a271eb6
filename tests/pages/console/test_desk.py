"""The desk: under which key somebody asks, and what the policy refuses a page as it does a program."""

from __future__ import annotations

from regard.stewardship.parties.organization import Standing
from regard.stewardship.staff.staff import Role
from tests.helpers.consoled import Console
from tests.helpers.fakes import picture_of
from tests.helpers.filled import details


def test_a_person_acts_under_the_key_that_they_chose_and_the_log_names_them(console: Console) -> None:
    ada = console.somebody()
    second = console.office.organizations.issue_key(console.organization, "content-moderation").access_key_id
    chosen = ada.send("/console/under", {"mark": ada.marks("/console/under")["/console/under"], "key": second})
    assert chosen.headers["location"] == "/console/under"
    assert "acting for <a" in (text := ada.get("/console/health").text)
    assert "content-moderation</a>" in text
    assert ("ada", second) in [(each.get("person"), each.get("access_key_id")) for each in details(console)]
    other = console.office.organizations.register("Another", "retail").id
    theirs = console.office.organizations.issue_key(other, "development").access_key_id
    wrong = {"mark": ada.marks("/console/under")["/console/under"], "key": theirs}
    assert ada.send("/console/under", wrong).status_code == 404


def test_without_a_key_that_works_nothing_is_shown_but_why(console: Console) -> None:
    ada = console.somebody()
    for key in console.office.organizations.keys.all():
        console.office.organizations.keys.revoke(key.access_key_id)
    refused = ada.get("/console")
    assert (refused.status_code, "regard keys issue" in refused.text) == (403, True)
    assert ada.get("/console/under").status_code == 200


def test_the_policy_refuses_a_page_as_it_refuses_a_program(console: Console) -> None:
    police = console.office.organizations.register("City police", "law-enforcement").id
    console.office.organizations.admission.decide(police, Standing.ADMITTED, "ada", "a test")
    console.office.organizations.issue_key(police, "development")
    officer = console.somebody("officer", organization=police)
    picture = {"picture": ("a.png", picture_of(1), "image/png")}
    refused = officer.post("/console/try", {"operation": "DetectFaces"}, files=picture)
    assert (refused.status_code, "no-law-enforcement" in refused.text) == (403, True)
    assert "/log/" in refused.text
    reviewer = console.somebody("reviewer", Role.REVIEWER, police)
    assert "no-law-enforcement" in reviewer.get("/console/review").text
