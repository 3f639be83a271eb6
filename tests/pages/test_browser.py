"""Every page, looked at in a browser: on a desk and on a phone, by day and by night."""

from __future__ import annotations

import pytest
from playwright.sync_api import Browser

from tests.helpers import browser as harness
from tests.helpers.browser import SCHEMES, look, visiting
from tests.helpers.running import Running

# Pages that anyone may open. One that has something in its address is added by the test that makes that.
PAGES = [
    "/",
    "/nothing",
    "/policy",
    "/policy?sector=law-enforcement&purpose=development",
    "/policy?sector=finance&purpose=identity-verification&threshold=80&supplies=security&basis=none",
    "/policy?sector=&purpose=fun&threshold=x",
    "/council",
    "/reports",
    "/reports/2020-01",
    "/models",
    "/appeal",
    "/appeal?report=nonsense",
    "/stewardship/v1/policy",
    "/stewardship/v1/charter",
    "/stewardship/v1/motions",
    "/stewardship/v1/models",
]


def test_axe_core_is_there() -> None:
    if harness.axe() is None:
        pytest.skip(harness.NO_AXE)


@pytest.mark.parametrize("path", PAGES)
def test_a_page_is_fit_to_be_looked_at(browser: Browser, service: Running, path: str) -> None:
    look(browser, service.url, path)


@pytest.mark.parametrize("path", PAGES)
def test_a_page_without_scripts_says_the_same(browser: Browser, service: Running, path: str) -> None:
    texts = []
    for scripts in (True, False):
        with visiting(browser, service.url, scripts=scripts) as visit:
            texts.append(visit.go(path).locator("main").inner_text())
    assert texts[0] == texts[1] != ""


@pytest.mark.parametrize("scheme", SCHEMES)
def test_whoever_goes_by_keys_sees_where_they_are(browser: Browser, service: Running, scheme: harness.Scheme) -> None:
    with visiting(browser, service.url, color_scheme=scheme) as visit:
        page = visit.go("/stewardship/v1/policy")
        page.keyboard.press("Tab")
        skip = page.get_by_role("link", name="Skip to the content")
        assert skip.is_visible()
        assert page.evaluate("getComputedStyle(document.activeElement).outlineStyle") == "solid"
        page.keyboard.press("Enter")
        assert page.url.endswith("#main")
