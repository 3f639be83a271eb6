"""Whatever is answered was logged first; whatever was done is logged in the end, once."""

from __future__ import annotations

import errno
import json
import random
import sqlite3
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from multiprocessing.connection import Connection
from pathlib import Path
from threading import Lock, Thread
from typing import Any

import pytest
from sqlalchemy import insert

from regard.ledger.log.log import Log
from regard.ledger.tree.entries import EntryError
from regard.ledger.witnesses.audit import audit, from_folder
from regard.operations.common.errors import ApiError
from regard.stewardship.logbook.logbook import NotLogged
from regard.stewardship.logbook.payload_rows import FileRows
from regard.stewardship.logbook.payloads import Part
from regard.stewardship.records import records, tables
from tests.helpers.fakes import Clock, picture_of
from tests.helpers.killed import rest, started
from tests.helpers.ledger.faults import QuickDisk
from tests.helpers.logged import Logged, open_logged

KILLS, THREADS = 200, 4
PICTURE = {"Bytes": picture_of(1)}


@pytest.fixture
def logged(tmp_path: Path) -> Iterator[Logged]:
    made = open_logged(tmp_path)
    yield made
    made.logbook.close()


def test_an_answer_names_its_entry_and_its_place_in_the_sequence(logged: Logged) -> None:
    _, first = logged.ask("DetectFaces", Image=PICTURE)
    _, second = logged.ask("DetectFaces", Image=PICTURE)
    period, index = second.remarks["x-regard-entry"].split("/")
    entry = logged.entries()[int(index)]
    assert period == time.strftime("%Y-%m", time.gmtime())
    assert (first.remarks["x-regard-sequence"], second.remarks["x-regard-sequence"]) == ("1", "2")
    assert second.remarks["x-regard-receipt"] == f"/log/{period}/receipts/{index}"
    assert entry["operation"] == "DetectFaces"
    assert entry["sequence"] == 2
    assert entry["counts"] == {"found": 1}
    assert entry["outcome"] == "answered"
    assert entry["purpose"] == "development"
    assert entry["models"] == {"FaceModelVersion": "1.0"}


def test_a_denied_call_is_logged_with_the_rule(logged: Logged) -> None:
    police = logged.organizations.register("A force", "law-enforcement")
    caller = logged.organizations.issue_key(police.id, "development").caller
    with pytest.raises(ApiError):
        logged.ask("DetectFaces", caller, Image=PICTURE)
    entry = logged.calls()[-1]
    assert (entry["decision"], entry["outcome"]) == ("denied", "denied")
    assert entry["rules"] == ["no-law-enforcement"]
    assert entry["sector"] == "law-enforcement"


def test_a_call_that_fails_is_logged_with_its_error(logged: Logged) -> None:
    with pytest.raises(ApiError):
        logged.ask("ListFaces", CollectionId="nowhere")
    assert logged.calls()[-1]["outcome"] == "ResourceNotFoundException"


def test_a_search_is_logged_with_its_threshold_and_roughly_how_many_were_searched(logged: Logged) -> None:
    logged.ask("CreateCollection", CollectionId="c")
    for number in range(17):
        logged.ask("IndexFaces", CollectionId="c", Image={"Bytes": picture_of(number)})
    logged.ask("SearchFacesByImage", CollectionId="c", Image=PICTURE)
    logged.ask("SearchFacesByImage", CollectionId="c", Image=PICTURE, FaceMatchThreshold=99.0)
    plain, strict = logged.calls()[-2:]
    assert plain["threshold"] == {"asked": None, "applied": 80}
    assert strict["threshold"] == {"asked": 99, "applied": 99}
    assert plain["counts"] == {"found": 1, "matched": 1, "searched": 20}


def test_details_are_sealed_beside_the_log_one_part_a_person(logged: Logged) -> None:
    logged.ask("CreateCollection", CollectionId="c")
    logged.ask("IndexFaces", CollectionId="c", Image=PICTURE, ExternalImageId="somebody")
    _, call = logged.ask("SearchFacesByImage", CollectionId="c", Image=PICTURE)
    own, matched = (logged.logbook.payloads.open(each) for each in logged.calls()[-1]["commitments"])
    assert own["request_id"] == call.request_id
    assert matched["operation"] == "SearchFacesByImage"
    about = logged.logbook.payloads.about(logged.caller.organization, "external/somebody")
    assert [each["operation"] for each in about.values()] == ["IndexFaces", "SearchFacesByImage"]


