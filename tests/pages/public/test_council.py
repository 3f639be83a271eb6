"""The page of the council: who decides, each motion with votes, dissent and ballots as signed, and what is stopped."""

from __future__ import annotations

import asyncio
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import msgspec
import pytest
from sqlalchemy import text
from starlette.applications import Starlette

from regard.ledger.tree.notes import Signer
from regard.pages.public.council import council_page
from regard.stewardship.council.motions import Kind, Vote
from tests.helpers.stewarding import Stewardship

PLANTED = "<img src=x onerror=alert(1)>\u202e\"'&"


@pytest.fixture
def room(tmp_path: Path) -> Iterator[Stewardship]:
    made = Stewardship(tmp_path)
    yield made
    made.logbook.close()


def get(room: Stewardship) -> httpx.Response:
    async def ask() -> httpx.Response:
        app = Starlette(routes=[council_page(room.council)])
        async with httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://service") as client:
            return await client.get("/council")

    return asyncio.run(ask())


def propose(room: Stewardship, kind: Kind, title: str, payload: dict[str, Any]) -> Any:
    motion = room.council.draft(kind, title, payload, "operator")
    room.council.propose(motion.signed(room.signer))
    return motion


def join(room: Stewardship, *names: str) -> list[Signer]:
    """Other members of the council, by a motion that carries; nobody approves what they proposed themselves."""
    others = [Signer.generate(name) for name in names]
    charter: dict[str, Any] = msgspec.to_builtins(room.council.law().charter)
    seats = [{"name": each.name, "role": "auditor", "key": str(each.verifier)} for each in others]
    charter["members"] = [*charter["members"], *seats]
    charter["quotas"] = {"default": {"approvals": len(others)}}
    room.council.vote(propose(room, Kind.CHARTER, "Others", {"charter": charter}), Vote.APPROVE, "", room.signer)
    return others


def test_a_council_of_one_is_said_loudly(room: Stewardship) -> None:
    page = get(room)
    assert page.status_code == 200
    assert '<p class="loud">THE COUNCIL IS ONE PERSON' in page.text
    assert str(room.signer.verifier) in page.text
    assert f'id="motion-{room.council.law().genesis}"' in page.text


def test_dissent_stands_beside_approval_and_each_ballot_as_it_was_signed(room: Stewardship) -> None:
    ann, ben = join(room, "ann", "ben")
    motion = propose(room, Kind.FLOOR, "A floor of 81", {"purpose": "photo-library", "floor": 81})
    room.council.vote(motion, Vote.APPROVE, "", ann)
    room.council.vote(motion, Vote.REFUSE, "it is too low", ben)
    page = get(room).text
    assert "3 members decide here by motion" in page
    assert "1 of 3 motions waits for votes." in page
    told = page[page.index(f"motion-{motion.hash}") :].partition("<h3")[0]
    rows = re.findall(r'<th scope="row">(\w+)</th><td[^>]*>(\w+)</td><td[^>]*>([^<]*)</td>', told)
    assert sorted(rows) == [("approve", "ann", "none told"), ("refuse", "ben", "it is too low")]
    assert told.count("as it was signed") == 2
    assert "— ben " in told


def test_what_is_stopped_is_seen_first(room: Stewardship) -> None:
    room.council.suspend("identify", "a false arrest", room.signer)
    page = get(room).text
    assert "Stopped by operator until" in page
    assert page.index("a false arrest") < page.index("<table")


def test_what_members_wrote_is_text(room: Stewardship) -> None:
    (member,) = join(room, "<b>ben</b>")
    motion = propose(room, Kind.FLOOR, PLANTED, {"purpose": "photo-library", "floor": 81, PLANTED: PLANTED})
    room.council.vote(motion, Vote.REFUSE, PLANTED, member)
    room.council.suspend("compare", PLANTED, member)
    page = get(room).text
    assert page.count("&lt;img src=x onerror=alert(1)&gt;") >= 6
    assert "&lt;b&gt;ben&lt;/b&gt;" in page
    assert not [mark for mark in ("<img", "<b>", "\u202e", 'onerror="') if mark in page]


def test_a_long_text_is_not_carried_to_everybody_who_looks(room: Stewardship) -> None:
    (member,) = join(room, "ben")
    for number in range(5):
        motion = propose(room, Kind.FLOOR, f"{number}", {"purpose": "photo-library", "floor": 81, "why": "x" * 50_000})
        room.council.vote(motion, Vote.REFUSE, "no", member)
    page = get(room)
    assert len(page.content) < 100_000
    assert "which the JSON of this page has" in page.text


def test_a_chain_that_was_edited_makes_no_page(room: Stewardship) -> None:
    with room.engine.begin() as connection:
        connection.execute(text("UPDATE motions SET hash = 'x' || substr(hash, 2)"))
    page = get(room)
    assert (page.status_code, "Everything is denied" in page.text) == (503, True)
