"""The pages on labels of one's own: what is worth what, what is confused with what, and the pictures of it."""

from __future__ import annotations

import io
import json
import re
import threading
import time
import zipfile
from html import unescape
from pathlib import Path
from typing import Any

import pytest
import uvicorn
from msgspec.structs import replace as replaced
from PIL import Image
from playwright.sync_api import Browser, Locator
from starlette.applications import Starlette

from regard.custom.workbench.groups import matrix_of
from regard.custom.workbench.kept import Results, read_model
from regard.custom.workbench.outlines import Outline
from regard.pages.console.desk import COOKIE
from regard.pages.console.labels import pages
from regard.pages.frame import static_files
from regard.stewardship.staff.staff import Role
from tests.helpers.browser import PLACE, look, visiting
from tests.helpers.many_labels import many
from tests.helpers.stores import store_client
from tests.pages.console.labels.conftest import MARKUP, Shop, words_of

pytestmark = pytest.mark.long


def test_projects_and_versions_are_listed_with_what_each_is_worth(shop: Shop) -> None:
    assert "projects learn from pictures of yours." in words_of(shop.page())
    words = words_of(shop.page("/parts"))
    assert re.search(r"two TRAINING_COMPLETED 0\.\d{3} \(0\.\d\d to [01]\.\d\d\) blue, green 16 \+ 7", words), words
    assert re.search(r"one TRAINING_COMPLETED 1\.000 \(0\.\d\d to 1\.00\)", words), words
    assert re.search(r"failed TRAINING_FAILED : The manifest file has too few labels\..* not measured", words), words
    assert f"green means {MARKUP}" in words
    assert "State TRAINING_FAILED" in words_of(shop.page("/parts/failed"))


def test_a_number_of_the_matrix_leads_to_its_pictures(shop: Shop) -> None:
    text = shop.page("/parts/two")
    words = words_of(text)
    assert "1 of 7 pictures is told wrongly" in words
    assert "Pictures: told wrongly 1 picture." in words
    assert re.search(r"shows blue told: green \d\d green-100.png", words), words
    assert text.count('src="data:image/jpeg;base64,') == 1
    cells = dict(re.findall(r'show=(c-\d-\d)#pictures"(?: class="bad")? aria-label="([^"]*)"', text))
    assert sorted(cells.values()) == ["1: blue: told as green", "3: blue, told", "3: green, told"]
    for cell, told in cells.items():
        shown = shop.page(f"/parts/two?show={cell}")
        assert shown.count('src="data:image/jpeg;base64,') == int(told[0])
        assert f"Pictures: {told[3:]}" in words_of(shown)
    # By label: what shows it, or is told to.
    assert shop.page("/parts/two?show=l-0").count('src="data:image') == 4
    assert shop.page("/parts/two?show=right").count('src="data:image') == 6


def test_a_version_tells_of_thresholds_learning_and_what_was_learned_by_heart(shop: Shop) -> None:
    text = shop.page("/parts/two")
    words = words_of(text)
    assert text.count("<circle") >= 4
    assert "green: precision over recall" in words
    assert "Learning curve" in words
    assert "1 picture of the test is in the training too" in words
    assert "s3://pictures/train/green-0.png the same bytes s3://pictures/train/green-0.png" in words


def test_an_adapter_is_shown_beside_the_base(shop: Shop) -> None:
    assert "moderation: an adapter" in shop.page("/safe")
    words = words_of(shop.page("/safe/kind"))
    # It learned that nothing of this is to be told: the base told two labels of each of four pictures.
    assert re.search(r"base 0 8 0 0 adapter 0 0 0 8", words), words
    assert "Precision and recall" in words


def test_two_versions_are_compared_on_the_pictures_of_both_tests(shop: Shop) -> None:
    words = words_of(shop.page("/parts/two?against=one"))
    assert re.search(r"all labels 1\.000 0\.\d{3} -0\.\d{3}", words), words
    assert "6 pictures were in both tests. Wrong now, right before" in words
    assert "Right now, wrong before" not in words
    assert "Right now, wrong before" in words_of(shop.page("/parts/one?against=two"))


