"""The page that verifies the log: one file, from disk or served, and what it tells whoever reads it."""

from __future__ import annotations

import base64
import hashlib
import os
import re
import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page
from starlette.applications import Starlette
from starlette.responses import Response
from starlette.routing import Route

from regard.ledger.log.served import Served, copy
from regard.ledger.tree.notes import Kind, Signer
from regard.pages.ledger.log import log_pages
from regard.pages.ledger.verifier import VERIFIER, verifier_digest, verifier_page, verifier_route
from regard.pages.ledger.witness import VERIFIER as AT_WITNESS
from tests.helpers.browser import look, visiting
from tests.helpers.ledger.served_log import LAST, NOW, Book, opened, serving, serving_log, serving_witness, two_months

pytestmark = pytest.mark.long


@pytest.fixture(scope="module")
def book(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Book]:
    with two_months(tmp_path_factory.mktemp("log")) as book:
        yield book


@pytest.fixture
def files(book: Book, tmp_path: Path) -> Path:
    copy(book.served.fetch, book.served.periods(), tmp_path / "copy", lambda *_: None)
    return tmp_path / "copy"


@contextmanager
def serving_files(folder: Path, *more: Route) -> Iterator[str]:
    """The address of a log of these files, whoever made them, with the page beside it."""
    with serving(Starlette(routes=[*more, verifier_route(), *log_pages(Served(folder), list)])) as address:
        yield f"{address}/log"


@pytest.fixture
def saved(browser: Browser, tmp_path: Path, book: Book) -> Iterator[Page]:
    """The page as somebody has it on their disk, with the log's key pasted."""
    file = tmp_path / "verify.html"
    file.write_bytes(verifier_page())
    with visiting(browser, "") as visit:
        visit.page.goto(file.as_uri())
        visit.page.get_by_label("Public key of the log").fill(book.key)
        yield visit.page
        assert visit.page.evaluate("window.violations") == []


def told(page: Page, button: str) -> tuple[str, str]:
    """The kind of the verdict, and why, once it is there."""
    page.get_by_role("button", name=button).click()
    result = page.locator("#result[data-kind]:not([data-kind=busy])")
    result.wait_for()
    return result.get_attribute("data-kind") or "", page.locator("#why").inner_text()


def told_of_log(page: Page, address: str) -> tuple[str, str]:
    page.get_by_label("Address of the log").fill(address)
    return told(page, "Check the log")


def told_of_receipt(page: Page, data: bytes) -> tuple[str, str]:
    page.get_by_label("A file that ends in").set_input_files(
        {"name": "receipt.tlog-proof", "mimeType": "text/plain", "buffer": data}
    )
    return told(page, "Check the receipt")


def flip(path: Path, at: int) -> None:
    data = bytearray(path.read_bytes())
    data[at] ^= 1
    path.write_bytes(data)


def test_the_file_is_the_same_wherever_it_is_made() -> None:
    program = "from regard.pages.ledger.verifier import verifier_digest; print(verifier_digest())"
    environment = os.environ | {"PYTHONHASHSEED": "1"}
    done = subprocess.run([sys.executable, "-c", program], env=environment, capture_output=True, text=True, check=True)
    assert done.stdout.strip() == verifier_digest() == hashlib.sha256(verifier_page()).hexdigest()


def test_its_policy_allows_its_own_script_and_style_alone(book: Book) -> None:
    page = verifier_page().decode()
    policy = re.search(r'http-equiv="content-security-policy" content="([^"]*)"', page)
    assert policy
    allowed = policy[1].replace("&#39;", "'")
    for tag in ("script", "style"):
        (inline,) = re.findall(rf"<{tag}[^>]*>(.*?)</{tag}>", page, re.DOTALL)
        digest = base64.b64encode(hashlib.sha256(inline.encode()).digest()).decode()
        assert f"{tag}-src 'sha256-{digest}';" in allowed
    assert "unsafe" not in allowed
    assert "default-src 'none'" in allowed
    with (
        serving(Starlette(routes=[verifier_route()])) as address,
        urllib.request.urlopen(address + VERIFIER) as answer,
    ):
        assert answer.headers["content-security-policy"] == f"{allowed}; frame-ancestors 'none'"
        assert answer.read() == verifier_page()


