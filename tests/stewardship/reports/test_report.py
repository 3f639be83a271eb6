"""The transparency report: counted from the public log alone, the same bytes for everyone."""

from __future__ import annotations

import json
import random
import shutil
from collections import Counter
from pathlib import Path
from typing import Any, get_args

import pytest
from hypothesis import given
from hypothesis import strategies as st

from regard.database import open_database
from regard.ledger.log.served import Served
from regard.ledger.tree.checkpoints import Checkpoint
from regard.ledger.tree.entries import canonical
from regard.ledger.witnesses.series import Broken
from regard.operations.common.errors import ApiError
from regard.sealing import master_key
from regard.stewardship.council.member_keys import read_signer
from regard.stewardship.council.motions import Kind, Vote
from regard.stewardship.logbook.public_entries import Known
from regard.stewardship.people.inbox import About, Filing, Inbox, Verdict
from regard.stewardship.reports.reckoning import BadPeriod, Reckoning, read_report
from regard.stewardship.reports.report_forms import Form, rendered
from tests.helpers.databases import database_url
from tests.helpers.fakes import Clock, picture_of
from tests.helpers.ledger.public_log import FIRST_POLICY, NEXT_POLICY, PublicLog, charter, founding, motion, open_log
from tests.helpers.logged import open_logged


@pytest.fixture
def log(tmp_path: Path) -> PublicLog:
    made = PublicLog(tmp_path / "log")
    made.begin("2026-11")
    return made


def _busy(log: PublicLog, seed: int) -> None:
    """A month with something of everything."""
    dice = random.Random(seed)
    denied = {"outcome": "denied", "rules": ["no-law-enforcement"]}
    ends: list[dict[str, Any]] = [{}, {}, denied, {"outcome": "ThrottlingException"}]
    log.write("founded", "2026-11-01T00", **founding())
    for _ in range(120):
        log.call(
            f"2026-11-{dice.randint(1, 28):02}T{dice.randint(0, 23):02}",
            operation=dice.choice(["CompareFaces", "DetectFaces", "SearchFacesByImage"]),
            purpose=dice.choice(["development", "photo-library", "access-control"]),
            sector=dice.choice(["retail", "media"]),
            **dice.choice(ends),
        )
    asked = motion(Kind.FLOOR, "Raise | the <b>floor</b>", purpose="photo-library", floor=90)
    log.write("motion", "2026-11-03T01", motion=asked.hash, about="floor", role="auditor", text=asked.text)
    log.write("ballot", "2026-11-03T02", motion=asked.hash, role="auditor", choice="refuse", reason="a\n\n# reason")
    stopped = {"capability": "identify", "role": "auditor", "reason": "a false arrest"}
    log.write("suspension", "2026-11-04T00", until="2026-11-07T00:00Z", **stopped)
    log.write("key", "2026-11-04T00", change="issued", organization="1" * 32, purpose="photo-library")
    log.write("audit", "2026-11-05T00", model="1.0", results={"fmr": {"all": 0.0001}, "fnmr": 0.02, "set": "faces"})
    log.write("report", "2026-11-06T00", report="c" * 32, about="appeal", due="2026-11-08T00:00Z", commitments=[])
    log.write("attestation", "2026-11-06T00", organization="1" * 32, until="2027-11-08T00:00Z")
    log.write("screening", "2026-11-06T00", organization="1" * 32, change="opened")


@pytest.mark.parametrize("form", Form)
@pytest.mark.parametrize("seed", range(3))
def test_a_second_reader_gets_the_same_bytes(log: PublicLog, tmp_path: Path, form: Form, seed: int) -> None:
    _busy(log, seed)
    mine = rendered(log.report(), form)
    for month in (log.folder).iterdir():
        shutil.copytree(month / "public", tmp_path / "copy" / month.name)
    theirs = read_report("2026-11", Served(tmp_path / "copy").fetch, [log.key.verifier], lambda *_: None)
    assert rendered(theirs, form) == mine


