"""Every page, looked at in a browser: on a desk and on a phone, by day and by night."""

from __future__ import annotations

import re

import httpx
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
]


def test_axe_core_is_there() -> None:
    if harness.axe() is None:
        pytest.skip(harness.NO_AXE)


@pytest.mark.parametrize("path", PAGES)
def test_a_page_is_fit_to_be_looked_at(browser: Browser, service: Running, path: str) -> None:
    look(browser, service.url, path)


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


def test_a_person_without_an_account_files_an_appeal(browser: Browser, service: Running) -> None:
    """By keyboard alone, on a phone, without scripts: from the first page to the receipt, and back by the number."""
    phone = {"viewport": {"width": 320, "height": 640}, "has_touch": True}
    with visiting(browser, service.url, scripts=False, **phone) as visit:
        page = visit.go("/")
        page.get_by_role("definition").filter(has_text="You were refused")
        page.get_by_role("navigation").get_by_role("link", name="Appeal").press("Enter")
        # They send it too early: what is missing is said first, and leads to its field.
        page.get_by_label("How to reach you").fill("<b>me</b>@example.org")
        page.get_by_label("What happened?").fill("The door took me for somebody else.\nTwice.")
        page.get_by_role("button", name="File it").press("Enter")
        page.get_by_role("alert").get_by_role("link", name="Say what it is about").press("Enter")
        assert page.url.endswith("#about")
        assert page.get_by_label("What happened?").input_value().endswith("Twice.")
        page.get_by_label("A decision about me").press("Space")
        page.get_by_role("button", name="File it").press("Enter")
        # It is filed: a number, a due date, a receipt; and not a word of it again.
        assert page.get_by_role("heading", level=1).inner_text() == "Where it stands"
        told = page.locator("main").inner_text()
        assert "waits for its answer, which is due by" in told
        assert "Twice" not in told
        assert "example.org" not in told
        number = page.locator("dd.hash").inner_text()
        assert number not in page.title()
        receipt = page.get_by_role("link", name="of the public log").get_attribute("href")
        assert receipt
        assert not visit.wrong
    # Another day, another machine: the number alone leads back.
    with visiting(browser, service.url, scripts=False) as visit:
        page = visit.go("/appeal")
        page.get_by_label("The number that you got").fill(f" {number.upper()} ")
        page.get_by_role("button", name="Look it up").click()
        assert page.url.endswith(f"/appeal/{number}")
        assert "waits for its answer" in page.locator("main").inner_text()
        assert visit.go(receipt).locator("body").inner_text().startswith("c2sp.org/tlog-proof")
    look(browser, service.url, f"/appeal/{number}")


def test_a_worker_asks_whether_the_police_may_have_it(browser: Browser, service: Running) -> None:
    with visiting(browser, service.url, scripts=False) as visit:
        page = visit.go("/")
        page.get_by_role("link", name="Ask whether somebody may do something").click()
        page.get_by_label("Who asks").select_option("technology")
        page.get_by_label("For what").select_option("development")
        page.get_by_label("Who else gets it").select_option("law-enforcement")
        page.get_by_role("button", name="Ask the policy").click()
        answer = page.get_by_role("region", name="No.")
        assert "through however many hands" in answer.inner_text()
        assert "no-law-enforcement" in answer.inner_text()
        # The question stands in the form still, and in the address: it can be sent to somebody else.
        assert page.get_by_label("Who else gets it").input_value() == "law-enforcement"
        assert "supplies=law-enforcement" in page.url


@pytest.mark.parametrize("path", PAGES)
def test_a_page_is_small_and_leads_nowhere_that_is_not_there(service: Running, path: str) -> None:
    answer = httpx.get(service.url + path, headers={"accept": "text/html"})
    assert len(answer.content) < 100_000
    links = {link.partition("#")[0] for link in re.findall(r'(?:href|src|action)="([^"]*)"', answer.text)}
    for link in links - {""}:
        assert httpx.get(service.url + link).status_code == 200, f"{path} leads to {link}"
    # What a page says it says without scripts, too: it is all there before any runs.
    assert answer.text.count("<h1") == answer.text.count("<main") == 1


def test_what_is_wrong_with_a_page_is_found(browser: Browser, service: Running) -> None:
    """The harness itself: a page with faults of each kind is none that it lets pass."""
    with visiting(browser, service.url) as visit:
        page = visit.go("/nothing")
        page.evaluate(
            """() => {
              document.body.append(Object.assign(document.createElement("img"), {src: "http://elsewhere.invalid/a.png"}));
              document.body.style.minWidth = "3000px";
              console.error("planted");
            }"""
        )
        assert page.evaluate("document.documentElement.scrollWidth") >= 3000
        page.get_by_role("heading", level=1).wait_for()
        assert [each for each in visit.wrong if "planted" in each]
        assert page.evaluate("window.violations")
