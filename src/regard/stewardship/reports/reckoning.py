"""The reckoning of a period: the entries of the public log, counted into a `report.Report` by whoever reads them.

Nothing in it depends on the clock or on who counts: the same entries make the same report. Deadlines are judged at the
end of the period once a later one has begun, and before that at the hour of the last entry.
"""

from __future__ import annotations

import re
from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from statistics import median_low

from regard.ledger.tree.checkpoints import Checkpoint
from regard.ledger.tree.notes import Verifier
from regard.ledger.tree.tiles import Fetch
from regard.ledger.witnesses.series import audit_series
from regard.stewardship.council.chain import CARRIED, read_charter
from regard.stewardship.council.charter import BadCharter
from regard.stewardship.council.motions import BadMotion, Kind, Motion
from regard.stewardship.logbook import public_entries as entries
from regard.stewardship.logbook.public_entries import hour_of, hours
from regard.stewardship.reports.report import (
    DEVELOPMENT,
    FORM,
    OPEN,
    Audited,
    Calls,
    Council,
    InForce,
    Overdue,
    Question,
    Report,
    Response,
    Stop,
    Vote,
)
from regard.stewardship.reports.suppression import K, small_unsaid, suppressed

_PERIOD = re.compile(r"(\d{4})-(0[1-9]|1[0-2])", re.ASCII)


class BadPeriod(ValueError):
    """What names no period that a report can be made of; the text says what does."""


@dataclass(slots=True)
class _Calls:
    outcomes: Counter[str] = field(default_factory=Counter)
    operations: Counter[str] = field(default_factory=Counter)
    purposes: Counter[str] = field(default_factory=Counter)
    sectors: Counter[str] = field(default_factory=Counter)
    organizations: set[str] = field(default_factory=set)

    def add(self, call: entries.Call) -> None:
        self.outcomes[_outcome(call)] += 1
        self.operations[call.operation] += 1
        self.purposes[call.purpose] += 1
        self.sectors[call.sector] += 1
        self.organizations.add(call.organization)

    def told(self) -> Calls:
        number = len(self.organizations)
        operations, purposes, sectors = (
            small_unsaid(self.operations),
            suppressed(self.purposes),
            suppressed(self.sectors),
        )
        organizations = f"<{K}" if 0 < number < K else number
        return Calls(organizations, suppressed(self.outcomes), operations, purposes, sectors)


@dataclass(slots=True)
class _Question:
    opened: entries.Opened
    outcome: str = OPEN
    settled: str = ""
    votes: list[Vote] = field(default_factory=list)
    touched: bool = False

    def told(self) -> Question:
        motion = _motion(self.opened)
        title, opened = motion.title if motion else "", self.opened
        votes = tuple(self.votes)
        return Question(opened.motion, opened.about, title, opened.at, self.outcome, self.settled, votes)


@dataclass(slots=True)
class _Filing:
    filed: entries.Filed
    new: bool
    answer: entries.Answered | None = None
    new_answer: bool = False

    @property
    def hours(self) -> int:
        """From filing to answer."""
        return hours(self.answer.at) - hours(self.filed.at) if self.answer else 0

    @property
    def late(self) -> bool:
        return self.answer is not None and hours(self.answer.at) > hours(self.filed.due)