def test_a_report_of_a_month_that_is_over_stays_as_it_is(log: PublicLog) -> None:
    _busy(log, 1)
    log.begin("2026-12")
    closed = rendered(log.report(), Form.JSON)
    log.call("2026-12-05T00", 10)
    log.write("report-answered", "2026-12-06T00", report="c" * 32, outcome="upheld")
    assert rendered(log.report(), Form.JSON) == closed


def test_a_month_of_which_nothing_is_signed_yet_closes_none(log: PublicLog) -> None:
    log.report()
    open_log(log.folder / "2026-12", [log.key.renamed("log.example/2026-12")]).close()
    assert (log.folder / "2026-12/public/checkpoint").is_file()
    assert not log.report().closed


def test_json_is_canonical_and_holds_the_whole_report(log: PublicLog) -> None:
    _busy(log, 2)
    data = rendered(log.report(), Form.JSON)
    assert canonical(json.loads(data)) == data
    assert json.loads(data)["origin"] == "log.example/2026-11"


def test_a_log_that_was_changed_makes_no_report(log: PublicLog) -> None:
    _busy(log, 0)
    log.report()
    tile = next((log.folder / "2026-11/public/tile/entries").rglob("*.p/*"))
    tile.write_bytes(tile.read_bytes().replace(b"denied", b"agreed"))
    with pytest.raises(Broken):
        log.report()


def test_calls_are_counted_by_what_they_were(log: PublicLog) -> None:
    log.call(count=20)
    log.call(count=7, operation="CompareFaces", sector="media", purpose="media-archive")
    log.call(count=9, outcome="denied", rules=["purpose-is-bound", "no-military"])
    log.call(count=6, outcome="ImageTooLargeException")
    calls = log.report().calls
    assert calls.outcomes.rows == {
        "ImageTooLargeException": 6,
        "answered": 27,
        "denied by no-military and purpose-is-bound": 9,
    }
    assert calls.operations.rows == {"CompareFaces": 7, "DetectFaces": 35}
    assert calls.purposes.rows == {"media-archive": 7, "photo-library": 35}
    assert calls.sectors.rows == {"media": 7, "retail": 35}
    assert calls.outcomes.total == 42
    assert calls.organizations == "<5"


def test_development_is_counted_apart(log: PublicLog) -> None:
    log.call(count=8)
    log.call(count=5, purpose="development")
    report = log.report()
    assert report.calls.outcomes.total == 8
    assert report.development.outcomes.total == 5
    assert "development" not in (report.calls.purposes.rows or {})


def test_counts_agree_with_a_plain_recount(log: PublicLog) -> None:
    _busy(log, 4)
    report = log.report()
    served = Served(log.folder)
    found: list[dict[str, str]] = []
    public = served.folder("2026-11")
    for tile in (public / "tile/entries").rglob("*"):
        data = tile.read_bytes() if tile.is_file() else b""
        while data:
            size = int.from_bytes(data[:2])
            found.append(json.loads(data[2 : 2 + size]))
            data = data[2 + size :]
    calls = [entry for entry in found if entry["kind"] == "regard/call" and entry["purpose"] != "development"]
    told = report.calls.operations
    assert told.total == len(calls)
    assert told.rows == Counter(entry["operation"] for entry in calls)


def test_small_counts_are_in_no_form(log: PublicLog) -> None:
    log.call(count=40)
    log.call(count=3, operation="CompareFaces")
    log.call(count=30, operation="ListFaces")
    report = log.report()
    assert report.calls.operations.rows == {"CompareFaces": "<5", "DetectFaces": 40, "ListFaces": 30}
    assert "| CompareFaces | \\<5 |" in rendered(report, Form.MARKDOWN).decode()
    assert (
        '<th scope="row">CompareFaces</th><td class="figure" data-of="number">&lt;5</td>'
        in rendered(report, Form.HTML).decode()
    )


