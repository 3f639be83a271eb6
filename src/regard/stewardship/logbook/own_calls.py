"""Whether the public log holds an organization's calls, none left out, each as its caller was told.

The log calls it by another pseudonym each period; its secret opens them all. Its calls are numbered within a period,
so that one left out of the middle is a gap. One left out at the end shows in what its clients kept: receipts
(`.tlog-proof` files), and lines of `calls.jsonl` with the place and the number that each answer named.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path
from typing import Any

import msgspec

from regard.ledger.tree.checkpoints import Checkpoint
from regard.ledger.tree.merkle import ProofError
from regard.ledger.tree.notes import Note, NoteError
from regard.ledger.tree.proof import Receipt, verify_receipt
from regard.ledger.witnesses.series import Keys
from regard.stewardship.logbook.entries import CALL
from regard.stewardship.records.pseudonyms import pseudonym

CALLS_FILE = "calls.jsonl"
RECEIPTS = "*.tlog-proof"


class _Line(msgspec.Struct):
    """What an answer said of its entry: `{period}/{index}`, and the number of the call."""

    entry: str
    sequence: int


@dataclass(frozen=True, slots=True)
class OwnCall:
    """One call of the organization's, as the log tells it."""

    period: str
    index: int
    told: Mapping[str, Any]
    entry: bytes

    @property
    def sequence(self) -> int:
        """Its number within the period, from 1; 0 where the log tells none."""
        number = self.told.get("sequence")
        return number if isinstance(number, int) else 0


@dataclass(frozen=True, slots=True)
class Complaint:
    """Something kept that the log does not bear out: what it is, and what is wrong."""

    kept: str
    wrong: str


class OwnCalls:
    """Collects the calls of one organization while a log is read: `add` is the `entry` of an audit."""

    def __init__(self, secret: bytes) -> None:
        self._secret = secret
        self._names: dict[str, str] = {}
        self._sizes: dict[str, int] = {}
        self._calls: dict[tuple[str, int], OwnCall] = {}

    @property
    def calls(self) -> list[OwnCall]:
        """The calls that were found, oldest first."""
        return list(self._calls.values())

    def pseudonym(self, period: str) -> str:
        """What the organization is called in the log of `period`."""
        if period not in self._names:
            self._names[period] = pseudonym(self._secret, period)
        return self._names[period]

    def add(self, period: str, index: int, entry: bytes) -> None:
        """Look at one entry of the log."""
        self._sizes[period] = index + 1
        name = self.pseudonym(period)
        # Most entries are of others and need not be parsed.
        if name.encode() not in entry:
            return
        try:
            told = msgspec.json.decode(entry, type=dict[str, Any])
        except msgspec.DecodeError:
            return
        if told.get("kind") == CALL and told.get("organization") == name:
            self._calls[period, index] = OwnCall(period, index, told, entry)

    def gaps(self) -> dict[str, list[tuple[int, int]]]:
        """By period, the first and last of the numbers that do not stand exactly once. Empty when all is well."""
        found: dict[str, list[tuple[int, int]]] = {}
        for period in dict.fromkeys(call.period for call in self.calls):
            times = Counter(call.sequence for call in self.calls if call.period == period)
            wrong: list[tuple[int, int]] = []
            for before, number in pairwise([0, *sorted(times)]):
                if number > before + 1:
                    wrong.append((before + 1, number - 1))
                if number < 1 or times[number] > 1:
                    wrong.append((number, number))
            if wrong:
                found[period] = wrong
        return found

    def compare(self, folder: Path, keys: Keys) -> Iterator[Complaint]:
        """What clients kept in `folder` and the log does not bear out. `keys` are the log's."""
        for file in sorted(folder.glob(RECEIPTS)):
            if wrong := self._wrong_receipt(file.read_bytes(), keys):
                yield Complaint(file.name, wrong)
        path = folder / CALLS_FILE
        lines = path.read_bytes().splitlines() if path.exists() else []
        for number, line in enumerate(lines, 1):
            if wrong := self._wrong_line(line):
                yield Complaint(f"{CALLS_FILE}, line {number}", wrong)

    def _wrong_receipt(self, data: bytes, keys: Keys) -> str | None:
        try:
            origin = Checkpoint.parse(Note.parse(Receipt.parse(data).note).text).origin
            receipt, _ = verify_receipt(data, keys[origin], origin)
        except KeyError as error:
            return f"is of another log: {error}"
        except (ProofError, NoteError) as error:
            return f"proves nothing: {error}"
        period = origin.rpartition("/")[2]
        own = self._calls.get((period, receipt.index))
        if own is not None and own.entry == receipt.entry:
            return None
        # The receipt and the log are both signed, and contradict each other: whoever holds both can show it.
        return self._absence(period, receipt.index)

    def _wrong_line(self, line: bytes) -> str | None:
        try:
            kept = msgspec.json.decode(line, type=_Line)
            period, _, number = kept.entry.partition("/")
            index = int(number)
        except ValueError as error:
            return f"cannot be read: {error}"
        own = self._calls.get((period, index))
        if own is None:
            return self._absence(period, index)
        if own.sequence != kept.sequence:
            return f"is call {kept.sequence}, which the log numbers {own.sequence}"
        return None

    def _absence(self, period: str, index: int) -> str:
        size = self._sizes.get(period, 0)
        if index >= size:
            return f"is missing: the log has {size} entries in {period}, and none at {index}"
        return f"differs: the log has another entry at {period}/{index}"
