"""The council that was founded first stays the council: nothing that is taken away founds another."""

from __future__ import annotations

import sqlite3
from pathlib import Path

import pytest
from sqlalchemy import delete, insert, select, text

from regard.database import reading
from regard.ledger.tree.notes import Signer
from regard.stewardship.council.chain import BrokenChain
from regard.stewardship.council.council import Council, is_new
from regard.stewardship.council.founding import NotTheFirst
from regard.stewardship.office import NotStarted, Office, open_office, start_office
from regard.stewardship.parties.organization import Standing
from regard.stewardship.records import records, tables
from tests.helpers.commands import run
from tests.helpers.databases import SQLITE
from tests.helpers.started import settings_in, started, stop

MOTIONS = "DELETE FROM motions"
LEFT = {"records", "policies", "access_keys", "pins", "ballots"}


@pytest.fixture
def office(tmp_path: Path) -> Office:
    return started(tmp_path)


def _edit(office: Office, *statements: str) -> None:
    """Edit the database as who has it in their hands, and end the service."""
    with office.engine.begin() as connection:
        for statement in statements:
            connection.execute(text(statement))
    stop(office)


def _drop_triggers(office: Office) -> list[str]:
    on = " ON records" if office.engine.dialect.name == "postgresql" else ""
    return [f"DROP TRIGGER records_refuse_{verb}{on}" for verb in ("UPDATE", "DELETE")]


def _genesis(folder: Path) -> str:
    return Council(open_office(settings_in(folder)).engine).law().genesis


def test_the_motions_taken_out_found_no_other_council(office: Office, tmp_path: Path) -> None:
    _edit(office, MOTIONS)
    for opened in (open_office, start_office):
        with pytest.raises(NotTheFirst, match="the motions: none") as refused:
            opened(settings_in(tmp_path))
        assert "from one backup" in str(refused.value)


@pytest.mark.sqlite
def test_no_command_founds_what_was_taken_out(office: Office, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("REGARD_DATA_DIR", str(tmp_path))
    _edit(office, MOTIONS)
    for words in (
        ("council", "charter"),
        ("policy", "show"),
        ("orgs", "list"),
        ("collections", "list"),
    ):
        ended = run(*words)
        assert isinstance(ended.exception, NotTheFirst), ended.output
    with office.engine.connect() as connection:
        assert connection.execute(select(tables.motions)).all() == []
        assert len(connection.execute(select(tables.records).where(tables.records.c.kind == "genesis")).all()) == 1


@pytest.mark.sqlite
def test_before_the_first_start_commands_say_how_it_is_made(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("REGARD_DATA_DIR", str(tmp_path / "new"))
    for words in (
        ("council", "charter"),
        ("orgs", "add", "Acme", "--sector", "retail"),
        ("keys", "list"),
        ("collections", "list"),
    ):
        ended = run(*words)
        assert isinstance(ended.exception, NotStarted)
        assert "`regard serve`" in str(ended.exception)
    assert run("council", "keygen", "ann", "--out", tmp_path / "ann.key").exit_code == 0
    # And nothing that a command left keeps the first start from founding.
    assert Council(started(tmp_path / "new").engine).law().charter.alone


@pytest.mark.sqlite
@pytest.mark.parametrize("left", sorted(LEFT))
def test_nothing_is_founded_where_anything_is_left(office: Office, tmp_path: Path, left: str) -> None:
    ballot = f"INSERT INTO ballots VALUES ('{_genesis(tmp_path)}', 'ann', x'00', 0)"
    # Who edits the file heeds no foreign key.
    with sqlite3.connect(tmp_path / "regard.db") as connection:
        for statement in (ballot, *_drop_triggers(office), MOTIONS, *(f"DELETE FROM {each}" for each in LEFT - {left})):
            connection.execute(statement)
    connection.close()
    with reading(office.engine) as found:
        assert not is_new(found)


def test_a_second_genesis_in_the_record_is_refused(office: Office) -> None:
    with office.engine.begin() as connection:
        records.append(connection, "genesis", 0.0, {"motion": "0" * 64, "text": "another"})
    with pytest.raises(BrokenChain, match=r"the record tells of .*000000000000"):
        Council(office.engine).law()


def test_whoever_takes_the_motions_out_is_no_council_of_one(office: Office) -> None:
    one = office.organizations.register("One", "retail")
    with office.engine.begin() as connection:
        connection.execute(delete(tables.motions))
    with pytest.raises(BrokenChain):
        office.organizations.admission.decide(one.id, Standing.REFUSED, "me", "I may")


def test_a_genesis_forged_in_motions_and_record_differs_from_the_pins_and_the_log(
    office: Office, tmp_path: Path
) -> None:
    first = _genesis(tmp_path)
    _edit(office, *_drop_triggers(office), *(f"DELETE FROM {name}" for name in ("motions", "records", "policies")))
    with office.engine.begin() as connection:
        connection.execute(delete(tables.access_keys))
        kept = connection.execute(select(tables.pins)).all()
        connection.execute(delete(tables.pins))
    forged = Council(office.engine).found(Signer.generate("operator")).genesis
    assert forged != first
    with office.engine.begin() as connection:
        connection.execute(insert(tables.pins), [row._asdict() for row in kept])
    with pytest.raises(NotTheFirst, match=first):
        start_office(settings_in(tmp_path))
    # Without both pins, as in a folder from before there were any, the log tells of the first one.
    with office.engine.begin() as connection:
        connection.execute(delete(tables.pins))
    (tmp_path / "genesis.sealed").unlink()
    with pytest.raises(NotTheFirst, match=f"the log: {first}"):
        start_office(settings_in(tmp_path))


def test_a_pin_that_is_taken_away_is_missed(office: Office, tmp_path: Path, database: str) -> None:
    stop(office)
    stop(started(tmp_path))
    sealed = (tmp_path / "genesis.sealed").read_bytes()
    (tmp_path / "genesis.sealed").unlink()
    if database == SQLITE:
        with pytest.raises(NotTheFirst, match=r"genesis\.sealed: none"):
            start_office(settings_in(tmp_path))
    (tmp_path / "genesis.sealed").write_bytes(sealed)
    with office.engine.begin() as connection:
        connection.execute(delete(tables.pins).where(tables.pins.c.name == "genesis"))
    with pytest.raises(NotTheFirst, match="the pin in the database: none"):
        start_office(settings_in(tmp_path))


def test_a_folder_from_before_there_were_pins_gets_them_once_and_the_log_says_so(
    office: Office, tmp_path: Path
) -> None:
    genesis = _genesis(tmp_path)
    with office.engine.begin() as connection:
        connection.execute(delete(tables.pins))
    (tmp_path / "genesis.sealed").unlink()
    stop(office)
    for _ in range(3):
        office = started(tmp_path)
        assert Council(office.engine).law().genesis == genesis
        stop(office)
    told = [record.body for record in records.read(office.engine, "regard/pinned")]
    assert told == [{"genesis": genesis}]
    with office.engine.begin() as connection:
        connection.execute(delete(tables.pins))
    (tmp_path / "genesis.sealed").unlink()
    with pytest.raises(NotTheFirst, match="the pin in the database: none"):
        start_office(settings_in(tmp_path))


@pytest.mark.sqlite
def test_a_new_database_beside_an_old_log_founds_nothing(office: Office, tmp_path: Path) -> None:
    stop(office)
    for file in tmp_path.glob("regard.db*"):
        file.unlink()
    with pytest.raises(NotTheFirst, match="the record: none"):
        start_office(settings_in(tmp_path))
