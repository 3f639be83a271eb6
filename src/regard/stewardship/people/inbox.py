"""The inbox of the public: appeals and reports of abuse, answered in time or overdue. `reports` counts them, by month.

What somebody writes is sealed, and the log only commits to it. From whom it came is not kept: senders are counted for
a day, by a keyed digest that is another one the next day.
"""

from __future__ import annotations

import hashlib
import hmac
import math
import secrets
import time
from collections.abc import Callable
from dataclasses import dataclass
from enum import StrEnum
from typing import Annotated, Any, Protocol

import msgspec
from sqlalchemy import Connection, Engine, Row, delete, func, insert, select, update

from regard.addresses import network_of
from regard.database import reading
from regard.ledger.tree.entries import canonical
from regard.sealing import SealingKey
from regard.settings import Settings
from regard.stewardship.logbook.entries import hour
from regard.stewardship.logbook.logbook import NotLogged, Written
from regard.stewardship.records.sealed_rows import insert_sealed, is_told_of, update_sealed
from regard.stewardship.records.tables import report_senders, reports

DAY = 86_400
FILED, ANSWERED = "regard/report", "regard/report-answered"
# Of what a day takes, the share that is kept for senders who have not filed that day: a few who file all they may
# leave it to others.
KEPT_FOR_NEW = 0.25
_SALT_BYTES = 32
_DIGITS = 32


class TooMany(RuntimeError):
    """As many were filed today as may be; `seconds` until there is room again."""

    def __init__(self, cause: str, seconds: int) -> None:
        super().__init__(f"{cause} There is room again in {seconds} seconds.")
        self.seconds = seconds


class UnknownReport(LookupError):
    """No report of that id was filed here."""


class AlreadyAnswered(ValueError):
    """A report has one answer, and this one has it."""


class About(StrEnum):
    """What a report is: against a decision about oneself, or about what somebody does with the service."""

    APPEAL = "appeal"
    ABUSE = "abuse"


class Verdict(StrEnum):
    """What came of a report: it was right, it was not, or the council decides by motion."""

    UPHELD = "upheld"
    REJECTED = "rejected"
    REFERRED = "referred"


