"""The public files of a log in shards, as they lie on disk, for whoever serves, copies and cosigns them; :mod:`.public`
writes.

Whoever reads them needs neither the log's keys nor the process that writes it.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Sequence
from contextlib import suppress
from pathlib import Path

from regard.ledger.log.disk import Disk
from regard.ledger.log.public import CHECKPOINT, Head, Public
from regard.ledger.tree.checkpoints import Checkpoint
from regard.ledger.tree.notes import Note
from regard.ledger.tree.tiles import Fetch, Tile, count_of_tiles, tiles_of

COSIGNED = "cosigned"
"""Beside the newest checkpoint: the newest one that enough witnesses have cosigned."""
PERIODS = "periods"

_PERIOD = re.compile(r"\d{4}(-\d{2})?", re.ASCII)


class NotPublished(LookupError):
    """No published checkpoint covers the entry at `index`; the newest one covers `size` entries."""

    def __init__(self, index: int, size: int) -> None:
        super().__init__(f"there is no entry {index} in a published shard of {size}")
        self.index = index
        self.size = size


class Served:
    """The shards below a folder: each `{period}/public`, or each `{period}` in a copy. Only read, save `cosign`."""

    def __init__(self, folder: Path, disk: Disk | None = None) -> None:
        self._folder = folder
        self._disk = disk or Disk()

    def periods(self) -> list[str]:
        """The periods of which a checkpoint is published, oldest first."""
        names = filter(is_period, self._disk.names(self._folder))
        return [name for name in names if CHECKPOINT in self._disk.names(self.folder(name))]

    def folder(self, period: str) -> Path:
        """Where the files of a period are."""
        own = self._folder / period / "public"
        return own if self._disk.is_folder(own) else self._folder / period

    def fetch(self, path: str) -> bytes:
        """The bytes at a path below the log's address: `periods`, `{period}/…`. Raises FileNotFoundError."""
        if path == PERIODS:
            return json.dumps(self.periods()).encode()
        period, _, rest = path.partition("/")
        return self._disk.read(self.folder(period) / rest)

    def note(self, period: str, name: str = CHECKPOINT) -> bytes:
        """A checkpoint with its signatures: the newest, or the newest COSIGNED one. Raises FileNotFoundError."""
        if period not in self.periods():
            raise FileNotFoundError(f"there is no period {period!r}")
        return self._disk.read(self.folder(period) / name)

    def head(self, period: str, note: bytes) -> Head:
        """A published state with the hashes below it."""
        return self._public(period).set_head(note, Checkpoint.parse(Note.parse(note).text))

    def receipt(self, period: str, index: int) -> bytes:
        """The `.tlog-proof` of an entry, below a cosigned checkpoint where one covers it.

        Raises FileNotFoundError where there is no such period, and NotPublished.
        """
        try:
            return self.cosigned_receipt(period, index)
        except NotPublished:
            return self._receipt(period, index, CHECKPOINT)

    def cosigned_receipt(self, period: str, index: int) -> bytes:
        """The `.tlog-proof` of an entry, below the newest cosigned checkpoint. Raises as `receipt` does."""
        if period in self.periods() and COSIGNED not in self._disk.names(self.folder(period)):
            raise NotPublished(index, 0)
        return self._receipt(period, index, COSIGNED)

    def _receipt(self, period: str, index: int, name: str) -> bytes:
        head = self.head(period, self.note(period, name))
        if not 0 <= index < head.checkpoint.size:
            raise NotPublished(index, head.checkpoint.size)
        return self._public(period).receipt(index, head).encode()

    def _public(self, period: str) -> Public:
        return Public(self.folder(period), self._disk)


def copy(fetch: Fetch, periods: Sequence[str], folder: Path, copied: Callable[[str, int, int], None]) -> None:
    """Copy the public files that `fetch` reads into a folder that any web server or bucket can serve as `…/log`.

    What is there is not read again. A checkpoint comes after every file that it needs. Nothing is verified: the copy
    can be. `copied` is told the period and how many of how many files are there. Raises OSError, and NoteError for a
    checkpoint that is none.
    """
    disk = Disk()
    for period in periods:
        target = folder / period
        disk.folder(target)
        # First the cosigned one: it never covers more than the newest.
        notes: dict[str, bytes] = {}
        with suppress(FileNotFoundError):
            notes[COSIGNED] = fetch(f"{period}/{COSIGNED}")
        notes[CHECKPOINT] = fetch(f"{period}/{CHECKPOINT}")
        there = target / CHECKPOINT
        sizes = _size(notes[CHECKPOINT]), _size(there.read_bytes()) if there.exists() else 0
        count = count_of_tiles(*sizes)
        for number, tile in enumerate(tiles_of(*sizes), 1):
            path, data = _tile(fetch, period, tile)
            disk.folder((target / path).parent)
            disk.write_once(target / path, data)
            copied(period, number, count)
        for name, note in notes.items():
            disk.replace(target / name, note)
    disk.replace(folder / PERIODS, json.dumps(list(periods)).encode())


def _tile(fetch: Fetch, period: str, tile: Tile) -> tuple[str, bytes]:
    try:
        return tile.path, fetch(f"{period}/{tile.path}")
    except FileNotFoundError:
        # A partial tile gives way to the full one at any moment.
        return tile.full.path, fetch(f"{period}/{tile.full.path}")


def _size(note: bytes) -> int:
    return Checkpoint.parse(Note.parse(note).text).size


def is_period(name: str) -> bool:
    """Whether `name` can name a shard: a year, or a year and a month."""
    return _PERIOD.fullmatch(name) is not None
