"""`regard detect` and `regard compare`, on the library and through a server."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from PIL import Image, ImageOps

from regard.commands.common.output import failed
from tests.helpers.commands import run
from tests.helpers.running import Running


@pytest.fixture
def folder(tmp_path: Path, portrait: bytes) -> Path:
    pictures = tmp_path / "pictures"
    pictures.mkdir()
    (pictures / "face.jpg").write_bytes(portrait)
    Image.new("RGB", (200, 200)).save(pictures / "wall.png")
    ImageOps.mirror(Image.open(pictures / "face.jpg")).save(pictures / "mirrored.jpg")
    return pictures


def test_a_face_is_found_and_the_exit_code_says_so(folder: Path) -> None:
    result = run("detect", folder / "face.jpg")
    assert result.exit_code == 0
    assert result.output.count("°") == 3


def test_no_face_leaves_with_one(folder: Path) -> None:
    assert run("detect", folder / "wall.png").exit_code == 1


def test_json_has_the_form_of_the_api(folder: Path) -> None:
    result = run("detect", folder, "--json", "--attribute", "ALL")
    found = json.loads(result.stdout)
    assert [Path(name).name for name in found] == ["face.jpg", "mirrored.jpg", "wall.png"]
    faces = {Path(name).name: details for name, details in found.items()}
    assert len(faces["face.jpg"][0]["Landmarks"]) == 30
    assert faces["wall.png"] == []


def test_a_file_that_is_no_picture_is_named_and_the_rest_goes_on(folder: Path) -> None:
    (folder / "broken.jpg").write_bytes(b"nothing")
    result = run("detect", folder, "--json")
    assert result.exit_code == 2
    assert "broken.jpg" in result.stderr
    assert len(json.loads(result.stdout)) == 3


def test_pictures_with_boxes_are_written(folder: Path, tmp_path: Path) -> None:
    assert run("detect", folder, "--out", tmp_path / "boxes").exit_code == 0
    with Image.open(tmp_path / "boxes" / "face.jpg") as drawn, Image.open(folder / "face.jpg") as original:
        assert drawn.size == original.size
        assert drawn.tobytes() != original.tobytes()


def test_a_comparison_leaves_with_zero_for_a_match_and_one_for_none(folder: Path) -> None:
    face, mirrored = folder / "face.jpg", folder / "mirrored.jpg"
    assert run("compare", face, mirrored).exit_code == 0
    assert run("compare", face, mirrored, "--threshold", "100").exit_code == 1


@pytest.mark.long
def test_a_comparison_through_a_server_gives_the_same_answer(
    folder: Path, service: Running, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name, value in service.environment.items():
        monkeypatch.setenv(name, value)
    arguments = ("compare", folder / "face.jpg", folder / "mirrored.jpg", "--json")
    here, there = run(*arguments), run(*arguments, "--endpoint", service.url)
    assert json.loads(here.stdout) == json.loads(there.stdout)


def test_a_path_that_is_not_there_is_a_usage_error(tmp_path: Path) -> None:
    assert run("detect", tmp_path / "nowhere.jpg").exit_code == 2


def test_a_picture_is_wholly_like_itself(folder: Path) -> None:
    result = run("compare", folder / "face.jpg", folder / "face.jpg", "--threshold", "100", "--json")
    assert result.exit_code == 0
    assert json.loads(result.stdout)["FaceMatches"][0]["Similarity"] == 100


@pytest.mark.parametrize("name", ["p[red].jpg", "m[/b]/a.jpg", ":smile:.jpg"])
def test_a_name_is_told_as_it_is_whatever_it_looks_like(tmp_path: Path, name: str) -> None:
    (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
    (tmp_path / name).write_bytes(b"nothing")
    result = run("detect", tmp_path / name)
    assert result.exit_code == 2
    assert f"error: {tmp_path / name}: " in result.stderr


def test_a_table_tells_a_name_as_it_is(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    Image.new("RGB", (200, 200)).save("wall[red].png")
    assert "wall[red].png" in run("detect", "wall[red].png").stdout


def test_an_error_that_ends_a_command_is_told_without_markup(
    capsys: pytest.CaptureFixture[str],
) -> None:
    assert failed(ValueError("[b] is none")) == 2
    assert capsys.readouterr().err == "error: [b] is none\n"


@pytest.mark.parametrize("name", ["NOPE", "HEADWEAR"])
def test_an_attribute_that_there_is_no_model_for_is_refused_and_the_others_are_named(folder: Path, name: str) -> None:
    error = run("detect", folder / "wall.png", "-a", name).exception
    assert isinstance(error, ValueError)
    assert str(error).startswith(f"There is no attribute {name} here. There are DEFAULT, ALL, AGE_RANGE,")


def test_where_no_picture_could_be_read_there_is_no_table(tmp_path: Path) -> None:
    (tmp_path / "broken.jpg").write_bytes(b"nothing")
    assert run("detect", tmp_path).stdout == ""


def test_a_folder_without_pictures_is_said_to_be_one(tmp_path: Path) -> None:
    result = run("detect", tmp_path)
    assert (result.exit_code, result.stdout) == (1, "")
    assert f"There are no pictures in {tmp_path}." in result.stderr


def test_a_picture_is_written_in_a_format_that_its_name_says(folder: Path) -> None:
    error = run("detect", folder / "face.jpg", "--out", folder / "boxes.xyz").exception
    assert isinstance(error, ValueError)
    assert str(error).endswith("boxes.xyz says no format to write in: end it in .jpeg, .jpg, .png.")
