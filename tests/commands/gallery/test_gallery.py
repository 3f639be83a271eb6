"""`regard collections`, `regard index` and `regard search`, in process and through the gate."""

from __future__ import annotations

import json
from pathlib import Path

import boto3
import pytest
from moto.server import ThreadedMotoServer
from PIL import Image, ImageOps

from regard.commands.gallery import gallery
from regard.operations.common.errors import ApiError
from tests.helpers.commands import run

# No command founds a council: a service was started here before.
pytestmark = pytest.mark.usefixtures("begun")


@pytest.fixture
def people(tmp_path: Path, portrait: bytes) -> Path:
    folder = tmp_path / "people" / "someone"
    folder.mkdir(parents=True)
    (folder / "front view.jpg").write_bytes(portrait)
    Image.new("RGB", (200, 200)).save(folder / "wall.png")
    return folder.parent


def _indexed(*arguments: str | Path) -> dict[str, dict[str, list[str]]]:
    result = run("index", *arguments, "--json")
    assert result.exit_code == 0, result.output
    return {Path(file).name: found for file, found in json.loads(result.stdout).items()}


def test_a_folder_is_indexed_and_a_face_of_it_is_found(people: Path, tmp_path: Path) -> None:
    found = _indexed(people, "-c", "staff")
    assert len(found["front view.jpg"]["faces"]) == 1
    assert found["wall.png"] == {"faces": [], "unindexed": []}
    with Image.open(people / "someone" / "front view.jpg") as portrait:
        ImageOps.mirror(portrait).save(tmp_path / "mirrored.jpg")
    result = run("search", tmp_path / "mirrored.jpg", "-c", "staff", "--json", "--out", tmp_path / "found.png")
    assert result.exit_code == 0
    assert json.loads(result.stdout)["FaceMatches"][0]["Face"]["ExternalImageId"] == "front_view"
    assert (tmp_path / "found.png").stat().st_size > 0


def test_a_face_can_be_named_after_its_folder(people: Path) -> None:
    _indexed(people, "-c", "staff", "--name-from", "folder")
    shown = json.loads(run("collections", "show", "staff", "--json").stdout)
    assert [face["ExternalImageId"] for face in shown] == ["someone"]


def test_a_second_run_does_only_what_is_left(people: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    first = _indexed(people, "-c", "staff")
    monkeypatch.setattr(gallery, "_index_one", lambda *_: pytest.fail("a finished file was indexed again"))
    assert _indexed(people, "-c", "staff") == first


def test_a_list_names_its_pictures_and_tells_which_are_missing(people: Path) -> None:
    (people / "staff.csv").write_text("image,name\nsomeone/front view.jpg,Ada L.\nsomeone/wall.png,\ngone.jpg,x\n")
    result = run("index", people / "staff.csv", "-c", "staff", "--json")
    assert result.exit_code == 2
    found = {Path(file).name: each for file, each in json.loads(result.stdout).items()}
    assert len(found["front view.jpg"]["faces"]) == 1
    assert "No such file" in found["gone.jpg"]["error"]
    shown = json.loads(run("collections", "show", "staff", "--json").stdout)
    assert [face["ExternalImageId"] for face in shown] == ["Ada_L."]
    (people / "list.csv").write_text("file\na.jpg\n")
    assert "no column image" in str(run("index", people / "list.csv", "-c", "staff").exception)
    assert "s3://BUCKET/PREFIX" in str(run("index", "nowhere", "-c", "staff").exception)


@pytest.mark.long
def test_a_bucket_is_indexed_where_the_operator_allows_it(
    people: Path, portrait: bytes, monkeypatch: pytest.MonkeyPatch
) -> None:
    server = ThreadedMotoServer(port=0)
    server.start()
    host, port = server.get_host_and_port()
    given = {"ENDPOINT": f"http://{host}:{port}", "REGION": "us-east-1", "ACCESS_KEY_ID": "k", "SECRET_ACCESS_KEY": "s"}
    for name, value in given.items():
        monkeypatch.setenv(f"REGARD_S3_{name}", value)
    store = boto3.client("s3", "us-east-1", None, True, None, given["ENDPOINT"], "k", "s")
    store.create_bucket(Bucket="pictures")
    for name in ("team/ada/front.jpg", "team/readme.txt", "others/b.jpg"):
        store.put_object(Bucket="pictures", Key=name, Body=portrait)
    refused = run("index", "s3://pictures/team/", "-c", "staff", "--name-from", "folder")
    assert "REGARD_S3_ALLOWED" in str(refused.exception)
    monkeypatch.setenv("REGARD_S3_ALLOWED", "*=pictures/team/")
    result = run("index", "s3://pictures/team/", "-c", "staff", "--name-from", "folder", "--json")
    assert result.exit_code == 0, result.output
    ((where, found),) = json.loads(result.stdout).items()
    assert (where, len(found["faces"])) == ("s3://pictures/team/ada/front.jpg", 1)
    shown = json.loads(run("collections", "show", "staff", "--json").stdout)
    assert [face["ExternalImageId"] for face in shown] == ["ada"]
    monkeypatch.setattr(gallery, "_index_one", lambda *_: pytest.fail("a finished object was indexed again"))
    again = run("index", "s3://pictures/team/", "-c", "staff", "--name-from", "folder", "--json")
    assert json.loads(again.stdout) == {where: found}
    server.stop()


def test_a_collection_made_again_is_indexed_anew(people: Path) -> None:
    first = _indexed(people, "-c", "staff")
    assert run("collections", "delete", "staff", "--yes").exit_code == 0
    second = _indexed(people, "-c", "staff")
    assert len(second["front view.jpg"]["faces"]) == 1
    assert second["front view.jpg"]["faces"] != first["front view.jpg"]["faces"]


def test_a_file_that_is_no_picture_is_told_and_the_rest_goes_on(people: Path) -> None:
    (people / "broken.jpg").write_bytes(b"nothing")
    result = run("index", people, "-c", "staff")
    assert result.exit_code == 2
    assert "1 faces of 3 pictures are enrolled" in result.output


def test_collections_are_listed_with_their_faces(people: Path) -> None:
    assert run("collections", "create", "staff", "--tag", "floor=3").exit_code == 0
    _indexed(people, "-c", "staff")
    (listed,) = json.loads(run("collections", "list", "--json").stdout)
    assert (listed["CollectionId"], listed["FaceCount"]) == ("staff", 1)


def test_a_bad_name_is_refused_here_as_over_the_wire() -> None:
    result = run("collections", "create", "bad id!")
    assert isinstance(result.exception, ApiError)
    assert result.exception.code == "ValidationException"
