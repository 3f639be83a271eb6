"""Some entries of a log, the newest first, from few files."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from regard.ledger.log import listing
from regard.ledger.log.listing import list_entries, read_entry
from regard.ledger.log.served import Served
from tests.helpers.ledger.served_log import Book, opened

MONTH = "2026-11"


class Counting(Served):
    """Counts the files that are read, checkpoints aside."""

    def __init__(self, folder: Path) -> None:
        super().__init__(folder)
        self.read: list[str] = []

    def fetch(self, path: str) -> bytes:
        self.read.append(path)
        return super().fetch(path)


@pytest.fixture(scope="module")
def book(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Book]:
    """Entry 0 links the months; from 1 on calls, of which number 10 and 900 are for access."""
    with opened(tmp_path_factory.mktemp("log")) as book:
        for times, purpose in ((9, "library"), (1, "access"), (889, "library"), (1, "access"), (99, "library")):
            book.call(times=times, purpose=purpose)
        yield book


@pytest.fixture
def served(book: Book) -> Counting:
    return Counting(book.folder)


def test_without_a_wish_the_newest_come_from_two_files(served: Counting) -> None:
    found = list_entries(served, MONTH, {})
    assert [each.index for each in found.entries] == list(range(999, 743, -1))
    assert (found.first, found.end, found.size) == (744, 1000, 1000)
    assert served.read == [f"{MONTH}/tile/entries/003.p/232", f"{MONTH}/tile/entries/002"]


def test_pages_follow_one_another_without_a_gap(served: Counting) -> None:
    seen: list[int] = []
    before: int | None = None
    while before != 0:
        found = list_entries(served, MONTH, {}, before)
        seen += [each.index for each in found.entries]
        before = found.first
    assert seen == list(range(999, -1, -1))


def test_only_what_is_wanted_is_listed(served: Counting) -> None:
    found = list_entries(served, MONTH, {"purpose": "access"})
    assert [each.index for each in found.entries] == [900, 10]
    assert found.first == 0
    assert not list_entries(served, MONTH, {"purpose": "access", "operation": "DetectLabels"}).entries
    # A text that stands in another member is none.
    assert not list_entries(served, MONTH, {"sector": "access"}).entries


def test_many_that_are_wanted_come_by_pages_of_256(served: Counting) -> None:
    first = list_entries(served, MONTH, {"purpose": "library"})
    assert len(first.entries) == 256
    then = list_entries(served, MONTH, {"purpose": "library"}, first.first)
    assert then.entries[0].index == first.entries[-1].index - 1


def test_a_search_stops_and_says_how_far_it_came(served: Counting, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(listing, "MOST_BUNDLES", 2)
    found = list_entries(served, MONTH, {"purpose": "access"})
    assert ([each.index for each in found.entries], found.first) == ([900], 512)
    assert len(served.read) == 2


def test_one_entry_is_read_from_one_file(served: Counting, book: Book) -> None:
    entry = read_entry(served, MONTH, 900)
    assert entry.told["purpose"] == "access"
    assert len(served.read) == 1
    for index in (-1, 1000):
        with pytest.raises(FileNotFoundError):
            read_entry(served, MONTH, index)
    with pytest.raises(FileNotFoundError):
        list_entries(served, "1999-01", {})


def test_what_is_no_json_is_listed_as_its_bytes(tmp_path: Path) -> None:
    with opened(tmp_path) as book:
        log = book.shards.current()[1]
        log.submit([b"\xff", b"[1]"]).result()
        log.publish()
        found = list_entries(book.served, MONTH, {}).entries
    assert [(each.told, each.data) for each in found[:2]] == [({}, b"[1]"), ({}, b"\xff")]
