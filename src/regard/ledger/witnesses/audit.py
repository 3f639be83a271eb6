"""Auditing one log from nothing but its public key: every entry is hashed and every tile rebuilt. Shards:
:mod:`.series`; for whom a model fails: :mod:`regard.evaluation.bias.audit`.

What an audit keeps for the next one is the checkpoint that it verified. The next one proves that the log
still begins with it, and reads only what is new. A checkpoint that somebody else was shown will do as well.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

from regard.fetching import TooLong, Unfetched, fetched
from regard.ledger.log.public import CHECKPOINT
from regard.ledger.tree.checkpoints import Checkpoint, open_checkpoint
from regard.ledger.tree.notes import NoteError, Verifier
from regard.ledger.tree.tiles import (
    ENTRIES,
    MOST_ENTRY_BYTES,
    WIDTH,
    Fetch,
    Tile,
    TileError,
    Tree,
    read_bundle,
    read_tile,
)

# For each file, from its first byte to its last: a bundle of the longest entries takes so long at 2 Mbit/s.
_SECONDS = 60.0
# A full bundle of the longest entries; of all other files, checkpoints with their cosignatures are the longest.
_MOST_BUNDLE_BYTES = WIDTH * (2 + MOST_ENTRY_BYTES)
_MOST_BYTES = 1 << 16
_GONE = (403, 404, 410)


class AuditError(ValueError):
    """The log is not what its key signed, or not what it was; the kind says which."""


class Forged(AuditError):
    """The checkpoint is not signed by the log's key: its size, its root or its name was edited."""


class Rollback(AuditError):
    """The log is shorter than it was."""


class SplitView(AuditError):
    """The log signed two roots for one size: two histories are being shown."""


class Rewritten(AuditError):
    """The log is longer, and no longer begins with what it was."""


class Damaged(AuditError):
    """A tile or an entry was changed: it does not hash to what is above it."""


class WrongRoot(AuditError):
    """Entries and tiles agree, and are not those of the size and the root that the log signed."""


class Missing(AuditError):
    """A file that the signed size promises is not there."""


@dataclass(frozen=True, slots=True)
class Audit:
    """What was verified. Keep `note` for the next audit; `new` entries were read in this one."""

    note: bytes
    checkpoint: Checkpoint
    new: int


def from_folder(folder: Path) -> Fetch:
    """Read a log from a copy of its public folder."""
    return lambda path: (folder / path).read_bytes()


def from_url(address: str) -> Fetch:
    """Read a log from its http or https address. What the server does not have raises FileNotFoundError.

    Whoever runs the server may mean no good: each file has its most bytes and its time (:mod:`regard.fetching`), and
    the server leads to no other. What is longer than any file of a log raises TileError.
    """
    if not address.startswith(("http://", "https://")):
        raise ValueError(f"the address of a log begins with https:// or http://, not {address[:40]!r}")

    def fetch(path: str) -> bytes:
        most = _MOST_BUNDLE_BYTES if "tile/entries/" in path else _MOST_BYTES
        try:
            status, data = fetched(f"{address.rstrip('/')}/{path}", most=most, seconds=_SECONDS)
        except TooLong:
            raise TileError(f"{path} is longer than the {most:,} bytes that such a file of a log has") from None
        if status in _GONE:
            raise FileNotFoundError(f"{path}: {status}")
        if status != 200:
            raise Unfetched(f"{address} answers {status} for {path}")
        return data

    return fetch


def _silent(*_: object) -> None:
    pass


def audit(
    fetch: Fetch,
    log: Sequence[Verifier],
    origin: str | None = None,
    *,
    before: bytes | None = None,
    progress: Callable[[int, int], None] = _silent,
    entry: Callable[[int, bytes], None] = _silent,
) -> Audit:
    """Verify the log that `fetch` reads, from the checkpoint `before` on.

    `progress` is told how many of how many new entries are verified, after each bundle; `entry` is given each
    entry, which is proved only when the audit returns. Raises AuditError, OSError when reading fails, and
    NoteError when `before` itself is not signed by the log.
    """
    old = None if before is None else open_checkpoint(before, log, origin)
    try:
        note = fetch(CHECKPOINT)
        now = open_checkpoint(note, log, origin)
        start = _Start(Tree(), 0) if old is None else _continue(old, now, fetch)
        _grow(start, now.size, fetch, progress, entry)
    except NoteError as error:
        raise Forged(str(error)) from None
    except TileError as error:
        raise Damaged(str(error)) from None
    except FileNotFoundError as error:
        raise Missing(f"the checkpoint promises what is not there: {error}") from None
    if start.tree.root != now.root:
        raise WrongRoot(f"the entries of {now.origin} do not have the root that is signed at {now.size}")
    return Audit(note, now, now.size - start.size)


@dataclass(frozen=True, slots=True)
class _Start:
    tree: Tree
    size: int


def _continue(old: Checkpoint, now: Checkpoint, fetch: Fetch) -> _Start:
    if now.origin != old.origin:
        raise Forged(f"this is the checkpoint of {now.origin}, not of {old.origin}")
    if now.size < old.size:
        raise Rollback(f"{now.origin} had {old.size} entries and has {now.size}")
    if now.size == old.size and now.root != old.root:
        raise SplitView(f"{now.origin} signed two roots for its {now.size} entries")
    # A changed tile breaks both trees, a rewritten history only the older one.
    if Tree.load(now.size, fetch).root != now.root:
        raise Damaged(f"the tiles of {now.origin} do not have the root that is signed at {now.size}")
    try:
        tree = Tree.load(old.size, fetch, now.size)
    except TileError:
        raise Damaged(f"the entries of {now.origin} before {old.size} do not hash to their tiles") from None
    if tree.root != old.root:
        raise Rewritten(f"{now.origin} no longer begins with the {old.size} entries that it had")
    return _Start(tree, old.size)


def _grow(
    start: _Start,
    size: int,
    fetch: Fetch,
    progress: Callable[[int, int], None],
    entry: Callable[[int, bytes], None],
) -> None:
    tree = start.tree
    while tree.size < size:
        source = Tile(ENTRIES, tree.size // WIDTH).within(size)
        filled: list[tuple[Tile, bytes]] = []
        for data in read_bundle(source, fetch)[tree.size % WIDTH :]:
            entry(tree.size, data)
            filled += tree.add(data)
        _compare(filled, source, fetch)
        progress(tree.size - start.size, size - start.size)
    _compare(tree.begun(), Tile(ENTRIES, size // WIDTH).within(size), fetch)


def _compare(rebuilt: Sequence[tuple[Tile, bytes]], source: Tile, fetch: Fetch) -> None:
    for tile, data in rebuilt:
        if tile.level != ENTRIES and read_tile(tile, fetch) != data:
            raise Damaged(f"{tile.path} is not what the entries up to {source.path} hash to")