def test_a_copy_shows_the_pictures_of_its_source_while_that_is_there(shop: Shop) -> None:
    shop.train("three", shop.lists[0], shop.lists[1])
    copies = shop.ask("CreateProject", ProjectName="copies")["ProjectArn"]
    arn = shop.copy("three", copies)
    text = shop.page("/copies/three")
    words = words_of(text)
    assert "This is a copy of parts/three, and the pictures are those of its test." in words
    assert "1 of 7 pictures is told wrongly" in words
    assert text.count('src="data:image/jpeg;base64,') == 1
    shop.ask("DeleteProjectVersion", ProjectVersionArn=arn)
    text = shop.page("/copies/three")
    words = words_of(text)
    assert "This is a copy of parts/three, which is gone" in words
    assert "1 of 7 pictures is told wrongly" in words
    assert re.search(r"blue 3 1 0 green 0 3 0", words), words
    assert text.count("<circle") >= 4
    assert ("data:image" in text, "green-100.png" in text) == (False, False)


def test_a_copy_of_another_organizations_version_has_the_figures_and_says_why_it_has_no_pictures(shop: Shop) -> None:
    orgs = shop.console.office.organizations
    other = orgs.register("A partner", "retail").id
    orgs.issue_key(other, "content-moderation")
    shop.ask(
        "PutProjectPolicy",
        ProjectArn=shop.project,
        PolicyName="partner",
        PolicyDocument=json.dumps(
            {
                "Version": "2012-10-17",
                "Statement": [
                    {
                        "Effect": "Allow",
                        "Principal": {"AWS": other},
                        "Action": "rekognition:CopyProjectVersion",
                        "Resource": "*",
                    }
                ],
            }
        ),
    )
    theirs = shop.ask("CreateProject", other, ProjectName="theirs")["ProjectArn"]
    shop.copy("two", theirs, other)
    eve = shop.console.somebody("eve", Role.OPERATOR, other)
    text = shop.page("/theirs/two", eve)
    words = words_of(text)
    assert "This is a copy of a version of another organization. No pictures of its test are here" in words
    assert re.search(r"1 of 7 pictures is told wrongly\. Test pictures by what they show", words), words
    assert re.search(r"blue 3 1 0 green 0 3 0", words), words
    assert "Precision and recall" in words
    assert "Learning curve" in words
    assert "1 of its test is in the training too" in words
    assert text.count("<circle") >= 4
    assert ("data:image" in text, "s3://" in text, "parts" in words) == (False, False, False)


def test_a_picture_that_was_changed_or_is_gone_is_not_shown(shop: Shop) -> None:
    client = store_client(shop.endpoint)
    body = client.get_object(Bucket="pictures", Key="test/green-100.png")["Body"].read()
    client.delete_object(Bucket="pictures", Key="test/green-100.png")
    try:
        text = shop.page("/parts/two")
        assert ("gone or changed" in text, "data:image/jpeg" in text) == (True, False)
        client.put_object(Bucket="pictures", Key="test/green-100.png", Body=body + b"\0")
        assert "gone or changed" in shop.page("/parts/two")
    finally:
        client.put_object(Bucket="pictures", Key="test/green-100.png", Body=body)


def test_a_page_on_many_labels_is_no_heavier_than_a_page_may_be(shop: Shop, monkeypatch: pytest.MonkeyPatch) -> None:
    for labels in (12, 250):
        monkeypatch.setattr(pages, "_worth", lambda *_given, labels=labels, **_more: many(labels))
        text = shop.page("/parts/two?against=one")
        assert len(text.encode()) < 100_000, labels
        assert f"of {labels} labels with the least F1" in words_of(text) or labels == 12
        assert f"{labels} labels are too many for a matrix" in words_of(text) or labels == 12


