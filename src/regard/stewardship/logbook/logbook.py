"""The logbook: everything that has to be told goes through here into the transparency log.

What a transaction of ours records (motions, enrolments, deletions) is in the database's record first, together with
what it did, and follows from there into the log. All else, most calls, goes into the log alone. One process holds the
log; others leave their calls in the record, and the holder takes them over within a second.
"""

from __future__ import annotations

import logging
import sqlite3
import threading
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import Future
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import msgspec
from sqlalchemy import Connection, Engine, bindparam, func, insert, select
from sqlalchemy.exc import SQLAlchemyError

from regard.database import RECORDS, asking, reading, writing
from regard.ledger.log.disk import Disk
from regard.ledger.log.log import Log, LogDamaged, LogHeld, LogUnavailable
from regard.ledger.log.shards import ShardError, Shards
from regard.ledger.log.shared_disk import SharedDisk
from regard.ledger.tree.entries import canonical
from regard.ledger.tree.notes import Note, Signer
from regard.reader import Reader
from regard.sealing import SealingKey
from regard.stewardship.council.charter import Charter
from regard.stewardship.council.law import read_law
from regard.stewardship.council.motions import Kind, Motion
from regard.stewardship.logbook import entries
from regard.stewardship.logbook.log_keys import FolderKeys, LogKeys, SharedKeys
from regard.stewardship.logbook.payload_rows import FileRows, TableRows
from regard.stewardship.logbook.payloads import Part, PartKeys, Payloads, Sealed
from regard.stewardship.logbook.tally import Tally, read_tally
from regard.stewardship.records import records, tables
from regard.stewardship.records.kept_records import RecordsChanged
from regard.stewardship.records.pins import PinBroken
from regard.stewardship.records.pseudonyms import Pseudonyms
from regard.stewardship.records.records import Record

__all__ = ["Logbook", "NotLogged", "Written"]

TAKE_OVER_SECONDS = 1.0
_MOST_TAKEN = 4096
# A search may match thousands, whose commitments would not fit into one entry.
_MOST_COMMITMENTS = 100
_RESTORED = "regard/restored"
_log = logging.getLogger(__name__)


class NotLogged(RuntimeError):
    """An entry could not be made durable, and so nobody may be answered; the text says why."""


@dataclass(frozen=True, slots=True)
class Written:
    """Where an entry is. `sequence` counts the calls of its organization within the period, from 1."""

    period: str
    index: int
    sequence: int | None = None


@dataclass(frozen=True, slots=True)
class _Pending:
    """An entry on its way to the disk, one of a group."""

    period: str
    group: Future[range]
    place: int
    sequence: int | None

    def written(self) -> Written:
        return Written(self.period, self.group.result()[self.place], self.sequence)


