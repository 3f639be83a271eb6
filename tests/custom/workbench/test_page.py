"""The page on a model: what is confused leads to the pictures, and nothing in it is loaded from elsewhere."""

from __future__ import annotations

import re
from hashlib import sha256
from pathlib import Path

import msgspec
import numpy as np
import pytest
from PIL import Image

from regard.custom.workbench.groups import matrix_of
from regard.custom.workbench.kept import Asked, Point, Results
from regard.custom.workbench.outlines import Outline
from regard.custom.workbench.page import page
from regard.custom.workbench.seeing import Twin
from regard.evaluation.custom.results import LabelReport
from regard.evaluation.statistics.intervals import Interval
from tests.helpers.browser import look_here, open_browser
from tests.helpers.many_labels import many


def _results(pictures: list[Asked], twins: list[Twin] | None = None) -> Results:
    labels = [
        LabelReport(name, 0.5, 0.5, 0.5, 0.5, 2, 10, advice) for name, advice in (("<nut>", "Add nuts."), ("screw", ""))
    ]
    curve = [Point(5, 0.4), Point(10, 0.5)]
    return Results(
        1, "parts", 20, labels, 0.5, 0.5, 0.5, Interval(0.2, 0.8), 0.5, 0.01, curve, 0.6, "", pictures, twins or [], {}
    )


@pytest.fixture
def pictures(tmp_path: Path) -> list[Asked]:
    """A nut that is told, one that is taken for a screw, and a screw that is told nothing of, whose file is gone."""
    found = []
    for number, (shows, scores) in enumerate([("<nut>", [0.9, 0.1]), ("<nut>", [0.2, 0.8]), ("screw", [0.3, 0.4])]):
        path = tmp_path / f"{number}.png"
        Image.fromarray(np.full((64, 80, 3), 80 * number, np.uint8)).save(path)
        found.append(Asked(str(path), sha256(path.read_bytes()).hexdigest(), [shows], scores))
    path.unlink()
    return found


def test_each_number_of_the_matrix_leads_to_its_pictures(pictures: list[Asked]) -> None:
    text = page(_results(pictures))
    links = re.findall(r'<td class="(\w+)"><a href="#([\w-]+)" aria-label="([^"]*)">(\d+)<', text)
    assert links == [
        ("right", "c-0-0", "1 picture: &lt;nut&gt;, told", "1"),
        ("wrong", "c-0-1", "1 picture: &lt;nut&gt;: told as screw", "1"),
        ("wrong", "c-1-2", "1 picture: screw: nothing told", "1"),
    ]
    for _, anchor, _, _ in links:
        assert text.count(f'<section id="{anchor}">') == 1


def test_pictures_are_in_the_page_small_and_one_that_is_gone_or_changed_is_not(pictures: list[Asked]) -> None:
    text = page(_results(pictures))
    assert text.count('<img src="data:image/jpeg;base64,') == 2
    assert text.count("gone or changed") == 1
    changed = msgspec.structs.replace(pictures[0], digest="0" * 64)
    assert page(_results([changed])).count("<img") == 0


def test_the_page_needs_nothing_else_and_words_of_labels_are_no_markup(pictures: list[Asked]) -> None:
    text = page(_results(pictures))
    assert "<nut>" not in text
    assert not re.search(r"<script|<link|https?://(?!www\.w3\.org/2000/svg)|url\(", text)
    for told in ("Add nuts.", "0.200 to 0.800", "about 0.600", "1.0 %", "<polyline", "prefers-color-scheme"):
        assert told in text


def test_the_boxes_that_are_there_and_those_that_were_told_lie_over_a_picture(pictures: list[Asked]) -> None:
    assert "<rect" not in page(_results(pictures))
    boxes = [Outline(0, True, 0.1, 0.25, 0.5, 0.5), Outline(1, False, 0.2, 0.25, 0.5, 0.5)]
    text = page(_results([msgspec.structs.replace(pictures[0], boxes=boxes), pictures[1]]))
    # The picture has 80 by 64 pixels, and is not made smaller.
    assert text.count('<svg viewBox="0 0 80 64" role="img"') == 1
    assert 'aria-label="Boxes that are there: 1 &lt;nut&gt;. Boxes that were told: 1 screw."' in text
    assert '<rect x="8" y="16" width="40" height="32"/>' in text
    assert '<rect class="told" x="16" y="16" width="40" height="32"/>' in text
    assert "a dashed line: what the model tells" in text
    assert re.search(r"rect\.told{[^}]*stroke-dasharray", text)


def test_of_many_labels_the_pairs_that_are_confused_are_listed_and_lead_to_their_pictures() -> None:
    results = many(250)["two"]
    text = page(results)
    assert "250 labels are too many for a matrix" in text
    links = re.findall(r'<td class="(\w+)"><a href="#([\w-]+)" aria-label="[^"]*">(\d+)<', text)
    pairs = matrix_of(results).pairs
    assert links == [("wrong", each.anchor, str(len(each.pictures))) for each in pairs]
    sections = re.findall(r'<section id="([\w-]+)">', text)
    assert len(sections) == len(set(sections))
    assert {anchor for _, anchor, _ in links} <= set(sections)
    # There are 62,750 cells.
    assert text.count("<td") < 6_000


def test_a_picture_that_was_learned_from_and_tested_with_is_told(pictures: list[Asked]) -> None:
    assert "No picture of the test is in the training" in page(_results(pictures))
    text = page(_results(pictures, [Twin(pictures[0].path, "/elsewhere/copy.png", True)]))
    assert "Of the test, also in the training or alike: 1." in text
    assert "copy.png" in text
    assert "the same file" in text


@pytest.mark.long
def test_the_page_is_fit_to_be_looked_at_on_a_desk_and_on_a_phone(pictures: list[Asked], tmp_path: Path) -> None:
    twins = [Twin(pictures[0].path, "/elsewhere/copy.png", True)]
    boxes = [Outline(0, True, 0.1, 0.2, 0.5, 0.5), Outline(0, False, 0.2, 0.2, 0.5, 0.5)]
    pictures[0] = msgspec.structs.replace(pictures[0], boxes=boxes)
    before = msgspec.structs.replace(_results(pictures[:2]), name="before")
    (tmp_path / "report.html").write_text(page(_results(pictures, twins), before))
    with open_browser() as browser:
        window = browser.new_context(bypass_csp=True)
        shown = window.new_page()
        shown.goto((tmp_path / "report.html").as_uri())
        look_here(shown)
