"""The page of a search: what a match is worth, and what the details say of who searched."""

from __future__ import annotations

import re

from regard.pages.console.searching import searches
from regard.vision.faces.similarity import calibration
from tests.helpers.consoled import Console
from tests.helpers.fakes import picture_of
from tests.helpers.filled import details, filled


def test_a_search_tells_its_worth_and_the_details_who_searched_for_what(console: Console) -> None:
    filled(console)
    ada = console.somebody()
    files = {"picture": ("a.png", picture_of(1, mark=5), "image/png")}
    assert ada.post("/console/search", {"collection": "staff"}, files=files).status_code == 400
    text = ada.post("/console/search", {"collection": "staff", "case": "case 7"}, files=files).text
    assert "alice" in text
    assert re.search(r"one false match this good in.*?more than [\d,]+ searches at this size", text, re.DOTALL)
    assert ("ada", "case 7") in [(each.get("person"), each.get("case")) for each in details(console)]
    assert console.reception.staff.all(console.organization)[0].keys


def test_the_worth_of_a_similarity_shrinks_with_the_collection() -> None:
    version = calibration().face_model
    # As many as docs/accuracy.md has false matches a search: 0.17 at 100,000 faces and a similarity of 80.
    assert searches(80.0, 1_000, version) == "590"
    assert searches(80.0, 100_000, version) == "5"
    assert searches(80.0, 10_000_000, version) == "1"
    assert searches(100.0, 1_000, version) == "more than 11,000"