def test_it_is_fit_to_be_looked_at(browser: Browser, book: Book, files: Path) -> None:
    with serving_files(files) as address:
        look(browser, address.removesuffix("/log"), VERIFIER)


def test_from_disk_it_verifies_a_log_elsewhere(saved: Page, book: Book) -> None:
    with serving_log(book) as address:
        assert told_of_log(saved, address) == (
            "verified",
            f"log.example/{LAST} has 4 entries. log.example/{NOW} has 300 entries.",
        )


def test_from_disk_it_verifies_a_folder(saved: Page, files: Path, book: Book) -> None:
    for folder in (files, book.folder):
        saved.get_by_label("Or a folder").set_input_files(folder)
        assert told(saved, "Check the log")[0] == "verified"
    flip(files / NOW / "tile/entries/001.p/44", 20)
    saved.get_by_label("Or a folder").set_input_files(files)
    assert told(saved, "Check the log") == (
        "damaged",
        f"{NOW}: entry: entry 256 was changed: the entries do not hash to {NOW}/tile/0/001",
    )


@pytest.mark.parametrize(
    ("path", "at", "kind", "what"),
    [
        ("tile/0/000", 64, "damaged", "node 2 was changed"),
        ("tile/entries/001.p/44", 20, "damaged", "entry 256 was changed"),
        ("checkpoint", 20, "forged", "signature: log.example/2026-11 did not sign"),
    ],
)
def test_from_disk_it_names_what_was_changed(
    saved: Page, files: Path, path: str, at: int, kind: str, what: str
) -> None:
    flip(files / NOW / path, at)
    with serving_files(files) as address:
        found = told_of_log(saved, address)
    assert found[0] == kind
    assert what in found[1]
    assert saved.get_by_role("heading", name=f"NOT what was promised: {kind}").is_visible()
    # Whoever goes by keys, or has a small screen, is led to the verdict.
    assert saved.evaluate("document.activeElement.id") == "result"


def test_a_key_with_another_letter_checks_nothing(saved: Page, book: Book) -> None:
    saved.get_by_label("Public key of the log").fill(book.key.swapcase())
    with serving_log(book) as address:
        assert told_of_log(saved, address)[0] == "key"
    assert saved.get_by_role("heading", name="Not checked: key").is_visible()


def test_what_cannot_be_read_is_not_checked(saved: Page) -> None:
    assert told_of_log(saved, "http://127.0.0.1:9/log")[0] == "unchecked"


def test_a_saved_receipt_is_verified_from_disk_as_a_file_and_as_text(saved: Page, book: Book) -> None:
    data = book.served.receipt(NOW, 7)
    assert told_of_receipt(saved, data) == (
        "verified",
        f"log.example/{NOW} has this entry at 7, as signed at 300 entries.",
    )
    assert '"sequence":7' in saved.locator("#more").inner_text()
    assert told_of_receipt(saved, data.replace(b"index 7", b"index 6"))[0] == "unproven"
    saved.get_by_label("A file that ends in").set_input_files([])
    saved.get_by_label("Or its text").fill(data.decode().strip())
    assert told(saved, "Check the receipt")[0] == "verified"


