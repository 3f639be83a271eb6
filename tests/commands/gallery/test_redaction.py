"""`regard redact`: pictures and folders, written whole and without metadata."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from PIL import Image

from tests.helpers.commands import run

# No command founds a council: a service was started here before.
pytestmark = pytest.mark.usefixtures("begun")


@pytest.fixture
def folder(tmp_path: Path, portrait: bytes) -> Path:
    pictures = tmp_path / "pictures"
    (pictures / "inner").mkdir(parents=True)
    (pictures / "inner" / "face.jpg").write_bytes(portrait)
    Image.new("RGB", (200, 200), "white").save(pictures / "wall.png")
    return pictures


def test_a_folder_is_written_beside_itself_with_a_report(folder: Path) -> None:
    result = run("redact", folder, "--json")
    assert result.exit_code == 0, result.output
    report = json.loads(result.stdout)
    assert [len(report[str(folder / name)]["covered"]) for name in ("inner/face.jpg", "wall.png")] == [1, 0]
    out = folder.with_name("pictures-redacted")
    assert sorted(file.name for file in out.rglob("*.*")) == ["face.jpg", "wall.png"]
    assert (folder / "inner" / "face.jpg").stat().st_size > 0


def test_what_is_no_picture_is_named_and_not_written(folder: Path) -> None:
    (folder / "broken.jpg").write_bytes(b"nothing")
    result = run("redact", folder, "--json")
    assert result.exit_code == 2
    assert "error" in json.loads(result.stdout)[str(folder / "broken.jpg")]
    assert not (folder.with_name("pictures-redacted") / "broken.jpg").exists()


def test_the_original_is_never_overwritten(folder: Path) -> None:
    before = (folder / "wall.png").read_bytes()
    assert run("redact", folder / "wall.png", "--out", folder / "wall.png").exit_code == 2
    assert (folder / "wall.png").read_bytes() == before
