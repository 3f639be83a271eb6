"""Collecting cosignatures: our log asks its witnesses (:mod:`.witness`) in the background, as it grows, until k of n
have signed.

A checkpoint that enough have cosigned is kept beside the newest one, under a name of its own: witnesses answer more
slowly than a busy log grows. Nobody waits for a witness, and a witness that is away stops nothing; that so many
contradict the log that no quorum is left is `trouble`.
"""

from __future__ import annotations

import logging
import queue
import threading
import time
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace

from regard.fetching import fetched
from regard.ledger.log.disk import Disk
from regard.ledger.log.log import LogDamaged, LogHeld, LogUnavailable
from regard.ledger.log.public import Head
from regard.ledger.log.served import COSIGNED, Served
from regard.ledger.log.shards import Shards
from regard.ledger.log.shared_disk import HoldersDisk
from regard.ledger.tree.notes import Kind, Note, NoteError, Signature, Verifier, open_note
from regard.ledger.witnesses.witness import Answer, Contradicted, WitnessError, collect
from regard.settings import SettingError, Settings

_MOST_ANSWER_BYTES = 1 << 16
_ANSWER_SECONDS = 10.0
# A round ends when all have answered, or, with a quorum, when the others had this long.
_PATIENCE_SECONDS = 5.0
_GRACE_SECONDS = 0.5
_LONGEST_PAUSE_SECONDS = 300.0

_log = logging.getLogger(__name__)

_Answers = queue.SimpleQueue[tuple[str, Signature | None] | None]
"""Who answered and what; None ends the wait for others."""

Stamp = Callable[[str, bytes], object]
"""Puts signature lines under the public checkpoint of a period, when it is still the one that was signed."""


@dataclass(frozen=True, slots=True)
class Asked:
    """A witness to ask: its key, and how to post to its `add-checkpoint`."""

    verifier: Verifier
    send: Callable[[bytes], Answer]

    @classmethod
    def parse(cls, text: str) -> Asked:
        """Read `KEY ADDRESS`, as one of the witnesses in the settings. Raises NoteError."""
        key, _, address = text.strip().partition(" ")
        verifier = Verifier.parse(key)
        if verifier.kind is not Kind.COSIGNATURE:
            raise NoteError(f"{verifier.name} has a key that signs notes, not one of a witness, for cosignatures")
        if not address.strip().startswith(("http://", "https://")):
            raise NoteError(f"the witness {verifier.name} has no address: write KEY https://…")
        return cls(verifier, posting(address.strip()))


def posting(address: str) -> Callable[[bytes], Answer]:
    """Posts to the witness at an http or https address, which leads nowhere else. What it raises is an OSError."""

    def send(body: bytes) -> Answer:
        where = f"{address.rstrip('/')}/add-checkpoint"
        return fetched(where, body, most=_MOST_ANSWER_BYTES, seconds=_ANSWER_SECONDS)

    return send


@dataclass(frozen=True, slots=True)
class Standing:
    """How a witness stands to the log: the size that it cosigned last, and why it did not cosign since."""

    key: Verifier
    period: str = ""
    size: int = 0
    trouble: str | None = None
    contradicts: bool = False


