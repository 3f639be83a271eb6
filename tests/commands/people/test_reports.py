"""`regard report` and `regard reports`, as an operator and an outsider type them."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
import typer
from typer.testing import CliRunner, Result

from regard.commands.people import reports
from regard.commands.record import report
from regard.settings import from_environment
from regard.stewardship.office import start_office
from regard.stewardship.people.inbox import About, Filing, open_inbox
from tests.helpers.ledger.public_log import PublicLog, founding

FILING = Filing(About.ABUSE, "somebody [b]watches[/b] the street", "me@example.org")


@pytest.fixture
def log(tmp_path: Path) -> PublicLog:
    made = PublicLog(tmp_path / "elsewhere")
    made.write("founded", "2026-11-01T00", **founding())
    made.call(count=12)
    made.report()
    return made


def run(app: typer.Typer, *words: str, code: int = 0) -> Result:
    result = CliRunner().invoke(app, list(words), catch_exceptions=False)
    assert result.exit_code == code, result.output
    return result


def reporting() -> typer.Typer:
    app = typer.Typer()
    app.command()(report.report)
    return app


def file() -> str:
    office = start_office(from_environment())
    try:
        inbox = open_inbox(office.settings, office.engine, office.key, office.logbook)
        return inbox.file(FILING, "198.51.100.1").report
    finally:
        office.logbook.close()


def test_a_report_is_printed_or_written_in_each_form(log: PublicLog, tmp_path: Path) -> None:
    source = ("2026-11", "--log", str(log.folder), "--key", str(log.key.verifier))
    assert run(reporting(), *source).stdout.startswith("# Transparency report for 2026-11\n")
    for form, begin in (("md", b"# Transp"), ("html", b"<!DOCTYPE html>"), ("json", b'{"attestations":0,')):
        to = tmp_path / f"report.{form}"
        assert run(reporting(), *source, "--format", form, "-o", str(to)).stdout == ""
        assert to.read_bytes().startswith(begin)
        assert run(reporting(), *source, "--format", form).stdout_bytes == to.read_bytes()


def test_a_key_may_be_in_a_file(log: PublicLog, tmp_path: Path) -> None:
    (tmp_path / "log.pub").write_text(f"# the log's key\n{log.key.verifier}\n")
    told = run(reporting(), "2026-11", "--log", str(log.folder), "--key", str(tmp_path / "log.pub"), "--format", "json")
    assert json.loads(told.stdout)["calls"]["outcomes"]["total"] == 12


def test_a_log_elsewhere_needs_its_key(log: PublicLog) -> None:
    assert "--key" in run(reporting(), "2026-11", "--log", str(log.folder), code=2).output


def test_a_log_that_was_changed_leaves_with_1(log: PublicLog) -> None:
    tile = next((log.folder / "2026-11/public/tile/entries").rglob("*.p/*"))
    tile.write_bytes(tile.read_bytes().replace(b"retail", b"police"))
    told = run(reporting(), "2026-11", "--log", str(log.folder), "--key", str(log.key.verifier), code=1)
    assert "2026-11" in told.output
    assert told.stdout == ""


def test_the_services_own_log_is_reported_without_naming_it() -> None:
    file()
    office = start_office(from_environment())
    (period,) = office.logbook.shards.periods()
    told = json.loads(run(reporting(), period, "--format", "json").stdout)
    assert told["responses"]["abuse"]["waiting"] == 1
    assert told["origin"] == f"regard.localhost/log/{period}"


def test_reports_are_listed_shown_and_answered() -> None:
    name = file()
    (listed,) = json.loads(run(reports.app, "list", "--json").stdout)
    assert (listed["report"], listed["state"]) == (name, "waiting")
    assert name[:12] in run(reports.app, "list").stdout
    shown = run(reports.app, "show", name[:12]).stdout
    assert FILING.text in shown
    assert "me@example.org" in shown
    assert "upheld: entry 20" in run(reports.app, "answer", name[:12], "upheld", "--words", "stopped").stdout
    assert json.loads(run(reports.app, "list", "--json").stdout) == []
    assert json.loads(run(reports.app, "list", "--all", "--json").stdout)[0]["outcome"] == "upheld"
    told = json.loads(run(reports.app, "show", name, "--json").stdout)
    assert (told["filing"]["text"], told["answer"]) == (FILING.text, "stopped")
