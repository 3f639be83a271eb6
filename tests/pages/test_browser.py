"""Every page, looked at in a browser: on a desk and on a phone, by day and by night."""

from __future__ import annotations

import re
import time
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread

import httpx
import pytest
from playwright.sync_api import Browser

from tests.helpers import browser as harness
from tests.helpers.browser import SCHEMES, look, visiting
from tests.helpers.running import Running

MONTH = time.strftime("%Y-%m", time.gmtime())
# Pages that anyone may open. One that has something in its address is added by the test that makes that.
PAGES = [
    "/",
    "/nothing",
    "/policy",
    "/policy?sector=finance&purpose=identity-verification&threshold=80&supplies=security&basis=none",
    "/policy?sector=&purpose=fun&threshold=x",
    "/council",
    "/reports",
    f"/reports/{MONTH}",
    "/reports/2020-01",
    "/models",
    "/appeal",
    "/appeal?report=nonsense",
    "/log",
    f"/log/{MONTH}/entries/0",
    "/me",
    "/liveness/6a7b3d52-7c0e-4d0c-9a53-0e5b6f1d2c3a",
    "/stewardship/v1/charter",
    "/stewardship/v1/motions",
]


def test_axe_core_is_there() -> None:
    if harness.axe() is None:
        pytest.skip(harness.NO_AXE)


@pytest.mark.long
@pytest.mark.parametrize("path", PAGES)
def test_a_page_is_fit_to_be_looked_at(browser: Browser, service: Running, path: str) -> None:
    look(browser, service.url, path)


@pytest.mark.long
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


@pytest.mark.slow("a browser of its own, in which every page is looked at four times")
def test_a_person_without_an_account_files_an_appeal(browser: Browser, service: Running) -> None:
    """By keyboard alone, on a phone, without scripts: from the first page to the receipt, and back by the number."""
    phone = {"viewport": {"width": 320, "height": 640}, "has_touch": True}
    with visiting(browser, service.url, scripts=False, **phone) as visit:
        page = visit.go("/")
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
    # What anyone reads scripts of other pages read too, but for forms and what is about a person.
    is_open = not path.startswith(("/appeal", "/me", "/liveness")) and answer.status_code != 404
    assert (answer.headers.get("access-control-allow-origin") == "*") is is_open
    # What a page says it says without scripts, too: it is all there before any runs.
    assert answer.text.count("<h1") == answer.text.count("<main") == 1


FAULTS = {
    "html-has-lang": ("", "<p>words</p>"),
    "light: color-contrast": ("<style>p{color:#bbb;background:#fff}</style>", "<p>words</p>"),
    "dark: color-contrast": (
        "<style>p{color:#222;background:#fff}@media(prefers-color-scheme:dark){p{background:#111}}</style>",
        "<p>words</p>",
    ),
    "target-size": (
        "<style>a{display:inline-block;font-size:9px}</style>",
        '<nav><a href="#">a</a><a href="#">b</a></nav>',
    ),
    "label": ("", "<input>"),
    "scrolls sideways at 320": ("", '<div style="width:400px">words</div>'),
    "error: planted": ("", "<script>throw 'planted'</script>"),
    "asked http://127.0.0.1:9/": ("", '<img alt="" src="http://127.0.0.1:9/a.png">'),
    "style-src": (
        "<meta http-equiv=content-security-policy content=\"style-src 'self'\"><style>p{}</style>",
        "<p>words</p>",
    ),
}


@pytest.fixture(scope="module")
def faulty() -> Iterator[str]:
    """A site whose pages have a fault each."""

    class Page(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            number = self.path.strip("/")
            fault, (head, body) = list(FAULTS.items())[int(number)] if number.isdigit() else ("", ("", ""))
            lang = "" if fault == "html-has-lang" else ' lang="en"'
            text = (
                f"<!doctype html><html{lang}><head><title>A page</title><link rel=icon href=data:,>"
                f'<meta name="viewport" content="width=device-width"><style>body{{margin:0}}</style>{head}</head>'
                f"<body><main><h1>A page</h1>{body}</main></body></html>"
            )
            self.send_response(200)
            self.send_header("content-type", "text/html")
            self.end_headers()
            self.wfile.write(text.encode())

        def log_message(self, *_: object) -> None:
            pass

    with ThreadingHTTPServer(("127.0.0.1", 0), Page) as server:
        Thread(target=server.serve_forever, daemon=True).start()
        yield f"http://127.0.0.1:{server.server_port}"
        server.shutdown()


@pytest.mark.long
def test_a_page_without_a_fault_passes(browser: Browser, faulty: str) -> None:
    look(browser, faulty, "/none")


@pytest.mark.long
@pytest.mark.parametrize("number", range(len(FAULTS)), ids=list(FAULTS))
def test_a_fault_of_a_page_is_found(browser: Browser, faulty: str, number: int) -> None:
    if harness.axe() is None:
        pytest.skip(harness.NO_AXE)
    with pytest.raises(AssertionError, match=re.escape(list(FAULTS)[number])):
        look(browser, faulty, f"/{number}")
