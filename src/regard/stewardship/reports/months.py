"""The reports of the last months, kept up to date as the log grows: each entry is read once, by the process itself.

What it counts is what `reckoning.read_report` counts from the same entries; that one verifies the log first, for
whoever trusts nobody. Here the files are the service's own.
"""

from __future__ import annotations

import logging
import threading
import time
from dataclasses import dataclass

from regard.ledger.log.served import Served
from regard.ledger.tree.checkpoints import Checkpoint
from regard.ledger.tree.notes import Note
from regard.ledger.tree.tiles import ENTRIES, WIDTH, Tile, read_bundle
from regard.stewardship.logbook import public_entries as entries
from regard.stewardship.reports.reckoning import BadPeriod, Reckoning
from regard.stewardship.reports.report import Report

MOST_MONTHS = 12
# Whoever asks waits so long at most; a longer log is counted in the background meanwhile.
_WAIT_SECONDS = 0.1
_log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Counted:
    """The reports of the last months, oldest first, and how many of how many entries they are counted from."""

    reports: tuple[Report, ...]
    read: int
    size: int


class Months:
    """Counts the log whose public files are `served`. Thread-safe; nobody waits long for it."""

    def __init__(self, served: Served, wait: float = _WAIT_SECONDS) -> None:
        self._served = served
        self._wait = wait
        self._lock = threading.Lock()
        self._work: threading.Thread | None = None
        # What follows is the work's, one at a time; others look at it under the lock.
        self._read: dict[str, int] = {}
        self._sizes: dict[str, int] = {}
        self._reckonings: dict[str, Reckoning] = {}
        self._reports: dict[str, Report] = {}
        self._over: set[str] = set()
        # What later months need of earlier ones: all but the calls.
        self._lasting: list[tuple[str, entries.Known | entries.Other]] = []

    def counted(self) -> Counted:
        """The reports as far as they are counted; what is missing is being read meanwhile."""
        with self._lock:
            if self._work is None or not self._work.is_alive():
                self._work = threading.Thread(target=self._follow, name="months", daemon=True)
                self._work.start()
            work = self._work
        work.join(self._wait)
        with self._lock:
            newest = sorted(self._reports)[-MOST_MONTHS:]
            reports = tuple(self._reports[period] for period in newest)
            return Counted(reports, sum(self._read.values()), sum(self._sizes.values()))

    def _follow(self) -> None:
        try:
            for period, checkpoint in (published := self._published()).items():
                closed = any(later > period and each.size > 0 for later, each in published.items())
                self._count(period, checkpoint, closed)
        except Exception:
            # The next who looks tries again, and sees how far it came.
            _log.exception("the months could not be counted")

    def _published(self) -> dict[str, Checkpoint]:
        """The newest checkpoint of each period that is not over, oldest first."""
        found = {
            period: Checkpoint.parse(Note.parse(self._served.note(period)).text)
            for period in self._served.periods()
            if period not in self._over
        }
        with self._lock:
            self._sizes |= {period: each.size for period, each in found.items()}
        return found

    def _count(self, period: str, checkpoint: Checkpoint, closed: bool) -> None:
        reckoning = self._reckoning(period)
        self._take(period, checkpoint.size, reckoning)
        if reckoning is not None:
            report = reckoning.report(checkpoint, closed)
            with self._lock:
                self._reports[period] = report
        if closed:
            self._over.add(period)
            self._reckonings.pop(period, None)

    def _reckoning(self, period: str) -> Reckoning | None:
        """What counts a month, which knows what the months before it left; nothing counts a year."""
        if period not in self._reckonings:
            try:
                made = Reckoning(period)
            except BadPeriod:
                return None
            for earlier, entry in self._lasting:
                made.take_read(earlier, entry)
            self._reckonings[period] = made
        return self._reckonings[period]

    def _take(self, period: str, size: int, reckoning: Reckoning | None) -> None:
        """Read the entries of a period up to a size, from where it was read before."""
        while (begin := self._read.get(period, 0)) < size:
            since = time.monotonic()
            tile = Tile(ENTRIES, begin // WIDTH).within(size)
            bundle = read_bundle(tile, lambda path: self._served.fetch(f"{period}/{path}"))
            for data in bundle[begin % WIDTH :]:
                self._take_one(period, data, reckoning)
            with self._lock:
                self._read[period] = begin - begin % WIDTH + len(bundle)
            # Calls are answered meanwhile: half of the time is theirs.
            time.sleep(time.monotonic() - since)

    def _take_one(self, period: str, data: bytes, reckoning: Reckoning | None) -> None:
        try:
            entry = entries.read(data)
        except entries.Unreadable:
            if reckoning is not None:
                reckoning.take_unreadable(period)
            return
        if reckoning is not None:
            reckoning.take_read(period, entry)
        if not isinstance(entry, entries.Call | entries.Other):
            self._lasting.append((period, entry))
