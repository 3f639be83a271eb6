"""A log in shards: one a period, each under an origin and in a folder of its own, chained into one record.

A shard's first entry holds the last checkpoint of the shard before it. Once that entry is cosigned, the
closed shard can neither grow nor change unnoticed. Keys may differ from shard to shard.
"""

from __future__ import annotations

import json
import logging
import threading
from collections.abc import Callable, Sequence
from pathlib import Path

from regard.ledger.log.disk import Disk
from regard.ledger.log.log import Log, LogUnavailable
from regard.ledger.log.public import CHECKPOINT, Public
from regard.ledger.tree.checkpoints import Checkpoint, open_checkpoint
from regard.ledger.tree.entries import canonical
from regard.ledger.tree.notes import Note, Signer, Verifier

_LINK = "regard/shard"
_log = logging.getLogger(__name__)

Open = Callable[[Path, Sequence[Signer]], Log]


class ShardError(ValueError):
    """A shard that does not follow the one before it; the text says why."""


def link(note: bytes | None) -> bytes:
    """The first entry of a shard, after one whose last checkpoint is `note`, or after none."""
    return canonical({"kind": _LINK, "previous": None if note is None else note.decode()})


def verify_link(entry: bytes, previous: Checkpoint | None, log: Sequence[Verifier]) -> None:
    """Raise ShardError unless `entry` begins the shard after the one that ended at `previous`.

    `log` are the keys of the shard before.
    """
    try:
        note = json.loads(entry)["previous"]
        named = None if note is None else open_checkpoint(note.encode(), log)
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise ShardError(f"the first entry names no checkpoint of the shard before: {error}") from None
    if named != previous:
        raise ShardError("the shard before is not, or no longer, the one that the first entry names")


class Shards:
    """The shards below a folder. `period` says which is current, in words that sort: "2026", "2026-11".

    `signers` gives the keys of a shard by its origin, which is `{name}/{period}`.
    """

    def __init__(
        self,
        folder: Path,
        name: str,
        signers: Callable[[str], Sequence[Signer]],
        period: Callable[[], str],
        open_log: Open = Log,
        disk: Disk | None = None,
    ) -> None:
        self._folder = folder
        self._name = name
        self._signers = signers
        self._period = period
        self._open = open_log
        self._disk = disk or Disk()
        self._lock = threading.Lock()
        self._current: tuple[str, Log] | None = None

    def append(self, entry: bytes) -> tuple[str, int]:
        """Add an entry to the current shard: the period and the index. Raises as Log does, and ShardError."""
        period, log = self.current()
        try:
            return period, log.append(entry)
        except LogUnavailable:
            later, log = self.current()
            if later == period:
                raise
            # The period turned between the two lines above.
            return later, log.append(entry)

    def current(self) -> tuple[str, Log]:
        """The current period and its log, begun when the period does. Raises as Log does, and ShardError."""
        period = self._period()
        with self._lock:
            if self._current is not None and self._current[1].lost:
                self._close()
            if self._current is not None and self._current[0] >= period:
                # A clock that is set back does not reopen a closed shard.
                return self._current
            self._current = self._turn(period)
            return self._current

    @property
    def held(self) -> tuple[str, Log] | None:
        """The period and its log that this process has open, None where it has none: nothing is opened for it."""
        return self._current

    def receipt(self, period: str, index: int) -> bytes:
        """The `.tlog-proof` of an entry of any shard. Raises LookupError when there is none, else as Log does."""
        if period not in self.periods():
            raise LookupError(f"there is no shard {period!r}")
        current, log = self.current()
        if period == current:
            return log.receipt(index)
        public = Public(self._folder / period / "public", self._disk)
        note = public.fetch(CHECKPOINT)
        head = public.set_head(note, Checkpoint.parse(Note.parse(note).text))
        if not 0 <= index < head.checkpoint.size:
            raise IndexError(f"there is no entry {index} in a shard of {head.checkpoint.size}")
        return public.receipt(index, head).encode()

    def periods(self) -> list[str]:
        """The periods that have a shard, oldest first."""
        names = self._disk.names(self._folder)
        return [name for name in names if self._disk.is_folder(self._folder / name)]

    def close(self) -> None:
        """Close the current shard."""
        with self._lock:
            self._close()

    def _close(self) -> None:
        if self._current is not None:
            self._current[1].close()
            self._current = None

    def _turn(self, period: str) -> tuple[str, Log]:
        """The log of a period, or the newest there is: a clock that ran ahead for a moment began it, for good."""
        newest = max(self.periods(), default=period)
        if newest > period:
            _log.warning("the log goes on in %s: the clock says %s, and is or was wrong", newest, period)
            period = newest
        earlier = [name for name in self.periods() if name < period]
        self._close()
        last = self._last(earlier[-1]) if earlier else None
        log = self._log(period)
        # A crash may have come between a shard's beginning and its first entry.
        if log.published.checkpoint.size == 0:
            log.append(link(last))
        return period, log

    def _last(self, period: str) -> bytes:
        with self._log(period) as log:
            return log.publish().note

    def _log(self, period: str) -> Log:
        return self._open(self._folder / period, self._signers(f"{self._name}/{period}"))