def test_a_gap_in_a_sequence_is_told_loudly(log: PublicLog) -> None:
    log.call(count=3)
    assert log.report().missing == 0
    log._sequence += 2
    log.call()
    report = log.report()
    assert report.missing == 2
    assert "**2 CALLS ARE MISSING" in rendered(report, Form.MARKDOWN).decode()


@pytest.mark.parametrize(("members", "told"), [(1, True), (3, False)])
def test_a_council_of_one_is_told_loudly(log: PublicLog, members: int, told: bool) -> None:
    log.write("founded", "2026-11-01T00", **founding(members))
    report = log.report()
    assert report.council.members == members
    assert report.council.alone is told
    for form, loud in ((Form.MARKDOWN, "**THE COUNCIL IS ONE PERSON"), (Form.HTML, '"loud">THE COUNCIL IS ONE PERSON')):
        assert (loud in rendered(report, form).decode()) is told


def test_a_council_that_was_one_person_for_a_while_is_told(log: PublicLog) -> None:
    log.write("founded", "2026-11-01T00", **founding(1))
    grown = motion(Kind.CHARTER, charter=charter(4))
    log.write("motion", "2026-11-02T00", motion=grown.hash, about="charter", text=grown.text)
    assert log.report().council.members == 1
    log.write("outcome", "2026-11-03T00", motion=grown.hash, outcome="carried")
    report = log.report()
    assert (report.council.members, report.council.alone) == (4, True)
    assert "FOR A PART OF THIS PERIOD" in rendered(report, Form.HTML).decode()
    log.begin("2026-12")
    later = log.report("2026-12").council
    assert (later.members, later.alone) == (4, False)


def test_nobody_founded_is_told(log: PublicLog) -> None:
    assert log.report().council.members is None
    assert "does not say who sits on the council" in rendered(log.report(), Form.MARKDOWN).decode()


def test_a_text_that_its_hash_does_not_name_counts_for_nothing(log: PublicLog) -> None:
    log.write("founded", "2026-11-01T00", **founding(1) | {"motion": "0" * 64})
    assert log.report().council.members is None


def test_the_policy_in_force_is_told_over_time(log: PublicLog) -> None:
    log.write("founded", "2026-11-01T00", **founding())
    log.write("policy", "2026-11-01T00", policy=FIRST_POLICY)
    change = motion(Kind.POLICY, policy=NEXT_POLICY, pack="stricter")
    log.write("motion", "2026-11-05T00", motion=change.hash, about="policy", text=change.text)
    log.write("outcome", "2026-11-06T00", motion=change.hash, outcome="carried")
    log.write("policy", "2026-11-06T00", policy=NEXT_POLICY)
    told = [(each.since, each.policy, each.pack) for each in log.report().policies]
    assert told == [
        ("2026-11-01T00:00Z", FIRST_POLICY, "moratorium"),
        ("2026-11-06T00:00Z", NEXT_POLICY, "stricter"),
    ]
    log.begin("2026-12")
    assert [each.policy for each in log.report("2026-12").policies] == [NEXT_POLICY]


def test_motions_are_told_with_votes_dissent_and_reasons(log: PublicLog) -> None:
    asked = motion(Kind.FLOOR, "Raise the floor", purpose="photo-library", floor=90)
    log.write("motion", "2026-11-03T01", motion=asked.hash, about="floor", role="auditor", text=asked.text)
    log.write("ballot", "2026-11-03T02", motion=asked.hash, role="auditor", choice="approve", reason="")
    log.write("ballot", "2026-11-03T03", motion=asked.hash, role="operator", choice="refuse", reason="too dear")
    (told,) = log.report().motions
    assert (told.title, told.outcome) == ("Raise the floor", "open")
    assert [(vote.choice, vote.role, vote.reason) for vote in told.votes] == [
        ("approve", "auditor", ""),
        ("refuse", "operator", "too dear"),
    ]
    log.begin("2026-12")
    assert len(log.report("2026-12").motions) == 1
    log.write("outcome", "2026-12-03T00", motion=asked.hash, outcome="expired")
    log.begin("2027-01")
    assert log.report("2026-11").motions == (told,)
    assert log.report("2026-12").motions[0].outcome == "expired"
    assert log.report("2027-01").motions == ()