class Reckoning:
    """Reads the entries of a log, oldest first, and makes the report of one `period`, a month such as "2026-11".

    It needs the entries of earlier periods too: what was in force, open or unanswered when the period began. Those of
    later ones are passed over. Raises BadPeriod.
    """

    def __init__(self, period: str) -> None:
        self._begin, self._end = _bounds(period)
        self.period = period
        self._within = False
        self._last = self._begin
        self._calls, self._development = _Calls(), _Calls()
        self._numbered: Counter[str] = Counter()
        self._highest: Counter[str] = Counter()
        self._policies: list[InForce] = []
        self._members: int | None = None
        self._alone = False
        self._questions: dict[str, _Question] = {}
        self._stops: list[Stop] = []
        self._keys: dict[str, Counter[str]] = {"issued": Counter(), "revoked": Counter()}
        self._attestations = 0
        self._screenings: Counter[str] = Counter()
        self._filings: dict[str, _Filing] = {}
        self._audits: list[Audited] = []
        self._other: Counter[str] = Counter()
        self._unreadable = 0

    def take(self, period: str, _index: int, data: bytes) -> None:
        """Read the next entry of the log."""
        if period > self.period:
            return
        try:
            entry = entries.read(data)
        except entries.Unreadable:
            self.take_unreadable(period)
            return
        self.take_read(period, entry)

    def take_unreadable(self, period: str) -> None:
        """Count what is no entry."""
        self._within = period == self.period
        self._unreadable += self._within

    def take_read(self, period: str, entry: entries.Known | entries.Other) -> None:
        """Count an entry that was read already, of this period or an earlier one; of those, calls change nothing."""
        self._within = period == self.period
        if self._within:
            self._count(entry)
        self._follow(entry)

    def report(self, checkpoint: Checkpoint, closed: bool) -> Report:
        """The report as of a checkpoint of the period. `closed` says that a later period has begun."""
        judged = self._end if closed else min(self._last, self._end)
        return Report(
            form=FORM,
            origin=checkpoint.origin,
            period=self.period,
            size=checkpoint.size,
            root=checkpoint.root.hex(),
            closed=closed,
            judged=hour_of(judged),
            k=K,
            council=Council(self._members, self._alone),
            calls=self._calls.told(),
            development=self._development.told(),
            missing=sum(max(0, self._highest[who] - number) for who, number in self._numbered.items()),
            policies=tuple(self._policies),
            motions=tuple(each.told() for each in self._questions.values() if each.touched or each.outcome == OPEN),
            suspensions=tuple(stop for stop in self._stops if hours(stop.until) > self._begin),
            keys={change: suppressed(purposes) for change, purposes in sorted(self._keys.items())},
            attestations=self._attestations,
            screenings=suppressed(self._screenings),
            responses=_responses(self._filings.values()),
            overdue=_overdue(self._filings.values(), judged),
            audits=tuple(self._audits),
            other=dict(sorted(self._other.items())),
            unreadable=self._unreadable,
        )

    def _count(self, entry: entries.Known | entries.Other) -> None:
        """What only the period itself is asked about."""
        match entry:
            case entries.Call():
                (self._development if entry.purpose == DEVELOPMENT else self._calls).add(entry)
                self._numbered[entry.organization] += 1
                self._highest[entry.organization] = max(self._highest[entry.organization], entry.sequence)
            case entries.KeyChanged():
                self._keys.setdefault(entry.change, Counter())[entry.purpose] += 1
            case entries.Attestation():
                self._attestations += 1
            case entries.Screening():
                self._screenings[entry.change] += 1
            case entries.Audit():
                self._audits.append(Audited(entry.at, entry.model, entry.results))
            case entries.Other():
                self._other[entry.kind] += 1
        if not isinstance(entry, entries.Other):
            self._last = max(self._last, hours(entry.at))

    def _follow(self, entry: entries.Known | entries.Other) -> None:
        """What lasts beyond a period."""
        match entry:
            case entries.Founded():
                self._decided(_motion(entry), entry.at)
            case entries.PolicyLoaded():
                self._in_force(entry.at, entry.policy)
            case entries.Opened():
                self._questions.setdefault(entry.motion, _Question(entry)).touched |= self._within
            case entries.Ballot() if question := self._questions.get(entry.motion):
                question.votes.append(Vote(entry.role, entry.choice, entry.reason))
                question.touched |= self._within
            case entries.Outcome() if question := self._questions.get(entry.motion):
                question.outcome, question.settled = entry.outcome, entry.at
                question.touched |= self._within
                if entry.outcome == CARRIED:
                    self._decided(_motion(question.opened), entry.at)
            case entries.Suspension():
                self._stops.append(Stop(entry.capability, entry.role, entry.at, entry.until, entry.reason))
            case entries.Filed():
                self._filings.setdefault(entry.report, _Filing(entry, self._within))
            case entries.Answered() if (filing := self._filings.get(entry.report)) and filing.answer is None:
                filing.answer, filing.new_answer = entry, self._within

    def _decided(self, motion: Motion | None, at: str) -> None:
        if motion is None:
            return
        if "charter" in motion.payload and (members := _members(motion)) is not None:
            self._members = members
            self._alone = members == 1 or (self._alone and self._within)
        if motion.kind in (Kind.GENESIS, Kind.POLICY):
            self._in_force(at, str(motion.payload.get("policy", "")), str(motion.payload.get("pack", "")))

    def _in_force(self, at: str, policy: str, pack: str = "") -> None:
        if not policy or (self._policies and self._policies[-1].policy == policy):
            return
        if not self._within:
            self._policies.clear()
        self._policies.append(InForce(at, policy, pack))


