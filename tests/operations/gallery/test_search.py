"""The four searches, as the contract has them."""

from __future__ import annotations

from pathlib import Path

import pytest

from regard.operations.common.registry import function_of
from regard.vision.faces import quality
from regard.vision.faces.faces import Description, Face
from regard.vision.pictures.images import Picture
from tests.helpers.fakes import Client, Clock, open_rooms, picture_of

UNKNOWN = "00000000-0000-4000-8000-000000000000"


@pytest.fixture
def client(tmp_path: Path) -> Client:
    client = Client(open_rooms(tmp_path, Clock()))
    client("CreateCollection", CollectionId="a")
    return client


def _faces(answer: dict[str, object]) -> list[str]:
    matches = answer["FaceMatches"]
    assert isinstance(matches, list)
    return [match["Face"]["FaceId"] for match in matches]


def test_a_face_is_found_in_the_call_after_it_was_indexed(client: Client) -> None:
    for number in range(5):
        face = client.index("a", number, ExternalImageId=f"person-{number}")
        answer = client("SearchFacesByImage", CollectionId="a", Image={"Bytes": picture_of(number, mark=9)})
        assert _faces(answer) == face
        match = answer["FaceMatches"][0]
        assert match["Similarity"] == pytest.approx(100, abs=0.01)
        assert match["Face"]["ExternalImageId"] == f"person-{number}"
        assert match["Face"]["IndexFacesModelVersion"] == answer["FaceModelVersion"] == "1.0"


def test_a_face_does_not_find_itself(client: Client) -> None:
    one = client.index("a", 1, mark=1)[0]
    two = client.index("a", 1, mark=2)[0]
    answer = client("SearchFaces", CollectionId="a", FaceId=one)
    assert (answer["SearchedFaceId"], _faces(answer)) == (one, [two])


def test_an_unknown_face_is_an_invalid_parameter(client: Client) -> None:
    expected = ("InvalidParameterException", "faceId was not found in the collection")
    assert client.refusal("SearchFaces", CollectionId="a", FaceId=UNKNOWN) == expected
    assert client.refusal("SearchUsers", CollectionId="a", FaceId=UNKNOWN) == expected


def test_a_deleted_face_is_not_found(client: Client) -> None:
    faces = [client.index("a", 1, mark=mark)[0] for mark in range(3)]
    client("SearchFaces", CollectionId="a", FaceId=faces[0])
    client("DeleteFaces", CollectionId="a", FaceIds=[faces[1]])
    assert _faces(client("SearchFaces", CollectionId="a", FaceId=faces[0])) == [faces[2]]


def test_a_threshold_of_zero_ranks_everybody_best_first(client: Client) -> None:
    client.index("a", 1, 2, 3, 4)
    image = {"Bytes": picture_of(1)}
    answer = client("SearchFacesByImage", CollectionId="a", Image=image, FaceMatchThreshold=0)
    similarities = [match["Similarity"] for match in answer["FaceMatches"]]
    assert len(similarities) == 4
    assert similarities == sorted(similarities, reverse=True)
    best = client("SearchFacesByImage", CollectionId="a", Image=image, FaceMatchThreshold=0, MaxFaces=2)
    assert _faces(best) == _faces(answer)[:2]


def test_a_picture_without_faces_cannot_be_searched_for_faces_but_for_users(client: Client) -> None:
    nobody = {"Bytes": picture_of()}
    assert client.refusal("SearchFacesByImage", CollectionId="a", Image=nobody) == (
        "InvalidParameterException",
        "There are no faces in the image. Should be at least 1.",
    )
    assert client("SearchUsersByImage", CollectionId="a", Image=nobody) == {
        "UserMatches": [],
        "UnsearchedFaces": [],
        "FaceModelVersion": "1.0",
    }


def test_of_several_faces_the_answer_says_which_was_searched(client: Client) -> None:
    face = client.index("a", 1)
    call = client.call("SearchFacesByImage", CollectionId="a", Image={"Bytes": picture_of(1, 2)})
    answer = function_of("SearchFacesByImage")(call, client.rooms)
    assert _faces(answer) == face
    assert call.remarks == {
        "x-regard-faces-in-picture": "2",
        "x-regard-searched-face": "Left=0.0250 Top=0.0500 Width=0.4500 Height=0.9000",
    }


def test_of_one_face_nothing_need_be_said(client: Client) -> None:
    call = client.call("SearchFacesByImage", CollectionId="a", Image={"Bytes": picture_of(1)})
    function_of("SearchFacesByImage")(call, client.rooms)
    assert call.remarks == {}