def test_what_strangers_wrote_is_text_and_nothing_else(log: PublicLog) -> None:
    evil = "<script>alert(1)</script> | [x](http://evil.example) \u202e **b** `c`\n\n# d"
    asked = motion(Kind.FLOOR, evil, purpose="photo-library", floor=90)
    log.write("motion", "2026-11-03T01", motion=asked.hash, about="floor", role="auditor", text=asked.text)
    log.write("ballot", "2026-11-03T02", motion=asked.hash, role="auditor", choice="refuse", reason=evil)
    page, text = (rendered(log.report(), form).decode() for form in (Form.HTML, Form.MARKDOWN))
    assert "<script" not in page
    assert "&lt;script&gt;alert(1)&lt;/script&gt; | [x]" in page
    assert "\\<script\\>alert(1)\\</script\\> \\| \\[x\\](http\\://evil.example) \\*\\*b\\*\\* \\`c\\` \\# d" in text
    assert "\u202e" not in page + text
    assert not [line for line in text.splitlines() if line.startswith("# d")]


def test_the_page_needs_nothing_else(log: PublicLog) -> None:
    _busy(log, 5)
    page = rendered(log.report(), Form.HTML).decode()
    assert page.startswith('<!DOCTYPE html>\n<html lang="en">')
    for never in ("<script", "src=", "href=", "url(", "@import", "style="):
        assert never not in page
    assert page.count("<h1>") == 1
    assert page.count("<table>") == page.count("<caption>") == page.count("</table>") > 5
    assert "@media print" in page


def test_appeals_are_told_with_their_times(log: PublicLog) -> None:
    for name, filed, answered in (("1", "01T00", "01T05"), ("2", "01T00", "05T01"), ("3", "02T00", "02T10")):
        log.write("report", f"2026-11-{filed}", report=name * 32, about="appeal", due="2026-11-05T00:00Z")
        log.write("report-answered", f"2026-11-{answered}", report=name * 32, outcome="upheld")
    log.write("report", "2026-11-06T00", report="4" * 32, about="abuse", due="2026-12-06T00:00Z")
    told = log.report().responses
    assert (told["appeal"].filed, told["appeal"].answered, told["appeal"].late, told["appeal"].waiting) == (3, 3, 1, 0)
    assert (told["appeal"].median_hours, told["appeal"].longest_hours) == (10, 97)
    assert (told["abuse"].waiting, told["abuse"].median_hours) == (1, None)


def test_what_is_overdue_shows_by_itself(log: PublicLog) -> None:
    log.write("report", "2026-11-06T00", report="c" * 32, about="appeal", due="2026-11-08T00:00Z")
    log.call("2026-11-08T00")
    assert log.report().overdue == ()
    log.call("2026-11-08T03")
    (late,) = log.report().overdue
    assert (late.report, late.hours) == ("c" * 32, 3)
    log.begin("2026-12")
    assert [each.hours for each in log.report().overdue] == [22 * 24 + 24]
    text = rendered(log.report(), Form.MARKDOWN).decode()
    assert "**1 WAIT LONGER THAN WAS PROMISED.**" in text
    assert f"| {'c' * 32} | appeal |" in text