def test_of_many_labels_what_is_confused_is_listed_to_the_end_and_each_leads_to_its_pictures(
    shop: Shop, monkeypatch: pytest.MonkeyPatch
) -> None:
    results = many(250)
    monkeypatch.setattr(pages, "_worth", lambda *_given, **_more: results)
    pairs = {each.title: each for each in matrix_of(results["two"]).pairs}
    assert len(pairs) > 300
    listed: dict[str, tuple[str, int]] = {}
    first = "pairs=0"
    while first:
        text = shop.page(f"/parts/two?{first}")
        rows = re.findall(r'show=(c-\d+-\d+)#pictures"[^>]*>([^<]*)</a></th><td[^>]*>(\d+)<', text)
        listed |= {unescape(title): (cell, int(count)) for cell, title, count in rows}
        following = re.search(r"amp;(pairs=\d+)#confused", text)
        first = following[1] if following else ""
    assert {title: count for title, (_, count) in listed.items()} == {
        title: len(each.pictures) for title, each in pairs.items()
    }
    assert [count for _, count in listed.values()] == sorted((count for _, count in listed.values()), reverse=True)
    title, (cell, count) = list(listed.items())[-1]
    words = words_of(shop.page(f"/parts/two?show={cell}"))
    assert f"Pictures: {title} {count} picture" in words
    assert "What is confused most" in words_of(shop.page("/parts/two?pairs=9999"))


