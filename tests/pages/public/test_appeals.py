"""The form on which anyone files an appeal, and the page of where it stands."""

from __future__ import annotations

import asyncio
import re
from typing import Any

import httpx
import pytest

from regard.pages.pages import pages
from regard.pages.public.appeals import MOST_BYTES, appeal_pages
from regard.stewardship.people.inbox import DAY, Caps, Inbox, Verdict
from regard.wire.metrics import Metrics
from tests.helpers.stewarding import Stewardship

FILLED = {"about": "appeal", "text": "I was refused at a door.", "contact": "me@example.org", "entry": ""}
PLANTED = "<script>alert(1)</script>\u202e\"'&"


class Visitor:
    """Somebody with a browser, at an address."""

    def __init__(self, room: Stewardship, **caps: int) -> None:
        self.inbox = Inbox(room.engine, room.key, room.logbook, Caps(**caps), lambda: room.now)
        self._app = pages(Metrics(), lambda: None, appeal_pages(self.inbox))

    def ask(self, method: str, path: str, **told: Any) -> httpx.Response:
        async def ask() -> httpx.Response:
            way = httpx.ASGITransport(self._app, client=("192.0.2.1", 50_000))
            async with httpx.AsyncClient(transport=way, base_url="http://regard.test") as client:
                return await client.request(method, path, **told)

        return asyncio.run(ask())

    def get(self, path: str) -> httpx.Response:
        return self.ask("GET", path)

    def file(self, **filled: str) -> httpx.Response:
        return self.ask("POST", "/appeal", data=FILLED | filled)

    def file_from(self, headers: dict[str, str]) -> httpx.Response:
        return self.ask("POST", "/appeal", data=FILLED, headers=headers)


@pytest.fixture
def visitor(room: Stewardship) -> Visitor:
    return Visitor(room)


def number_in(answer: httpx.Response) -> str:
    found = re.fullmatch(r"/appeal/([0-9a-f]{32})(\?entry=\d{4}-\d{2}/\d+)?", answer.headers["location"])
    assert found
    return found[1]


def test_what_is_filed_is_filed_and_its_page_has_receipt_due_date_and_standing(visitor: Visitor) -> None:
    answer = visitor.file(text="One line\r\nand another")
    assert answer.status_code == 303
    filing, _ = visitor.inbox.read(number_in(answer))
    assert (filing.about, filing.text, filing.contact) == ("appeal", "One line\nand another", "me@example.org")
    page = visitor.get(answer.headers["location"])
    assert page.status_code == 200
    for words in ("waits for its answer", number_in(answer), "/log/2027-01/receipts/", "14 February 2027"):
        assert words in page.text
    assert "another" not in page.text
    assert "me@example.org" not in page.text
    assert number_in(answer) not in page.text.partition("</title>")[0]
    assert page.headers["cache-control"] == "no-store"


def test_the_page_says_when_an_answer_is_overdue_and_what_it_was(room: Stewardship, visitor: Visitor) -> None:
    number = number_in(visitor.file())
    room.now += 31 * DAY
    assert "OVERDUE" in visitor.get(f"/appeal/{number}").text
    assert visitor.inbox.overdue() == 1
    visitor.inbox.answer(number, Verdict.UPHELD, "planted words")
    page = visitor.get(f"/appeal/{number}").text
    assert "you were right" in page
    assert "planted words" not in page
    assert visitor.inbox.overdue() == 0


def test_a_number_leads_to_its_page_however_it_is_written(visitor: Visitor) -> None:
    number = number_in(visitor.file())
    answer = visitor.get(f"/appeal?report=%20{number.upper()}%20")
    assert (answer.status_code, answer.headers["location"]) == (303, f"/appeal/{number}")
    for path in ("/appeal?report=", "/appeal?report=3f0c", f"/appeal/{number[:8]}", f"/appeal/{'0' * 32}"):
        answer = visitor.get(path)
        assert answer.status_code in (400, 404)
        assert "No appeal of this number" in answer.text


@pytest.mark.parametrize(
    ("filled", "field"),
    [
        ({"about": ""}, "about"),
        ({"about": "praise"}, "about"),
        ({"text": "  "}, "text"),
        ({"text": "x" * 8001}, "text"),
        ({"contact": "x" * 321}, "contact"),
        ({"entry": "yesterday"}, "entry"),
    ],
)
def test_what_is_wrong_is_said_first_and_at_its_field_and_the_rest_stays(
    visitor: Visitor, filled: dict[str, str], field: str
) -> None:
    answer = visitor.file(**filled)
    assert answer.status_code == 400
    assert f'<a href="#{field}">' in answer.text
    assert f'id="{field}-problem"' in answer.text
    assert field == "contact" or 'value="me@example.org"' in answer.text
    assert "<title>Something is wrong" in answer.text
    assert not visitor.inbox.all()


def test_what_a_stranger_fills_in_is_text_on_the_page(visitor: Visitor) -> None:
    for answer in (
        visitor.file(text=PLANTED, contact=PLANTED, entry=PLANTED),
        visitor.ask("GET", "/appeal", params={"report": PLANTED}),
        visitor.get(f"/appeal/{'0' * 32}?entry={PLANTED}"),
    ):
        assert answer.status_code in (400, 404)
        assert "<script" not in answer.text
        assert "\u202e" not in answer.text


@pytest.mark.parametrize(
    "headers",
    [
        {"sec-fetch-site": "cross-site"},
        {"sec-fetch-site": "same-site", "origin": "http://regard.test"},
        {"origin": "http://elsewhere.test"},
    ],
)
def test_a_form_of_another_site_files_nothing(visitor: Visitor, headers: dict[str, str]) -> None:
    answer = visitor.file_from(headers)
    assert (answer.status_code, "sent by another site" in answer.text) == (403, True)
    assert not visitor.inbox.all()


@pytest.mark.parametrize("headers", [{"sec-fetch-site": "same-origin"}, {"origin": "http://regard.test"}, {}])
def test_our_own_form_files(visitor: Visitor, headers: dict[str, str]) -> None:
    assert visitor.file_from(headers).status_code == 303


def test_whoever_filed_enough_today_is_told_when_to_come_again(room: Stewardship) -> None:
    visitor = Visitor(room, of_address=1)
    assert visitor.file().status_code == 303
    answer = visitor.file(text="once more")
    assert answer.status_code == 429
    assert "There is room again in" in answer.text
    assert "once more</textarea>" in answer.text


def test_nothing_is_taken_that_cannot_be_logged(room: Stewardship, visitor: Visitor) -> None:
    room.logbook._refusal = "the disk is gone"
    answer = visitor.file()
    assert (answer.status_code, "the disk is gone" in answer.text) == (503, True)


@pytest.mark.parametrize("body", [b"x" * (MOST_BYTES + 1), b"&".join(b"a=1" for _ in range(200))])
def test_a_body_that_is_no_form_of_ours_files_nothing(visitor: Visitor, body: bytes) -> None:
    headers = {"content-type": "application/x-www-form-urlencoded"}
    assert visitor.ask("POST", "/appeal", content=body, headers=headers).status_code in (400, 413)
    assert visitor.ask("POST", "/appeal", json=FILLED).status_code == 400
    assert not visitor.inbox.all()


def test_a_text_of_the_longest_letters_fits(visitor: Visitor) -> None:
    assert visitor.file(text="🙂" * 8000).status_code == 303
