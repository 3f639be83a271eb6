"""IndexFaces, ListFaces and DeleteFaces, as the contract has them."""

from __future__ import annotations

import io
import sqlite3
from contextlib import closing
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from regard.operations.common.errors import ApiError
from regard.vision.faces import quality
from regard.vision.faces.faces import Description, Face
from regard.vision.pictures.images import Picture
from tests.helpers.fakes import Client, Clock, open_rooms, picture_of


@pytest.fixture
def client(tmp_path: Path) -> Client:
    client = Client(open_rooms(tmp_path, Clock()))
    client("CreateCollection", CollectionId="a")
    return client


def test_faces_are_indexed_largest_first_under_one_image_id(client: Client) -> None:
    answer = client("IndexFaces", CollectionId="a", Image={"Bytes": picture_of(1, 2)}, ExternalImageId="group:1")
    faces = [record["Face"] for record in answer["FaceRecords"]]
    assert [round(face["BoundingBox"]["Height"], 2) for face in faces] == [0.9, 0.89]
    assert len({face["ImageId"] for face in faces}) == 1
    assert len({face["FaceId"] for face in faces}) == 2
    assert {face["ExternalImageId"] for face in faces} == {"group:1"}
    assert all(record["FaceDetail"]["BoundingBox"] == record["Face"]["BoundingBox"] for record in answer["FaceRecords"])
    assert (answer["FaceModelVersion"], answer["UnindexedFaces"]) == ("1.0", [])


def test_a_picture_without_faces_is_no_error(client: Client) -> None:
    answer = client("IndexFaces", CollectionId="a", Image={"Bytes": picture_of()})
    assert (answer["FaceRecords"], answer["UnindexedFaces"]) == ([], [])


def test_over_max_faces_the_smallest_are_left_out_and_said(client: Client) -> None:
    answer = client("IndexFaces", CollectionId="a", Image={"Bytes": picture_of(1, 2, 3)}, MaxFaces=1)
    assert len(answer["FaceRecords"]) == 1
    assert [face["Reasons"] for face in answer["UnindexedFaces"]] == [["EXCEEDS_MAX_FACES"]] * 2
    assert answer["FaceRecords"][0]["Face"]["BoundingBox"]["Height"] == pytest.approx(0.9)


