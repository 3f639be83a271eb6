"""`regard consent` and `regard subject`, as an operator types them."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from typer.testing import CliRunner

from regard.cli import app
from regard.stewardship.people.consent_imports import COLUMNS


@pytest.fixture
def regard(tmp_path: Path, begun: None) -> CliRunner:
    (tmp_path / "notice.txt").write_text("We keep a template of your face.")
    return CliRunner()


def _run(regard: CliRunner, *words: str, code: int = 0) -> str:
    ran = regard.invoke(app, list(words))
    assert ran.exit_code == code, ran.output
    return ran.stdout


def _add(regard: CliRunner, tmp_path: Path, subject: str = "alice", *more: str) -> str:
    terms = ["--collection", "members", "--purpose", "access-control", "--notice", str(tmp_path / "notice.txt")]
    return _run(regard, "consent", "add", subject, *terms, *more).strip()


def test_a_receipt_is_added_shown_listed_and_withdrawn(regard: CliRunner, tmp_path: Path) -> None:
    receipt = _add(regard, tmp_path)
    shown = json.loads(_run(regard, "consent", "show", receipt))
    assert shown["consent"]["pii_principal_id"] == "alice"
    assert shown["proof"]["kind"] == "access-key"
    assert "until" in _run(regard, "consent", "list", "--subject", "alice")
    assert "was withdrawn" in _run(regard, "consent", "withdraw", receipt)
    (listed,) = json.loads(_run(regard, "consent", "list", "--json"))
    assert "withdrawn" in listed


def test_a_person_signs_with_a_key_of_their_own(regard: CliRunner, tmp_path: Path) -> None:
    key = tmp_path / "alice.key"
    _run(regard, "council", "keygen", "alice", "--out", str(key))
    receipt = _add(regard, tmp_path, "alice", "--signing-key", str(key), "--as", "alice", "--by-subject")
    assert json.loads(_run(regard, "consent", "show", receipt))["proof"]["kind"] == "subject-key"


def test_an_import_says_what_it_refused(regard: CliRunner, tmp_path: Path) -> None:
    rows = [dict.fromkeys(COLUMNS, "x") | {"notice_language": "en", "notice_sha256": "ab" * 32, "days": "30"}]
    file = tmp_path / "receipts.json"
    file.write_text(json.dumps([*rows, {**rows[0], "subject": ""}]))
    assert "would enter 1; 0 known; 1 refused" in _run(regard, "consent", "import", str(file), "--dry-run", code=1)
    assert "entered 1" in _run(regard, "consent", "import", str(file), code=1)
    file.write_text(json.dumps(rows))
    assert "1 known; 0 refused" in _run(regard, "consent", "import", str(file))


def test_a_person_is_told_and_erased(regard: CliRunner, tmp_path: Path) -> None:
    _add(regard, tmp_path)
    folder = tmp_path / "access"
    assert "Consents: 1" in _run(regard, "subject", "export", "alice", "--to", str(folder))
    assert {file.name for file in folder.iterdir()} == {"access.html", "access.json", "access.txt", "access.note"}
    _run(regard, "subject", "erase", "alice", code=1)
    assert "1 receipts" in _run(regard, "subject", "erase", "alice", "--yes")
    assert "Consents: 0" in _run(regard, "subject", "export", "alice", "--to", str(folder))
    published = json.loads(_run(regard, "subject", "suppressions"))
    assert (published["entries"], published["strangers_refused"]) == (1, 0.0)
    assert _run(regard, "subject", "token", "alice", "--identity-check", "seen").startswith("regard-subject-")


def test_the_keys_of_a_collection_are_renewed(regard: CliRunner) -> None:
    _run(regard, "collections", "create", "members")
    assert "0 templates" in _run(regard, "collections", "renew-keys", "members")
