"""One log: entries in, indexes out, once they are durable and under a signed checkpoint. A log a period is in
:mod:`.shards`.

One thread at a time has the turn, and with it the disk. It takes all that waits as one group, adds the entries to
the tree, signs the new root and appends both to the journal with a single sync: that is when `append` returns. Whoever
waits takes the turn if nobody has it, so that where few wait no other thread has to be woken first. What comes while
somebody has it, the log's own thread commits, all at once. Tiles and the public checkpoint follow within
`publish_every` seconds, every file whole and synced before the checkpoint over it.

Below the log's folder, `public` is what outsiders read, `journal` is the write-ahead.
"""

from __future__ import annotations

import threading
import time
from collections import deque
from collections.abc import Iterable, Sequence
from concurrent.futures import Future
from dataclasses import dataclass, field
from itertools import pairwise
from pathlib import Path

from regard.ledger.log.disk import Disk, HeldElsewhere, WrittenTwice
from regard.ledger.log.journal import Journal, JournalDamaged, Record
from regard.ledger.log.public import CHECKPOINT, Head, Public
from regard.ledger.tree.checkpoints import Checkpoint, open_checkpoint
from regard.ledger.tree.notes import Note, NoteError, Signer, Verifier, sign_note
from regard.ledger.tree.proof import verify_receipt
from regard.ledger.tree.tiles import MOST_ENTRY_BYTES, Tile, TileError, Tree

_MOST_GROUP = 4096
_MOST_JOURNAL_BYTES = 4 << 20


class LogUnavailable(RuntimeError):
    """The log cannot promise that an entry is kept; the text says why. Nobody may be answered without it."""


class LogHeld(LogUnavailable):
    """Another process has the log open, and is the one that writes."""


class LogDamaged(RuntimeError):
    """What is on disk contradicts what was signed; the text says where. The log signs nothing more."""


class Pending(Future[range]):
    """Entries on their way to the disk, and their indexes once they are kept.

    Who asks for the result takes the turn if nobody has it. With a `timeout` it only waits: no turn is left halfway.
    """

    def __init__(self, log: Log, entries: Sequence[bytes], *, publish: bool = False) -> None:
        super().__init__()
        self.log = log
        self.entries = entries
        self.publish = publish

    def result(self, timeout: float | None = None) -> range:
        """The indexes of the entries, once they are kept. Raises LogUnavailable."""
        if timeout is None and not self.done():
            self.log.take_turn()
        return super().result(timeout)


@dataclass(slots=True)
class _State:
    """The log as it was last made durable. After a failed write it is thrown away and read again."""

    tree: Tree
    journal: Journal
    signed: Checkpoint
    note: bytes
    filled: list[tuple[Tile, bytes]] = field(default_factory=list)

    def add(self, entries: Iterable[bytes]) -> None:
        for entry in entries:
            self.filled += self.tree.add(entry)


