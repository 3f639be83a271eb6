"""A collection under new weights: the old one answers until the new one is complete."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from regard.operations.common.errors import ApiError
from regard.operations.common.rooms import Rooms
from tests.helpers.fakes import Client, ask_ours, open_rooms, picture_of

PICTURES = [(0, 1), (2,)]


def _renew(rooms: Rooms, *persons: int) -> dict[str, Any]:
    image = {"Bytes": picture_of(*persons)}
    return ask_ours(rooms, "RenewFaces", CollectionId="staff.renewed", Source="staff", Image=image)


@pytest.fixture
def rooms(tmp_path: Path) -> Rooms:
    """A service with new weights, on a collection that was enrolled with old ones."""
    client = Client(open_rooms(tmp_path))
    client("CreateCollection", CollectionId="staff", Tags={"floor": "3"})
    for persons in PICTURES:
        client.index("staff", *persons, ExternalImageId=f"picture-{persons[0]}")
    client("CreateUser", CollectionId="staff", UserId="the-boss")
    face = client("ListFaces", CollectionId="staff")["Faces"][0]["FaceId"]
    client("AssociateFaces", CollectionId="staff", UserId="the-boss", FaceIds=[face])
    rooms = open_rooms(tmp_path, version="2.0")
    Client(rooms)("CreateCollection", CollectionId="staff.renewed")
    return rooms


def _ids(rooms: Rooms) -> list[tuple[str, str, str | None]]:
    faces = Client(rooms)("ListFaces", CollectionId="staff")["Faces"]
    return sorted((face["FaceId"], face["ExternalImageId"], face.get("UserId")) for face in faces)


def test_a_renewed_collection_keeps_ids_names_and_users_and_searches_with_the_new_model(rooms: Rooms) -> None:
    before = _ids(rooms)
    assert [_renew(rooms, *persons)["Faces"] for persons in PICTURES] == [2, 1]
    assert ask_ours(rooms, "SwitchCollection", CollectionId="staff", Renewed="staff.renewed") == {"Dropped": 0}
    assert _ids(rooms) == before
    client = Client(rooms)
    assert client("ListCollections")["CollectionIds"] == ["staff"]
    found = client("SearchFacesByImage", CollectionId="staff", Image={"Bytes": picture_of(2)})
    assert found["FaceModelVersion"] == "2.0"
    assert [match["Face"]["ExternalImageId"] for match in found["FaceMatches"]] == ["picture-2"]


def test_a_picture_that_is_brought_twice_is_renewed_once(rooms: Rooms) -> None:
    assert _renew(rooms, 2) == {"Faces": 1, "Lost": 0}
    assert _renew(rooms, 2) == {"Faces": 0, "Lost": 0}


def test_a_picture_that_nobody_enrolled_brings_nobody(rooms: Rooms) -> None:
    assert _renew(rooms, 0) == {"Faces": 0, "Lost": 0}


def test_the_old_collection_stays_until_every_face_is_renewed(rooms: Rooms) -> None:
    _renew(rooms, 2)
    before = _ids(rooms)
    with pytest.raises(ApiError, match=r"2 faces of staff are not in staff\.renewed"):
        ask_ours(rooms, "SwitchCollection", CollectionId="staff", Renewed="staff.renewed")
    assert _ids(rooms) == before
    dropped = ask_ours(rooms, "SwitchCollection", CollectionId="staff", Renewed="staff.renewed", DropMissing=True)
    assert dropped == {"Dropped": 2}
    assert len(_ids(rooms)) == 1


def test_a_face_enrolled_meanwhile_is_not_lost(rooms: Rooms, tmp_path: Path) -> None:
    for persons in PICTURES:
        _renew(rooms, *persons)
    Client(open_rooms(tmp_path)).index("staff", 7)
    with pytest.raises(ApiError, match="1 faces of staff"):
        ask_ours(rooms, "SwitchCollection", CollectionId="staff", Renewed="staff.renewed")
    assert _renew(rooms, 7)["Faces"] == 1
    assert ask_ours(rooms, "SwitchCollection", CollectionId="staff", Renewed="staff.renewed") == {"Dropped": 0}
