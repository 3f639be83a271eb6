from __future__ import annotations

import json
from pathlib import Path

import pytest
import typer
from typer.testing import CliRunner

from regard.commands.stewardship import council, orgs, policy
from regard.ledger.tree.notes import Signer

pytestmark = pytest.mark.usefixtures("begun")


def run(app: typer.Typer, *words: str) -> str:
    result = CliRunner().invoke(app, list(words), catch_exceptions=False)
    assert result.exit_code == 0, result.output
    return result.stdout


def test_organizations_are_entered_shown_and_decided() -> None:
    acme = run(orgs.app, "add", "Acme", "--sector", "retail", "--identifier", "uei:A1").split()[0]
    verifier = str(Signer.generate("acme").verifier)
    more = ("--alias", "Acme Tools", "--identifier", "LEI:77", "--verifier", verifier)
    assert run(orgs.app, "change", acme, *more) == f"{acme} Acme: admitted\n"
    known = json.loads(run(orgs.app, "show", acme))["organization"]
    assert (known["aliases"], known["verifier"]) == (["Acme Tools"], verifier)
    assert sorted(known["identifiers"]) == [["lei", "77"], ["uei", "A1"]]
    suspect = run(orgs.app, "add", "Frontex", "--sector", "technology").split()[0]
    assert "review" in run(orgs.app, "list")
    assert json.loads(run(orgs.app, "reviews"))[0]["organization"] == suspect
    run(orgs.app, "decide", suspect, "refused", "--by", "me", "--reason", "it is")
    assert json.loads(run(orgs.app, "reviews")) == []
    run(orgs.app, "supplies", acme, suspect)
    assert json.loads(run(orgs.app, "show", acme))["ties"][0]["target"] == suspect
    run(orgs.app, "drop", acme, "supplies", suspect)


def test_an_attestation_is_signed_from_the_command_line(tmp_path: Path) -> None:
    key = str(tmp_path / "acme.key")
    public = run(council.app, "keygen", "acme", "--out", key).strip()
    acme = run(orgs.app, "add", "Acme", "--sector", "retail", "--verifier", public).split()[0]
    assert "end_customers" in run(orgs.app, "attest", acme, "--name", "acme", "--key", key)


def test_an_import_tells_what_it_did(tmp_path: Path) -> None:
    (tmp_path / "a.csv").write_text("name,sector,supplies\nA,retail,B\nB,media,\n,,\n")
    assert "would enter 2 organizations and 1 ties" in run(orgs.app, "import", str(tmp_path / "a.csv"), "--dry-run")
    assert "entered 2 organizations and 1 ties" in run(orgs.app, "import", str(tmp_path / "a.csv"))
    assert "entered 0 organizations and 0 ties; 2 known" in run(orgs.app, "import", str(tmp_path / "a.csv"))


def test_a_pack_is_tested_compared_stored_and_voted_in() -> None:
    assert "no-law-enforcement" in run(policy.app, "show")
    assert "FAILED" not in run(policy.app, "test", "moratorium")
    run(orgs.app, "add", "City police", "--sector", "law-enforcement")
    assert json.loads(run(policy.app, "diff", "open", "--json"))
    stored = run(policy.app, "store", "open").strip()
    payload = json.dumps({"policy": stored, "pack": "open"})
    motion = run(council.app, "propose", "policy", payload, "--title", "Open it here").strip()
    assert "carried" in run(council.app, "vote", motion[:10], "approve")
    assert json.loads(run(policy.app, "show", "--json"))["pack"] == "open"
    assert "carried" in run(council.app, "motions")
    assert json.loads(run(council.app, "charter", "--json"))["policy"] == stored


def test_the_stop_button_says_until_when() -> None:
    assert "identify is stopped until" in run(council.app, "suspend", "identify", "--reason", "a test")
