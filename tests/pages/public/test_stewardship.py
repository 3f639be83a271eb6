"""What anyone may read of motions is what the log tells of them, and no more."""

from __future__ import annotations

import asyncio
import json
from collections import Counter
from pathlib import Path
from typing import Any, cast

import httpx
from sqlalchemy import text
from starlette.applications import Starlette

from regard.pages.public.stewardship import KEPT_SECONDS, stewardship_pages
from regard.stewardship.council.council import Council
from regard.stewardship.council.member_keys import operator_key
from regard.stewardship.council.motions import Kind, Vote
from tests.helpers.logged import open_logged


async def _read(app: Starlette, path: str) -> httpx.Response:
    async with httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://service") as client:
        return await client.get(path)


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
