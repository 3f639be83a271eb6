"""Users and their faces, as the contract has them."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from regard.gallery.collections.tokens import REQUEST_SECONDS
from regard.operations.common.errors import ApiError
from tests.helpers.fakes import Client, Clock, open_rooms

UNKNOWN = "00000000-0000-4000-8000-000000000000"


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def client(tmp_path: Path, clock: Clock) -> Client:
    client = Client(open_rooms(tmp_path, clock))
    client("CreateCollection", CollectionId="a")
    client("CreateUser", CollectionId="a", UserId="u")
    return client


def _status(client: Client) -> str:
    status: str = client("ListUsers", CollectionId="a")["Users"][0]["UserStatus"]
    return status


def _associate(client: Client, user: str, *faces: str, **more: object) -> dict[str, Any]:
    return client("AssociateFaces", CollectionId="a", UserId=user, FaceIds=list(faces), **more)


def test_a_user_is_made_once(client: Client) -> None:
    assert client.refusal("CreateUser", CollectionId="a", UserId="u") == (
        "ConflictException",
        "The user id: u already exists.",
    )


@pytest.mark.parametrize("operation", ["DeleteUser", "AssociateFaces", "DisassociateFaces"])
def test_an_unknown_user_is_not_found(client: Client, operation: str) -> None:
    faces = {} if operation == "DeleteUser" else {"FaceIds": [UNKNOWN]}
    expected = ("ResourceNotFoundException", "The user id: nobody does not exist.")
    assert client.refusal(operation, CollectionId="a", UserId="nobody", **faces) == expected


def test_a_user_is_created_without_faces_and_active_with(client: Client) -> None:
    face = client.index("a", 1)[0]
    assert _status(client) == "CREATED"
    assert _associate(client, "u", face) == {
        "AssociatedFaces": [{"FaceId": face}],
        "UnsuccessfulFaceAssociations": [],
        "UserStatus": "ACTIVE",
    }
    assert _status(client) == "ACTIVE"
    assert client("DisassociateFaces", CollectionId="a", UserId="u", FaceIds=[face]) == {
        "DisassociatedFaces": [{"FaceId": face}],
        "UnsuccessfulFaceDisassociations": [],
        "UserStatus": "CREATED",
    }
    assert _status(client) == "CREATED"


def test_each_face_that_is_not_associated_says_why(client: Client) -> None:
    client("CreateUser", CollectionId="a", UserId="other")
    first, taken, unlike = (client.index("a", number)[0] for number in (1, 2, 3))
    _associate(client, "other", taken)
    answer = _associate(client, "u", first, taken, unlike, UNKNOWN)
    assert answer["AssociatedFaces"] == [{"FaceId": first}]
    refused = answer["UnsuccessfulFaceAssociations"]
    assert isinstance(refused, list)
    assert refused[:2] == [
        {"FaceId": UNKNOWN, "Reasons": ["FACE_NOT_FOUND"]},
        {"FaceId": taken, "UserId": "other", "Reasons": ["ASSOCIATED_TO_A_DIFFERENT_USER"]},
    ]
    assert (refused[2]["FaceId"], refused[2]["Reasons"]) == (unlike, ["LOW_MATCH_CONFIDENCE"])
    assert refused[2]["Confidence"] < 75


def test_a_face_that_is_the_users_already_is_passed_over(client: Client) -> None:
    face = client.index("a", 1)[0]
    _associate(client, "u", face)
    assert _associate(client, "u", face, face) == {
        "AssociatedFaces": [],
        "UnsuccessfulFaceAssociations": [],
        "UserStatus": "ACTIVE",
    }


def test_a_low_threshold_lets_unlike_faces_in(client: Client) -> None:
    faces = client.index("a", 1, 2)
    assert len(_associate(client, "u", *faces, UserMatchThreshold=0)["AssociatedFaces"]) == 2


def test_what_is_not_the_users_is_not_freed(client: Client) -> None:
    client("CreateUser", CollectionId="a", UserId="other")
    loose, taken = client.index("a", 1, 2)
    _associate(client, "other", taken)
    answer = client("DisassociateFaces", CollectionId="a", UserId="u", FaceIds=[loose, taken, UNKNOWN])
    assert answer["DisassociatedFaces"] == []
    assert answer["UnsuccessfulFaceDisassociations"] == [
        {"FaceId": loose, "Reasons": ["FACE_NOT_FOUND"]},
        {"FaceId": UNKNOWN, "Reasons": ["FACE_NOT_FOUND"]},
        {"FaceId": taken, "UserId": "other", "Reasons": ["ASSOCIATED_TO_A_DIFFERENT_USER"]},
    ]


def test_a_user_has_a_hundred_faces_at_most(client: Client) -> None:
    faces = [face for mark in range(101) for face in client.index("a", 1, mark=mark)]
    _associate(client, "u", *faces[:100])
    with pytest.raises(ApiError) as refusal:
        _associate(client, "u", faces[100])
    assert refusal.value.code == "ServiceQuotaExceededException"
    assert len(client("ListFaces", CollectionId="a", UserId="u")["Faces"]) == 100


def test_the_faces_of_a_deleted_user_stay_without_it(client: Client) -> None:
    face = client.index("a", 1)[0]
    _associate(client, "u", face)
    assert client("DeleteUser", CollectionId="a", UserId="u") == {}
    assert client("ListUsers", CollectionId="a") == {"Users": []}
    assert "UserId" not in client("ListFaces", CollectionId="a")["Faces"][0]
    assert client("SearchUsers", CollectionId="a", FaceId=face)["UserMatches"] == []
    assert client("DeleteFaces", CollectionId="a", FaceIds=[face])["DeletedFaces"] == [face]


def test_users_are_listed_a_page_at_a_time(client: Client) -> None:
    for name in ("c", "b"):
        client("CreateUser", CollectionId="a", UserId=name)
    first = client("ListUsers", CollectionId="a", MaxResults=2)
    rest = client("ListUsers", CollectionId="a", MaxResults=2, NextToken=first["NextToken"])
    assert [user["UserId"] for user in first["Users"] + rest["Users"]] == ["u", "c", "b"]
    assert "NextToken" not in rest


def test_a_request_that_is_sent_again_is_done_once(client: Client) -> None:
    face = client.index("a", 1)[0]
    once = _associate(client, "u", face, ClientRequestToken="t")
    assert _associate(client, "u", face, ClientRequestToken="t") == once
    assert once["AssociatedFaces"] == [{"FaceId": face}]
    for _ in range(2):
        assert client("CreateUser", CollectionId="a", UserId="v", ClientRequestToken="t") == {}


def test_a_token_with_other_parameters_is_refused_for_a_week(client: Client, clock: Clock) -> None:
    client("CreateUser", CollectionId="a", UserId="v", ClientRequestToken="t")
    assert client.refusal("CreateUser", CollectionId="a", UserId="w", ClientRequestToken="t") == (
        "IdempotentParameterMismatchException",
        "The ClientRequestToken: t you have supplied is already in use.",
    )
    clock.now += REQUEST_SECONDS + 1
    assert client("CreateUser", CollectionId="a", UserId="w", ClientRequestToken="t") == {}


def test_a_token_is_the_organizations_own(client: Client) -> None:
    client("CreateUser", CollectionId="a", UserId="v", ClientRequestToken="t")
    other = Client(client.rooms, organization="444455556666")
    other("CreateCollection", CollectionId="b")
    assert other("CreateUser", CollectionId="b", UserId="w", ClientRequestToken="t") == {}


def test_a_refused_request_leaves_its_token_free(client: Client) -> None:
    assert (
        client.refusal("DeleteUser", CollectionId="a", UserId="w", ClientRequestToken="t")[0]
        == "ResourceNotFoundException"
    )
    assert client("DeleteUser", CollectionId="a", UserId="u", ClientRequestToken="t") == {}


def test_a_token_repeats_nothing_of_a_collection_that_is_gone(client: Client) -> None:
    client("CreateUser", CollectionId="a", UserId="v", ClientRequestToken="t")
    client("DeleteCollection", CollectionId="a")
    assert (
        client.refusal("CreateUser", CollectionId="a", UserId="v", ClientRequestToken="t")[0]
        == "ResourceNotFoundException"
    )
    client("CreateCollection", CollectionId="a")
    code, _ = client.refusal("CreateUser", CollectionId="a", UserId="v", ClientRequestToken="t")
    assert code == "IdempotentParameterMismatchException"
    assert client("CreateUser", CollectionId="a", UserId="v", ClientRequestToken="another") == {}
    assert client("DescribeCollection", CollectionId="a")["UserCount"] == 1
