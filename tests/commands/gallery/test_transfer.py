"""`regard collections export`, `import`, `copy` and `key`, through the gate."""

from __future__ import annotations

import json
from pathlib import Path

from tests.helpers.commands import run


def _shown(collection: str) -> list[str]:
    return [face["FaceId"] for face in json.loads(run("collections", "show", collection, "--json").stdout)]


def test_a_collection_is_copied_exported_and_imported_under_another_name(tmp_path: Path, portrait: bytes) -> None:
    (tmp_path / "someone.jpg").write_bytes(portrait)
    assert run("index", tmp_path / "someone.jpg", "-c", "staff").exit_code == 0
    assert run("collections", "copy", "staff", "second").exit_code == 0, "copy"
    key = run("collections", "key").stdout.strip()
    file = tmp_path / "staff.sealed"
    exported = run("collections", "export", "staff", file, "--to", key)
    assert exported.exit_code == 0, exported.output
    imported = run("collections", "import", file, "--as", "third")
    assert imported.exit_code == 0, imported.output
    assert len(_shown("staff")) == 1
    assert _shown("second") == _shown("third") == _shown("staff")


def test_a_collection_that_could_not_be_filled_is_not_left_behind(tmp_path: Path) -> None:
    assert run("collections", "copy", "nowhere", "second").exit_code == 1
    assert json.loads(run("collections", "list", "--json").stdout) == []
