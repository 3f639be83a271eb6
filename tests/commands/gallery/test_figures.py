"""`regard figures`: who may be recognised, from a table and pictures; and boto3, which then gets their names."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest
from botocore.exceptions import ClientError
from PIL import Image, ImageOps
from typer.testing import CliRunner, Result

from regard.cli import app
from regard.settings import Settings
from regard.stewardship.office import open_office
from tests.helpers.running import running

# No command founds a council: a service was started here before.
pytestmark = pytest.mark.usefixtures("begun")


@pytest.fixture
def folder(tmp_path: Path, portrait: bytes) -> Path:
    folder = tmp_path / "figures"
    folder.mkdir()
    (folder / "one.jpg").write_bytes(portrait)
    Image.new("RGB", (200, 200), "white").save(folder / "wall.png")
    return folder


def _run(*arguments: str | Path) -> Result:
    return CliRunner().invoke(app, ["figures", *(str(argument) for argument in arguments)])


def _table(folder: Path, *rows: str) -> None:
    (folder / "figures.csv").write_text("\n".join(["name,links,picture,basis,gender", *rows]) + "\n")


@pytest.mark.long
@pytest.mark.slow("starts the command line and twice the service, as a user does")
def test_figures_are_enrolled_recognised_and_forgotten(folder: Path, tmp_path: Path) -> None:
    _table(folder, "A Person,https://example.org/a https://example.org/b,one.jpg,flew to space,Female")
    # In a process of its own, as a user runs it: the log has one writer at a time.
    command = [sys.executable, "-m", "regard.cli", "figures", "import", str(folder), "--json"]
    result = subprocess.run(command, capture_output=True, text=True, timeout=120)
    assert result.returncode == 0, result.stderr
    figure = json.loads(result.stdout)["A Person"]["Id"]
    with Image.open(folder / "one.jpg") as image:
        ImageOps.mirror(image).save(folder / "mirrored.jpg")
    key = open_office(Settings(data_dir=tmp_path / "data")).organizations.keys.all()[0]
    known = {
        "AWS_ACCESS_KEY_ID": key.access_key_id,
        "AWS_SECRET_ACCESS_KEY": key.secret,
        "AWS_DEFAULT_REGION": "us-east-1",
    }
    with running(tmp_path / "data", known) as service:
        client = service.client()
        answer = client.recognize_celebrities(Image={"Bytes": (folder / "mirrored.jpg").read_bytes()})
        (found,) = answer["CelebrityFaces"]
        assert (found["Name"], found["Id"], answer["UnrecognizedFaces"]) == ("A Person", figure, [])
        info = client.get_celebrity_info(Id=figure)
        assert info["Urls"] == ["https://example.org/a", "https://example.org/b"]
        assert info["KnownGender"] == {"Type": "Female"}
        with pytest.raises(ClientError, match="does not exist"):
            client.get_celebrity_info(Id="nobody")
    assert json.loads(_run("list", "--json").stdout)[0]["Basis"] == "flew to space"
    assert _run("remove", figure).exit_code == 0
    assert json.loads(_run("list", "--json").stdout) == []


def test_a_picture_without_one_face_enrols_nobody(folder: Path) -> None:
    _table(folder, "A Wall,,wall.png,none,", "Nothing,,missing.jpg,none,")
    result = _run("import", folder / "figures.csv", "--json")
    assert result.exit_code == 2
    report = json.loads(result.stdout)
    assert "0 faces" in report["A Wall"]["error"]
    assert "missing.jpg" in report["Nothing"]["error"]
    assert json.loads(_run("list", "--json").stdout) == []


@pytest.mark.parametrize("row", ["A Person,,one.jpg,,", ",,one.jpg,a basis,", "A Person,,one.jpg,a basis,unknown"])
def test_a_row_with_something_missing_is_refused_before_anything_is_enrolled(folder: Path, row: str) -> None:
    _table(folder, "Somebody,,one.jpg,a basis,", row)
    result = _run("import", folder)
    assert isinstance(result.exception, ValueError)
    assert "line 3" in str(result.exception)
    assert json.loads(_run("list", "--json").stdout) == []