class Logbook:
    """Writes entries. Thread-safe. The log is below `folder`, in a shard a month.

    One thing: the order in which a record, its sealed details and its entry become durable, in this process or the one
    that holds the log. `trouble`, `write` and `take_over` share the lock and the failure that make that order hold.

    On PostgreSQL it lies in the database, under the same names, and so do its keys and what is sealed beside it.
    """

    def __init__(
        self,
        engine: Engine,
        folder: Path,
        key: SealingKey,
        *,
        name: str = "regard.localhost/log",
        clock: Callable[[], float] = time.time,
        open_log: Callable[[Path, Sequence[Signer]], Log] | None = None,
        part_keys: PartKeys | None = None,
    ) -> None:
        folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        shared = engine.dialect.name == "postgresql"
        self._engine = engine
        self._folder = folder
        self._key = key
        self._clock = clock
        self.pseudonyms = Pseudonyms(key)
        self.payloads = Payloads(TableRows(engine) if shared else FileRows(folder / "payloads.db"), key, part_keys)
        self.keys = LogKeys(SharedKeys(engine, key) if shared else FolderKeys(folder), name)
        self._signing = self.keys.signers
        self.disk = SharedDisk(engine, folder) if shared else Disk()
        open_log = open_log or (self._open_shared if shared else Log)
        self.shards = Shards(folder / "shards", name, self._signers, self._period, open_log, self.disk)
        # To ask who holds a shared log costs a question to the database: not each call asks it.
        self._patience = TAKE_OVER_SECONDS if shared else 0.0
        self._elsewhere_until = 0.0
        of = tables.records.c
        recent = select(of.sequence, of.kind, of.at, of.body).where(of.sequence > bindparam("after"))
        self._recent = Reader(engine, recent.order_by(of.sequence))
        self._lock = threading.Lock()
        self._tally: Tally | None = None
        self._taken: dict[int, _Pending] = {}
        self._failure: str | None = None
        self._closing = threading.Event()
        self._watch: threading.Thread | None = None
        # Called by whoever is about to wait for the disk.
        self.rest: Callable[[], None] = lambda: None
        # Told of each checkpoint that this process published, its period first; soon, and at the end.
        self.published: Callable[[str, bytes], None] = lambda _period, _note: None
        # Asked once, as the service begins: why nobody may be answered, or None. Takes its time.
        self.doubt: Callable[[], str | None] = lambda: None
        self._refusal: str | None = None

    @property
    def trouble(self) -> str | None:
        """Why nothing can be written now, or None. That another process writes is no trouble."""
        if self._refusal is not None:
            return self._refusal
        try:
            with self._lock:
                period, log = self.shards.current()
                # Nothing may be recorded before it is known which records are logged.
                self._tallied(period, log)
            if log.trouble is not None:
                log.check()
            self._try_again()
        except LogHeld:
            return None
        except (LogUnavailable, LogDamaged, ShardError, NotLogged, sqlite3.Error, SQLAlchemyError) as error:
            return str(error)
        return None

    def seal(self, part: Part) -> Sealed:
        """Details made ready to be kept beside an entry."""
        return self.payloads.seal(part)

    def write(self, kind: str, body: dict[str, Any], parts: Iterable[Part] = ()) -> Written | None:
        """Record what happened and log it: its place, None where another process will. Raises NotLogged."""
        with self._engine.begin() as connection:
            record = self.record(connection, kind, body, [self.seal(part) for part in parts])
        return self.take_over(record)

    def record(self, connection: Connection, kind: str, body: dict[str, Any], parts: Sequence[Sealed] = ()) -> int:
        """Record what happened within the transaction that does it, for `take_over` to log; the record's number."""
        body, parts = self._committed(body, parts)
        waiting = self.payloads.keep_within(connection, parts, self._clock())
        return records.append(connection, kind, self._clock(), entries.with_parts(body, waiting))

    def write_call(self, body: dict[str, Any], parts: Sequence[Sealed]) -> Written | None:
        """Log a call of which no record was made, as `write` does. Raises NotLogged."""
        told, kept = self._committed(body, parts)
        try:
            if time.monotonic() < self._elsewhere_until:
                raise LogHeld("another process held the log a moment ago")
            with self._attempt():
                self.payloads.keep(kept, self._clock())
                with self._lock:
                    period, log = self.shards.current()
                    tally = self._tallied(period, log)
                    entry, sequence = tally.next(entries.CALL, self._clock(), told, self.pseudonyms)
                    pending = _Pending(period, log.submit([entry]), 0, sequence)
                self.rest()
                return pending.written()
        except LogHeld:
            with writing(self._engine, RECORDS) as connection:
                self.record(connection, entries.CALL, body, parts)
            return None

    def take_over(self, record: int | None = None) -> Written | None:
        """Log what was recorded and is not logged yet: the place of `record`, None where another process logs it.

        Raises NotLogged.
        """
        if record is not None and time.monotonic() < self._elsewhere_until:
            return None
        try:
            with self._attempt():
                with self._lock:
                    period, log = self.shards.current()
                    newest = self._submit_recorded(period, log)
                    self._elsewhere_until = 0.0
                    asked = newest if record is None else self._taken.pop(record, None)
                self.rest()
                return asked.written() if asked else None
        except LogHeld:
            return None

    def start(self) -> None:
        """Begin to take over what other processes record."""
        self._watch = threading.Thread(target=self._work, name="logbook", daemon=True)
        self._watch.start()

    def close(self) -> None:
        """Publish what is left and let go of the log."""
        self._closing.set()
        if self._watch is not None:
            self._watch.join()
        held = self.shards.held
        self.shards.close()
        self._tell_published(held)
        self.payloads.close()
        self._recent.close()

    def _work(self) -> None:
        self._refusal = self.doubt()
        while not self._closing.wait(TAKE_OVER_SECONDS):
            try:
                self.take_over()
            except Exception:
                # The next call that has to be logged says so to whoever makes it.
                _log.exception("what other processes recorded could not be logged")
            self._tell_published(self.shards.held)

    def _tell_published(self, held: tuple[str, Log] | None) -> None:
        if held is None:
            return
        try:
            self.published(held[0], held[1].published.note)
        except (PinBroken, RecordsChanged) as error:
            _log.error("nobody is answered any more: %s", error)
            self._refusal = str(error)
        except SQLAlchemyError:
            # A pin is a lower bound: the next one says more.
            _log.warning("what is published could not be pinned", exc_info=True)

    def _open_shared(self, folder: Path, signers: Sequence[Signer]) -> Log:
        return Log(folder, signers, disk=SharedDisk(self._engine, self._folder))

    def _period(self) -> str:
        return time.strftime("%Y-%m", time.gmtime(self._clock()))

    def _signers(self, origin: str) -> list[Signer]:
        return [signer.renamed(origin) for signer in self._signing]

    @contextmanager
    def _attempt(self) -> Iterator[None]:
        try:
            yield
        except Exception as error:
            # What was counted may not be in the log: the next entry counts again, in the log itself.
            with self._lock:
                self._tally = None
            if isinstance(error, LogHeld):
                self._elsewhere_until = time.monotonic() + self._patience
                raise
            self._failure = str(error)
            raise NotLogged(str(error)) from error

    def _try_again(self) -> None:
        """After a failure, whether details and records go into the log again. Raises as `trouble` tells."""
        if self._failure is not None:
            self.payloads.check()
            self.take_over()
            self._failure = None

    def _committed(self, body: dict[str, Any], parts: Sequence[Sealed]) -> tuple[dict[str, Any], Sequence[Sealed]]:
        """The body with commitments to its parts, and the parts. Of many, a list is kept that the leaf commits to."""
        told = [part.commitment for part in parts]
        if len(parts) > _MOST_COMMITMENTS:
            listed = self.seal(Part(parts[0].organization, {"parts": told[1:]}))
            parts, told = [*parts, listed], [told[0], listed.commitment]
        return body | ({"commitments": told} if told else {}), parts

    def _tallied(self, period: str, log: Log) -> Tally:
        if self._tally is None or self._tally.log is not log:
            log.publish()
            tally = read_tally(self.shards, self.disk, self._folder / "shards", period)
            tally.log = log
            self._number_on(tally.record)
            self._tally = tally
        return self._tally

    def _number_on(self, logged: int) -> None:
        """Go on numbering records behind those that are logged: a restored database has fewer of them."""
        of = tables.records
        with writing(self._engine, RECORDS) as connection:
            newest = connection.execute(select(func.max(of.c.sequence))).scalar() or 0
            if newest < logged:
                body = canonical({"records": newest, "logged": logged}).decode()
                row = {"sequence": logged + 1, "kind": _RESTORED, "at": self._clock(), "body": body}
                connection.execute(insert(of).values(row))

    def _submit_recorded(self, period: str, log: Log) -> _Pending | None:
        tally = self._tallied(period, log)
        made: list[bytes] = []
        places: list[tuple[int, int | None]] = []
        for record in map(_as_record, self._recent.rows(after=tally.record)):
            tally.record = record.sequence
            told = entries.of_record(record, self._charter, self._kind_of)
            if told is None:
                continue
            self.payloads.keep(entries.parts_of(record), record.at)
            entry, sequence = tally.next(told[0], record.at, told[1], self.pseudonyms)
            made.append(entry)
            places.append((record.sequence, sequence))
        if not made:
            return None
        future = log.submit(made)
        pending = [(number, _Pending(period, future, i, seq)) for i, (number, seq) in enumerate(places)]
        # Whoever made a record comes for its place at once; nobody comes for those of other processes.
        self._taken = dict([*self._taken.items(), *pending][-_MOST_TAKEN:])
        return pending[-1][1]

    def _charter(self) -> Charter:
        with reading(self._engine) as connection:
            return read_law(connection, self._clock()).charter

    def _kind_of(self, motion: str) -> Kind | None:
        of = tables.motions.c
        with asking(self._engine) as connection:
            note = connection.execute(select(of.note).where(of.hash == motion)).scalar_one_or_none()
        return None if note is None else Motion.parse(Note.parse(note).text).kind


def _as_record(row: Sequence[Any]) -> Record:
    return Record(row[0], row[1], row[2], msgspec.json.decode(row[3]))