def test_many_callers_at_once_leave_no_gap_in_the_sequence(logged: Logged) -> None:
    with ThreadPoolExecutor(8) as pool:
        calls = list(pool.map(lambda _: logged.ask("DetectFaces", Image=PICTURE)[1], range(80)))
    told = {call.remarks["x-regard-entry"].split("/")[1]: call.remarks["x-regard-sequence"] for call in calls}
    kept = {str(index): str(entry.get("sequence")) for index, entry in enumerate(logged.entries())}
    assert told.items() <= kept.items()
    assert sorted(map(int, told.values())) == list(range(1, 81))


def test_whoever_waits_for_the_disk_says_so_before(logged: Logged) -> None:
    logged.ask("CreateCollection", CollectionId="c")
    journal: list[int] = []
    _, log = logged.logbook.shards.current()
    logged.logbook.rest = lambda: journal.append(log._state.journal.bytes if log._state else 0)
    for operation, asked in (("DetectFaces", {"Image": PICTURE}), ("DeleteCollection", {"CollectionId": "c"})):
        logged.ask(operation, **asked)
    logged.logbook.rest()
    assert journal == sorted(set(journal))
    assert len(journal) == 3


def test_the_sequence_goes_on_after_a_restart(tmp_path: Path) -> None:
    for number in (1, 2, 3):
        logged = open_logged(tmp_path)
        _, call = logged.ask("DetectFaces", Image=PICTURE)
        assert call.remarks["x-regard-sequence"] == str(number)
        logged.logbook.close()


def test_a_new_month_begins_a_new_shard_pseudonym_and_sequence(tmp_path: Path) -> None:
    clock = Clock()
    logged = open_logged(tmp_path, clock)
    logged.ask("CreateCollection", CollectionId="c")
    before = logged.calls()
    clock.now += 32 * 86400
    logged.ask("DetectFaces", Image=PICTURE)
    (after,) = logged.calls()
    assert after["sequence"] == 1
    assert after["organization"] != before[-1]["organization"]
    # The record of the month before is not told again, even after a restart.
    logged.logbook.close()
    again = open_logged(tmp_path, clock)
    again.ask("DetectFaces", Image=PICTURE)
    assert [entry.get("sequence") for entry in again.entries() if entry["kind"] != "regard/shard"] == [1, 2]
    again.logbook.close()


def test_while_another_process_holds_the_log_it_takes_over_what_this_one_does(tmp_path: Path) -> None:
    holder, other = open_logged(tmp_path), open_logged(tmp_path)
    holder.ask("CreateCollection", CollectionId="c")
    _, call = other.ask("IndexFaces", CollectionId="c", Image=PICTURE)
    _, read = other.ask("ListFaces", CollectionId="c")
    assert "x-regard-entry" not in call.remarks | read.remarks
    holder.logbook.take_over()
    assert [entry["operation"] for entry in holder.calls()] == ["CreateCollection", "IndexFaces", "ListFaces"]
    assert [entry["sequence"] for entry in holder.calls()] == [1, 2, 3]
    details = other.logbook.payloads.open(holder.calls()[-1]["commitments"][0])
    assert details["request_id"] == read.request_id
    holder.logbook.close()
    # Within a second, a process that runs does so by itself.
    other.logbook.take_over()
    _, later = other.ask("ListFaces", CollectionId="c")
    assert later.remarks["x-regard-sequence"] == "4"
    other.logbook.close()


def test_what_was_done_and_not_yet_logged_when_the_process_died_is_logged_once(tmp_path: Path) -> None:
    first = open_logged(tmp_path)
    first.ask("CreateCollection", CollectionId="c")
    with first.logbook._engine.begin() as connection:
        first.logbook.record(connection, "regard/test", {"done": True}, [first.logbook.seal(Part("o", {"a": 1}))])
    first.logbook.close()
    for _ in range(2):
        logged = open_logged(tmp_path)
        logged.logbook.take_over()
        (entry,) = (each for each in logged.entries() if each["kind"] == "regard/test")
        assert logged.logbook.payloads.open(entry["commitments"][0]) == {"a": 1}
        logged.logbook.close()


