"""The public inbox: caps, terms, sealed words, and what the log tells of them."""

from __future__ import annotations

import json
from concurrent.futures import ThreadPoolExecutor

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy import select

from regard.ledger.log.served import Served
from regard.ledger.witnesses.series import audit_series
from regard.stewardship.logbook.logbook import NotLogged
from regard.stewardship.people.inbox import (
    DAY,
    About,
    AlreadyAnswered,
    Caps,
    Filing,
    Inbox,
    TooMany,
    UnknownReport,
    Verdict,
)
from regard.stewardship.records.tables import report_senders
from tests.helpers.stewarding import Stewardship

ADDRESS = "198.51.100.77"
APPEAL = Filing(About.APPEAL, "planted-words of a person", "planted-contact@example.org", "2027-01/3")


@pytest.fixture
def inbox(room: Stewardship) -> Inbox:
    return opened(room)


def opened(room: Stewardship, **caps: int) -> Inbox:
    return Inbox(room.engine, room.key, room.logbook, Caps(**caps), lambda: room.now)


def logged(room: Stewardship) -> list[dict[str, object]]:
    """The entries about reports, read as an outsider reads them."""
    room.logbook.shards.current()[1].publish()
    found: list[dict[str, object]] = []
    served = Served(room.folder / "log" / "shards", room.logbook.disk)
    audit_series(
        served.fetch,
        [room.logbook.keys.signers[0].verifier],
        {},
        entry=lambda _p, _i, data: found.append(json.loads(data)),
    )
    return [entry for entry in found if str(entry["kind"]).startswith("regard/report")]


def test_a_report_is_taken_told_and_answered(room: Stewardship, inbox: Inbox) -> None:
    receipt = inbox.file(APPEAL, ADDRESS)
    assert receipt.written is not None
    assert inbox.standing(receipt.report).state == "waiting"
    assert inbox.read(receipt.report) == (APPEAL, "")
    room.now += 3 * DAY
    assert inbox.answer(receipt.report[:8], Verdict.UPHELD, "You were right.") is not None
    standing = inbox.standing(receipt.report)
    assert (standing.state, standing.outcome) == ("answered", "upheld")
    assert inbox.read(receipt.report) == (APPEAL, "You were right.")
    assert inbox.all() == [standing]


def test_the_log_tells_of_a_report_without_a_word_of_it(room: Stewardship, inbox: Inbox) -> None:
    receipt = inbox.file(APPEAL, ADDRESS)
    inbox.answer(receipt.report, Verdict.REJECTED, "planted-answer")
    filed, answered = logged(room)
    assert set(filed) == {"kind", "at", "record", "report", "about", "due", "commitments"}
    assert (filed["report"], filed["about"], filed["due"]) == (receipt.report, "appeal", receipt.due)
    assert {key: answered[key] for key in ("kind", "report", "outcome")} == {
        "kind": "regard/report-answered",
        "report": receipt.report,
        "outcome": "rejected",
    }


@pytest.mark.sqlite("looks into the files of the data folder")
def test_nothing_that_was_filed_is_on_the_disk_in_clear(room: Stewardship, inbox: Inbox) -> None:
    receipt = inbox.file(APPEAL, ADDRESS)
    inbox.answer(receipt.report, Verdict.REFERRED, "planted-answer")
    room.logbook.shards.current()[1].publish()
    planted = ("planted-words", "planted-contact", "planted-answer", ADDRESS, "2027-01/3")
    files = [path for path in room.folder.rglob("*") if path.is_file()]
    assert any(receipt.report.encode() in path.read_bytes() for path in files)
    for path in files:
        data = path.read_bytes()
        assert not [word for word in planted if word.encode() in data], path


def test_a_report_is_overdue_after_its_term(room: Stewardship) -> None:
    inbox = opened(room, days=2)
    name = inbox.file(APPEAL, ADDRESS).report
    room.now += 2 * DAY
    assert inbox.standing(name).state == "waiting"
    room.now += 1
    assert inbox.standing(name).state == "overdue"
    inbox.answer(name, Verdict.UPHELD)
    assert inbox.standing(name).state == "answered"


def test_one_address_files_so_many_a_day(room: Stewardship) -> None:
    inbox = opened(room, of_address=2)
    for _ in range(2):
        inbox.file(APPEAL, ADDRESS)
    with pytest.raises(TooMany) as told:
        inbox.file(APPEAL, ADDRESS)
    assert 0 < told.value.seconds <= DAY
    inbox.file(APPEAL, "198.51.100.78")
    room.now += told.value.seconds
    inbox.file(APPEAL, ADDRESS)


def test_one_household_is_one_sender_with_many_addresses(room: Stewardship) -> None:
    inbox = opened(room, of_address=1)
    inbox.file(APPEAL, "2001:db8:0:1::1")
    with pytest.raises(TooMany):
        inbox.file(APPEAL, "2001:db8:0:1:ffff::2%eth0")
    inbox.file(APPEAL, "2001:db8:0:2::1")