def test_what_is_never_answered_is_overdue_month_after_month(log: PublicLog) -> None:
    log.write("report", "2026-11-06T00", report="c" * 32, about="appeal", due="2026-11-08T00:00Z")
    log.begin("2026-12")
    log.begin("2027-01")
    assert len(log.report("2026-12").overdue) == 1
    log.write("report-answered", "2027-01-02T00", report="c" * 32, outcome="upheld")
    assert log.report("2027-01").overdue == ()
    assert log.report("2027-01").responses["appeal"].late == 1
    assert len(log.report("2026-12").overdue) == 1


def test_suspensions_are_told_while_they_last(log: PublicLog) -> None:
    told = {"capability": "identify", "role": "auditor", "reason": "a false arrest"}
    log.write("suspension", "2026-11-29T00", until="2026-12-02T00:00Z", **told)
    log.begin("2026-12")
    log.begin("2027-01")
    assert [len(log.report(month).suspensions) for month in ("2026-11", "2026-12", "2027-01")] == [1, 1, 0]


def test_keys_are_counted_by_purpose(log: PublicLog) -> None:
    for change, count in (("issued", 6), ("revoked", 2)):
        for _ in range(count):
            log.write("key", "2026-11-02T00", change=change, organization="1" * 32, purpose="photo-library")
    keys = log.report().keys
    assert keys["issued"].rows == {"photo-library": 6}
    assert (keys["revoked"].total, keys["revoked"].rows) == (2, None)


def test_audits_are_told_with_their_rates(log: PublicLog) -> None:
    log.write("audit", "2026-11-05T00", model="1.0", results={"fmr": {"all": 0.0001}, "fnmr": 0.02, "on": "faces"})
    assert "| fmr, all | 0.0001 |" in rendered(log.report(), Form.MARKDOWN).decode()


def test_entries_of_other_kinds_are_counted_and_broken_ones_told(log: PublicLog) -> None:
    log.write("erasure", "2026-11-02T00", anything=1)
    log.write("call", "2026-11-02T00", operation="DetectFaces")
    log.call("2026-11-02T2x")
    report = log.report()
    assert report.other == {"regard/erasure": 1, "regard/nothing": 1, "regard/shard": 1}
    assert report.unreadable == 2
    assert "**2 ENTRIES ARE NOT OF THE FORM" in rendered(report, Form.MARKDOWN).decode()


@pytest.mark.parametrize("period", ["2026", "2026-13", "2026-00", "november", "", "2026-1", "../2026-11"])
def test_what_is_no_month_is_told_so(log: PublicLog, period: str) -> None:
    with pytest.raises(BadPeriod):
        log.report(period)


def test_a_month_that_the_log_does_not_have_is_told_so(log: PublicLog) -> None:
    with pytest.raises(LookupError, match="it has 2026-11"):
        log.report("2026-09")


def test_the_end_of_a_year_is_a_month_later(log: PublicLog) -> None:
    log.write("report", "2026-12-01T00", report="c" * 32, about="appeal", due="2026-12-31T23:00Z")
    log.begin("2027-01")
    report = log.report("2026-12")
    assert report.judged == "2027-01-01T00:00Z"
    assert [each.hours for each in report.overdue] == [1]


