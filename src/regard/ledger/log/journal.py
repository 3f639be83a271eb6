"""The write-ahead journal: what was acknowledged and is not in the tiles yet. One sync makes a group durable.

A record is a bundle of entries and the signed checkpoint over everything up to them. The signature stands
last: a record that was torn by a crash has none, so nothing torn was ever signed.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from regard.ledger.log.disk import Disk
from regard.ledger.tree.tiles import bundle, split_bundle

_LENGTH = 4


class JournalDamaged(ValueError):
    """The journal holds what no crash leaves behind; the text says where."""


@dataclass(frozen=True, slots=True)
class Record:
    """Entries that were committed together, and the signed checkpoint that covers them."""

    entries: Sequence[bytes]
    note: bytes

    def encode(self) -> bytes:
        """Two parts, each after its length in four bytes."""
        parts = (bundle(self.entries), self.note)
        return b"".join(len(part).to_bytes(_LENGTH) + part for part in parts)


class Journal:
    """Numbered files in a folder, the last of which grows."""

    def __init__(self, folder: Path, disk: Disk) -> None:
        self._folder = folder
        self._disk = disk
        self._file: int | None = None
        self._current: Path | None = None
        self.bytes = 0

    def records(self) -> Iterator[Record]:
        """Every whole record, oldest first. Raises JournalDamaged."""
        for path in self._segments():
            yield from _records(path, self._disk.read(path))

    def begin(self, note: bytes) -> None:
        """Start a new file with the checkpoint that all before it led to."""
        self.close()
        last = max((int(path.name) for path in self._segments()), default=0)
        self._current = self._folder / f"{last + 1:08}"
        record = Record((), note).encode()
        self._disk.replace(self._current, record)
        self._file = self._disk.open(self._current)
        self.bytes = len(record)

    def append(self, record: Record) -> None:
        """Add a record, durably. After an OSError, what is on disk is known only by reading it again."""
        if self._file is None:
            raise OSError("the journal is not open")
        data = record.encode()
        self._disk.append(self._file, data)
        self.bytes += len(data)

    def forget(self) -> None:
        """Remove the files before the current one: the tiles hold what they held."""
        for path in self._segments():
            if path != self._current:
                self._disk.remove(path)

    def close(self) -> None:
        """Close the current file."""
        if self._file is not None:
            self._disk.close(self._file)
            self._file = None

    def _segments(self) -> list[Path]:
        return [self._folder / name for name in self._disk.names(self._folder) if name.isdecimal()]


def _records(path: Path, data: bytes) -> Iterator[Record]:
    # A file that was cut ends within a record; one that grew before its data arrived ends in zeros.
    data = data.rstrip(b"\0")
    place, origin = 0, b""
    while place < len(data):
        entries, middle = _part(data, place)
        note, end = _part(data, middle)
        if end > len(data):
            # The first record comes with its file, whole.
            if not place or _holds_note(data[place:], origin):
                raise JournalDamaged(f"{path}, byte {place}: a length is wrong, and what follows was signed")
            return
        origin = note[: note.find(b"\n") + 1]
        try:
            yield Record(split_bundle(entries), note)
        except ValueError as error:
            raise JournalDamaged(f"{path}, byte {place}: {error}") from None
        place = end


def _holds_note(rest: bytes, origin: bytes) -> bool:
    """Whether a whole note of the log lies in what looks torn. A crash leaves none: the note stands last."""
    start = rest.find(origin)
    while start >= 0:
        if start >= _LENGTH and _part(rest, start - _LENGTH)[1] <= len(rest):
            return True
        start = rest.find(origin, start + 1)
    return False


def _part(data: bytes, place: int) -> tuple[bytes, int]:
    start = place + _LENGTH
    end = start + int.from_bytes(data[place:start])
    return data[start:end], max(end, start)