def test_the_quality_filter_of_a_search_is_off_unless_asked_for(
    client: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    def rejections(face: Face, description: Description, level: str, picture: Picture) -> tuple[str, ...]:
        return ("LOW_BRIGHTNESS",) if level != "NONE" and face.box.left < 0.1 else ()

    monkeypatch.setattr(quality, "rejections", rejections)
    first, second = client.index("a", 1, 2, QualityFilter="NONE")
    image = {"Bytes": picture_of(1, 2)}
    assert _faces(client("SearchFacesByImage", CollectionId="a", Image=image)) == [first]
    assert _faces(client("SearchFacesByImage", CollectionId="a", Image=image, QualityFilter="LOW")) == [second]
    code, message = client.refusal(
        "SearchFacesByImage", CollectionId="a", Image={"Bytes": picture_of(1)}, QualityFilter="LOW"
    )
    assert code == "InvalidParameterException"
    assert message.startswith("There are no faces in the image. Should be at least 1. None of the 1 faces found")


@pytest.fixture
def users(client: Client) -> dict[str, list[str]]:
    """Two users of two faces each, and one without faces."""
    faces = {}
    for number, user in enumerate(("anna", "berta")):
        faces[user] = [client.index("a", number, mark=mark)[0] for mark in range(2)]
        client("CreateUser", CollectionId="a", UserId=user)
        client("AssociateFaces", CollectionId="a", UserId=user, FaceIds=faces[user])
    client("CreateUser", CollectionId="a", UserId="faceless")
    return faces


def test_users_are_found_by_picture_and_by_face(client: Client, users: dict[str, list[str]]) -> None:
    by_picture = client("SearchUsersByImage", CollectionId="a", Image={"Bytes": picture_of(1, mark=7)})
    by_face = client("SearchUsers", CollectionId="a", FaceId=users["berta"][0])
    for answer in (by_picture, by_face):
        assert [match["User"] for match in answer["UserMatches"]] == [{"UserId": "berta", "UserStatus": "ACTIVE"}]
        assert answer["UserMatches"][0]["Similarity"] == pytest.approx(100, abs=0.01)
    assert by_face["SearchedFace"] == {"FaceId": users["berta"][0]}
    assert "BoundingBox" in by_picture["SearchedFace"]["FaceDetail"]


def test_a_user_does_not_find_itself(client: Client, users: dict[str, list[str]]) -> None:
    answer = client("SearchUsers", CollectionId="a", UserId="anna", UserMatchThreshold=0)
    assert [match["User"]["UserId"] for match in answer["UserMatches"]] == ["berta"]
    assert answer["SearchedUser"] == {"UserId": "anna"}


def test_a_user_without_faces_finds_nobody_and_is_not_found(client: Client, users: dict[str, list[str]]) -> None:
    assert client("SearchUsers", CollectionId="a", UserId="faceless", UserMatchThreshold=0)["UserMatches"] == []


def test_faces_that_were_not_searched_are_listed(client: Client, users: dict[str, list[str]]) -> None:
    answer = client("SearchUsersByImage", CollectionId="a", Image={"Bytes": picture_of(0, 1, mark=7)})
    assert [match["User"]["UserId"] for match in answer["UserMatches"]] == ["anna"]
    assert [face["Reasons"] for face in answer["UnsearchedFaces"]] == [["FACE_NOT_LARGEST"]]


def test_searching_users_needs_exactly_one_of_face_and_user(client: Client) -> None:
    for given in ({}, {"FaceId": UNKNOWN, "UserId": "u"}):
        assert client.refusal("SearchUsers", CollectionId="a", **given)[0] == "InvalidParameterException"
    assert client.refusal("SearchUsers", CollectionId="a", UserId="nobody") == (
        "ResourceNotFoundException",
        "The user id: nobody does not exist.",
    )


def test_what_another_process_did_counts_in_the_next_search(client: Client, tmp_path: Path) -> None:
    other = Client(open_rooms(tmp_path, Clock()))
    mine = client.index("a", 1, mark=1)[0]
    theirs = other.index("a", 1, mark=2)[0]
    assert _faces(client("SearchFaces", CollectionId="a", FaceId=mine)) == [theirs]
    other("DeleteFaces", CollectionId="a", FaceIds=[theirs])
    assert _faces(client("SearchFaces", CollectionId="a", FaceId=mine)) == []
    other("CreateUser", CollectionId="a", UserId="u")
    other("AssociateFaces", CollectionId="a", UserId="u", FaceIds=[mine])
    assert len(client("SearchUsers", CollectionId="a", FaceId=mine)["UserMatches"]) == 1
    other("DisassociateFaces", CollectionId="a", UserId="u", FaceIds=[mine])
    assert client("SearchUsers", CollectionId="a", FaceId=mine)["UserMatches"] == []
    other("DeleteCollection", CollectionId="a")
    other("CreateCollection", CollectionId="a")
    assert client.refusal("SearchFaces", CollectionId="a", FaceId=mine)[0] == "InvalidParameterException"