@pytest.mark.sqlite("the backup is a copy of the file")
def test_a_database_from_a_backup_goes_on_behind_what_was_logged(tmp_path: Path) -> None:
    first = open_logged(tmp_path)
    first.ask("CreateCollection", CollectionId="c")
    with sqlite3.connect(tmp_path / "regard.db") as live, sqlite3.connect(tmp_path / "backup.db") as backup:
        live.backup(backup)
    first.ask("IndexFaces", CollectionId="c", Image=PICTURE)
    first.logbook.close()
    for path in tmp_path.glob("regard.db*"):
        path.unlink()
    (tmp_path / "backup.db").rename(tmp_path / "regard.db")
    again = open_logged(tmp_path)
    again.ask("IndexFaces", CollectionId="c", Image=PICTURE)
    told = [entry.get("operation", entry["kind"]) for entry in again.entries()]
    assert told[-3:] == ["IndexFaces", "regard/restored", "IndexFaces"]
    again.logbook.close()


def test_a_search_that_finds_hundreds_fits_into_an_entry(logged: Logged) -> None:
    parts = [logged.logbook.seal(Part("o", {"match": number})) for number in range(2000)]
    written = logged.logbook.write_call({"operation": "SearchFaces", "organization": "o"}, parts)
    assert written is not None
    own, listed = logged.entries()[written.index]["commitments"]
    payloads = logged.logbook.payloads
    assert payloads.open(own) == {"match": 0}
    assert [payloads.open(each)["match"] for each in payloads.open(listed)["parts"]] == list(range(1, 2000))


class FullDisk(QuickDisk):
    """Takes nothing while it is full."""

    full = False

    def append(self, file: int, data: bytes) -> None:
        if self.full:
            raise OSError(errno.ENOSPC, "No space left on device")
        super().append(file, data)


@pytest.mark.sqlite("a shared log has no disk of its own")
def test_on_a_full_disk_nobody_is_answered_and_then_again_everybody(tmp_path: Path) -> None:
    disk = FullDisk()
    logged = open_logged(tmp_path, open_log=lambda folder, signers: Log(folder, signers, disk=disk))
    logged.ask("CreateCollection", CollectionId="c")
    disk.full = True
    for _ in range(2):
        with pytest.raises(ApiError, match="not logged") as error:
            logged.ask("IndexFaces", CollectionId="c", Image=PICTURE)
        assert error.value.code == "InternalServerError"
    assert "No space left" in str(logged.logbook.trouble)
    disk.full = False
    assert logged.logbook.trouble is None
    answer, call = logged.ask("ListFaces", CollectionId="c")
    # The first attempt was kept before its entry could be written, and is logged first; the second never began.
    assert call.remarks["x-regard-sequence"] == "3"
    assert len(answer["Faces"]) == 1
    assert [entry["operation"] for entry in logged.calls()] == ["CreateCollection", "IndexFaces", "ListFaces"]
    logged.logbook.close()


@pytest.mark.sqlite("a disk of one file can be made full")
def test_while_details_cannot_be_kept_it_is_not_ready_and_then_it_is_again(logged: Logged) -> None:
    logged.ask("DetectFaces", Image=PICTURE)
    rows = logged.logbook.payloads._rows
    assert isinstance(rows, FileRows)
    database = rows._database
    (pages,) = database.execute("PRAGMA page_count").fetchone()
    database.execute(f"PRAGMA max_page_count = {pages}")
    big = logged.logbook.seal(Part("o", {"text": "x" * 100_000}))
    with pytest.raises(NotLogged, match="full"):
        logged.logbook.write_call({"operation": "DetectFaces", "organization": "o"}, [big])
    assert "full" in str(logged.logbook.trouble)
    with pytest.raises(ApiError, match="not logged") as error:
        logged.ask("DetectFaces", Image=PICTURE)
    assert error.value.code == "InternalServerError"
    database.execute("PRAGMA max_page_count = 1000000")
    assert logged.logbook.trouble is None
    assert logged.ask("DetectFaces", Image=PICTURE)[1].remarks["x-regard-sequence"] == "2"