def _boxed(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let version two be a detector's, whose pictures are wide: in the first lie a box that is there and one told."""
    worth = pages._worth
    boxes = [Outline(0, True, 0.1, 0.2, 0.5, 0.5), Outline(1, False, 0.25, 0.2, 0.5, 0.6)]
    file = io.BytesIO()
    Image.new("RGB", (160, 80), "white").save(file, "JPEG")

    def of_boxes(*given: Any, **more: Any) -> dict[str, Results]:
        found = worth(*given, **more)
        two = found["two"]
        asked = [replaced(each, boxes=[] if place else boxes) for place, each in enumerate(two.pictures)]
        beside = two.beside | {"AveragePrecision": 0.5, "AverageRecall": 0.5}
        return found | {"two": replaced(two, pictures=asked, beside=beside)}

    monkeypatch.setattr(pages, "_worth", of_boxes)
    monkeypatch.setattr(pages, "_pictures", lambda *given: {each.path: file.getvalue() for each in given[-1]})


def test_the_boxes_that_are_there_and_those_that_were_told_lie_over_a_picture(
    shop: Shop, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert "a solid line" not in shop.page("/parts/two")
    _boxed(monkeypatch)
    text = shop.page("/parts/two")
    assert text.count('<svg viewBox="0 0 400 200" role="img"') == 1
    assert 'aria-label="Boxes that are there: 1 blue. Boxes that were told: 1 green."' in text
    assert '<rect x="40" y="40" width="200" height="100"/>' in text
    assert '<rect class="told" x="100" y="40" width="200" height="120"/>' in text
    assert "a solid line: what is there. a dashed line: what the version tells." in words_of(text)
    assert "style=" not in text


def test_where_there_are_many_boxes_a_page_has_fewer_pictures_and_leads_on(
    shop: Shop, monkeypatch: pytest.MonkeyPatch
) -> None:
    _boxed(monkeypatch)
    two = many(12)["two"]
    boxes = [Outline(0, number % 2 == 0, 0.123, 0.234, 0.345, 0.456) for number in range(100)]
    full = replaced(two, pictures=[replaced(each, boxes=boxes) for each in two.pictures])
    monkeypatch.setattr(pages, "_worth", lambda *_given, **_more: {"two": full})
    text = shop.page("/parts/two")
    assert text.count("<rect") == 300
    assert "The next ones, from number 4 on" in text
    assert len(re.sub('src="data:[^"]*"', "", text)) < 100_000
    assert "from number 4 on" in words_of(shop.page("/parts/two?from=3"))


def test_a_detector_of_before_says_why_it_has_no_boxes(shop: Shop, monkeypatch: pytest.MonkeyPatch) -> None:
    _boxed(monkeypatch)
    worth = pages._worth

    def bare(*given: Any, **more: Any) -> dict[str, Results]:
        two = worth(*given, **more)["two"]
        return {"two": replaced(two, pictures=[replaced(each, boxes=[]) for each in two.pictures])}

    monkeypatch.setattr(pages, "_worth", bare)
    words = words_of(shop.page("/parts/two"))
    assert ("train another version to see them" in words, "a solid line" in words) == (True, False)


def test_an_operator_takes_a_model_along(shop: Shop, tmp_path: Path) -> None:
    answer = shop.ada.get("/console/labels/parts/two/model")
    assert answer.headers["content-disposition"] == 'attachment; filename="parts-two.zip"'
    with zipfile.ZipFile(io.BytesIO(answer.content)) as archive:
        archive.extractall(tmp_path)
    # Whoever exports it reads it so.
    assert [each["name"] for each in read_model(tmp_path).labels] == ["blue", "green"]
    assert shop.ada.get("/console/labels/parts/failed/model").status_code == 400
    ben = shop.console.somebody("ben", Role.AUDITOR)
    assert ben.get("/console/labels/parts/two/model").status_code == 403
    assert "Save the model" not in shop.page("/parts/two", ben)


def test_nobody_sees_the_projects_of_others_and_what_is_not_there_is_said(shop: Shop) -> None:
    orgs = shop.console.office.organizations
    other = orgs.register("Another shop", "retail").id
    orgs.issue_key(other, "content-moderation")
    eve = shop.console.somebody("eve", Role.OPERATOR, other)
    assert "there is no project" in shop.page(by=eve)
    assert eve.get("/console/labels/parts").status_code == 404
    assert eve.get("/console/labels/parts/two").status_code == 404
    for path in ("/none", "/parts/none"):
        assert shop.ada.get(f"/console/labels{path}").status_code == 404
    may = shop.console.somebody("may", Role.COUNCIL)
    assert may.get("/console/labels/parts/two").status_code == 403


@pytest.mark.slow("a browser looks at three pages, with axe-core")
def test_the_pages_are_fit_for_a_desk_and_a_phone(
    shop: Shop, browser: Browser, monkeypatch: pytest.MonkeyPatch
) -> None:
    _boxed(monkeypatch)
    app = Starlette(routes=[*shop.console.routes, *static_files()])
    server = uvicorn.Server(uvicorn.Config(app, port=0, log_level="error"))
    thread = threading.Thread(target=server.run, daemon=True)
    thread.start()
    while not server.started:
        time.sleep(0.02)
    try:
        port = server.servers[0].sockets[0].getsockname()[1]
        told = {"name": COOKIE, "value": shop.ada.cookie, "domain": "localhost", "path": "/"}
        cookie: Any = told | {"secure": True, "httpOnly": True, "sameSite": "Strict"}
        for path in ("", "/parts", "/parts/two?against=one"):
            look(browser, f"http://localhost:{port}", f"/console/labels{path}", [cookie])
        with visiting(browser, f"http://localhost:{port}") as visit:
            visit.page.context.add_cookies([cookie])
            page = visit.go("/console/labels/parts/two")
            picture, (true, guessed) = (
                page.locator(".tiles .over img").first,
                page.locator(".tiles .over rect").all()[:2],
            )
            assert _lies(true, picture) == pytest.approx((0.1, 0.2, 0.5, 0.5), abs=0.01)
            assert _lies(guessed, picture) == pytest.approx((0.25, 0.2, 0.5, 0.6), abs=0.01)
            dashes = [each.evaluate("rect => getComputedStyle(rect).strokeDasharray") for each in (true, guessed)]
            assert dashes == ["none", "5px, 4px"]
    finally:
        server.should_exit = True
        thread.join()


def _lies(box: Locator, picture: Locator) -> tuple[float, ...]:
    """Where a box lies, as ratios of a picture that is twice as wide as high, and fills the width of a square."""
    within, frame = box.evaluate(PLACE), picture.bounding_box()
    assert frame
    high = frame["width"] / 2
    top = frame["y"] + (frame["height"] - high) / 2
    across = (within["x"] - frame["x"]) / frame["width"], (within["y"] - top) / high
    return (*across, within["width"] / frame["width"], within["height"] / high)
