"""A session on the page, from the link to the results, with a service as it is in life and a camera that was made.

The camera's film is of a rendered head that comes nearer. Nothing on the screen lights it: with colours it is what an
attacker puts in place of a camera.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from playwright.sync_api import Browser, Page, expect

from tests.helpers.browser import open_browser, visiting
from tests.helpers.lively import DRAWN, lively
from tests.helpers.made_camera import BEGINS, camera
from tests.helpers.running import Running

# Begins once the camera's film is so far.
_BEGIN = """(after) => new Promise((done) => {
  const look = () => document.getElementById("seen").currentTime * 1000 >= after
    ? done(document.getElementById("begin").click()) : requestAnimationFrame(look);
  look();
})"""


@pytest.fixture(scope="module")
def browser(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Browser]:
    with open_browser(*camera(tmp_path_factory.mktemp("camera"))) as opened:
        yield opened


@pytest.fixture(scope="module")
def service(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Running]:
    with lively(tmp_path_factory.mktemp("liveness"), DRAWN) as started:
        yield started


@pytest.mark.long
@pytest.mark.slow("a film is rendered, and somebody comes nearer before it")
def test_a_head_that_comes_nearer_is_taken_for_somebody(browser: Browser, service: Running) -> None:
    # A camera that is made by software stutters while the machine is busy; people may try again, too.
    for _ in range(3):
        told, results = _held(browser, service, "Go on without colours")
        if told.startswith("You were seen"):
            break
    assert told.startswith("You were seen")
    assert (results["Status"], results["Challenge"]["Type"]) == ("SUCCEEDED", "FaceMovementChallenge")
    assert results["Confidence"] > 0
    assert results["ReferenceImage"]["Bytes"].startswith(b"\xff\xd8")
    assert len(results["AuditImages"]) == 2
    assert "x-regard-liveness" not in results["ResponseMetadata"]["HTTPHeaders"]


@pytest.mark.long
def test_a_film_that_the_colours_do_not_light_is_not(browser: Browser, service: Running) -> None:
    told, results = _held(browser, service, "Go on with colours")
    assert told.startswith("It could not be told")
    assert results["Challenge"]["Type"] == "FaceMovementAndLightChallenge"
    assert results["Confidence"] == 0
    assert "colours" in results["ResponseMetadata"]["HTTPHeaders"]["x-regard-liveness"]


def _held(browser: Browser, service: Running, way: str) -> tuple[str, Any]:
    """What the page says in the end, and what the maker of the session gets."""
    client = service.client()
    preferred = [{"Type": "FaceMovementAndLightChallenge"}, {"Type": "FaceMovementChallenge"}]
    made = client.create_face_liveness_session(Settings={"ChallengePreferences": preferred, "AuditImagesLimit": 2})
    with visiting(browser, service.url) as visit:
        page: Page = visit.go(made["ResponseMetadata"]["HTTPHeaders"]["x-regard-liveness-page"])
        page.get_by_role("button", name=way).click()
        expect(page.get_by_role("button", name="Begin")).to_be_focused()
        page.evaluate(_BEGIN, BEGINS)
        result = page.locator("#result")
        expect(result).to_be_visible(timeout=60_000)
        told = result.inner_text()
        assert not visit.wrong
    return told, client.get_face_liveness_session_results(SessionId=made["SessionId"])