def read_report(
    period: str, fetch: Fetch, known: Sequence[Verifier], progress: Callable[[str, int, int], None]
) -> Report:
    """Verify the log that `fetch` reads with nothing but its keys, and report on a period of it.

    `progress` is told the period that is read, and how many of how many entries are. Raises BadPeriod, LookupError when
    the log has no such period, and as `audit_series` does.
    """
    reckoning = Reckoning(period)
    found = audit_series(fetch, known, {}, progress=progress, entry=reckoning.take)
    if period not in found:
        raise LookupError(f"the log has no period {period}; it has {', '.join(found) or 'none'}")
    closed = any(name > period and audit.checkpoint.size > 0 for name, audit in found.items())
    return reckoning.report(found[period].checkpoint, closed)


def _bounds(period: str) -> tuple[int, int]:
    """The first hour of a month and the first after it, in hours since 1970."""
    found = _PERIOD.fullmatch(period)
    if not found:
        raise BadPeriod(f"{period!r} is no month; one is written as 2026-11")
    year, month = int(found[1]), int(found[2])
    later = f"{year + month // 12:04}-{month % 12 + 1:02}"
    return hours(f"{period}-01T00:00Z"), hours(f"{later}-01T00:00Z")


def _outcome(call: entries.Call) -> str:
    if call.outcome == "denied":
        return f"denied by {' and '.join(sorted(set(call.rules))) or 'no rule that is told'}"
    return call.outcome


def _motion(told: entries.Founded | entries.Opened) -> Motion | None:
    """The motion, where its text is public and is the one that its hash names."""
    try:
        motion = Motion.parse(told.text)
    except BadMotion:
        return None
    return motion if motion.hash == told.motion else None


def _members(motion: Motion) -> int | None:
    try:
        return len(read_charter(motion.payload["charter"]).members)
    except BadCharter:
        return None


def _responses(filings: Iterable[_Filing]) -> dict[str, Response]:
    by_kind: dict[str, list[_Filing]] = defaultdict(list)
    for filing in filings:
        if filing.new or filing.new_answer or filing.answer is None:
            by_kind[filing.filed.about].append(filing)
    return {about: _response(found) for about, found in sorted(by_kind.items())}


def _response(filings: list[_Filing]) -> Response:
    answered = [filing for filing in filings if filing.new_answer]
    took = [filing.hours for filing in answered]
    return Response(
        filed=sum(filing.new for filing in filings),
        answered=len(answered),
        late=sum(filing.late for filing in answered),
        waiting=sum(filing.answer is None for filing in filings),
        median_hours=median_low(took) if took else None,
        longest_hours=max(took, default=None),
    )


def _overdue(filings: Iterable[_Filing], judged: int) -> tuple[Overdue, ...]:
    waiting = [filing.filed for filing in filings if filing.answer is None]
    late = [(judged - hours(each.due), each) for each in waiting]
    found = [Overdue(each.report, each.about, each.at, each.due, by) for by, each in late if by > 0]
    return tuple(sorted(found, key=lambda each: (-each.hours, each.report)))
