"""What anyone may read of motions is what the log tells of them, and no more."""

from __future__ import annotations

import asyncio
import json
from collections import Counter
from pathlib import Path
from typing import Any, cast

import httpx
import msgspec
from sqlalchemy import text
from starlette.applications import Starlette

from regard.ledger.tree.notes import Signer
from regard.pages.frame import document
from regard.pages.public.kept import KEPT_SECONDS
from regard.pages.public.law_words import MOST_MOTIONS, motions_words
from regard.pages.public.stewardship import stewardship_pages
from regard.stewardship.council.council import Council
from regard.stewardship.council.member_keys import operator_key
from regard.stewardship.council.motions import Kind, Vote
from tests.helpers.logged import open_logged


async def _read(app: Starlette, path: str, accept: str = "*/*") -> httpx.Response:
    async with httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://service") as client:
        return await client.get(path, headers={"accept": accept})


def test_neither_page_nor_log_tells_whom_a_motion_names(tmp_path: Path) -> None:
    logged = open_logged(tmp_path)
    council, named = logged.service.gate.council, logged.caller.organization
    logged.ask("CreateCollection", CollectionId="planted-collection")
    signer = operator_key(tmp_path / "council.key")
    tags = {"organization": named, "collection": "planted-collection", "tags": {"regard:retention-days": "900"}}
    drafts: list[tuple[Kind, str, dict[str, Any]]] = [
        (Kind.TAGS, "Longer for Planted Photos", tags),
        (Kind.FLOOR, "A floor of 81", {"purpose": "photo-library", "floor": 81}),
    ]
    motions = []
    for kind, title, payload in drafts:
        motion = council.draft(kind, title, payload, "operator")
        council.propose(motion.signed(signer))
        council.vote(motion, Vote.APPROVE, f"said of {title}", signer)
        motions.append(motion)
    page = asyncio.run(_read(Starlette(routes=stewardship_pages(council)), "/stewardship/v1/motions"))
    logged.logbook.take_over()
    entries = logged.entries()
    logged.logbook.close()
    for told in (page.text, json.dumps(entries)):
        assert not [word for word in (named, "planted-collection", "Planted Photos") if word in told]
        assert "said of A floor of 81" in told
    shown = {each["hash"]: each for each in page.json()["motions"]}
    assert shown[motions[0].hash]["kind"] == "tags"
    assert shown[motions[0].hash]["votes"][0]["vote"] == "approve"
    assert shown[motions[1].hash]["title"] == "A floor of 81"
    assert [entry["kind"] for entry in entries].count("regard/ballot") == 2


def test_however_often_a_page_is_asked_for_what_is_in_force_is_looked_at_once_a_second(tmp_path: Path) -> None:
    logged = open_logged(tmp_path)
    council, looked, now = logged.service.gate.council, Counter[str](), [0.0]

    class Watched:
        def __getattr__(self, name: str) -> Any:
            looked[name] += 1
            return getattr(council, name)

    app = Starlette(routes=stewardship_pages(cast(Council, Watched()), lambda: now[0]))
    first = asyncio.run(_read(app, "/stewardship/v1/policy"))
    for _ in range(50):
        assert asyncio.run(_read(app, "/stewardship/v1/policy")).content == first.content
        asyncio.run(_read(app, "/stewardship/v1/charter"))
        asyncio.run(_read(app, "/stewardship/v1/motions"))
    # The charter tells of motions, too.
    assert looked == {"pack": 1, "law": 1, "dockets": 1, "history": 2}
    now[0] += KEPT_SECONDS
    asyncio.run(_read(app, "/stewardship/v1/policy"))
    assert looked["pack"] == 2
    # A policy that was changed behind the vote is noticed as soon.
    with council._engine.begin() as connection:
        connection.execute(text("UPDATE policies SET text = text || ' '"))
    now[0] += KEPT_SECONDS
    assert asyncio.run(_read(app, "/stewardship/v1/policy")).status_code == 503
    logged.logbook.close()


def _pages(council: Council, accept: str) -> dict[str, httpx.Response]:
    app = Starlette(routes=stewardship_pages(council))
    names = ("policy", "charter", "motions")
    return {name: asyncio.run(_read(app, f"/stewardship/v1/{name}", accept)) for name in names}


def test_a_browser_reads_policy_charter_and_motions_as_pages(tmp_path: Path) -> None:
    logged = open_logged(tmp_path)
    council = logged.service.gate.council
    pages = _pages(council, "text/html,application/xhtml+xml,*/*;q=0.8")
    for page in pages.values():
        assert (page.status_code, page.headers["content-type"]) == (200, "text/html; charset=utf-8")
        assert page.headers["content-security-policy"].startswith("default-src 'none'")
        assert (page.headers["vary"], page.headers["access-control-allow-origin"]) == ("Accept", "*")
        assert (page.text.count("<main"), page.text.count("<h1")) == (1, 1)
        assert "style=" not in page.text
    assert "no-law-enforcement" in pages["policy"].text
    assert "THE COUNCIL IS ONE PERSON" in pages["charter"].text
    assert council.law().genesis in pages["motions"].text
    assert all(page.headers["content-type"] == "application/json" for page in _pages(council, "*/*").values())
    with council._engine.begin() as connection:
        connection.execute(text("UPDATE policies SET text = text || ' '"))
    policy = _pages(council, "text/html")["policy"]
    assert (policy.status_code, "everything is denied" in policy.text) == (503, True)
    logged.logbook.close()


def test_what_strangers_wrote_is_text_in_every_field_of_a_page(tmp_path: Path) -> None:
    logged = open_logged(tmp_path)
    council, signer = logged.service.gate.council, operator_key(tmp_path / "council.key")
    planted = "<img src=x onerror=alert(1)>\u202e\"'&"
    member = Signer.generate("<b>ben</b>")
    charter = msgspec.to_builtins(council.law().charter)
    charter["members"] = [*charter["members"], {"name": member.name, "role": "auditor", "key": str(member.verifier)}]
    charter["quotas"] = {"default": {"approvals": 1}, planted: {"approvals": 1}}
    for kind, payload in (
        (Kind.CHARTER, {"charter": charter}),
        (Kind.FLOOR, {"purpose": "photo-library", "floor": 81, planted: planted}),
    ):
        motion = council.draft(kind, planted, payload, "operator")
        council.propose(motion.signed(signer))
        council.vote(motion, Vote.REFUSE if kind is Kind.FLOOR else Vote.APPROVE, planted, signer)
    council.vote(motion, Vote.REFUSE, planted, member)
    pages = _pages(council, "text/html")
    logged.logbook.close()
    assert "&lt;b&gt;ben&lt;/b&gt;" in pages["charter"].text
    # Title, reasons, payload and ballots as signed, of two motions.
    assert pages["motions"].text.count("&lt;img src=x onerror=alert(1)&gt;") >= 10
    for page in pages.values():
        assert not [mark for mark in ("<img", "<b>", "\u202e", 'onerror="') if mark in page.text]


def test_the_page_of_motions_tells_of_the_newest_and_how_many_more(tmp_path: Path) -> None:
    told: dict[str, Any] = {
        "kind": "floor",
        "outcome": "open",
        "settled_at": None,
        "votes": [],
        "opened": 1,
        "proposer": "ann",
    }
    motions = [told | {"hash": f"{number:064x}", "title": f"Motion {number}."} for number in range(MOST_MOTIONS + 3)]
    page = document(motions_words(motions)).decode()
    assert f"Motion {MOST_MOTIONS + 2}." in page
    assert "Motion 2." not in page
    assert "has 3 more" in page