def test_a_day_takes_so_many_from_everybody(room: Stewardship) -> None:
    inbox = opened(room, a_day=3)
    for last in range(3):
        inbox.file(APPEAL, f"198.51.100.{last}")
    with pytest.raises(TooMany, match="3 reports were filed today"):
        inbox.file(APPEAL, "198.51.100.9")
    room.now += DAY
    inbox.file(APPEAL, "198.51.100.9")


def test_a_share_of_a_day_is_kept_for_senders_who_have_not_filed_that_day(room: Stewardship) -> None:
    inbox = opened(room, a_day=20, of_address=5)

    def taken(address: str) -> bool:
        try:
            inbox.file(APPEAL, address)
        except TooMany:
            return False
        return True

    greedy = [f"203.0.113.{last}" for last in range(4)]
    assert sum(taken(address) for address in greedy * 6) == 15
    with pytest.raises(TooMany, match="kept for networks"):
        inbox.file(APPEAL, greedy[0])
    assert [taken(f"198.51.100.{last}") for last in range(6)] == [True] * 5 + [False]
    room.now += DAY
    assert taken(greedy[0])
    assert taken(greedy[0])


def test_caps_hold_after_a_restart_and_what_is_refused_is_nowhere(room: Stewardship) -> None:
    opened(room, of_address=1).file(APPEAL, ADDRESS)
    with pytest.raises(TooMany):
        opened(room, of_address=1).file(APPEAL, ADDRESS)
    assert len(opened(room).all()) == 1
    assert len(logged(room)) == 1


def test_caps_hold_when_many_file_at_once(room: Stewardship) -> None:
    inbox = opened(room, of_address=3)

    def taken(_: int) -> bool:
        try:
            inbox.file(APPEAL, ADDRESS)
        except TooMany:
            return False
        return True

    with ThreadPoolExecutor(8) as threads:
        assert sum(threads.map(taken, range(16))) == 3
    assert len(inbox.all()) == len(logged(room)) == 3


def test_senders_are_forgotten_the_next_day_and_are_another_digest_then(room: Stewardship, inbox: Inbox) -> None:
    def senders() -> list[str]:
        with room.engine.connect() as connection:
            return list(connection.execute(select(report_senders.c.sender)).scalars())

    inbox.file(APPEAL, ADDRESS)
    first = senders()
    room.now += DAY
    inbox.file(APPEAL, ADDRESS)
    second = senders()
    assert len(first) == len(second) == 1
    assert first != second


def test_a_report_is_answered_once(inbox: Inbox) -> None:
    name = inbox.file(APPEAL, ADDRESS).report
    inbox.answer(name, Verdict.UPHELD)
    with pytest.raises(AlreadyAnswered):
        inbox.answer(name, Verdict.REJECTED)
    assert inbox.standing(name).outcome == "upheld"


@pytest.mark.parametrize("name", ["", "%", "_", "0" * 32])
def test_a_report_that_is_not_there_is_told_so(inbox: Inbox, name: str) -> None:
    inbox.file(APPEAL, ADDRESS)
    with pytest.raises(UnknownReport):
        inbox.standing(name)


def test_nothing_is_taken_that_cannot_be_logged(room: Stewardship, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(type(room.logbook), "trouble", "the disk is full")
    inbox = opened(room)
    with pytest.raises(NotLogged):
        inbox.file(APPEAL, ADDRESS)
    assert inbox.all() == []


def test_what_is_due_first_stands_first_and_answered_ones_last(room: Stewardship, inbox: Inbox) -> None:
    names = []
    for _ in range(3):
        names.append(inbox.file(APPEAL, ADDRESS).report)
        room.now += DAY
    inbox.answer(names[0], Verdict.UPHELD)
    assert [each.report for each in inbox.all()] == [names[1], names[2], names[0]]


@given(st.binary(max_size=200))
def test_what_is_no_filing_is_refused(data: bytes) -> None:
    with pytest.raises((msgspec.MsgspecError, UnicodeDecodeError)):
        msgspec.json.decode(data, type=Filing)


@pytest.mark.parametrize(
    "wrong",
    [
        {"about": "praise"},
        {"text": ""},
        {"text": "x" * 8001},
        {"contact": "x" * 321},
        {"entry": "yesterday"},
        {"name": "somebody"},
        {"text": None},
    ],
)
def test_a_filing_has_the_form_that_is_described(wrong: dict[str, object]) -> None:
    good = {"about": "abuse", "text": "what happened", "entry": "2026-11/12"}
    msgspec.convert(good, Filing)
    with pytest.raises(msgspec.ValidationError):
        msgspec.convert(good | wrong, Filing)
