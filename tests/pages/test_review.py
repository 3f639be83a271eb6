"""The page of reviewers: a login a person, plain HTML, and no decision from elsewhere."""

from __future__ import annotations

import asyncio
import re
from dataclasses import replace
from pathlib import Path
from typing import Any

import httpx
import pytest
from starlette.applications import Starlette

from regard.pages.review import Passage, review_pages
from regard.stewardship.people.consent import NewConsent
from regard.stewardship.people.flows import Flow
from regard.stewardship.policy.call import DataClass
from regard.stewardship.policy.denied import Denied
from tests.helpers.fakes import Clock, picture_of
from tests.helpers.peopled import NOTICE
from tests.stewardship.people.test_review import ALICE, Door, enrolled


@pytest.fixture
def door(tmp_path: Path) -> Door:
    return enrolled(Door(tmp_path / "data", Clock()))


class Page:
    """Asks the application in process."""

    def __init__(self, application: Starlette) -> None:
        self._transport = httpx.ASGITransport(application)

    def get(self, path: str, **more: Any) -> httpx.Response:
        return asyncio.run(self._ask("GET", path, **more))

    def post(self, path: str, **more: Any) -> httpx.Response:
        return asyncio.run(self._ask("POST", path, **more))

    async def _ask(self, method: str, path: str, **more: Any) -> httpx.Response:
        async with httpx.AsyncClient(transport=self._transport, base_url="http://service") as client:
            return await client.request(method, path, **more)


@pytest.fixture
def page(door: Door) -> Page:
    return Page(_application(door))


def _application(door: Door) -> Starlette:
    passage = Passage(door.service.gate, door.organizations.keys.all, door.clock)
    return Starlette(routes=review_pages(door.reviews, door.loops, passage))


def _login(door: Door, name: str = "ada") -> tuple[str, str]:
    return f"{door.organization}/{name}", door.reviews.reviewers.appoint(door.organization, name)


def _loops(door: Door, number: int) -> None:
    """Pictures that wait for a person."""
    door.loops.flows.define(door.organization, Flow("all"))
    arn = f"arn:aws:sagemaker:us-east-1:{door.organization}:flow-definition/all"
    for each in range(number):
        config = {"HumanLoopName": f"picture-{each}", "FlowDefinitionArn": arn}
        image = {"Bytes": picture_of(ALICE)}
        door.ask("DetectModerationLabels", Image=image, MinConfidence=0, HumanLoopConfig=config)


def _form(text: str) -> tuple[str, str]:
    (action,), (mark,) = re.findall('action="([^"]+)"', text), re.findall('value="([0-9a-f]{64})"', text)
    return action, mark


def test_reviewers_see_two_pictures_of_who_agreed_and_are_told_where_there_is_one(page: Page, door: Door) -> None:
    door.asked()
    one = page.get("/review", auth=_login(door)).text
    assert (one.count("<img"), "You see <strong>one picture only</strong>" in one) == (1, True)
    drawn = NewConsent("alice", "staff", "access-control", NOTICE, 365, portrait=True)
    door.consents.attest(door.caller, door.consents.draw_up(door.organization, drawn))
    door.index("staff", ALICE, name="alice")
    both = page.get("/review", auth=_login(door)).text
    assert 'alt="the enrolled face of alice, candidate 1"' in both
    assert (both.count("<img"), "one picture only" in both) == (2, False)


def test_the_log_says_how_many_pictures_were_confirmed(door: Door) -> None:
    door.asked(mark=97)
    for name in ("ada", "ben"):
        reviewer = door.appointed(name)
        (candidate,) = door.reviews.pending(reviewer)
        door.reviews.decide(reviewer, candidate.id, same=True)
    told = [entry for entry in door.entries() if entry["kind"] == "regard/review"]
    assert [(entry["change"], entry.get("pictures")) for entry in told] == [("opened", None), ("confirmed", 1)]