class Filing(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What somebody files. `contact` is how to reach them; `entry` is the entry of the log that it is about."""

    about: About
    text: Annotated[str, msgspec.Meta(min_length=1, max_length=8000)]
    contact: Annotated[str, msgspec.Meta(max_length=320)] = ""
    entry: Annotated[str, msgspec.Meta(pattern=r"^(\d{4}(-\d{2})?/\d{1,18})?$")] = ""


@dataclass(frozen=True, slots=True)
class Receipt:
    """What the sender keeps; `written` is None where another process logs it within a second."""

    report: str
    filed: str
    due: str
    written: Written | None


class Standing(msgspec.Struct, frozen=True, omit_defaults=True):
    """Where a report stands, without a word of it. `state` is waiting, overdue or answered."""

    report: str
    about: str
    filed: str
    due: str
    state: str
    answered: str = ""
    outcome: str = ""


@dataclass(frozen=True, slots=True)
class Caps:
    """The days until an answer is due, and how many may be filed a day: by one address, and in all."""

    days: int = 30
    of_address: int = 5
    a_day: int = 200

    @property
    def again(self) -> int:
        """How many are taken a day before senders have to wait who have filed that day."""
        return self.a_day - math.ceil(self.a_day * KEPT_FOR_NEW)


class Recorder(Protocol):
    """The part of the logbook that is needed here."""

    @property
    def trouble(self) -> str | None:
        """Why nothing can be written now, or None."""

    def record(self, connection: Connection, kind: str, body: dict[str, Any]) -> int:
        """Record within the caller's transaction; the record's number."""

    def take_over(self, record: int) -> Written | None:
        """Log what was recorded. Raises NotLogged."""


class Inbox:
    """Takes, shows and answers reports. Thread-safe."""

    def __init__(
        self,
        engine: Engine,
        key: SealingKey,
        logbook: Recorder,
        caps: Caps = Caps(),
        clock: Callable[[], float] = time.time,
    ) -> None:
        self._engine = engine
        self._key = key
        self._logbook = logbook
        self._caps = caps
        self._clock = clock

    @property
    def days(self) -> int:
        """The days until an answer is due."""
        return self._caps.days

    def overdue(self) -> int:
        """How many reports wait longer than was promised."""
        late = reports.c.answered_at.is_(None) & (reports.c.due_at < self._clock())
        with reading(self._engine) as connection:
            return connection.execute(select(func.count()).select_from(reports).where(late)).scalar_one()

    def file(self, filing: Filing, address: str) -> Receipt:
        """Take a report from a network address. Raises TooMany and NotLogged."""
        if trouble := self._logbook.trouble:
            raise NotLogged(trouble)
        now, name = self._clock(), secrets.token_hex(16)
        due = now + self._caps.days * DAY
        salted = secrets.token_bytes(_SALT_BYTES) + canonical(msgspec.to_builtins(filing))
        row = {"id": name, "about": str(filing.about), "sealed": self._seal(salted, name, "text")}
        leaf = {
            "report": name,
            "about": str(filing.about),
            "due": hour(due),
            "commitments": [hashlib.sha256(salted).hexdigest()],
        }
        with self._engine.begin() as connection:
            self._count(connection, address, now)
            insert_sealed(connection, reports, row | {"filed_at": now, "due_at": due})
            record = self._logbook.record(connection, FILED, leaf)
        return Receipt(name, hour(now), hour(due), self._logbook.take_over(record))

    def standing(self, report: str) -> Standing:
        """Where a report stands. Raises UnknownReport."""
        return self._standing(self._row(report))

    def waiting(self) -> int:
        """How many reports have no answer yet."""
        with reading(self._engine) as connection:
            wanted = select(func.count()).select_from(reports).where(reports.c.answered_at.is_(None))
            return connection.execute(wanted).scalar() or 0

    def all(self, most: int | None = None) -> list[Standing]:
        """Where reports stand, the first `most` or all: the ones that are due first at the top, answered ones last."""
        order = (reports.c.answered_at.is_not(None), reports.c.due_at, reports.c.id)
        with reading(self._engine) as connection:
            rows = connection.execute(select(reports).order_by(*order).limit(most))
            whole = [row for row in rows if is_told_of(connection, reports, row, f"the report {row.id}")]
        return [self._standing(row) for row in whole]

    def read(self, report: str) -> tuple[Filing, str]:
        """What was filed, and the words of the answer, if there is one. Raises UnknownReport."""
        row = self._row(report)
        text = self._key.open(row.sealed, _context(row.id, "text"))[_SALT_BYTES:]
        answer = self._key.open(row.sealed_answer, _context(row.id, "answer")) if row.sealed_answer else b""
        return msgspec.json.decode(text, type=Filing), answer.decode()

    def answer(self, report: str, verdict: Verdict, words: str = "") -> Written | None:
        """Answer a report, once; the log tells the verdict, `words` are sealed.

        Where another process holds the log, the answer is None and that process logs it within a second. Raises
        UnknownReport, AlreadyAnswered and NotLogged.
        """
        row, now = self._row(report), self._clock()
        open_ = (reports.c.id == row.id) & reports.c.answered_at.is_(None)
        values = {
            "answered_at": now,
            "outcome": str(verdict),
            "sealed_answer": self._seal(words.encode(), row.id, "answer") if words else None,
        }
        with self._engine.begin() as connection:
            if not update_sealed(connection, reports, open_, **values):
                raise AlreadyAnswered(f"the report {row.id} was answered before")
            record = self._logbook.record(connection, ANSWERED, {"report": row.id, "outcome": str(verdict)})
        return self._logbook.take_over(record)

    def _count(self, connection: Connection, address: str, now: float) -> None:
        day, of = int(now // DAY), report_senders.c
        rest = DAY - int(now % DAY)
        connection.execute(delete(report_senders).where(of.day != day))
        taken = connection.execute(select(func.sum(of.filed))).scalar() or 0
        if taken >= self._caps.a_day:
            raise TooMany(f"{self._caps.a_day} reports were filed today, and no more are taken.", rest)
        same = (of.day == day) & (of.sender == self._digest(address, day))
        filed = connection.execute(select(of.filed).where(same)).scalar()
        if filed is None:
            row = {"day": day, "sender": self._digest(address, day), "filed": 1}
            connection.execute(insert(report_senders).values(row))
        elif filed >= self._caps.of_address:
            raise TooMany(f"{filed} reports were filed from your network today, and no more are taken.", rest)
        elif taken >= self._caps.again:
            raise TooMany("What is left of today's reports is kept for networks that have filed none yet.", rest)
        else:
            connection.execute(update(report_senders).where(same).values(filed=filed + 1))

    def _digest(self, address: str, day: int) -> str:
        key = self._key.derived(f"reports/senders/{day}")
        return hmac.digest(key, network_of(address).encode(), "sha256").hex()[:_DIGITS]

    def _row(self, report: str) -> Row[Any]:
        # Whoever works by hand may give the beginning of an id.
        like = reports.c.id.startswith(report, autoescape=True)
        with reading(self._engine) as connection:
            found = connection.execute(select(reports).where(like).limit(2)).all()
        if len(found) != 1 or not report:
            raise UnknownReport(f"{'more than one report begins' if found else 'no report begins'} with {report!r}")
        if not is_told_of(self._engine, reports, found[0], f"the report {found[0].id}"):
            raise UnknownReport(f"the report {found[0].id} was changed in the database, not by the service")
        return found[0]

    def _standing(self, row: Row[Any]) -> Standing:
        state = "overdue" if row.due_at < self._clock() else "waiting"
        told = (row.id, row.about, hour(row.filed_at), hour(row.due_at))
        if row.answered_at is None:
            return Standing(*told, state)
        return Standing(*told, "answered", hour(row.answered_at), row.outcome)

    def _seal(self, clear: bytes, report: str, part: str) -> bytes:
        return self._key.seal(clear, _context(report, part))


def open_inbox(settings: Settings, engine: Engine, key: SealingKey, logbook: Recorder) -> Inbox:
    """Where the public files appeals and reports of abuse, sealed under `key`."""
    return Inbox(engine, key, logbook, Caps(settings.report_days, settings.reports_of_address, settings.reports_a_day))


def _context(report: str, part: str) -> bytes:
    return f"report/{report}/{part}".encode()
