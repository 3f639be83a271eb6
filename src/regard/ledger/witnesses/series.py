"""Auditing a log in shards from nothing but its public key: every shard (:mod:`.audit`), and the links between them.

A key that is named after the log (`log.example`) is also that of its shards (`log.example/2026-11`), and a key of one
shard is the log's: who knows one key can check every period that it signed. After a key was replaced, give both.

What an audit keeps for the next one are the checkpoints that it verified, one a shard.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass

from regard.ledger.log.public import CHECKPOINT
from regard.ledger.log.served import COSIGNED, PERIODS, is_period
from regard.ledger.log.shards import ShardError, verify_link
from regard.ledger.tree.checkpoints import Checkpoint
from regard.ledger.tree.merkle import ProofError, inclusion_proof, leaf_hash, verify_inclusion
from regard.ledger.tree.notes import KeyFormatError, NoteError, Verifier, open_note
from regard.ledger.tree.tiles import ENTRIES, Fetch, Tile, TileError, TileNodes, read_bundle
from regard.ledger.witnesses.audit import Audit, AuditError, Damaged, Forged, Missing, audit


class Unlinked(AuditError):
    """A shard does not begin with the last checkpoint of the one before it."""


class Unwitnessed(AuditError):
    """Fewer witnesses cosigned a shard than must have."""


class Broken(AuditError):
    """A shard failed its audit. `cause` says how; `evidence` are the checkpoints that were seen, as signed."""

    def __init__(self, period: str, cause: AuditError, evidence: Sequence[bytes]) -> None:
        super().__init__(f"{period}: {cause}")
        self.period = period
        self.cause = cause
        self.evidence = evidence

    @property
    def kind(self) -> str:
        """The name of the cause, in lower case: `rollback`, `split-view`, `rewritten`, `damaged` and so on."""
        return re.sub(r"(?<!^)(?=[A-Z])", "-", type(self.cause).__name__).lower()


@dataclass(frozen=True, slots=True)
class Quorum:
    """At least `least` of `witnesses` must have cosigned."""

    witnesses: Sequence[Verifier] = ()
    least: int = 0

    def met(self, note: bytes) -> bool:
        """Whether enough of them signed this note."""
        try:
            return len(open_note(note, self.witnesses).signatures) >= self.least
        except NoteError:
            return not self.least


NOBODY = Quorum()


def log_name(name: str) -> str:
    """The name of the log that a key or an origin of this name belongs to."""
    head, _, last = name.rpartition("/")
    return head if is_period(last) else name


class Keys(Mapping[str, Sequence[Verifier]]):
    """The keys of each shard by its origin, from keys that are named after the log or one of its shards."""

    def __init__(self, known: Sequence[Verifier]) -> None:
        self._known = known

    def __getitem__(self, origin: str) -> Sequence[Verifier]:
        name = log_name(origin)
        publics = dict.fromkeys(key.public for key in self._known if log_name(key.name) == name)
        if not publics:
            raise KeyError(origin)
        return [Verifier(origin, public) for public in publics]

    def __iter__(self) -> Iterator[str]:
        return iter(dict.fromkeys(log_name(key.name) for key in self._known))

    def __len__(self) -> int:
        return len(list(iter(self)))


def _silent(*_: object) -> None:
    pass


def audit_series(
    fetch: Fetch,
    known: Sequence[Verifier],
    before: Mapping[str, bytes],
    *,
    quorum: Quorum = NOBODY,
    progress: Callable[[str, int, int], None] = _silent,
    entry: Callable[[str, int, bytes], None] = _silent,
) -> dict[str, Audit]:
    """Verify every shard that `fetch` lists, from the checkpoints `before` on; what was verified, by period.

    `progress` and `entry` are told the period, and then what `audit` tells them. Raises Broken, OSError when
    reading fails, KeyFormatError when the keys are not those of one log, and NoteError when `before` is not theirs.
    """
    keys = Keys(known)
    if len(keys) != 1:
        raise KeyFormatError(f"these are keys of {len(keys)} logs, not of one: {', '.join(keys)}")
    (name,) = keys
    periods = periods_of(fetch)
    for gone in sorted(before.keys() - set(periods)):
        raise Broken(gone, Missing("the shard was there and is not listed any more"), [before[gone]])
    if not periods:
        raise FileNotFoundError(f"{name} lists no period: there is nothing to verify")
    found: dict[str, Audit] = {}
    previous: tuple[Checkpoint | None, Sequence[Verifier]] = (None, ())
    for period in periods:
        origin = f"{name}/{period}"
        reader = _Reader(fetch, period)
        try:
            found[period] = _audit_shard(reader, keys[origin], origin, before.get(period), quorum, progress, entry)
            _require_link(reader, found[period].checkpoint, *previous, last=period == periods[-1])
        except AuditError as error:
            seen = [note for note in (before.get(period), reader.newest) if note is not None]
            raise Broken(period, error, seen) from None
        previous = found[period].checkpoint, keys[origin]
    return found


def periods_of(fetch: Fetch) -> list[str]:
    """The periods that a log says it has, oldest first. Raises FileNotFoundError and ValueError."""
    try:
        listed = json.loads(fetch(PERIODS))
    except (ValueError, RecursionError):
        listed = None
    if not isinstance(listed, list) or not all(isinstance(each, str) and is_period(each) for each in listed):
        raise ValueError(f"{PERIODS} is no list of periods")
    return sorted(set(listed))


class _Reader:
    """Reads one shard, and remembers the checkpoint that it was shown."""

    def __init__(self, fetch: Fetch, period: str) -> None:
        self._fetch = fetch
        self.period = period
        self.newest: bytes | None = None

    def __call__(self, path: str) -> bytes:
        data = self._fetch(f"{self.period}/{path}")
        if path == CHECKPOINT:
            self.newest = data
        return data


def _audit_shard(
    reader: _Reader,
    log: Sequence[Verifier],
    origin: str,
    before: bytes | None,
    quorum: Quorum,
    progress: Callable[[str, int, int], None],
    entry: Callable[[str, int, bytes], None],
) -> Audit:
    cosigned = _cosigned(reader, quorum) if quorum.least else None
    found = audit(
        reader,
        log,
        origin,
        before=before,
        progress=lambda done, total: progress(reader.period, done, total),
        entry=lambda index, data: entry(reader.period, index, data),
    )
    if cosigned is not None:
        # What the witnesses saw must be the beginning of what we are shown.
        try:
            audit(reader, log, origin, before=cosigned)
        except NoteError as error:
            raise Forged(f"what was cosigned: {error}") from None
    return found


def _cosigned(reader: _Reader, quorum: Quorum) -> bytes:
    for name in (CHECKPOINT, COSIGNED):
        try:
            note = reader(name)
        except FileNotFoundError:
            continue
        if quorum.met(note):
            return note
    raise Unwitnessed(f"no checkpoint has cosignatures of {quorum.least} of the {len(quorum.witnesses)} witnesses")


def _require_link(
    reader: _Reader, now: Checkpoint, previous: Checkpoint | None, keys: Sequence[Verifier], *, last: bool
) -> None:
    if now.size == 0 and last:
        # A shard is published a moment before its first entry is.
        return
    try:
        first = read_bundle(Tile(ENTRIES, 0).within(now.size), reader)[0]
        proof = inclusion_proof(0, now.size, TileNodes(now.size, reader))
        verify_inclusion(leaf_hash(first), 0, now.size, proof, now.root)
        verify_link(first, previous, keys)
    except ShardError as error:
        raise Unlinked(str(error)) from None
    except FileNotFoundError as error:
        raise Missing(f"the first entry is not there: {error}") from None
    except (TileError, ProofError, ValueError) as error:
        raise Damaged(f"the first entry is not the one that was signed: {error}") from None
