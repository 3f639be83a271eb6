"""A member of the council on another machine: a key file, and the address of the service."""

from __future__ import annotations

import json
import re
from pathlib import Path

import httpx
import pytest
import typer
from typer.testing import CliRunner

from regard.commands.stewardship import council, orgs
from regard.commands.stewardship.afar import checked_address
from tests.helpers.running import running


def run(app: typer.Typer, *words: str) -> str:
    result = CliRunner().invoke(app, list(words), catch_exceptions=False)
    assert result.exit_code == 0, result.output
    return result.stdout


@pytest.mark.long
def test_a_member_proposes_votes_and_stops_without_the_data_folder(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    data, key = tmp_path / "data", str(tmp_path / "member.key")
    with running(data) as service:
        monkeypatch.setenv("REGARD_DATA_DIR", str(data))
        suspect = run(orgs.app, "add", "Frontex", "--sector", "technology").split()[0]
        Path(key).write_bytes((data / "council.key").read_bytes())
        Path(key).chmod(0o600)
        # From here on as on a machine that has nothing of the service.
        monkeypatch.setenv("REGARD_DATA_DIR", str(tmp_path / "nothing"))
        there = ("--service", service.url, "--key", key)
        # One whose text is public, and one that names an organization, which members alone may read.
        floor = json.dumps({"purpose": "photo-library", "floor": 85})
        refused = json.dumps({"organization": suspect, "standing": "refused"})
        for kind, payload in (("floor", floor), ("admission", refused)):
            motion = run(council.app, "propose", kind, payload, "--title", f"About {suspect}", *there).strip()
            told = run(council.app, "vote", motion[:12], "approve", *there)
            assert f"About {suspect}" in told
            assert told.splitlines()[-1] == "carried"
        assert "identify is stopped until" in run(council.app, "suspend", "identify", "--reason", "a test", *there)
        again = CliRunner().invoke(council.app, ["suspend", "identify", "--reason", "again", *there])
        assert "stopped identify lately" in str(again.exception)
        gone = CliRunner().invoke(council.app, ["vote", motion[:12], "approve", *there])
        # The list of motions is as old as a second: either it or the service says so.
        assert re.search("0 open motions begin with|the motion is settled: carried", str(gone.exception))
        assert not (tmp_path / "nothing").exists()
        told = httpx.get(f"{service.url}/stewardship/v1/motions").text
        assert suspect not in json.dumps([each for each in json.loads(told)["motions"] if each["kind"] == "admission"])
        monkeypatch.setenv("REGARD_DATA_DIR", str(data))
        assert json.loads(run(orgs.app, "show", suspect))["organization"]["standing"] == "refused"


@pytest.mark.parametrize("service", ["http://faces.example", "ftp://localhost", "faces.example", ""])
def test_what_others_could_change_on_the_way_is_not_sent(service: str) -> None:
    with pytest.raises(ValueError, match="give an address with https"):
        checked_address(service)


def test_a_service_on_this_machine_needs_no_https() -> None:
    assert checked_address("http://localhost:4599/") == "http://localhost:4599"
    assert checked_address("https://faces.example") == "https://faces.example"
