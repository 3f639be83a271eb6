"""`regard collections`, `regard index` and `regard search`, in process and through the gate."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from PIL import Image, ImageOps
from typer.testing import CliRunner, Result

from regard.cli import app
from regard.commands import gallery
from regard.operations.errors import ApiError


@pytest.fixture(autouse=True)
def _own_data(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("REGARD_DATA_DIR", str(tmp_path / "data"))


@pytest.fixture
def people(tmp_path: Path, portrait: bytes) -> Path:
    folder = tmp_path / "people" / "someone"
    folder.mkdir(parents=True)
    (folder / "front view.jpg").write_bytes(portrait)
    Image.new("RGB", (200, 200)).save(folder / "wall.png")
    return folder.parent


def _run(*arguments: str | Path) -> Result:
    return CliRunner().invoke(app, [str(argument) for argument in arguments])


def _indexed(*arguments: str | Path) -> dict[str, dict[str, list[str]]]:
    result = _run("index", *arguments, "--json")
    assert result.exit_code == 0, result.output
    return {Path(file).name: found for file, found in json.loads(result.stdout).items()}


def test_a_folder_is_indexed_and_a_face_of_it_is_found(people: Path, tmp_path: Path) -> None:
    found = _indexed(people, "-c", "staff")
    assert len(found["front view.jpg"]["faces"]) == 1
    assert found["wall.png"] == {"faces": [], "unindexed": []}
    with Image.open(people / "someone" / "front view.jpg") as portrait:
        ImageOps.mirror(portrait).save(tmp_path / "mirrored.jpg")
    result = _run("search", tmp_path / "mirrored.jpg", "-c", "staff", "--json", "--out", tmp_path / "found.png")
    assert result.exit_code == 0
    assert json.loads(result.stdout)["FaceMatches"][0]["Face"]["ExternalImageId"] == "front_view"
    assert (tmp_path / "found.png").stat().st_size > 0


def test_a_face_can_be_named_after_its_folder(people: Path) -> None:
    _indexed(people, "-c", "staff", "--name-from", "folder")
    shown = json.loads(_run("collections", "show", "staff", "--json").stdout)
    assert [face["ExternalImageId"] for face in shown] == ["someone"]


def test_a_second_run_does_only_what_is_left(people: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    first = _indexed(people, "-c", "staff")
    monkeypatch.setattr(gallery, "_index_one", lambda *_: pytest.fail("a finished file was indexed again"))
    assert _indexed(people, "-c", "staff") == first


def test_a_collection_made_again_is_indexed_anew(people: Path) -> None:
    first = _indexed(people, "-c", "staff")
    assert _run("collections", "delete", "staff", "--yes").exit_code == 0
    second = _indexed(people, "-c", "staff")
    assert len(second["front view.jpg"]["faces"]) == 1
    assert second["front view.jpg"]["faces"] != first["front view.jpg"]["faces"]


def test_a_file_that_is_no_picture_is_told_and_the_rest_goes_on(people: Path) -> None:
    (people / "broken.jpg").write_bytes(b"nothing")
    result = _run("index", people, "-c", "staff")
    assert result.exit_code == 2
    assert "1 faces of 3 pictures are enrolled" in result.output


def test_collections_are_listed_with_their_faces(people: Path) -> None:
    assert _run("collections", "create", "staff", "--tag", "floor=3").exit_code == 0
    _indexed(people, "-c", "staff")
    (listed,) = json.loads(_run("collections", "list", "--json").stdout)
    assert (listed["CollectionId"], listed["FaceCount"]) == ("staff", 1)


def test_a_bad_name_is_refused_here_as_over_the_wire() -> None:
    result = _run("collections", "create", "bad id!")
    assert isinstance(result.exception, ApiError)
    assert result.exception.code == "ValidationException"
