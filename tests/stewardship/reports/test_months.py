"""The months counted as the log grows: the same reports that anybody counts who reads the log from its beginning."""

from __future__ import annotations

import threading
from pathlib import Path
from typing import Any

import pytest

from regard.ledger.log.served import Served
from regard.stewardship.council.motions import Kind
from regard.stewardship.reports.months import MOST_MONTHS, Counted, Months
from regard.stewardship.reports.reckoning import read_report
from tests.helpers.ledger.public_log import PublicLog, founding, motion


@pytest.fixture
def log(tmp_path: Path) -> PublicLog:
    return PublicLog(tmp_path / "log")


def counted(log: PublicLog, months: Months) -> Counted:
    """What it comes to once all is read that is published."""
    log.publish()
    found = months.counted()
    while found.read < found.size or not found.reports:
        found = months.counted()
    return found


def write_month(log: PublicLog, month: str, calls: int) -> None:
    """A month with calls, a motion that is open when it ends, and an appeal that is answered in the next."""
    log.begin(month)
    for number in range(calls):
        denied: dict[str, Any] = {"outcome": "denied", "rules": ["no-law-enforcement"]} if number % 3 == 0 else {}
        log.call(f"{month}-02T{number % 24:02}", **denied)
    asked = motion(Kind.FLOOR, f"A floor in {month}", purpose="photo-library", floor=90)
    log.write("motion", f"{month}-03T01", motion=asked.hash, about="floor", role="auditor", text=asked.text)
    name = month.replace("-", "").ljust(32, "0")
    log.write("report", f"{month}-06T00", report=name, about="appeal", due=f"{month}-08T00:00Z", commitments=[])


def test_each_month_is_what_a_reader_of_the_whole_log_counts(log: PublicLog) -> None:
    served, months = Served(log.folder), Months(Served(log.folder), wait=60)
    for number, month in enumerate(("2026-11", "2026-12", "2027-01")):
        write_month(log, month, 300 if number == 1 else 40)
        if number == 0:
            log.write("founded", "2026-11-07T00", **founding())
        else:
            log.write("report-answered", f"{month}-07T00", report="202611".ljust(32, "0"), outcome="upheld")
        # Where a month has begun to be read, the rest of it is read then.
        for _ in range(2):
            found = counted(log, months)
            assert [each.period for each in found.reports] == served.periods()
            for report in found.reports:
                assert report == read_report(report.period, served.fetch, [log.key.verifier], lambda *_: None)
            log.call(f"{month}-09T00")


def test_only_the_newest_twelve_months_are_told(log: PublicLog) -> None:
    names = [f"{2026 + number // 12}-{number % 12 + 1:02}" for number in range(MOST_MONTHS + 2)]
    for name in names:
        log.begin(name)
        log.call(f"{name}-02T00")
    found = counted(log, Months(Served(log.folder), wait=60))
    assert [each.period for each in found.reports] == names[2:]
    assert found.read == found.size > 2 * len(names)


def test_nobody_waits_for_a_long_log(log: PublicLog) -> None:
    write_month(log, "2026-11", 20)
    log.publish()
    read, go_on = threading.Event(), threading.Event()

    class Slow(Served):
        def fetch(self, path: str) -> bytes:
            read.set()
            assert go_on.wait(60)
            return super().fetch(path)

    months = Months(Slow(log.folder), wait=0)
    assert months.counted() == Counted((), 0, 0) or read.wait(60)
    assert read.wait(60)
    waiting = months.counted()
    assert (waiting.reports, waiting.read) == ((), 0)
    assert waiting.size > 20
    go_on.set()
    assert len(counted(log, months).reports) == 1


def test_what_is_no_entry_is_counted_as_such(log: PublicLog) -> None:
    log.begin("2026-11")
    log.raw(b"no entry")
    (report,) = counted(log, Months(Served(log.folder), wait=60)).reports
    assert report.unreadable == 1
