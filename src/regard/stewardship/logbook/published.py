"""What was published of the log, and recorded, pinned in the database: where there is less or other, it is noticed.

Within a second or so of a publication, and at the end, the process that holds the log pins the newest checkpoint of its
period, the log's public keys, and digests of the records. A pin is a lower bound: what came after it is held against
the log alone.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import msgspec
from sqlalchemy import Connection, Engine, func, select

from regard.database import RECORDS, reading, writing
from regard.ledger.log.served import Served
from regard.ledger.tree.checkpoints import Checkpoint, open_checkpoint
from regard.ledger.tree.merkle import tree_root
from regard.ledger.tree.notes import Note, NoteError
from regard.ledger.tree.tiles import ENTRIES, WIDTH, Fetch, Tile, read_bundle, read_entries
from regard.ledger.witnesses.series import Keys
from regard.stewardship.logbook.log_keys import LogKeys
from regard.stewardship.records import tables
from regard.stewardship.records.kept_records import Digests, Growing, changed_lots
from regard.stewardship.records.pins import PinBroken, Pins

_LOG = "log"
_FOUNDED = b'"regard/founded"'


class _Pin(msgspec.Struct):
    """The public keys, the newest checkpoint by period, and the digests of the records."""

    keys: list[str]
    shards: dict[str, str]
    records: Digests = Digests()


class _Numbered(msgspec.Struct):
    """What of an entry says which record it tells of."""

    record: int = 0


class Published:
    """Pins what is published of one log, and says what of it is there no more."""

    def __init__(self, engine: Engine, pins: Pins, served: Served, keys: LogKeys, gone: Sequence[str] = ()) -> None:
        """`gone` are files of the log that were not there when it was opened, which made them anew."""
        self._engine = engine
        self._pins = pins
        self._served = served
        self._keys = keys
        self._gone = gone
        self._kept: tuple[bytes, int] | None = None
        self._growing: Growing | None = None

    def keep(self, period: str, note: bytes) -> None:
        """Pin the newest checkpoint of a period, and the records so far.

        Raises PinBroken, and RecordsChanged where the last of those that were pinned are not as they were.
        """
        with reading(self._engine) as connection:
            newest = _newest(connection)
        if self._kept == (note, newest):
            return
        with writing(self._engine, RECORDS) as connection:
            pin = self._read(connection) or _Pin(self._told_keys(), {})
            before = pin.shards.get(period)
            if before is None or _checkpoint(before.encode()).size < _checkpoint(note).size:
                pin.shards[period] = note.decode()
            # Another process may have pinned meanwhile.
            if self._growing is None or self._growing.told != pin.records:
                self._growing = Growing(connection, pin.records)
            pin.records = self._growing.grow(connection)
            self._write(connection, pin)
        self._kept = (note, newest)

    def keep_keys(self, connection: Connection) -> None:
        """Pin the log's public keys as they are now, since one of them is being replaced."""
        pin = self._read(connection)
        if pin is not None:
            pin.keys = self._told_keys()
            self._write(connection, pin)

    def keep_all(self, connection: Connection) -> None:
        """Pin what is there now, in place of all that was."""
        shards = {period: self._served.note(period).decode() for period in self._served.periods()}
        self._gone = ()
        self._write(connection, _Pin(self._told_keys(), shards, Growing(connection, Digests()).grow(connection)))

    def is_kept(self) -> bool:
        """Whether anything is pinned of the log. Raises PinBroken."""
        with reading(self._engine) as connection:
            return self._read(connection) is not None

    def less(self) -> list[str]:
        """What was published or recorded and is there no more, a line each; empty where all is. Raises PinBroken.

        Of the records the newest 2,048 to 4,095 are looked at; the others by :meth:`less_of_old`.
        """
        with reading(self._engine) as connection:
            pin = self._read(connection)
            if pin is None:
                return []
            told = [f"{file} is gone" for file in self._gone] + list(self._other_keys(pin.keys))
            for period, note in pin.shards.items():
                told += self._less(period, _checkpoint(note.encode()))
            told += changed_lots(connection, pin.records, newest=True)
            return told or self._unrecorded(connection, pin)

    def doubt(self) -> str | None:
        """Why nobody may be answered, by the older records; None where they are as they were recorded."""
        try:
            return "; ".join(self.less_of_old()) or None
        except PinBroken as error:
            return str(error)

    def less_of_old(self) -> list[str]:
        """What :meth:`less` leaves out: the older records. Takes seconds where there are a million."""
        with reading(self._engine) as connection:
            pin = self._read(connection)
            return [] if pin is None else changed_lots(connection, pin.records, newest=False)

    def founded(self) -> str | None:
        """The genesis of which the log tells first, or None."""
        for period in self._served.periods():
            size = _checkpoint(self._served.note(period)).size
            for entry in read_entries(size, self._fetch(period)):
                if _FOUNDED in entry:
                    return str(msgspec.json.decode(entry)["motion"])
        return None

    def _less(self, period: str, pinned: Checkpoint) -> Iterator[str]:
        if period not in self._served.periods():
            yield f"the log of {period}, of {pinned.size:,} entries, is gone"
            return
        try:
            note = self._served.note(period)
            there = open_checkpoint(note, Keys(self._keys.verifiers)[pinned.origin], pinned.origin)
            if there.size < pinned.size:
                yield f"the log of {period} has {there.size:,} entries and had {pinned.size:,}"
            elif tree_root(pinned.size, self._served.head(period, note).nodes) != pinned.root:
                yield f"the log of {period} does not begin with the {pinned.size:,} entries that it had"
        except (NoteError, OSError, ValueError, KeyError) as error:
            yield f"the log of {period} cannot be read: {error}"

    def _unrecorded(self, connection: Connection, pin: _Pin) -> list[str]:
        """Entries since the last pin that tell of records which are not there: the database is an older copy."""
        newest = _newest(connection)
        told = max((number for period in self._served.periods() for number in self._numbers(period, pin)), default=0)
        return [f"the database is older than the log, which tells of {told - newest} more records"] * (told > newest)

    def _numbers(self, period: str, pin: _Pin) -> Iterator[int]:
        """The numbers of the records of which the entries of a period tell that came after the pin."""
        if period < max(pin.shards, default=""):
            return
        before = pin.shards.get(period)
        first = 0 if before is None else _checkpoint(before.encode()).size
        size = _checkpoint(self._served.note(period)).size
        for index in range(first // WIDTH, -(-size // WIDTH)):
            tile = Tile(ENTRIES, index).within(size)
            for entry in read_bundle(tile, self._fetch(period))[max(first - index * WIDTH, 0) :]:
                yield msgspec.json.decode(entry, type=_Numbered).record

    def _other_keys(self, pinned: list[str]) -> Iterator[str]:
        there = self._told_keys()
        yield from (f"the log's key {key} is gone" for key in pinned if key not in there)
        yield from (f"the log has a key that nobody added: {key}" for key in there if key not in pinned)

    def _told_keys(self) -> list[str]:
        return sorted(map(str, self._keys.verifiers))

    def _fetch(self, period: str) -> Fetch:
        return lambda path: self._served.fetch(f"{period}/{path}")

    def _read(self, connection: Connection) -> _Pin | None:
        kept = self._pins.read(connection, _LOG)
        return None if kept is None else msgspec.json.decode(kept, type=_Pin)

    def _write(self, connection: Connection, pin: _Pin) -> None:
        self._pins.put(connection, _LOG, msgspec.json.encode(pin))


def _newest(connection: Connection) -> int:
    return connection.execute(select(func.max(tables.records.c.sequence))).scalar() or 0


def _checkpoint(note: bytes) -> Checkpoint:
    return Checkpoint.parse(Note.parse(note).text)