def test_what_the_service_logs_is_what_a_report_reads(tmp_path: Path) -> None:
    clock = Clock()
    service = open_logged(tmp_path, clock)
    council = service.service.gate.council
    signer = read_signer("operator", tmp_path / "council.key")
    service.ask("DetectFaces", Image={"Bytes": picture_of(1)})
    police = service.organizations.register("A force", "law-enforcement")
    caller = service.organizations.issue_key(police.id, "photo-library").caller
    with pytest.raises(ApiError):
        service.ask("DetectFaces", caller, Image={"Bytes": picture_of(1)})
    payload = {"purpose": "photo-library", "floor": 90}
    asked = council.propose(council.draft(Kind.FLOOR, "Raise it", payload, "operator").signed(signer))
    council.vote(asked, Vote.APPROVE, "it is time", signer)
    council.suspend("identify", "a false arrest", signer)
    engine = open_database(database_url(tmp_path))
    inbox = Inbox(engine, master_key(tmp_path / "master.key"), service.logbook, clock=clock)
    name = inbox.file(Filing(About.APPEAL, "words"), "192.0.2.1").report
    inbox.answer(inbox.file(Filing(About.ABUSE, "words"), "192.0.2.1").report, Verdict.UPHELD)
    service.logbook.close()
    served = Served(tmp_path / "log" / "shards", service.logbook.disk)
    (period,) = served.periods()
    report = read_report(period, served.fetch, [service.logbook.keys.signers[0].verifier], lambda *_: None)
    assert report.unreadable == report.missing == 0
    assert report.council.alone
    assert [each.pack for each in report.policies] == ["moratorium"]
    assert (report.calls.outcomes.total, report.development.outcomes.total) == (1, 1)
    assert [(each.title, each.outcome, len(each.votes)) for each in report.motions] == [("Raise it", "carried", 1)]
    assert [each.capability for each in report.suspensions] == ["identify"]
    assert {about: each.waiting for about, each in report.responses.items()} == {"abuse": 0, "appeal": 1}
    assert report.keys["issued"].total == 2
    assert name not in rendered(report, Form.MARKDOWN).decode()


_TEXTS = st.text("aß|<\n\u202e", max_size=5)
_WORDS = st.sampled_from(["2026-11-02T10:00Z", "2026-99-99T10:00Z", "a" * 64, "denied", "carried", "", "|<b>"])
_VALUES = st.recursive(
    _WORDS | st.none() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | _TEXTS,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(_TEXTS, inner, max_size=3),
    max_leaves=5,
)
_RIGHT: dict[str, st.SearchStrategy[Any]] = {
    "at": st.just("2026-11-02T10:00Z"),
    "due": st.just("2026-11-05T10:00Z"),
    "until": st.just("2026-12-02T10:00Z"),
    "sequence": st.integers(1, 9),
    "rules": st.lists(_WORDS, max_size=2),
    "results": st.dictionaries(_TEXTS, _VALUES, max_size=3),
}


@st.composite
def _bodies(draw: st.DrawFn) -> bytes:
    """An entry of a known kind, right in most of its fields."""
    kind = draw(st.sampled_from(get_args(Known)))
    body = {name: draw(_RIGHT.get(name, _WORDS)) for name in kind.__struct_fields__}
    body |= draw(st.dictionaries(st.sampled_from(sorted(body)), _VALUES, max_size=1) | st.just({}))
    return json.dumps(body | {"kind": kind.__struct_config__.tag}).encode()


@given(st.lists(st.binary(max_size=20) | _bodies(), max_size=12))
def test_whatever_a_log_holds_there_is_a_report(found: list[bytes]) -> None:
    reckoning = Reckoning("2026-11")
    for index, data in enumerate(found):
        reckoning.take("2026-11", index, data)
    report = reckoning.report(Checkpoint("log.example/2026-11", len(found), bytes(32)), closed=True)
    for form in Form:
        assert rendered(report, form)


@given(st.integers() | st.integers(2**39, 2**54), st.sampled_from(["sequence", "results"]))
def test_numbers_that_no_entry_can_hold_are_told(number: int, place: str) -> None:
    usual = {"operation": "x", "organization": "y", "purpose": "z", "outcome": "answered", "model": "1.0"}
    kind = "regard/call" if place == "sequence" else "regard/audit"
    value = number if place == "sequence" else {"rate": number}
    body = usual | {"kind": kind, "at": "2026-11-02T10:00Z", place: value}
    reckoning = Reckoning("2026-11")
    reckoning.take("2026-11", 0, json.dumps(body).encode())
    report = reckoning.report(Checkpoint("log.example/2026-11", 1, bytes(32)), closed=True)
    assert rendered(report, Form.JSON)
    possible = 1 <= number <= 2**40 if place == "sequence" else abs(number) < 2**53
    assert report.unreadable == (not possible)
