"""What `/me` tells of somebody who was found often: a page of the searches and of the matches, and their numbers."""

from __future__ import annotations

import re
from collections import defaultdict
from types import SimpleNamespace
from typing import Any, cast

from regard.pages.frame import rendered
from regard.pages.me_words import MOST_SEARCHES, account
from regard.stewardship.people.subject_sessions import SubjectSession

OFTEN = 10_000


def event(number: int, operation: str, **more: Any) -> dict[str, Any]:
    at = f"2026-11-{1 + number % 28:02}T{number % 24:02}:00:00Z"
    return {"at": at, "operation": operation, "collection": "staff", "commitment": "ab" * 32} | more


def told(events: list[dict[str, Any]], page: int = 1, matches: int = 1) -> dict[str, Any]:
    document: dict[str, Any] = {
        "subject": "alice",
        "faces": [],
        "receipts": [],
        "events": events,
        "labels": {"lines": [], "versions": []},
        "mismatches": [],
        "suppression": None,
    }
    session = cast(SubjectSession, SimpleNamespace(ends_at=0.0))
    return account({"document": document, "pictures": {}}, session, {"page": page, "matches": matches}, "A club")


def shown(found: dict[str, Any]) -> str:
    return rendered("me.html", here="/me", marks=defaultdict(str), done="", entry=None, **found).decode()


def test_of_many_searches_and_matches_a_page_has_those_that_one_reads() -> None:
    searches = [event(n, "SearchFacesByImage", similarity="99", request_id=f"r-{n}") for n in range(OFTEN)]
    opened = [event(n, "review opened", candidate=f"c-{n}") for n in range(OFTEN)]
    page = shown(told(searches + opened, 2, 3))
    assert "10000 searches found you. 10000 matches with you wait for two people" in page
    requests, candidates = (re.findall(rf'name="{name}" value="(.*?)"', page) for name in ("request", "candidate"))
    newest = range(OFTEN - 1, -1, -1)
    assert requests == [f"r-{n}" for n in newest[MOST_SEARCHES : 2 * MOST_SEARCHES]]
    assert candidates == [f"c-{n}" for n in newest[2 * MOST_SEARCHES : 3 * MOST_SEARCHES]]
    # Whoever turns the page of one list stays where they are in the other.
    ways = {f"/me?matches=3&amp;page={other}" for other in (1, 3)} | {f"/me?page=2&amp;matches={n}" for n in (2, 4)}
    assert set(re.findall(r'href="(/me\?[^"]*)"', page)) == ways
    assert len(page) < 100_000


def test_a_page_behind_the_last_one_is_the_last_one() -> None:
    found = told([event(n, "SearchFaces", similarity="99", request_id="r") for n in range(MOST_SEARCHES + 1)], 9)
    assert (found["page"], found["last"], len(found["searches"])) == (2, 2, 1)


def test_of_a_match_the_last_that_became_of_it_is_told() -> None:
    events = [
        event(1, "review opened", candidate="a"),
        event(2, "review opened", candidate="b"),
        event(3, "review confirmed", candidate="a"),
        event(4, "review rejected", candidate="never opened"),
    ]
    found = told(events)
    assert [(each["candidate"], each["state"]) for each in found["reviewed"]] == [("b", "opened"), ("a", "confirmed")]
    assert found["matches"]["open"] == 1
    page = shown(found)
    assert "no search found you. 1 match with you waits for two people" in page
    assert "Page 1 of" not in page
