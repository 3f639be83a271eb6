"""`regard labels`, `text`, `moderation`, `equipment` and `figures recognize`, in this process and through a server."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from PIL import Image, ImageDraw

from tests.helpers.commands import run
from tests.helpers.running import Running

# No command founds a council: a service was started here before.
pytestmark = pytest.mark.usefixtures("begun")

ASKED = {
    "labels": "Labels",
    "text": "TextDetections",
    "moderation": "ModerationLabels",
    "equipment": "Persons",
    "figures recognize": "UnrecognizedFaces",
}


@pytest.fixture
def folder(tmp_path: Path, portrait: bytes) -> Path:
    pictures = tmp_path / "pictures"
    pictures.mkdir()
    (pictures / "face.jpg").write_bytes(portrait)
    page = Image.new("RGB", (400, 200), "white")
    ImageDraw.Draw(page).text((40, 60), "No parking", "black", font_size=48)
    page.save(pictures / "page.png")
    return pictures


@pytest.fixture(params=["in process", "through a server"])
def way(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The words that follow a command to ask in this process, or a running service."""
    if request.param == "in process":
        return []
    service: Running = request.getfixturevalue("service")
    for name, value in service.environment.items():
        monkeypatch.setenv(name, value)
    return ["--endpoint", service.url]


@pytest.mark.parametrize("command", ASKED)
def test_the_answer_is_the_api_s_for_each_picture(folder: Path, service: Running, command: str) -> None:
    with pytest.MonkeyPatch.context() as patch:
        for name, value in service.environment.items():
            patch.setenv(name, value)
        result = run(*command.split(), folder / "face.jpg", folder / "page.png", "--json", "--endpoint", service.url)
    assert result.exit_code in (0, 1), result.output
    found = {Path(name).name: answer for name, answer in json.loads(result.stdout).items()}
    assert [*found] == ["face.jpg", "page.png"]
    assert all(ASKED[command] in answer and "ResponseMetadata" not in answer for answer in found.values())


@pytest.mark.long
def test_the_code_says_whether_anything_was_found(folder: Path, way: list[str]) -> None:
    assert run("text", folder / "page.png", *way).exit_code == 0
    assert run("moderation", folder / "page.png", *way).exit_code == 1


@pytest.mark.long
def test_a_table_has_the_lines_and_how_sure_they_are(folder: Path) -> None:
    told = run("text", folder / "page.png").output
    assert "No parking" in told
    assert max(map(len, told.splitlines()[1:])) <= 80  # The first line is the picture's path.


def test_a_file_that_is_no_picture_is_named_and_the_rest_goes_on(folder: Path, way: list[str]) -> None:
    (folder / "broken.jpg").write_bytes(b"nothing")
    result = run("text", folder, "--json", *way)
    assert result.exit_code == 2
    assert "broken.jpg" in result.stderr
    assert len(json.loads(result.stdout)) == 2
