"""The tally of a shard: how far it has come, so that the next entry goes on from there. `logbook` writes that entry."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import msgspec

from regard.ledger.log.disk import Disk
from regard.ledger.log.log import Log
from regard.ledger.log.public import CHECKPOINT
from regard.ledger.log.shards import Shards
from regard.ledger.tree.checkpoints import Checkpoint
from regard.ledger.tree.entries import canonical
from regard.ledger.tree.notes import Note
from regard.ledger.tree.tiles import read_entries
from regard.stewardship.logbook import entries
from regard.stewardship.records.pseudonyms import Pseudonyms


class _Told(msgspec.Struct):
    """What of an entry is needed to go on after it."""

    kind: str = ""
    organization: str = ""
    sequence: int = 0
    record: int = 0


@dataclass(slots=True)
class Tally:
    """Up to where a shard has come: calls by pseudonym, and the last record that was taken over.

    It holds for as long as the log is open: what others write while they have it is not counted here.
    """

    period: str
    log: Log | None = None
    calls: Counter[str] = field(default_factory=Counter)
    record: int = 0

    def add(self, told: _Told) -> None:
        """Count an entry that is in the shard."""
        self.record = max(self.record, told.record)
        if told.kind == entries.CALL:
            self.calls[told.organization] = max(self.calls[told.organization], told.sequence)

    def next(self, kind: str, at: float, body: dict[str, Any], pseudonyms: Pseudonyms) -> tuple[bytes, int | None]:
        """The next entry in canonical JSON, told by the hour of `at`; and of a call, its number."""
        told = body | {"kind": kind, "at": entries.hour(at)}
        if "organization" in body:
            told["organization"] = pseudonyms.of(body["organization"], self.period)
        sequence = None
        if kind == entries.CALL:
            self.calls[told["organization"]] += 1
            sequence = told["sequence"] = self.calls[told["organization"]]
        return canonical(told), sequence


def read_tally(shards: Shards, disk: Disk, folder: Path, period: str) -> Tally:
    """The tally of the shard of `period` below `folder`, and from earlier ones the last record that was taken over."""
    tally = Tally(period)
    for earlier in reversed(shards.periods()):
        counted = tally if earlier == period else Tally(earlier)
        for told in _told(disk, folder / earlier / "public"):
            counted.add(told)
        tally.record = max(tally.record, counted.record)
        if tally.record:
            break
    return tally


def _told(disk: Disk, public: Path) -> Iterator[_Told]:
    size = Checkpoint.parse(Note.parse(disk.read(public / CHECKPOINT)).text).size
    for entry in read_entries(size, lambda path: disk.read(public / path)):
        with suppress(msgspec.ValidationError):
            yield msgspec.json.decode(entry, type=_Told)
