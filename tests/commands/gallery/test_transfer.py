"""`regard collections export`, `import`, `copy` and `key`, through the gate."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from tests.helpers.commands import run

# No command founds a council: a service was started here before.
pytestmark = pytest.mark.usefixtures("begun")


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


@pytest.mark.long
@pytest.mark.slow("embeds and makes anew by both profiles, a process each")
def test_a_copy_keeps_the_profile_and_making_it_anew_may_change_it(tmp_path: Path, portrait: bytes) -> None:
    (tmp_path / "someone.jpg").write_bytes(portrait)
    assert run("collections", "create", "staff", "--tag", "regard:profile=accurate").exit_code == 0
    assert run("index", tmp_path / "someone.jpg", "-c", "staff").exit_code == 0
    assert run("collections", "copy", "staff", "second").exit_code == 0
    assert _models() == {"staff": "1.0-accurate", "second": "1.0-accurate"}
    key, file = run("collections", "key").stdout.strip(), tmp_path / "staff.sealed"
    assert run("collections", "export", "staff", file, "--to", key).exit_code == 0
    assert run("collections", "import", file, "--as", "third").exit_code == 0
    assert _models()["third"] == "1.0-accurate"
    assert run("collections", "delete", "third", "--yes").exit_code == 0
    assert run("collections", "delete", "second", "--yes").exit_code == 0
    pictures = tmp_path / "someone.jpg"
    assert run("collections", "re-embed", "staff", pictures).exit_code == 0
    assert _models() == {"staff": "1.0"}
    assert run("collections", "re-embed", "staff", pictures, "--profile", "accurate").exit_code == 0
    assert _models() == {"staff": "1.0-accurate"}
    assert len(_shown("staff")) == 1


def _models() -> dict[str, str]:
    told = json.loads(run("collections", "list", "--json").stdout)
    return {each["CollectionId"]: each["FaceModelVersion"] for each in told}


def test_a_collection_that_could_not_be_filled_is_not_left_behind(tmp_path: Path) -> None:
    assert run("collections", "copy", "nowhere", "second").exit_code == 1
    assert json.loads(run("collections", "list", "--json").stdout) == []