class Log:
    """A log in a folder of its own, which one process at a time may hold.

    Long, but one thing, the turn: what waits, is committed and published is one state, read anew when any of it fails.

    All `signers` sign every checkpoint, under one name that is the log's origin: two while a key is being
    replaced, else one. `retired` keys signed before; what they signed is believed and built upon.
    """

    def __init__(
        self,
        folder: Path,
        signers: Sequence[Signer],
        *,
        retired: Sequence[Verifier] = (),
        publish_every: float = 1.0,
        disk: Disk | None = None,
    ) -> None:
        """Open the log, or begin it. Raises LogUnavailable and LogDamaged."""
        names = {signer.name for signer in signers}
        if len(names) != 1:
            raise ValueError(f"the signers of a log have one name, not {sorted(names)}")
        self.origin = signers[0].name
        self.verifiers = (*(signer.verifier for signer in signers), *retired)
        self._signers = signers
        self._publish_every = publish_every
        self._folder = folder
        self._disk = disk or Disk()
        self._public = Public(folder / "public", self._disk)
        self._queue: deque[Pending] = deque()
        self._wake = threading.Condition()
        self._turn = threading.Lock()
        self._closing = False
        self._trouble: str | None = None
        self.lost = False
        try:
            self._release = self._disk.hold(folder)
        except OSError as error:
            raise _unavailable(error) from error
        try:
            self._state: _State | None = self._recover()
        except BaseException as error:
            self._release()
            if isinstance(error, OSError):
                raise _unavailable(error) from error
            raise
        self._thread = threading.Thread(target=self._work, name="log", daemon=True)
        self._thread.start()

    @property
    def trouble(self) -> str | None:
        """Why nothing could be appended when it was last tried, or None."""
        return self._trouble

    @property
    def published(self) -> Head:
        """The public state, behind `append` by at most `publish_every` seconds while the log works."""
        head = self._public.head
        assert head is not None, "an open log is published"
        return head

    def append(self, entry: bytes) -> int:
        """Add one entry of at most 65,535 bytes; its index, once it is kept. Raises LogUnavailable.

        An entry may be kept although its `append` failed; it is never lost once `append` returned.
        """
        return self.submit([entry]).result()[0]

    def submit(self, entries: Sequence[bytes]) -> Pending:
        """Add entries together, all or none, without waiting: a future of their indexes.

        Raises ValueError for an entry that is too long, and LogUnavailable when the log is closed.
        """
        for entry in entries:
            if len(entry) > MOST_ENTRY_BYTES:
                raise ValueError(f"an entry of {len(entry)} bytes is longer than {MOST_ENTRY_BYTES}")
        return self._put(Pending(self, tuple(entries)))

    def take_turn(self) -> None:
        """Commit what waits, if nobody does so now. What comes meanwhile is left to the log's own thread."""
        if self._turn.acquire(blocking=False):
            try:
                self._commit_some()
            finally:
                self._turn.release()
        if self._queue:
            with self._wake:
                self._wake.notify()

    def check(self) -> None:
        """Get the log to work again, if it does not and if it can. Raises LogUnavailable."""
        self.submit([]).result()

    def publish(self) -> Head:
        """Make public all that was appended before. Raises LogUnavailable."""
        self._put(Pending(self, (), publish=True)).result()
        return self.published

    def entry(self, index: int) -> bytes:
        """The entry at `index`. Raises IndexError, and LogUnavailable."""
        return self._public.entry(index, self._covering(index))

    def receipt(self, index: int) -> bytes:
        """The `.tlog-proof` of the entry at `index`. Raises IndexError, LogUnavailable and LogDamaged."""
        try:
            data = self._public.receipt(index, self._covering(index)).encode()
            verify_receipt(data, self.verifiers, self.origin)
        except (ValueError, FileNotFoundError) as error:
            raise LogDamaged(f"{self._public.folder} does not prove entry {index}: {error}") from error
        return data

    def fetch(self, path: str) -> bytes:
        """The bytes of a public file: `checkpoint`, `tile/…`. Raises FileNotFoundError."""
        return self._public.fetch(path)

    def cosign(self, signatures: bytes, witnesses: Sequence[Verifier]) -> int:
        """Put what a witness answered under the public checkpoint; how many of `witnesses` have signed it.

        Raises NoteError when the signatures are not on the checkpoint that is public now.
        """
        return self._public.cosign(signatures, self.verifiers, witnesses)

    def replace(self, path: Path, data: bytes) -> None:
        """Make or replace a file beside those of the log, as the one who writes. Raises OSError."""
        self._disk.replace(path, data)

    def close(self) -> None:
        """Publish what is left and let go of the folder."""
        with self._wake:
            if self._closing:
                return
            self._closing = True
            self._wake.notify()
        self._thread.join()
        self._release()

    def __enter__(self) -> Log:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def _put(self, pending: Pending) -> Pending:
        with self._wake:
            if self._closing:
                raise LogUnavailable("the log is closed")
            self._queue.append(pending)
        return pending

    def _covering(self, index: int) -> Head:
        head = self.published
        if index >= head.checkpoint.size:
            head = self.publish()
        if not 0 <= index < head.checkpoint.size:
            raise IndexError(f"there is no entry {index} in a log of {head.checkpoint.size}")
        return head

    def _work(self) -> None:
        """Publish in time, and commit what is left to this thread."""
        due, closing = time.monotonic() + self._publish_every, False
        while not closing:
            with self._wake:
                if not self._queue and not self._closing:
                    self._wake.wait(max(0.0, due - time.monotonic()))
                closing = self._closing
            with self._turn:
                self._commit_some()
                if closing or time.monotonic() >= due:
                    due = time.monotonic() + self._publish_every
                    self._settle(closing)

    # From here on, all is done by the thread that has the turn.

    def _commit_some(self) -> None:
        if group := self._take():
            self._try(group)

    def _settle(self, closing: bool) -> None:
        """Publish what was committed; at the end all of it."""
        while closing and self._queue:
            self._commit_some()
        if self._state is not None:
            self._try([Pending(self, (), publish=True)])
        if closing and self._state is not None:
            self._state.journal.close()

    def _take(self) -> list[Pending]:
        with self._wake:
            group: list[Pending] = []
            entries = 0
            while self._queue and (not group or entries + len(self._queue[0].entries) <= _MOST_GROUP):
                pending = self._queue.popleft()
                # A caller that went away is not waited for; from here on it cannot go.
                if pending.set_running_or_notify_cancel():
                    group.append(pending)
                    entries += len(pending.entries)
            return group

    def _try(self, group: list[Pending]) -> None:
        # Whatever goes wrong, nobody waits for ever, and nothing is built on a state that is in doubt.
        try:
            if self.lost:
                raise HeldElsewhere("the log was lost to another process")
            self._state = self._state or self._recover()
            indexes = self._commit(self._state, [pending.entries for pending in group])
        except Exception as error:
            self._fail(group, error)
            return
        self._trouble = None
        asked = [pending for pending in group if pending.publish]
        for pending, index in zip(group, indexes, strict=True):
            if not pending.publish:
                pending.set_result(index)
        try:
            if asked:
                self._publish(self._state)
        except Exception as error:
            self._fail(asked, error)
            return
        for pending in asked:
            pending.set_result(range(0))

    def _fail(self, group: list[Pending], error: Exception) -> None:
        if self._state is not None:
            self._state.journal.close()
        # What reached the disk is in doubt now: the next attempt reads it again.
        self._state = None
        self._trouble = _remedy(error)
        # Who lost the folder never writes again: what others wrote since is not known here.
        self.lost = self.lost or isinstance(error, HeldElsewhere)
        for pending in group:
            pending.set_exception(_unavailable(error))

    def _commit(self, state: _State, group: Sequence[Sequence[bytes]]) -> list[range]:
        tree = state.tree
        if (tree.size, tree.root) != (state.signed.size, state.signed.root):
            raise LogDamaged(f"the tree in memory is not the one that was signed at size {state.signed.size}")
        ends = [tree.size]
        for entries in group:
            state.add(entries)
            ends.append(tree.size)
        if tree.size > state.signed.size:
            signed = Checkpoint(self.origin, tree.size, tree.root)
            note = sign_note(signed.text, self._signers)
            state.journal.append(Record([entry for entries in group for entry in entries], note))
            state.signed, state.note = signed, note
        return [range(start, end) for start, end in pairwise(ends)]

    def _publish(self, state: _State) -> None:
        if self._is_behind(state):
            self._public.write(state.note, state.signed, state.filled, state.tree.begun())
            state.filled = []
        if state.journal.bytes > _MOST_JOURNAL_BYTES:
            self._begin_journal(state)

    def _is_behind(self, state: _State) -> bool:
        head = self._public.head
        if head is None or head.checkpoint.size < state.signed.size:
            return True
        # A new key signs what was signed before it came.
        signatures = Note.parse(head.note).signatures
        return not all(any(map(signer.verifier.signed, signatures)) for signer in self._signers)

    def _begin_journal(self, state: _State) -> None:
        state.journal.begin(state.note)
        state.journal.forget()

    def _recover(self) -> _State:
        """What is on disk, replayed, published and begun anew: the same, however often it is cut short."""
        folder = self._folder / "journal"
        self._disk.settle(self._disk.folder(self._public.folder) | self._disk.folder(folder))
        journal = Journal(folder, self._disk)
        try:
            state = self._load(journal)
            self._replay(state)
            state.note = sign_note(state.signed.text, self._signers)
            self._publish(state)
        except (NoteError, TileError, JournalDamaged, WrittenTwice, FileNotFoundError) as error:
            raise LogDamaged(f"{self._folder}: {error}") from error
        self._begin_journal(state)
        return state

    def _load(self, journal: Journal) -> _State:
        try:
            note = self._public.fetch(CHECKPOINT)
        except FileNotFoundError:
            tree = Tree()
            return _State(tree, journal, Checkpoint(self.origin, 0, tree.root), b"")
        signed = open_checkpoint(note, self.verifiers, self.origin)
        tree = Tree.load(signed.size, self._public.fetch)
        if tree.root != signed.root:
            raise LogDamaged(f"{self._public.folder} is not the tree that its checkpoint signs")
        self._public.set_head(note, signed)
        return _State(tree, journal, signed, note)

    def _replay(self, state: _State) -> None:
        records = list(state.journal.records())
        if state.tree.size and not records:
            raise LogDamaged(f"the journal of {self._folder} is gone, and with it what was not public yet")
        for record in records:
            signed = open_checkpoint(record.note, self.verifiers, self.origin)
            if signed.size > state.tree.size:
                if signed.size - len(record.entries) != state.tree.size:
                    raise LogDamaged(f"{self._public.folder} is older than what was signed at {signed.size}")
                state.add(record.entries)
                state.signed = signed
            if signed.size == state.tree.size and signed.root != state.tree.root:
                raise LogDamaged(f"{self._folder} holds other entries than were signed at {signed.size}")


def _unavailable(error: Exception) -> LogUnavailable:
    return LogHeld(str(error)) if isinstance(error, HeldElsewhere) else LogUnavailable(_remedy(error))


def _remedy(error: Exception) -> str:
    if isinstance(error, LogDamaged):
        return f"the log is stopped: {error}. Restore its folder from a copy, journal and public part together."
    return f"the log cannot be written: {error}. Free or repair the disk; every call tries again."
