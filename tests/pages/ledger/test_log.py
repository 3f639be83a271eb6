"""The log's public files over HTTP."""

from __future__ import annotations

import http.client
import json
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import urlsplit

import pytest
from starlette.applications import Starlette

from regard.ledger.log.served import Served
from regard.ledger.tree.notes import Kind, Signer, Verifier
from regard.ledger.tree.proof import verify_receipt
from regard.ledger.tree.tiles import tiles_of
from regard.ledger.witnesses.cosigning import Asked, Collector
from regard.pages.ledger.log import log_pages
from tests.helpers.ledger.faults import QuickDisk
from tests.helpers.ledger.served_log import Book, opened, serving, serving_log, serving_witness

PERIOD = "2026-11"


@pytest.fixture(scope="module")
def book(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Book]:
    with opened(tmp_path_factory.mktemp("log")) as book:
        book.call(times=299)
        yield book


@pytest.fixture(scope="module")
def address(book: Book) -> Iterator[str]:
    with serving_log(book) as address:
        yield address


def get(address: str, path: str, method: str = "GET") -> tuple[int, dict[str, str], bytes]:
    # http.client sends a path as it is: dots and percent signs stay.
    connection = http.client.HTTPConnection(urlsplit(address).netloc, timeout=10)
    connection.request(method, path)
    answer = connection.getresponse()
    found = answer.status, {name.lower(): value for name, value in answer.getheaders()}, answer.read()
    connection.close()
    return found


def test_every_file_of_the_tree_is_served_and_may_be_kept_for_ever(book: Book, address: str) -> None:
    for tile in tiles_of(300):
        status, headers, body = get(address, f"/log/{PERIOD}/{tile.path}")
        assert (status, body) == (200, book.served.fetch(f"{PERIOD}/{tile.path}"))
        assert "immutable" in headers["cache-control"]


@pytest.mark.parametrize("path", ["/log/key", "/log/periods", f"/log/{PERIOD}/checkpoint", f"/log/{PERIOD}/receipts/0"])
def test_a_page_from_disk_may_read_the_log_and_why_there_is_nothing(address: str, path: str) -> None:
    for asked in (path, "/log/1999-01/checkpoint"):
        assert get(address, asked)[1]["access-control-allow-origin"] == "*"


def test_the_checkpoint_is_served_and_asked_for_each_time(book: Book, address: str) -> None:
    status, headers, body = get(address, f"/log/{PERIOD}/checkpoint")
    assert (status, headers["cache-control"], body) == (200, "no-cache", book.served.note(PERIOD))
    assert headers["content-type"] == "text/plain; charset=utf-8"
    assert get(address, f"/log/{PERIOD}/checkpoint", "HEAD")[::2] == (200, b"")


def test_keys_and_periods_are_served(book: Book, address: str) -> None:
    assert Verifier.parse(get(address, "/log/key")[2].decode().strip()) == book.signer.verifier
    assert json.loads(get(address, "/log/periods")[2]) == [PERIOD]


def test_a_receipt_is_served_for_every_entry(book: Book, address: str) -> None:
    key = book.signer.renamed(f"log.example/{PERIOD}").verifier
    for index in (0, 1, 255, 256, 299):
        status, _, body = get(address, f"/log/{PERIOD}/receipts/{index}")
        assert status == 200
        assert verify_receipt(body, [key])[0].index == index


def test_a_receipt_that_is_asked_for_at_once_waits_for_the_publication(book: Book, address: str) -> None:
    index = book.served.head(PERIOD, book.served.note(PERIOD)).checkpoint.size
    publishing = threading.Timer(0.1, book.call)
    publishing.start()
    begun = time.monotonic()
    assert get(address, f"/log/{PERIOD}/receipts/{index}")[0] == 200
    assert time.monotonic() - begun > 0.1
    publishing.join()


