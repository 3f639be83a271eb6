"""A log, its keys, the root key and the record do not become less unnoticed: a start with less wants to hear why."""

from __future__ import annotations

import shutil
import sqlite3
from pathlib import Path

import pytest
from sqlalchemy import delete, text, update

from regard.sealing import NoMasterKey
from regard.stewardship.accepting import accept_less
from regard.stewardship.council.founding import NotTheFirst
from regard.stewardship.logbook.log_keys import FolderKeys
from regard.stewardship.office import Less, Office, start_office, unchecked_office
from regard.stewardship.records import records, tables
from regard.stewardship.records.kept_records import LOT, Digests, Growing, changed_lots
from tests.helpers.commands import run
from tests.helpers.started import settings_in, started, stop

pytestmark = pytest.mark.sqlite


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A folder in which a service ran, and was ended."""
    office = started(tmp_path / "data")
    for number in range(3):
        office.logbook.write("regard/test", {"number": number})
    stop(office)
    return tmp_path / "data"


def _goes_on(folder: Path, number: int = 9) -> None:
    office = started(folder)
    office.logbook.write("regard/test", {"number": number})
    stop(office)


def _refused(folder: Path) -> str:
    with pytest.raises((Less, NotTheFirst, NoMasterKey)) as refused:
        start_office(settings_in(folder))
    return str(refused.value)


def _accepted(folder: Path, because: str = "the disk broke") -> Office:
    accept_less(unchecked_office(settings_in(folder)), because)
    return started(folder)


def test_a_log_that_is_as_it_was_is_not_asked_about(folder: Path) -> None:
    for number in range(3):
        _goes_on(folder, number)
    with pytest.raises(LookupError, match="nothing is less"):
        accept_less(unchecked_office(settings_in(folder)), "to be sure")


def test_a_log_that_is_gone_is_missed_until_somebody_says_why(folder: Path) -> None:
    shutil.rmtree(folder / "log" / "shards")
    assert "is gone" in _refused(folder)
    office = _accepted(folder, "the disk of the log broke")
    (told,) = [record.body for record in records.read(office.engine, "regard/accepted")]
    assert told["because"] == "the disk of the log broke"
    assert "is gone" in told["less"][0]
    _, log = office.logbook.shards.current()
    entries = [log.entry(index) for index in range(log.publish().checkpoint.size)]
    assert any(b"regard/founded" in entry for entry in entries)
    assert any(b"the disk of the log broke" in entry for entry in entries)
    stop(office)
    _goes_on(folder)


def test_a_log_that_is_rolled_back_is_missed(folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    shutil.copytree(folder / "log", tmp_path / "older")
    _goes_on(folder)
    shutil.rmtree(folder / "log")
    shutil.copytree(tmp_path / "older", folder / "log")
    assert "entries and had" in _refused(folder)
    monkeypatch.setenv("REGARD_DATA_DIR", str(folder))
    assert isinstance(run("orgs", "list").exception, Less)
    assert isinstance(run("log", "accept", "--because", " ").exception, ValueError)
    said = run("log", "accept", "--because", "the backup of the night before is in place")
    assert (said.exit_code, "entries and had" in said.output) == (0, True)
    _goes_on(folder)


def test_a_database_that_is_rolled_back_is_missed(folder: Path, tmp_path: Path) -> None:
    with sqlite3.connect(folder / "regard.db") as connection:
        connection.execute(f"VACUUM INTO '{tmp_path / 'older.db'}'")
    connection.close()
    _goes_on(folder)
    for file in folder.glob("regard.db*"):
        file.unlink()
    shutil.copy(tmp_path / "older.db", folder / "regard.db")
    assert "the database is older than the log, which tells of 1 more records" in _refused(folder)
    office = _accepted(folder)
    assert [record.kind for record in records.read(office.engine)][-2:] == ["regard/restored", "regard/accepted"]
    stop(office)
    _goes_on(folder)


def test_a_backup_of_all_but_the_key_store_starts_as_it_was(folder: Path, tmp_path: Path) -> None:
    shutil.copytree(folder, tmp_path / "backup", ignore=shutil.ignore_patterns("keys.db*"))
    _goes_on(folder)
    for file in folder.glob("keys.db*"):
        shutil.copy(file, tmp_path / "backup" / file.name)
    _goes_on(tmp_path / "backup")


def test_a_root_key_that_is_gone_is_not_made_anew(folder: Path) -> None:
    (folder / "root.sealed").unlink()
    assert "root.sealed is gone" in _refused(folder)
    assert not (folder / "root.sealed").exists()
    with pytest.raises(NoMasterKey, match="none is made in its place"):
        accept_less(unchecked_office(settings_in(folder)), "it is lost")


def test_a_root_key_of_another_folder_is_refused(folder: Path, tmp_path: Path) -> None:
    stop(started(tmp_path / "other"))
    for name in ("root.sealed", "master.key"):
        shutil.copy(tmp_path / "other" / name, folder / name)
    with pytest.raises(RuntimeError, match="another root key"):
        start_office(settings_in(folder))


def test_another_key_of_the_log_is_refused(folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (folder / "log" / "log.key").unlink()
    assert "that nobody added" in _refused(folder)
    stop(started(tmp_path / "other"))
    (folder / "log" / "log.key").unlink()
    shutil.copy(tmp_path / "other" / "log" / "log.key", folder / "log" / "log.key")
    assert "that nobody added" in _refused(folder)
    kept = FolderKeys(folder / "log")
    kept.write("log.retired", kept.read("log.retired") + "")
    assert "is gone" in _refused(folder)


def test_a_key_that_is_replaced_by_the_command_is_known(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("REGARD_DATA_DIR", str(folder))
    for finish in ((), ("--finish",)):
        assert run("log", "rotate", *finish).exit_code == 0
        _goes_on(folder)


@pytest.mark.parametrize(
    "edit",
    [
        "UPDATE records SET body = replace(body, '1', '7') WHERE sequence = 2",
        "UPDATE records SET at = at + 1 WHERE sequence = 3",
        "DELETE FROM records WHERE sequence = 2",
        "DELETE FROM records WHERE sequence = (SELECT max(sequence) FROM records)",
    ],
)
def test_a_record_that_was_changed_or_taken_out_is_missed(folder: Path, edit: str) -> None:
    office = started(folder)
    with office.engine.begin() as connection:
        for verb in ("UPDATE", "DELETE"):
            connection.execute(text(f"DROP TRIGGER records_refuse_{verb}"))
        connection.execute(text(edit))
    stop(office)
    assert "not as they were recorded" in _refused(folder)


def test_records_of_long_ago_are_looked_at_while_the_service_runs(folder: Path) -> None:
    office = started(folder)
    with office.engine.begin() as connection:
        of = tables.records
        rows = [{"sequence": 100 + n, "kind": "denial", "at": float(n), "body": "{}"} for n in range(3 * LOT)]
        connection.execute(of.insert(), rows)
    stop(office)
    _goes_on(folder)
    office = started(folder)
    with office.engine.begin() as connection:
        connection.execute(text("DROP TRIGGER records_refuse_UPDATE"))
        connection.execute(update(of).where(of.c.sequence == 500).values(body='{"a":1}'))
    assert office.logbook.trouble is None
    stop(office)
    office = start_office(settings_in(folder))
    office.logbook.start()
    office.logbook.close()
    assert office.logbook.trouble == "the records from 1 to 2047 are not as they were recorded"


def test_a_digest_that_goes_on_is_the_one_from_the_beginning(folder: Path) -> None:
    office = started(folder)
    with office.engine.begin() as connection:
        rows = [{"sequence": 50 + n * 7, "kind": "denial", "at": n / 3, "body": "{}"} for n in range(LOT)]
        connection.execute(tables.records.insert(), rows)
        growing = Growing(connection, Digests())
        for upto in (1, 60, LOT - 1, LOT, LOT + 9, 5 * LOT):
            on = growing.grow(connection, upto)
            assert Growing(connection, on).told == on
            assert on == Growing(connection, Digests()).grow(connection, upto)
            assert not changed_lots(connection, on, newest=True)
            assert not changed_lots(connection, on, newest=False)
    stop(office)


def test_the_pin_of_the_log_is_missed(folder: Path) -> None:
    _goes_on(folder)
    office = started(folder)
    with office.engine.begin() as connection:
        connection.execute(delete(tables.pins).where(tables.pins.c.name == "log"))
    office.engine.dispose()
    office.logbook.published = lambda _period, _note: None
    office.logbook.close()
    assert "what was pinned of the log is gone" in _refused(folder)
