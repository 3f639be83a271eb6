"""The first page: what is refused, who decides, and how log, witnesses and appeals stand."""

from __future__ import annotations

import asyncio
import re
from pathlib import Path
from typing import Any

import httpx
import msgspec
import pytest
from sqlalchemy import text

from regard.ledger.log.served import Served
from regard.ledger.tree.notes import Signer
from regard.ledger.witnesses.cosigning import Collector, Standing
from regard.pages.pages import pages
from regard.pages.public.home import Home
from regard.stewardship.council.motions import Kind, Vote
from regard.stewardship.people.inbox import DAY, About, Filing, Inbox
from regard.wire.metrics import Metrics
from tests.helpers.stewarding import Stewardship


@pytest.fixture
def room(tmp_path: Path) -> Stewardship:
    return Stewardship(tmp_path)


class Witnessed(Collector):
    """Witnesses that stand as a test says."""

    def __init__(self, served: Served, least: int, standings: list[Standing], seconds: float) -> None:
        super().__init__(served, [], 0)
        self._told, self._quorum, self._seconds = standings, least, seconds

    @property
    def least(self) -> int:
        return self._quorum

    @property
    def unwitnessed_seconds(self) -> float:
        return self._seconds

    def standings(self) -> list[Standing]:
        return self._told


def shown(room: Stewardship, cosigning: Collector | None = None, accept: str = "text/html") -> httpx.Response:
    served = Served(room.folder / "log" / "shards")
    inbox = Inbox(room.engine, room.key, room.logbook, clock=lambda: room.now)
    home = Home(room.council, inbox, served, cosigning or Collector(served, [], 0))
    app = pages(Metrics(), lambda: None, front=home)

    async def ask() -> httpx.Response:
        async with httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://service") as client:
            return await client.get("/", headers={"accept": accept})

    return asyncio.run(ask())


def words(answer: httpx.Response) -> str:
    return " ".join(re.sub(r"<[^>]*>", " ", answer.text).split())


def test_people_read_what_is_refused_and_programs_what_there_is(room: Stewardship) -> None:
    page = shown(room)
    assert (page.status_code, page.headers["vary"]) == (200, "Accept")
    for told in ("Law enforcement gets no face operation", "THE COUNCIL IS ONE PERSON", "moratorium", "15 more"):
        assert told in words(page)
    assert shown(room, accept="*/*").json()["service"] == "regard"
    room.logbook.close()


def test_the_last_entry_is_the_one_that_was_published_last(room: Stewardship) -> None:
    assert "nothing is published yet" in words(shown(room))
    Inbox(room.engine, room.key, room.logbook, clock=lambda: room.now).file(Filing(About.APPEAL, "x"), "192.0.2.1")
    room.logbook.write("regard/of-no-kind-that-is-known", {"told": 1})
    room.logbook.close()
    size = int(next((room.folder / "log").rglob("checkpoint")).read_text().splitlines()[1])
    assert f"number {size - 1} of 2027-01, 15 January 2027, 08:00 UTC" in words(shown(room))


def test_whoever_waits_too_long_is_seen_first(room: Stewardship) -> None:
    inbox = Inbox(room.engine, room.key, room.logbook, clock=lambda: room.now)
    inbox.file(Filing(About.APPEAL, "planted words"), "192.0.2.1")
    assert "Appeals overdue none" in words(shown(room))
    room.now += 31 * DAY
    page = words(shown(room))
    assert "1 APPEAL WAITS longer than was promised." in page
    assert "planted words" not in page
    room.logbook.close()


def test_it_says_whether_anybody_outside_watches(room: Stewardship) -> None:
    assert "nobody outside signs the log" in words(shown(room))
    served = Served(room.folder)
    keys = [Signer.generate(name).verifier for name in ("ann", "ben", "cid")]
    standings = [Standing(keys[0], "2027-01", 9), Standing(keys[1]), Standing(keys[2], "2027-01", 9, "no", True)]
    page = words(shown(room, Witnessed(served, 2, standings, 75.5)))
    assert "1 of 3 outside have signed" in page
    assert "2 must" in page
    assert "For 75 seconds too few have." in page
    room.logbook.close()


def test_what_a_council_says_of_itself_is_text(room: Stewardship) -> None:
    planted = "<script>alert(1)</script>\u202e"
    charter: dict[str, Any] = msgspec.to_builtins(room.council.law().charter)
    other = Signer.generate("ben")
    charter["members"] = [*charter["members"], {"name": "ben", "role": "auditor", "key": str(other.verifier)}]
    motion = room.council.draft(Kind.CHARTER, planted, {"charter": charter}, "operator")
    room.council.propose(motion.signed(room.signer))
    room.council.vote(motion, Vote.APPROVE, planted, room.signer)
    room.council.suspend("identify", planted, other)
    page = shown(room)
    assert "a council of 2 decides" in words(page)
    assert "Stopped by ben until" in words(page)
    assert not [mark for mark in ("<script", "\u202e", "ONE PERSON") if mark in page.text]
    room.logbook.close()


def test_where_no_policy_is_in_force_the_first_page_says_so(room: Stewardship) -> None:
    with room.engine.begin() as connection:
        connection.execute(text("UPDATE policies SET text = text || ' '"))
    page = shown(room)
    assert (page.status_code, "Everything is denied" in page.text) == (503, True)
    room.logbook.close()
