"""Reading the log for people: some entries of a month, the newest first, from no more files than hold them.

Nothing is verified here, and whoever reads need not believe it: each entry has a receipt.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import msgspec

from regard.ledger.log.served import Served
from regard.ledger.tree.checkpoints import Checkpoint
from regard.ledger.tree.entries import canonical
from regard.ledger.tree.notes import Note
from regard.ledger.tree.tiles import ENTRIES, WIDTH, Tile, read_bundle

# What a search looks through before it asks whether to go on: 32,768 entries, some 10 MB of them. Nobody has to sign
# for it, so that one question must not cost much.
MOST_BUNDLES = 128


@dataclass(frozen=True, slots=True)
class Entry:
    """An entry at `index` of its month: what it tells, and its bytes as they are hashed."""

    index: int
    told: Mapping[str, Any]
    data: bytes


@dataclass(frozen=True, slots=True)
class Listing:
    """Entries of a month of `size`, the newest first: what was wanted of `first` to before `end`."""

    entries: list[Entry]
    first: int
    end: int
    size: int


def list_entries(served: Served, period: str, wanted: Mapping[str, str], before: int | None = None) -> Listing:
    """What of the entries before an index, or of all, has these members of these texts; 256 at most.

    With nothing wanted it reads two files of entries at most, else MOST_BUNDLES. Raises FileNotFoundError and, of a
    damaged log, TileError and NoteError.
    """
    size = size_of(served, period)
    end = first = size if before is None else max(0, min(before, size))
    found: list[Entry] = []
    # Entries have one text a meaning: what lacks these bytes need not be decoded.
    marks = [canonical({name: text})[1:-1] for name, text in wanted.items()]
    for _ in range(MOST_BUNDLES if wanted else 2):
        if not first or len(found) >= WIDTH:
            break
        number = (first - 1) // WIDTH
        start = number * WIDTH
        entries = enumerate(_bundle(served, period, number, size)[: first - start], start)
        some = [Entry(index, _told(data), data) for index, data in entries if all(mark in data for mark in marks)]
        found += [each for each in reversed(some) if wanted.items() <= each.told.items()]
        first = start
    if len(found) > WIDTH:
        first = found[WIDTH - 1].index
    return Listing(found[:WIDTH], first, end, size)


def read_entry(served: Served, period: str, index: int) -> Entry:
    """One entry. Raises FileNotFoundError where there is none, else as `list_entries`."""
    size = size_of(served, period)
    if not 0 <= index < size:
        raise FileNotFoundError(f"{period} has {size} entries")
    data = _bundle(served, period, index // WIDTH, size)[index % WIDTH]
    return Entry(index, _told(data), data)


def size_of(served: Served, period: str) -> int:
    """How many entries of a month are published. Raises FileNotFoundError and NoteError."""
    return Checkpoint.parse(Note.parse(served.note(period)).text).size


def _bundle(served: Served, period: str, number: int, size: int) -> list[bytes]:
    return read_bundle(Tile(ENTRIES, number).within(size), lambda path: served.fetch(f"{period}/{path}"))


def _told(data: bytes) -> Mapping[str, Any]:
    try:
        told = msgspec.json.decode(data)
    except (msgspec.DecodeError, UnicodeDecodeError):
        told = None
    return told if isinstance(told, dict) else {}
