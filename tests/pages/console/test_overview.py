"""The first page: what needs whom."""

from __future__ import annotations

from regard.stewardship.staff.staff import Role
from tests.helpers.consoled import Console
from tests.helpers.filled import filled


def test_the_first_page_says_what_needs_whom(console: Console) -> None:
    assert "Nothing needs you now" in console.somebody().get("/console").text
    filled(console)
    text = console.somebody("ben").get("/console").text
    assert "Motions that wait for votes: 1" in text
    assert "Appeals and reports that wait for an answer: 1" in text
    auditor = console.somebody("cy", Role.AUDITOR).get("/console").text
    assert "Appeals" not in auditor