def test_what_could_not_become_an_entry_is_not_recorded(logged: Logged) -> None:
    for size in (64_000, 64_600, 65_500, 70_000):
        with logged.logbook._engine.connect() as connection, connection.begin() as doing:
            try:
                records.append(connection, "regard/test", 1.0, {"organization": "1" * 12, "text": "x" * size})
            except EntryError:
                doing.rollback()
    logged.logbook.take_over()
    assert [len(entry["text"]) for entry in logged.entries() if entry["kind"] == "regard/test"] == [64_000]


def test_a_record_that_stops_the_log_shows(logged: Logged) -> None:
    # As a version that let in longer texts may have left it.
    with logged.logbook._engine.begin() as connection:
        body = json.dumps({"text": "x" * 65_530})
        connection.execute(insert(tables.records).values(kind="regard/test", at=1.0, body=body))
    with pytest.raises(NotLogged):
        logged.logbook.take_over()
    assert "65535 fit" in str(logged.logbook.trouble)
    with pytest.raises(ApiError, match="not logged"):
        logged.ask("DetectFaces", Image=PICTURE)


@pytest.mark.sqlite("the log is in files")
def test_what_cannot_be_logged_says_so(tmp_path: Path) -> None:
    logged = open_logged(tmp_path)
    (tmp_path / "log" / "shards").touch()
    with pytest.raises(NotLogged):
        logged.logbook.write("regard/test", {})


def _work_until_killed(folder: Path, report: Connection) -> None:
    logged = open_logged(folder)
    lock = Lock()

    def loop(number: int) -> None:
        names = ("DetectFaces", "IndexFaces", "SearchFacesByImage", "ListFaces")
        for name in names[number:] + names * 10_000:
            given: dict[str, Any] = {} if name == "DetectFaces" else {"CollectionId": "c"}
            if name != "ListFaces":
                given["Image"] = PICTURE
            _, call = logged.ask(name, **given)
            with lock:
                report.send((call.request_id, name, call.remarks["x-regard-entry"]))

    for thread in [Thread(target=loop, args=(number,)) for number in range(THREADS)]:
        thread.start()


def _killed_under_load(folder: Path, after: float) -> list[tuple[str, str, str]]:
    """What was answered before the end: request, operation and entry."""
    process, ours = started(_work_until_killed, folder)
    told = [ours.recv()]
    end = time.monotonic() + after
    while (left := end - time.monotonic()) > 0:
        if ours.poll(left):
            told.append(ours.recv())
    process.kill()
    process.join()
    return [*told, *rest(ours)]


@pytest.mark.slow("each kill takes a process, and an audit of all that was logged before")
@pytest.mark.sqlite("tests/test_shared.py kills services that share a log")
def test_no_answered_call_lacks_its_entry_after_kill_9(tmp_path: Path, scale: float) -> None:
    first = open_logged(tmp_path)
    first.ask("CreateCollection", CollectionId="c")
    first.logbook.close()
    chance = random.Random(5)
    before: bytes | None = None
    told: dict[str, tuple[str, str]] = {}
    for _ in range(round(KILLS * scale)):
        answered = _killed_under_load(tmp_path, chance.uniform(0, 0.1))
        told |= {entry: (request, name) for request, name, entry in answered}
        logged = open_logged(tmp_path)
        logged.logbook.take_over()
        period, log = logged.logbook.shards.current()
        log.publish()
        found: dict[int, bytes] = {}
        # Every entry is read, and the tree over them built anew.
        public = tmp_path / "log" / "shards" / period / "public"
        verifier = logged.logbook.keys.signers[0].renamed(log.origin).verifier
        before = audit(from_folder(public), [verifier], before=before, entry=found.__setitem__).note
        for _, _, entry in answered:
            kept = json.loads(found[int(entry.split("/")[1])])
            request, name = told[entry]
            details = logged.logbook.payloads.open(kept["commitments"][0])
            assert (kept["operation"], details["request_id"]) == (name, request)
        logged.logbook.close()
    last = open_logged(tmp_path)
    sequences = [entry["sequence"] for entry in last.calls()]
    assert sequences == list(range(1, len(sequences) + 1))
    # Each face that is kept was enrolled by a call that is in the log.
    enrolled = sum(entry["operation"] == "IndexFaces" for entry in last.calls())
    answer, _ = last.ask("ListFaces", CollectionId="c")
    assert len(answer["Faces"]) <= enrolled
    last.logbook.close()