def test_over_max_faces_a_poor_face_is_left_out_before_a_smaller_one(
    client: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    def rejections(face: Face, description: Description, level: str, picture: Picture) -> tuple[str, ...]:
        return ("EXTREME_POSE",) if level == "AUTO" and face.box.left < 0.1 else ()

    monkeypatch.setattr(quality, "rejections", rejections)
    image = {"Bytes": picture_of(1, 2, 3)}
    answer = client("IndexFaces", CollectionId="a", Image=image, MaxFaces=2, QualityFilter="NONE")
    heights = [record["Face"]["BoundingBox"]["Height"] for record in answer["FaceRecords"]]
    assert heights == [pytest.approx(0.89), pytest.approx(0.88)]
    (left,) = answer["UnindexedFaces"]
    assert left["Reasons"] == ["EXCEEDS_MAX_FACES"]
    assert left["FaceDetail"]["BoundingBox"]["Height"] == pytest.approx(0.9)


def test_what_the_quality_filter_turns_away_makes_room_for_smaller_faces(
    client: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    def rejections(face: Face, description: Description, level: str, picture: Picture) -> tuple[str, ...]:
        return ("EXTREME_POSE", "LOW_SHARPNESS") if level == "AUTO" and face.box.left < 0.1 else ()

    monkeypatch.setattr(quality, "rejections", rejections)
    image = {"Bytes": picture_of(1, 2, 3)}
    filtered = client("IndexFaces", CollectionId="a", Image=image, MaxFaces=1)
    assert [face["Reasons"] for face in filtered["UnindexedFaces"]] == [
        ["EXTREME_POSE", "LOW_SHARPNESS"],
        ["EXCEEDS_MAX_FACES"],
    ]
    assert len(client("IndexFaces", CollectionId="a", Image=image, QualityFilter="NONE")["FaceRecords"]) == 3


def test_the_same_picture_is_indexed_once(client: Client) -> None:
    first = client.index("a", 1, 2, ExternalImageId="x")
    assert client.index("a", 1, 2, ExternalImageId="x") == first
    assert client("DescribeCollection", CollectionId="a")["FaceCount"] == 2


def test_another_name_picture_or_collection_is_indexed_again(client: Client) -> None:
    client("CreateCollection", CollectionId="b")
    ids = [
        client.index("a", 1, ExternalImageId="x"),
        client.index("a", 1, ExternalImageId="y"),
        client.index("a", 1),
        client.index("a", 1, mark=1),
        client.index("b", 1),
    ]
    assert len({face_id for some in ids for face_id in some}) == 5


def test_a_deleted_face_may_be_indexed_again_from_the_same_picture(client: Client) -> None:
    first = client.index("a", 1, ExternalImageId="x")
    client("DeleteFaces", CollectionId="a", FaceIds=first)
    again = client.index("a", 1, ExternalImageId="x")
    assert again != first
    assert client("SearchFaces", CollectionId="a", FaceId=again[0])["FaceMatches"] == []


def test_faces_left_out_at_first_join_the_picture_they_are_in(client: Client) -> None:
    one = client.index("a", 1, 2, MaxFaces=1)
    two = client.index("a", 1, 2)
    assert two[:1] == one
    listed = client("ListFaces", CollectionId="a")["Faces"]
    assert len(listed) == 2
    assert len({face["ImageId"] for face in listed}) == 1


def test_a_full_collection_refuses_and_keeps_nothing_of_the_picture(client: Client) -> None:
    small = Client(client.rooms, most_faces=2)
    small.index("a", 1)
    with pytest.raises(ApiError) as refusal:
        small.index("a", 2, 3)
    assert refusal.value.code == "ServiceQuotaExceededException"
    assert client("DescribeCollection", CollectionId="a")["FaceCount"] == 1


def test_a_collection_of_another_face_model_is_not_mixed(client: Client, tmp_path: Path) -> None:
    newer = Client(open_rooms(tmp_path, version="2.0"))
    for operation in ("IndexFaces", "SearchFacesByImage", "SearchUsersByImage"):
        with pytest.raises(ApiError) as refusal:
            newer(operation, CollectionId="a", Image={"Bytes": picture_of(1)})
        assert refusal.value.code == "InvalidParameterException"
        assert "face model 1.0" in refusal.value.message


@pytest.mark.parametrize(
    ("data", "code", "begin"),
    [
        (b"GIF89a", "InvalidImageFormatException", "Request has invalid image format"),
        (None, "InvalidParameterException", "Request has invalid parameters"),
    ],
)
def test_bad_pictures_are_refused_with_their_cause(client: Client, data: bytes | None, code: str, begin: str) -> None:
    if data is None:
        file = io.BytesIO()
        Image.fromarray(np.zeros((79, 100, 3), np.uint8)).save(file, "PNG")
        data = file.getvalue()
    for operation in ("IndexFaces", "SearchFacesByImage", "SearchUsersByImage"):
        with pytest.raises(ApiError) as refusal:
            client(operation, CollectionId="a", Image={"Bytes": data})
        assert refusal.value.code == code
        assert refusal.value.message.startswith(begin)
        assert len(refusal.value.message) > len(begin) + 5


def test_faces_are_listed_a_page_at_a_time(client: Client) -> None:
    ids = client.index("a", 1, 2, 3, 4, 5)
    seen: list[str] = []
    token: dict[str, str] = {}
    while True:
        answer = client("ListFaces", CollectionId="a", MaxResults=2, **token)
        assert len(answer["Faces"]) <= 2
        seen += [face["FaceId"] for face in answer["Faces"]]
        if "NextToken" not in answer:
            break
        token = {"NextToken": answer["NextToken"]}
    assert seen == ids
    assert answer["FaceModelVersion"] == "1.0"


def test_faces_are_listed_by_id_and_by_user(client: Client) -> None:
    one, two, _ = client.index("a", 1, 2, 3)
    client("CreateUser", CollectionId="a", UserId="u")
    client("AssociateFaces", CollectionId="a", UserId="u", FaceIds=[two])
    unknown = "00000000-0000-4000-8000-000000000000"
    by_id = client("ListFaces", CollectionId="a", FaceIds=[one, unknown])["Faces"]
    by_user = client("ListFaces", CollectionId="a", UserId="u")["Faces"]
    assert [face["FaceId"] for face in by_id] == [one]
    assert [(face["FaceId"], face["UserId"]) for face in by_user] == [(two, "u")]
    assert client("ListFaces", CollectionId="a", UserId="u", FaceIds=[one])["Faces"] == []
    with pytest.raises(ApiError, match="The user id: nobody does not exist"):
        client("ListFaces", CollectionId="a", UserId="nobody")


def test_deleting_says_what_was_deleted_and_what_was_not(client: Client) -> None:
    one, two = client.index("a", 1, 2)
    client("CreateUser", CollectionId="a", UserId="u")
    client("AssociateFaces", CollectionId="a", UserId="u", FaceIds=[two])
    unknown = "00000000-0000-4000-8000-000000000000"
    assert client("DeleteFaces", CollectionId="a", FaceIds=[one, two, unknown, one]) == {
        "DeletedFaces": [one],
        "UnsuccessfulFaceDeletions": [
            {"FaceId": unknown, "Reasons": ["FACE_NOT_FOUND"]},
            {"FaceId": two, "UserId": "u", "Reasons": ["ASSOCIATED_TO_AN_EXISTING_USER"]},
        ],
    }


@pytest.mark.sqlite("looks into the file of the key store")
def test_the_key_of_a_person_goes_with_the_last_face(client: Client, tmp_path: Path) -> None:
    one = client.index("a", 1, mark=1, ExternalImageId="somebody")
    two = client.index("a", 1, mark=2, ExternalImageId="somebody")

    def keys() -> bytes:
        return b"".join(file.read_bytes() for file in tmp_path.glob("keys.db*"))

    with closing(sqlite3.connect(tmp_path / "keys.db")) as store:
        (wrapped,) = store.execute("SELECT wrapped FROM keys WHERE subject = 'external/somebody'").fetchone()
    client("DeleteFaces", CollectionId="a", FaceIds=one)
    assert wrapped in keys()
    client("DeleteFaces", CollectionId="a", FaceIds=two)
    assert wrapped not in keys()