def test_nobody_sees_anything_without_a_login(page: Page, door: Door) -> None:
    user, secret = _login(door)
    for auth in (None, (user, "wrong"), ("nobody", secret), ("999999999999/ada", secret)):
        answer = page.get("/review", auth=auth)
        assert (answer.status_code, "Basic" in answer.headers["www-authenticate"]) == (401, True)
        assert "alice" not in answer.text


def test_two_reviewers_confirm_on_the_page(page: Page, door: Door) -> None:
    door.asked()
    for name in ("ada", "ben"):
        login = _login(door, name)
        shown = page.get("/review", auth=login)
        assert "alice" in shown.text
        assert "data:image/jpeg;base64,/9j/" in shown.text
        action, mark = _form(shown.text)
        done = page.post(action, data={"mark": mark, "same": "yes"}, auth=login)
        assert (done.status_code, done.headers["location"]) == (303, "/review")
        assert "Nothing waits for you" in page.get("/review", auth=login).text
    assert door.asked()[0] == 1


def test_a_decision_that_did_not_come_from_the_page_is_refused(page: Page, door: Door) -> None:
    door.asked()
    ada, ben = _login(door), _login(door, "ben")
    action, mark = _form(page.get("/review", auth=ada).text)
    assert page.post(action, data={"same": "yes"}, auth=ada).status_code == 403
    assert page.post(action, data={"mark": mark, "same": "yes"}, auth=ben).status_code == 403
    assert page.post(action, data={"mark": mark, "same": "perhaps"}, auth=ada).status_code == 400


def test_a_decision_may_reach_another_service_on_the_same_database(page: Page, door: Door) -> None:
    door.asked()
    ada = _login(door)
    action, mark = _form(page.get("/review", auth=ada).text)
    another = Door(door.folder, door.clock)
    elsewhere = Page(_application(another))
    assert elsewhere.post(action, data={"mark": "\u2713", "same": "yes"}, auth=ada).status_code == 403
    assert elsewhere.post(action, data={"mark": mark, "same": "yes"}, auth=ada).status_code == 303


def test_pictures_come_ten_at_a_time_and_closed(page: Page, door: Door) -> None:
    _loops(door, 12)
    shown = page.get("/review", auth=_login(door)).text
    assert (shown.count("<details><summary>"), shown.count("<img")) == (10, 10)
    assert "2 more pictures wait" in shown


def test_the_page_lets_no_script_in_and_stays_in_no_cache(page: Page, door: Door) -> None:
    headers = page.get("/review", auth=_login(door)).headers
    assert headers["content-security-policy"].startswith("default-src 'none'")
    assert (headers["cache-control"], headers["x-frame-options"]) == ("no-store", "DENY")


def test_candidates_come_ten_a_page_and_each_button_says_on_which(page: Page, door: Door) -> None:
    for mark in range(23):
        door.clock.now += 1
        door.asked(mark=mark)
    ada = _login(door)
    waiting = [
        each.id for each in door.reviews.pending(door.reviews.reviewers.log_in(door.organization, "ada", ada[1]))
    ]
    shown = [page.get("/review", params={"page": number}, auth=ada).text for number in ("", "2", "3", "9", "x", "-1")]
    asked_of = [re.findall('action="/review/([0-9a-f]{32})"', text) for text in shown]
    first, second, last = waiting[:10], waiting[10:20], waiting[20:]
    assert asked_of == [first, second, last, last, first, first]
    assert "Same person: candidate 13 of 23</button>" in shown[1]
    assert "Not the same: candidate 13 of 23</button>" in shown[1]
    assert 'href="/review?page=1"' in shown[1]
    assert 'href="/review?page=3"' in shown[1]
    mark = re.findall('name="mark" value="([0-9a-f]{64})"', shown[1])[0]
    done = page.post(f"/review/{second[0]}", data={"mark": mark, "same": "yes", "page": "2"}, auth=ada)
    assert done.headers["location"] == "/review?page=2"


