"""The page of the policy, and its form: what it answers is what the policy's own cases say."""

from __future__ import annotations

import asyncio
import re
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest
from sqlalchemy import text
from starlette.applications import Starlette

from regard.pages.public.policy import policy_page
from regard.stewardship.council.suspensions import STOPPABLE
from regard.stewardship.gate.verdicts import ACTS
from regard.stewardship.policy.cases import Case, shipped_cases
from tests.helpers.stewarding import Stewardship
from tests.stewardship.gate.test_verdicts import CASES

WORDS = {(action, data): words for action, data, words in ACTS}


@pytest.fixture(scope="module")
def room(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stewardship]:
    made = Stewardship(tmp_path_factory.mktemp("room"))
    yield made
    made.logbook.close()


def get(room: Stewardship, **asked: str) -> httpx.Response:
    async def ask() -> httpx.Response:
        app = Starlette(routes=[policy_page(room.council)])
        async with httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://service") as client:
            return await client.get("/policy", params=asked)

    return asyncio.run(ask())


def answers(page: str) -> dict[str, tuple[str, str]]:
    """What the table says of each act: yes or no, and by which rules."""
    rows = re.findall(r'<th scope="row">(.*?)</th><td data-of="answer">(.*?)</td><td.*?>(.*?)</td>', page)
    return {words: (said, rules) for words, said, rules in rows}


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
def test_the_form_answers_what_the_case_says(room: Stewardship, case: Case) -> None:
    page = get(
        room,
        sector=case.sector,
        purpose=case.purpose,
        threshold=f"{case.threshold:g}",
        supplies="".join(case.reaches),
        basis=case.basis,
    )
    assert page.status_code == 200
    said, rules = answers(page.text)[WORDS[case.action, case.data]]
    assert said == ("yes" if case.expect == "allow" else "no")
    assert case.expect in ("allow", rules)


@pytest.mark.parametrize(
    ("asked", "outcome", "words"),
    [
        ({"sector": "law-enforcement"}, "No", "They get no operation on faces."),
        ({"sector": "media"}, "Yes", "Whatever is done to faces here is allowed to them."),
        ({"sector": "media", "purpose": "media-archive", "threshold": "80"}, "Not all of it", "It is 95."),
    ],
)
def test_the_answer_comes_first_and_in_words(
    room: Stewardship, asked: dict[str, str], outcome: str, words: str
) -> None:
    page = get(room, **({"purpose": "development"} | asked)).text
    assert f'<h3 id="verdict">{outcome}.</h3>' in page
    assert words in page
    assert page.index("verdict") < page.index("<form")


def test_without_a_question_there_is_no_answer(room: Stewardship) -> None:
    page = get(room)
    assert (page.status_code, 'id="verdict"' in page.text) == (200, False)
    for case in shipped_cases("moratorium"):
        assert case.expect == "allow" or f'id="{case.expect}"' in page.text
    assert room.council.law().genesis in page.text


@pytest.mark.parametrize(
    ("asked", "field"),
    [
        ({"sector": "circus"}, "sector"),
        ({"purpose": ""}, "purpose"),
        ({"threshold": "much"}, "threshold"),
        ({"threshold": "101"}, "threshold"),
        ({"threshold": "nan"}, "threshold"),
        ({"supplies": "circus"}, "supplies"),
        ({"basis": "luck"}, "basis"),
        ({"threshold": "<script>\u202e"}, "threshold"),
    ],
)
def test_what_is_no_question_is_said_at_its_field(room: Stewardship, asked: dict[str, str], field: str) -> None:
    page = get(room, **({"sector": "retail", "purpose": "development"} | asked))
    assert page.status_code == 400
    assert f'<a href="#{field}">' in page.text
    assert 'id="verdict"' not in page.text
    assert not [mark for mark in ("<script", "\u202e") if mark in page.text]


def test_a_comma_is_a_point_to_many(room: Stewardship) -> None:
    page = get(room, sector="retail", purpose="media-archive", threshold="94,9")
    assert answers(page.text)[WORDS["compare", "faces"]] == ("no", "floor-of-the-purpose")


def test_what_a_member_stopped_is_stopped_on_the_page(tmp_path: Path) -> None:
    room = Stewardship(tmp_path)
    for capability in STOPPABLE:
        room.council.suspend(capability, "<b>planted</b>", room.signer)
    page = get(room, sector="retail", purpose="development")
    assert "They get no operation on faces." in page.text
    assert page.text.count("&lt;b&gt;planted&lt;/b&gt;") == len(STOPPABLE)
    room.logbook.close()


def test_where_no_policy_is_in_force_the_page_says_that_everything_is_denied(tmp_path: Path) -> None:
    room = Stewardship(tmp_path)
    with room.engine.begin() as connection:
        connection.execute(text("UPDATE policies SET text = text || ' '"))
    page = get(room)
    assert (page.status_code, "Everything is denied" in page.text) == (503, True)
    room.logbook.close()
