"""Filing an appeal over HTTP, without a signature, as anybody may."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator, Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest

from regard.pages.pages import pages
from regard.pages.public.reports import MOST_BYTES, PATH, report_pages
from regard.stewardship.people.inbox import Caps, Inbox
from regard.wire.metrics import Metrics
from tests.helpers.stewarding import Stewardship

FILING = {"about": "abuse", "text": "planted-words", "contact": "planted-contact"}


class Client:
    """Somebody at an address."""

    def __init__(self, inbox: Inbox, *, behind_proxy: bool) -> None:
        self._app = pages(Metrics(), lambda: None, report_pages(inbox, behind_proxy=behind_proxy))

    def request(self, method: str, path: str, **told: Any) -> httpx.Response:
        async def ask() -> httpx.Response:
            way = httpx.ASGITransport(self._app, client=("192.0.2.1", 50_000))
            async with httpx.AsyncClient(transport=way, base_url="http://regard.test") as client:
                return await client.request(method, path, **told)

        return asyncio.run(ask())

    def post(self, path: str, **told: Any) -> httpx.Response:
        return self.request("POST", path, **told)

    def get(self, path: str) -> httpx.Response:
        return self.request("GET", path)


@pytest.fixture
def room(tmp_path: Path) -> Iterator[Stewardship]:
    made = Stewardship(tmp_path)
    yield made
    made.logbook.close()


def opened(room: Stewardship, *, behind_proxy: bool = False, **caps: int) -> Client:
    inbox = Inbox(room.engine, room.key, room.logbook, Caps(**caps), lambda: room.now)
    return Client(inbox, behind_proxy=behind_proxy)


@pytest.fixture
def client(room: Stewardship) -> Client:
    return opened(room)


def test_anybody_files_a_report_and_gets_a_receipt(room: Stewardship, client: Client) -> None:
    answer = client.post(PATH, json=FILING)
    assert answer.status_code == 201
    told = answer.json()
    assert set(told) == {"report", "filed", "due", "standing", "entry", "receipt"}
    assert answer.headers["location"] == told["standing"] == f"{PATH}/{told['report']}"
    assert answer.headers["x-regard-entry"] == told["entry"]
    assert answer.headers["x-regard-receipt"] == told["receipt"]
    period, index = told["entry"].split("/")
    entry = json.loads(room.logbook.shards.current()[1].entry(int(index)))
    assert (entry["report"], entry["due"]) == (told["report"], told["due"])
    assert told["receipt"] == f"/log/{period}/receipts/{index}"


def test_whoever_has_the_id_sees_where_it_stands_and_no_word_of_it(client: Client) -> None:
    told = client.post(PATH, json=FILING).json()
    answer = client.get(told["standing"])
    assert answer.json() == {
        "report": told["report"],
        "about": "abuse",
        "filed": told["filed"],
        "due": told["due"],
        "state": "waiting",
    }
    assert "planted" not in answer.text


@pytest.mark.parametrize("name", ["0" * 32, "x", "0" * 33, "%25", "..%2f"])
def test_an_id_that_was_never_given_is_told_so(client: Client, name: str) -> None:
    client.post(PATH, json=FILING)
    assert client.get(f"{PATH}/{name}").status_code == 404


def test_the_beginning_of_an_id_is_not_enough(client: Client) -> None:
    name = client.post(PATH, json=FILING).json()["report"]
    assert client.get(f"{PATH}/{name[:31]}").status_code == 404


@pytest.mark.parametrize(
    "wrong",
    [
        {},
        [],
        "text",
        FILING | {"about": "praise"},
        FILING | {"text": ""},
        FILING | {"text": "x" * 8001},
        FILING | {"more": 1},
        FILING | {"text": 1},
    ],
)
def test_what_is_not_of_the_form_is_refused_with_the_cause(client: Client, wrong: Any) -> None:
    answer = client.post(PATH, json=wrong)
    assert answer.status_code == 400
    assert "docs/reports.md" in answer.json()["cause"]


@pytest.mark.parametrize("data", [b"", b"{", b"\xff", b"[" * 1000])
def test_what_is_no_json_is_refused(client: Client, data: bytes) -> None:
    assert client.post(PATH, content=data, headers={"content-type": "application/json"}).status_code == 400


def test_another_media_type_is_refused(client: Client) -> None:
    assert client.post(PATH, data={"about": "abuse", "text": "x"}).status_code == 415


def test_a_body_that_is_too_large_is_refused_whatever_it_claims(client: Client) -> None:
    async def parts() -> AsyncIterator[bytes]:
        for _ in range(MOST_BYTES // 1024 + 1):
            yield b" " * 1024

    assert client.post(PATH, content=parts(), headers={"content-type": "application/json"}).status_code == 413


def test_a_sender_beyond_the_cap_is_told_when_to_come_back(room: Stewardship) -> None:
    client = opened(room, of_address=1)
    client.post(PATH, json=FILING)
    answer = client.post(PATH, json=FILING)
    assert answer.status_code == 429
    assert 0 < int(answer.headers["retry-after"]) <= 86_400


def test_behind_a_proxy_senders_are_told_apart_by_what_the_proxy_saw(room: Stewardship) -> None:
    client = opened(room, behind_proxy=True, of_address=1)

    def status(forwarded: str) -> int:
        return client.post(PATH, json=FILING, headers={"x-forwarded-for": forwarded}).status_code

    assert [status("198.51.100.1"), status("203.0.113.9, 198.51.100.1"), status("198.51.100.2")] == [201, 429, 201]


def test_behind_a_proxy_nobody_passes_the_limit_by_lines_of_their_own(room: Stewardship) -> None:
    client = opened(room, behind_proxy=True)

    def status(number: int) -> int:
        lines = [(b"x-forwarded-for", f"203.0.113.{number}".encode()), (b"x-forwarded-for", b"198.51.100.1")]
        return client.post(PATH, json=FILING, headers=httpx.Headers(lines)).status_code

    assert [status(number) for number in range(60)] == [201] * 5 + [429] * 55


@pytest.mark.parametrize("told", [{}, {"x-forwarded-for": "unknown"}, {"x-forwarded-for": "198.51.100.1, "}])
def test_behind_a_proxy_a_report_from_no_address_is_refused(room: Stewardship, told: dict[str, str]) -> None:
    answer = opened(room, behind_proxy=True).post(PATH, json=FILING, headers=told)
    assert answer.status_code == 400
    assert "X-Forwarded-For" in answer.json()["cause"]


def test_senders_of_ipv4_are_told_apart_however_the_proxy_writes_them(room: Stewardship) -> None:
    client = opened(room, behind_proxy=True, of_address=1)
    written = ["::ffff:198.51.100.1", "::ffff:198.51.100.2", "198.51.100.1"]
    codes = [client.post(PATH, json=FILING, headers={"x-forwarded-for": each}).status_code for each in written]
    assert codes == [201, 201, 429]


def test_without_a_proxy_nobody_chooses_an_address(room: Stewardship) -> None:
    client = opened(room, of_address=1)
    codes = [
        client.post(PATH, json=FILING, headers={"x-forwarded-for": f"198.51.100.{last}"}).status_code
        for last in range(2)
    ]
    assert codes == [201, 429]


def test_nothing_is_taken_that_cannot_be_logged(room: Stewardship, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(type(room.logbook), "trouble", "the disk is full")
    answer = opened(room).post(PATH, json=FILING)
    assert answer.status_code == 503
    assert "the disk is full" in answer.json()["cause"]


@pytest.mark.parametrize("method", ["GET", "PUT", "DELETE"])
def test_another_method_is_refused(client: Client, method: str) -> None:
    assert client.request(method, PATH).status_code == 405


def test_every_answer_has_a_request_id(client: Client) -> None:
    answers = [client.post(PATH, json=FILING), client.post(PATH, json={}), client.get(f"{PATH}/x")]
    assert all(len(answer.headers["x-amzn-requestid"]) == 36 for answer in answers)
