"""`/log`: what happened, in words."""

from __future__ import annotations

import json
import re
import urllib.error
import urllib.request
from collections.abc import Iterator
from urllib.parse import quote

import pytest
from playwright.sync_api import Browser
from starlette.applications import Starlette

from regard.ledger.log.served import Served
from regard.pages.frame import static_files
from regard.pages.ledger.explorer import explorer_pages
from regard.pages.ledger.log import log_pages
from regard.pages.ledger.verifier import verifier_route
from tests.helpers.browser import look, visiting
from tests.helpers.ledger.served_log import Book, opened, serving
from tests.helpers.running import Running

LAST, NOW = "2026-10", "2026-11"
STRANGE = "<script>alert(1)</script>"


@pytest.fixture(scope="module")
def book(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Book]:
    with opened(tmp_path_factory.mktemp("log")) as book:
        book.period = LAST
        book.call(times=3)
        book.period = NOW
        book.call(times=300)
        book.call(decision="denied", outcome="denied", rules=["no-crowds"], operation="SearchFacesByImage")
        book.call(times=300, purpose=STRANGE)
        yield book


@pytest.fixture(scope="module")
def address(book: Book) -> Iterator[str]:
    routes = [*static_files(), *explorer_pages(book.served), verifier_route(), *log_pages(book.served, list)]
    with serving(Starlette(routes=routes)) as address:
        yield address


def get(address: str, path: str, accept: str = "text/html") -> tuple[int, str]:
    try:
        with urllib.request.urlopen(urllib.request.Request(address + path, headers={"Accept": accept})) as answer:
            assert answer.headers["access-control-allow-origin"] == "*"
            return answer.status, answer.read().decode()
    except urllib.error.HTTPError as error:
        return error.code, error.read().decode()


@pytest.mark.long
@pytest.mark.parametrize(
    "path", [f"/log?month={LAST}&kind=regard/call", f"/log/{NOW}/entries/301", "/log?month=1999-01"]
)
def test_the_log_is_fit_to_be_looked_at(browser: Browser, address: str, path: str) -> None:
    look(browser, address, path)


def test_a_reader_goes_from_the_newest_entries_to_one_and_verifies_it(
    browser: Browser, address: str, book: Book
) -> None:
    with visiting(browser, address) as visit:
        page = visit.go("/log")
        assert page.get_by_text(f"{NOW} has 602 entries").is_visible()
        assert page.locator("tbody tr").count() == 256
        page.get_by_text("Another month, or only some entries").click()
        page.get_by_label("Decision").select_option("denied")
        page.get_by_role("button", name="Show").click()
        assert page.locator("tbody tr").all_inner_texts() == [
            "301\t2026-11-23, 02–03 UTC\tSearchFacesByImage for photo-library: refused by no-crowds.\tverify 301"
        ]
        page.get_by_role("link", name="301", exact=True).click()
        assert page.locator("pre").inner_text().startswith('{\n  "at": "2026-11-23T02:00Z"')
        page.get_by_role("link", name="Verify entry 301").click()
        page.get_by_label("Public key of the log").fill(book.key)
        page.get_by_role("button", name="Check the receipt").click()
        page.get_by_role("heading", name="Verified", exact=True).wait_for()
        assert '"no-crowds"' in page.locator("#more").inner_text()
        assert visit.wrong == []


@pytest.mark.long
def test_one_pages_to_the_first_entry_without_scripts(browser: Browser, address: str) -> None:
    with visiting(browser, address, scripts=False) as visit:
        page = visit.go("/log")
        pages = 1
        while (older := page.get_by_role("link", name="Older entries")).count():
            older.click()
            pages += 1
        assert pages == 3
        assert page.get_by_role("row", name="A month begins").is_visible()
        page.get_by_role("link", name="The newest entries").click()
        assert page.get_by_role("link", name="601", exact=True).is_visible()


def test_what_strangers_wrote_is_text(address: str) -> None:
    _, page = get(address, "/log")
    assert "&lt;script&gt;alert(1)" in page
    assert STRANGE not in page
    assert STRANGE not in get(address, f"/log?purpose={quote(STRANGE)}&month=x")[1]
    assert STRANGE not in get(address, f"/log/{NOW}/entries/500")[1]


def test_no_page_tells_a_minute(address: str) -> None:
    words = re.sub(r"<[^>]*>", " ", get(address, "/log")[1])
    assert not re.search(r"\d\d:\d\d", words)


def test_a_page_is_small(address: str) -> None:
    for path in ("/log", f"/log?purpose={quote(STRANGE)}"):
        assert len(get(address, path)[1]) < 100_000


def test_programs_get_json(address: str, book: Book) -> None:
    told = json.loads(get(address, f"/log?month={LAST}&operation=DetectFaces", "*/*")[1])
    assert told["months"] == [LAST, NOW]
    assert told["looked_through"] == {"first": 0, "end": 4, "size": 4}
    assert [each["index"] for each in told["entries"]] == [3, 2, 1]
    status, data = get(address, f"/log/{NOW}/entries/301", "application/json")
    assert (status, json.loads(data)["rules"]) == (200, ["no-crowds"])


@pytest.mark.parametrize(
    "path", ["/log?month=1999-01", f"/log/{NOW}/entries/602", f"/log/{NOW}/entries/x", "/log/1999-01/entries/0"]
)
def test_what_is_not_there_says_what_is(address: str, path: str) -> None:
    assert get(address, path, "*/*")[0] == 404
    status, page = get(address, path)
    assert status == 404
    assert f'href="/log?month={LAST}"' in page


def test_a_log_without_entries_says_so(tmp_path_factory: pytest.TempPathFactory) -> None:
    routes = explorer_pages(Served(tmp_path_factory.mktemp("empty")))
    with serving(Starlette(routes=[*routes, *static_files()])) as address:
        status, page = get(address, "/log")
    assert status == 404
    assert "Nothing has been published yet." in page


def test_a_service_tells_of_its_own_start(service: Running) -> None:
    month = max(re.findall(r'"/log/(\d{4}-\d{2})/entries/', get(service.url, "/log")[1]))
    status, page = get(service.url, f"/log/{month}/entries/0")
    assert status == 200
    assert "The log begins." in page
    assert "lacks what its kind has" not in page
    assert "An entry of the kind" not in page
