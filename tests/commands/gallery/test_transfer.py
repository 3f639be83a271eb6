"""`regard collections export`, `import`, `copy` and `key`, through the gate."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from typer.testing import CliRunner, Result

from regard.cli import app


@pytest.fixture(autouse=True)
def _own_data(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("REGARD_DATA_DIR", str(tmp_path / "data"))


def _run(*arguments: str | Path) -> Result:
    return CliRunner().invoke(app, [str(argument) for argument in arguments])


def _shown(collection: str) -> list[str]:
    return [face["FaceId"] for face in json.loads(_run("collections", "show", collection, "--json").stdout)]


def test_a_collection_is_copied_exported_and_imported_under_another_name(tmp_path: Path, portrait: bytes) -> None:
    (tmp_path / "someone.jpg").write_bytes(portrait)
    assert _run("index", tmp_path / "someone.jpg", "-c", "staff").exit_code == 0
    assert _run("collections", "copy", "staff", "second").exit_code == 0, "copy"
    key = _run("collections", "key").stdout.strip()
    file = tmp_path / "staff.sealed"
    exported = _run("collections", "export", "staff", file, "--to", key)
    assert exported.exit_code == 0, exported.output
    imported = _run("collections", "import", file, "--as", "third")
    assert imported.exit_code == 0, imported.output
    assert len(_shown("staff")) == 1
    assert _shown("second") == _shown("third") == _shown("staff")


def test_a_collection_that_could_not_be_filled_is_not_left_behind(tmp_path: Path) -> None:
    assert _run("collections", "copy", "nowhere", "second").exit_code == 1
    assert json.loads(_run("collections", "list", "--json").stdout) == []