def test_a_log_that_was_rolled_back_is_told_by_the_browser_that_saw_more(saved: Page, tmp_path: Path) -> None:
    with opened(tmp_path / "log", Signer.generate("log.example")) as book:
        saved.get_by_label("Public key of the log").fill(book.key)
        book.call(times=4)
        copy(book.served.fetch, [NOW], tmp_path / "early", lambda *_: None)
        early = book.served.receipt(NOW, 2)
        book.call(times=4)
        with serving_log(book) as address:
            assert told_of_log(saved, address)[0] == "verified"
        saved.reload()
        saved.get_by_label("Public key of the log").fill(book.key)
        with serving_files(tmp_path / "early") as mirror:
            assert told_of_log(saved, mirror) == ("rollback", f"{NOW}: size: it had 9 entries and has 5")
        shown = saved.locator("#more").inner_text()
        assert "\n9\n" in shown
        assert "\n5\n" in shown
        # A receipt from before is as good as it was.
        assert told_of_receipt(saved, early)[0] == "verified"
    with opened(tmp_path / "other", book.signer) as other:
        other.call(times=8, operation="DetectLabels")
        assert told_of_receipt(saved, other.served.receipt(NOW, 2))[0] == "split-view"
        with serving_log(other) as address:
            assert told_of_log(saved, address)[0] == "split-view"


def test_a_link_to_an_entry_fetches_its_receipt_and_takes_no_other(browser: Browser, book: Book, files: Path) -> None:
    receipts = Route(f"/log/{NOW}/receipts/9", lambda _: Response(book.served.receipt(NOW, 8)))
    with serving_files(files, receipts) as address, visiting(browser, address.removesuffix("/log")) as visit:
        for index, kind in ((7, "verified"), (9, "no-receipt")):
            page = visit.go(f"{VERIFIER}#{NOW}/{index}")
            page.reload()
            page.get_by_label("Public key of the log").fill(book.key)
            assert told(page, "Check the receipt")[0] == kind
        assert visit.wrong == []
        assert page.evaluate("window.violations") == []


def test_witnesses_are_asked_for(saved: Page, book: Book) -> None:
    saved.get_by_text("Witnesses who must have cosigned").click()
    saved.get_by_label("Keys of witnesses").fill(str(Signer.generate("witness.example/w", Kind.COSIGNATURE).verifier))
    saved.get_by_label("How many of them").fill("1")
    assert told_of_receipt(saved, book.served.receipt(NOW, 7))[0] == "unwitnessed"


def test_a_browser_without_ed25519_says_so(saved: Page, book: Book) -> None:
    saved.evaluate(
        "() => { crypto.subtle.generateKey = async () => { throw new DOMException('', 'NotSupportedError') } }"
    )
    kind, why = told_of_receipt(saved, book.served.receipt(NOW, 7))
    assert kind == "unsupported"
    assert "Firefox 129" in why


def test_a_strangers_entry_is_text(saved: Page, tmp_path: Path) -> None:
    with opened(tmp_path / "log") as book:
        ((period, index),) = book.call(purpose="<img src=x onerror=alert(1)>")
        saved.get_by_label("Public key of the log").fill(book.key)
        assert told_of_receipt(saved, book.served.receipt(period, index))[0] == "verified"
    assert "<img src=x" in saved.locator("#more").inner_text()
    assert saved.locator("img").count() == 0


def test_a_witness_serves_the_same_file(book: Book, tmp_path: Path) -> None:
    with serving_witness(tmp_path, book.signer) as witness:
        address = witness.rpartition(" ")[2]
        with urllib.request.urlopen(address + AT_WITNESS) as answer:
            assert answer.read() == verifier_page()


def test_a_month_of_ten_thousand_entries_takes_less_than_two_seconds(saved: Page, tmp_path: Path) -> None:
    with opened(tmp_path / "log") as book:
        book.call(times=10_000)
        saved.get_by_label("Public key of the log").fill(book.key)
        with serving_log(book) as address:
            took: list[float] = []
            # Other tests run beside this one: the best of six.
            while len(took) < 6 and min(took, default=2.0) >= 2.0:
                begun = time.perf_counter()
                assert told_of_log(saved, address)[0] == "verified"
                took.append(time.perf_counter() - begun)
    print(f"10,000 entries verified in {', '.join(f'{each:.2f}' for each in took)} s")
    assert min(took) < 2.0