class SlowDisk(Served):
    """Gives notes when it is let to."""

    def __init__(self, folder: Path) -> None:
        super().__init__(folder)
        self.asked, self.go = threading.Event(), threading.Event()

    def note(self, period: str, name: str = "checkpoint") -> bytes:
        self.asked.set()
        self.go.wait(10)
        return super().note(period, name)


def test_a_slow_disk_keeps_only_those_waiting_who_read_from_it(book: Book) -> None:
    slow = SlowDisk(book.folder)
    with serving(Starlette(routes=log_pages(slow, list))) as address:
        found: list[int] = []
        paths = (f"/log/{PERIOD}/checkpoint", f"/log/{PERIOD}/receipts/1")
        waiting = [threading.Thread(target=lambda path=path: found.append(get(address, path)[0])) for path in paths]
        for each in waiting:
            each.start()
        assert slow.asked.wait(10)
        assert get(address, "/log/periods")[0] == 200
        assert found == []
        slow.go.set()
        for each in waiting:
            each.join()
    assert found == [200, 200]


def test_where_a_quorum_is_wanted_a_receipt_waits_for_it(tmp_path: Path) -> None:
    with opened(tmp_path / "log") as book, serving_witness(tmp_path / "witness", book.signer) as told:
        asked = Asked.parse(told)
        asking = Collector(book.served, [asked], 1, every=0.05, disk=QuickDisk())
        with serving(Starlette(routes=log_pages(book.served, list, asking))) as address:
            book.call()
            asking.start()
            body = get(address, f"/log/{PERIOD}/receipts/1")[2]
            witnesses = json.loads(get(address, "/log/witnesses")[2])
            asking.close()
    verify_receipt(body, [book.signer.renamed(f"log.example/{PERIOD}").verifier], None, [asked.verifier], 1)
    told_of = {"key": str(asked.verifier), "period": PERIOD, "cosigned": 2, "contradicts": False}
    assert witnesses == {"quorum": 1, "witnesses": [told_of]}


@pytest.mark.long
def test_where_no_witness_answers_a_receipt_comes_without(tmp_path: Path) -> None:
    with opened(tmp_path / "log") as book:
        witness = Signer.generate("witness.example/w", Kind.COSIGNATURE).verifier
        asking = Collector(book.served, [Asked(witness, lambda _: (500, b""))], 1, disk=QuickDisk())
        with serving(Starlette(routes=log_pages(book.served, list, asking))) as address:
            book.call()
            asking.round()
            assert get(address, f"/log/{PERIOD}/receipts/1")[0] == 200


@pytest.mark.parametrize(
    "path",
    [
        "/log/2026-10/checkpoint",
        "/log/2026-11/cosigned",
        "/log/2026-11/journal",
        "/log/2026-11/lock",
        "/log/..%2f2026-11/checkpoint",
        "/log/%2e%2e/checkpoint",
        "/log/../../etc/passwd",
        "/log/2026-11/../2026-11/checkpoint",
        "/log/2026-11/tile/../checkpoint",
        "/log/2026-11/tile/..%2f..%2fjournal%2f00000001",
        "/log/2026-11/tile/0/000/",
        "/log/2026-11/tile/0/002",
        "/log/2026-11/tile/0/000.p/256",
        "/log/2026-11/tile/0/000.p/0",
        "/log/2026-11/tile/8/000",
        "/log/2026-11/tile/entries/x000",
        "/log/2026-11/tile/0/%00",
        "/log/2026-11/tile/0/%D9%A0%D9%A0%D9%A0",
        "/log/2026-11/receipts/-1",
        "/log/2026-11/receipts/01",
        "/log/2026-11/receipts/999999",
        "/log/2026-11/receipts/" + "9" * 5000,
        "/log/2026-10/receipts/0",
    ],
)
def test_what_is_not_there_is_said_to_be_missing(address: str, path: str) -> None:
    begun = time.monotonic()
    status, headers, body = get(address, path)
    assert status == 404
    assert body
    assert "immutable" not in headers.get("cache-control", "")
    assert time.monotonic() - begun < 2