class Collector:
    """Asks `witnesses` to cosign the log whose public files are `served`; `least` of them are a quorum.

    With a quorum of 0 cosignatures are collected, and none is missed.
    """

    def __init__(
        self,
        served: Served,
        witnesses: Sequence[Asked],
        least: int,
        *,
        stamp: Stamp = lambda _period, _line: None,
        every: float = 1.0,
        disk: Disk | None = None,
    ) -> None:
        if not 0 <= least <= len(witnesses):
            raise ValueError(f"{least} of {len(witnesses)} witnesses can never sign: lower the quorum or name more")
        self._served = served
        self._desks = [_Desk(asked, every) for asked in witnesses]
        self._least = least
        self._stamp = stamp
        self._every = every
        self._disk = disk or Disk()
        self._settled: set[str] = set()
        self._gathered: dict[str, tuple[str, dict[str, Signature]]] = {}
        self._behind_since: float | None = None
        self._answers: _Answers = queue.SimpleQueue()
        self._closing = threading.Event()
        self._watch: threading.Thread | None = None

    @property
    def trouble(self) -> str | None:
        """What so many witnesses hold against the log that the others are no quorum, or None.

        That witnesses are away is no trouble of the log's, and one that lies makes none.
        """
        against = [each for each in self.standings() if each.contradicts]
        if len(self._desks) - len(against) >= self._least:
            return None
        return "; ".join(f"{each.key.name} contradicts the log: {each.trouble}" for each in against)

    @property
    def least(self) -> int:
        """How many witnesses are a quorum."""
        return self._least

    @property
    def unwitnessed_seconds(self) -> float:
        """For how long the newest entries have waited for a quorum; 0 when they have one."""
        return 0.0 if self._behind_since is None else time.monotonic() - self._behind_since

    def standings(self) -> list[Standing]:
        """How each witness stands to the log."""
        return [desk.standing for desk in self._desks]

    def start(self) -> None:
        """Ask from now on, after each publication."""
        if not self._desks:
            return
        self._watch = threading.Thread(target=self._work, name="cosigning", daemon=True)
        self._watch.start()

    def close(self) -> None:
        """Ask no more. An answer that is under way is not waited for."""
        self._closing.set()
        self._answers.put(None)
        if self._watch is not None:
            self._watch.join()

    def round(self) -> None:
        """Ask once for all that is not cosigned yet. Raises OSError when the log's files cannot be read or written."""
        periods = self._served.periods()
        for period in periods:
            if period in self._settled:
                continue
            enough = self._ask(period)
            if period != periods[-1]:
                # A closed shard does not grow any more.
                self._settled |= {period} if enough else set()
            elif enough:
                self._behind_since = None
            elif self._behind_since is None:
                self._behind_since = time.monotonic()

    def _work(self) -> None:
        while not self._closing.wait(self._every):
            try:
                self.round()
            except Exception:
                # The next round tries again; meanwhile the metrics say for how long nothing was cosigned.
                _log.exception("cosignatures could not be collected")

    def _ask(self, period: str) -> bool:
        head = self._served.head(period, self._served.note(period))
        signed = self._signed(period, head.checkpoint.text)
        answers: _Answers = queue.SimpleQueue()
        self._answers = answers
        asked = 0
        for desk in self._desks:
            if desk.asked.verifier.name not in signed and desk.is_free:
                desk.send(period, head, answers)
                asked += 1
        begun = time.monotonic()
        for _ in range(asked):
            patience = _GRACE_SECONDS if 0 < self._least <= len(signed) else _PATIENCE_SECONDS
            try:
                answer = answers.get(timeout=max(0.0, begun + patience - time.monotonic()))
            except queue.Empty:
                break
            if answer is None:
                break
            name, signature = answer
            if signature is not None:
                signed[name] = signature
                self._keep(period, head, signed)
        return len(signed) >= self._least

    def _signed(self, period: str, text: str) -> dict[str, Signature]:
        """The cosignatures by witness that we have on this very checkpoint; what is added to them stays."""
        if self._gathered.get(period, ("",))[0] != text:
            self._gathered[period] = text, self._on_disk(period, text)
        return self._gathered[period][1]

    def _on_disk(self, period: str, text: str) -> dict[str, Signature]:
        try:
            kept = self._served.note(period, COSIGNED)
            note = open_note(kept, [desk.asked.verifier for desk in self._desks])
        except (FileNotFoundError, NoteError):
            return {}
        return {each.name: each for each in note.signatures} if note.text == text else {}

    def _keep(self, period: str, head: Head, signed: dict[str, Signature]) -> None:
        with suppress(NoteError, LogUnavailable, LogDamaged):
            # Too late when the log grew meanwhile: then the other file alone has them.
            self._stamp(period, "".join(each.line() for each in signed.values()).encode())
        if len(signed) >= self._least:
            others = [each for each in Note.parse(head.note).signatures if each.name not in signed]
            note = Note(head.checkpoint.text, (*others, *signed.values()))
            with suppress(LogHeld):
                # Of several processes that ask, the one that holds the log keeps what was answered.
                self._disk.replace(self._served.folder(period) / COSIGNED, note.encode())


def open_cosigning(settings: Settings, shards: Shards, served: Served) -> Collector:
    """What asks the witnesses of the settings to cosign the log of these shards. Raises SettingError."""
    try:
        witnesses = [Asked.parse(each) for each in settings.witnesses]

        def stamp(period: str, lines: bytes) -> None:
            current, log = shards.current()
            if current == period:
                log.cosign(lines, [witness.verifier for witness in witnesses])

        disk = HoldersDisk(shards) if settings.database_url else None
        return Collector(served, witnesses, settings.witness_quorum, stamp=stamp, disk=disk)
    except ValueError as error:
        raise SettingError(f"REGARD_WITNESSES, REGARD_WITNESS_QUORUM: {error}") from None


class _Desk:
    """What we know of one witness, and one question at a time to it."""

    def __init__(self, asked: Asked, pause: float) -> None:
        self.asked = asked
        self.standing = Standing(asked.verifier)
        self._pause = pause
        self._sizes: dict[str, int] = {}
        self._failures = 0
        self._not_before = 0.0
        self._busy = False

    @property
    def is_free(self) -> bool:
        """Whether it may be asked: not while it thinks, nor soon after it failed."""
        return not self._busy and time.monotonic() >= self._not_before

    def send(self, period: str, head: Head, answers: _Answers) -> None:
        """Ask in the background; its name and signature, or None, come into `answers`."""
        self._busy = True

        def work() -> None:
            try:
                answers.put((self.asked.verifier.name, self._ask(period, head)))
            finally:
                self._busy = False

        # A daemon: a witness that hangs does not keep the service from ending.
        threading.Thread(target=work, name=self.asked.verifier.name, daemon=True).start()

    def _ask(self, period: str, head: Head) -> Signature | None:
        size = head.checkpoint.size
        try:
            lines = collect(head.note, head.nodes, self.asked.send, self._sizes.get(period, 0))
            note = open_note(f"{head.checkpoint.text}\n".encode() + lines, [self.asked.verifier])
        except (WitnessError, OSError, ValueError) as error:
            self._failures += 1
            pause = min(self._pause * 2**self._failures, _LONGEST_PAUSE_SECONDS)
            self._not_before = time.monotonic() + pause
            contradicts = isinstance(error, Contradicted)
            if str(error) != self.standing.trouble:
                _log.warning("%s does not cosign: %s", self.asked.verifier.name, error)
            self.standing = replace(self.standing, trouble=str(error), contradicts=contradicts)
            return None
        self._failures = 0
        self._sizes[period] = size
        self.standing = Standing(self.asked.verifier, period, size)
        return note.signatures[0]
