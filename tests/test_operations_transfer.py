"""Collections that move: sealed to the recipient, whole, and on the terms that they stand on."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from regard.operations.errors import ApiError
from regard.operations.registry import function_of
from regard.operations.rooms import Rooms
from tests.fakes import ORGANIZATION, Client, open_rooms, person, picture_of

TERMS = {"regard:basis": "contract", "floor": "3"}


def _ask(rooms: Rooms, operation: str, **parameters: object) -> dict[str, Any]:
    return function_of(operation)(Client(rooms).call(operation, **parameters), rooms)


def _opened(folder: Path) -> Rooms:
    folder.mkdir()
    return open_rooms(folder)


@pytest.fixture
def here(tmp_path: Path) -> Rooms:
    """A service with a collection of three people, of whom one is a user."""
    rooms = _opened(tmp_path / "here")
    client = Client(rooms)
    client("CreateCollection", CollectionId="staff", Tags=TERMS)
    for number, name in enumerate(("ann", "bob", "cid")):
        client.index("staff", number, ExternalImageId=name)
    client("CreateUser", CollectionId="staff", UserId="the-boss")
    faces = [face["FaceId"] for face in client("ListFaces", CollectionId="staff")["Faces"]]
    client("AssociateFaces", CollectionId="staff", UserId="the-boss", FaceIds=faces[:1])
    return rooms


@pytest.fixture
def there(tmp_path: Path) -> Rooms:
    rooms = _opened(tmp_path / "there")
    Client(rooms)("CreateCollection", CollectionId="staff", Tags=TERMS)
    return rooms


@pytest.fixture
def file(here: Rooms, there: Rooms, tmp_path: Path) -> Path:
    file = tmp_path / "staff.sealed"
    recipient = there.gallery.transfer.recipient
    assert _ask(here, "ExportCollection", CollectionId="staff", File=str(file), Recipient=recipient) == {"Faces": 3}
    return file


def _faces(rooms: Rooms, name: str = "staff") -> list[dict[str, Any]]:
    faces: list[dict[str, Any]] = Client(rooms)("ListFaces", CollectionId=name)["Faces"]
    return faces


def test_a_collection_arrives_with_its_ids_names_and_users(here: Rooms, there: Rooms, file: Path) -> None:
    assert _ask(there, "ImportFaces", CollectionId="staff", File=str(file)) == {"Faces": 3, "Refused": 0}
    assert _faces(there) == _faces(here)
    client, image = Client(there), {"Bytes": picture_of(0)}
    matches = client("SearchFacesByImage", CollectionId="staff", Image=image)["FaceMatches"]
    assert [match["Face"]["ExternalImageId"] for match in matches] == ["ann"]
    users = client("SearchUsersByImage", CollectionId="staff", Image=image)["UserMatches"]
    assert [match["User"]["UserId"] for match in users] == ["the-boss"]
    described = client("DescribeCollection", CollectionId="staff")
    assert (described["FaceCount"], described["UserCount"]) == (3, 1)


def test_a_file_shows_nothing_and_opens_only_for_its_recipient(here: Rooms, file: Path) -> None:
    data = file.read_bytes()
    assert b"ann" not in data
    assert person(0)[:4].tobytes() not in data
    Client(here)("CreateCollection", CollectionId="again", Tags=TERMS)
    with pytest.raises(ApiError, match="sealed to another key"):
        _ask(here, "ImportFaces", CollectionId="again", File=str(file))


@pytest.mark.parametrize("kept", [0, 10, 60, 200, -1, -40])
def test_of_a_file_that_is_not_whole_nothing_is_taken(there: Rooms, file: Path, kept: int) -> None:
    file.write_bytes(file.read_bytes()[:kept])
    with pytest.raises(ApiError):
        _ask(there, "ImportFaces", CollectionId="staff", File=str(file))
    assert _faces(there) == []


def test_a_file_that_was_tampered_with_is_refused(there: Rooms, file: Path) -> None:
    data = bytearray(file.read_bytes())
    data[-60] ^= 1
    file.write_bytes(data)
    with pytest.raises(ApiError, match="not whole"):
        _ask(there, "ImportFaces", CollectionId="staff", File=str(file))
    assert _faces(there) == []


def test_faces_do_not_move_to_other_terms(here: Rooms, there: Rooms, file: Path) -> None:
    for rooms in (here, there):
        Client(rooms)("CreateCollection", CollectionId="loose", Tags={"floor": "3"})
    with pytest.raises(ApiError, match="other terms"):
        _ask(there, "ImportFaces", CollectionId="loose", File=str(file))
    with pytest.raises(ApiError, match="other terms"):
        _ask(here, "CopyFaces", CollectionId="loose", Source="staff")


def test_who_was_erased_is_not_let_in_again(there: Rooms, file: Path) -> None:
    objections = there.gallery.objections
    objections.add(ORGANIZATION, "external/bob", 1.0, [], None)
    objections.add(ORGANIZATION, "external/somebody", 1.0, [], ("1.0", person(2)))
    assert _ask(there, "ImportFaces", CollectionId="staff", File=str(file)) == {"Faces": 1, "Refused": 2}
    assert [face["ExternalImageId"] for face in _faces(there)] == ["ann"]


def test_a_copy_is_a_collection_of_its_own(here: Rooms) -> None:
    client = Client(here)
    client("CreateCollection", CollectionId="copy", Tags=TERMS)
    assert _ask(here, "CopyFaces", CollectionId="copy", Source="staff")["Faces"] == 3
    before = _faces(here)
    client("DeleteCollection", CollectionId="staff")
    assert _faces(here, "copy") == before
    found = client("SearchFacesByImage", CollectionId="copy", Image={"Bytes": picture_of(1)})["FaceMatches"]
    assert [match["Face"]["ExternalImageId"] for match in found] == ["bob"]


def test_a_recipient_that_is_no_key_is_refused_and_leaves_no_file(here: Rooms, tmp_path: Path) -> None:
    file = tmp_path / "nothing"
    with pytest.raises(ValueError, match="no recipient's key"):
        _ask(here, "ExportCollection", CollectionId="staff", File=str(file), Recipient="bm8=")
    assert not list(tmp_path.glob("nothing*"))