def test_the_page_is_one_that_people_find_their_way_in(page: Page, door: Door) -> None:
    door.asked()
    for answer in (page.get("/review", auth=_login(door)), page.get("/review")):
        assert '<html lang="en">' in answer.text
        assert 'name="viewport"' in answer.text
        assert (answer.text.count("<main"), answer.text.count("<h1")) == (1, 1)
        assert "<style" not in answer.text


def test_what_strangers_wrote_is_text_on_the_page(page: Page, door: Door, monkeypatch: pytest.MonkeyPatch) -> None:
    door.asked()
    ada, planted = _login(door), "<i>\u202e\"'"
    reviewer = door.reviews.reviewers.log_in(door.organization, "ada", ada[1])
    (real,) = door.reviews.pending(reviewer)
    marked = replace(real, whose=f"{door.organization}/{planted}", collection=planted, purpose=planted)
    monkeypatch.setattr(type(door.reviews), "pending", lambda *_: [marked])
    shown = page.get("/review", auth=ada).text
    assert shown.count("&lt;i&gt;&quot;&#x27;") == 5
    assert "<i>" not in shown


def test_each_look_and_each_decision_is_a_call_that_passes_the_gate(page: Page, door: Door) -> None:
    door.asked()
    ada = _login(door)
    action, mark = _form(page.get("/review", auth=ada).text)
    page.post(action, data={"mark": mark, "same": "yes"}, auth=ada)
    told = [entry for entry in door.entries() if entry["kind"] == "regard/call"][-2:]
    assert [each["operation"] for each in told] == ["ReviewMatches", "DecideMatch"]
    assert {each["purpose"] for each in told} == {"access-control"}


def test_pictures_are_looked_at_by_a_call_of_their_own_whatever_faces_are(
    page: Page, door: Door, monkeypatch: pytest.MonkeyPatch
) -> None:
    door.asked()
    _loops(door, 1)
    ada, before = _login(door), door.service.gate.before
    assert "picture-0" in page.get("/review", auth=ada).text
    told = [entry["operation"] for entry in door.entries() if entry["kind"] == "regard/call"]
    assert told[-2:] == ["ReviewMatches", "ReviewPictures"]

    def refuse_objects(call: Any) -> Any:
        if call.operation.data is DataClass.OBJECTS:
            raise Denied("no-objects", "Nobody sees pictures just now.")
        return before(call)

    monkeypatch.setattr(door.service.gate, "before", refuse_objects)
    shown = page.get("/review", auth=ada).text
    assert ("alice" in shown, "picture-0" in shown, "Rule no-objects." in shown) == (True, False, True)


def test_who_is_refused_faces_sees_none_and_decides_on_none(
    page: Page, door: Door, monkeypatch: pytest.MonkeyPatch
) -> None:
    door.asked()
    ada = _login(door)
    action, mark = _form(page.get("/review", auth=ada).text)
    before = door.service.gate.before

    def refuse_faces(call: Any) -> Any:
        if call.operation.data is DataClass.FACES:
            raise Denied("no-faces", "Nobody sees faces just now.")
        return before(call)

    monkeypatch.setattr(door.service.gate, "before", refuse_faces)
    shown = page.get("/review", auth=ada)
    assert (shown.status_code, "Nobody sees faces just now. Rule no-faces." in shown.text) == (200, True)
    assert ("alice" in shown.text, "<img" in shown.text) == (False, False)
    refused = page.post(action, data={"mark": mark, "same": "yes"}, auth=ada)
    assert (refused.status_code, "no-faces" in refused.text) == (403, True)
    monkeypatch.undo()
    assert page.post(action, data={"mark": mark, "same": "yes"}, auth=ada).status_code == 303


def test_without_a_key_that_works_nothing_is_shown(page: Page, door: Door) -> None:
    door.asked()
    ada = _login(door)
    for key in door.organizations.keys.all(door.organization):
        door.organizations.keys.revoke(key.access_key_id)
    answer = page.get("/review", auth=ada)
    assert (answer.status_code, "regard keys issue" in answer.text, "alice" in answer.text) == (403, True, False)
