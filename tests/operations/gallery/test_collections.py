"""Collections and tags, as the contract has them."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path

import pytest

from regard.operations.common.errors import ApiError
from tests.helpers.fakes import Client, Clock, open_rooms


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def client(tmp_path: Path, clock: Clock) -> Client:
    return Client(open_rooms(tmp_path, clock))


def _refused(client: Client, name: str, /, **parameters: object) -> tuple[str, str]:
    with pytest.raises(ApiError) as refusal:
        client(name, **parameters)
    return refusal.value.code, refusal.value.message


def test_a_new_collection_has_an_arn_of_its_organization_and_the_face_model_that_runs(client: Client) -> None:
    assert client("CreateCollection", CollectionId="friends") == {
        "StatusCode": 200,
        "CollectionArn": "arn:aws:rekognition:eu-central-1:111122223333:collection/friends",
        "FaceModelVersion": "1.0",
    }


def test_a_collection_is_described_with_its_counts(client: Client, clock: Clock) -> None:
    client("CreateCollection", CollectionId="friends")
    client.index("friends", 1, 2)
    client("CreateUser", CollectionId="friends", UserId="u")
    assert client("DescribeCollection", CollectionId="friends") == {
        "FaceCount": 2,
        "UserCount": 1,
        "FaceModelVersion": "1.0",
        "CollectionARN": "arn:aws:rekognition:eu-central-1:111122223333:collection/friends",
        "CreationTimestamp": datetime.fromtimestamp(clock.now, UTC),
    }


def test_a_collection_is_made_once(client: Client) -> None:
    client("CreateCollection", CollectionId="friends")
    assert _refused(client, "CreateCollection", CollectionId="friends") == (
        "ResourceAlreadyExistsException",
        "The collection id: friends already exists.",
    )


@pytest.mark.parametrize(
    ("operation", "parameters"),
    [
        ("DeleteCollection", {}),
        ("DescribeCollection", {}),
        ("IndexFaces", {"Image": {"Bytes": b"not even a picture"}}),
        ("ListFaces", {}),
        ("DeleteFaces", {"FaceIds": ["f"]}),
        ("SearchFaces", {"FaceId": "f"}),
        ("SearchFacesByImage", {"Image": {"Bytes": b"not even a picture"}}),
        ("SearchUsers", {"FaceId": "f"}),
        ("SearchUsersByImage", {"Image": {"Bytes": b"not even a picture"}}),
        ("CreateUser", {"UserId": "u"}),
        ("DeleteUser", {"UserId": "u"}),
        ("ListUsers", {}),
        ("AssociateFaces", {"UserId": "u", "FaceIds": ["f"]}),
        ("DisassociateFaces", {"UserId": "u", "FaceIds": ["f"]}),
    ],
)
def test_a_collection_of_another_organization_does_not_exist(
    client: Client, operation: str, parameters: dict[str, object]
) -> None:
    Client(client.rooms, organization="444455556666")("CreateCollection", CollectionId="friends")
    assert _refused(client, operation, CollectionId="friends", **parameters) == (
        "ResourceNotFoundException",
        "The collection id: friends does not exist",
    )


def test_collections_are_listed_with_their_face_models_a_page_at_a_time(client: Client) -> None:
    for name in ("c", "a", "b"):
        client("CreateCollection", CollectionId=name)
    first = client("ListCollections", MaxResults=2)
    rest = client("ListCollections", MaxResults=2, NextToken=first["NextToken"])
    assert (first["CollectionIds"], first["FaceModelVersions"]) == (["c", "a"], ["1.0", "1.0"])
    assert rest == {"CollectionIds": ["b"], "FaceModelVersions": ["1.0"]}


def test_no_collections_are_an_empty_list(client: Client) -> None:
    assert client("ListCollections") == {"CollectionIds": [], "FaceModelVersions": []}


@pytest.mark.parametrize("operation", ["ListCollections", "ListFaces", "ListUsers"])
def test_a_forged_token_is_refused(client: Client, operation: str) -> None:
    client("CreateCollection", CollectionId="a")
    given = {} if operation == "ListCollections" else {"CollectionId": "a"}
    assert _refused(client, operation, NextToken="Zm9yZ2Vk", **given) == (
        "InvalidPaginationTokenException",
        "Invalid Pagination Token",
    )


def test_a_token_of_another_organization_is_refused(client: Client) -> None:
    for name in ("a", "b"):
        client("CreateCollection", CollectionId=name)
    token = client("ListCollections", MaxResults=1)["NextToken"]
    other = Client(client.rooms, organization="444455556666")
    assert _refused(other, "ListCollections", MaxResults=1, NextToken=token)[0] == "InvalidPaginationTokenException"


def test_a_deleted_collection_leaves_nothing_and_its_name_is_free(client: Client) -> None:
    client("CreateCollection", CollectionId="a", Tags={"k": "v"})
    face = client.index("a", 1, ExternalImageId="somebody")[0]
    client("CreateUser", CollectionId="a", UserId="u")
    client("AssociateFaces", CollectionId="a", UserId="u", FaceIds=[face])
    client("SearchFaces", CollectionId="a", FaceId=face)
    assert client("DeleteCollection", CollectionId="a") == {"StatusCode": 200}
    arn = client("CreateCollection", CollectionId="a")["CollectionArn"]
    assert client("ListFaces", CollectionId="a")["Faces"] == []
    assert client("ListUsers", CollectionId="a")["Users"] == []
    assert client("ListTagsForResource", ResourceArn=arn)["Tags"] == {}
    assert _refused(client, "SearchFaces", CollectionId="a", FaceId=face)[0] == "InvalidParameterException"


def test_tags_are_added_replaced_removed_and_listed(client: Client) -> None:
    arn = client("CreateCollection", CollectionId="a", Tags={"team": "red", "site": "x"})["CollectionArn"]
    assert client("TagResource", ResourceArn=arn, Tags={"team": "blue", "level": ""}) == {}
    assert client("UntagResource", ResourceArn=arn, TagKeys=["site", "unknown"]) == {}
    assert client("ListTagsForResource", ResourceArn=arn) == {"Tags": {"team": "blue", "level": ""}}


def test_a_collection_has_two_hundred_tags_at_most(client: Client) -> None:
    tags = {f"key-{number}": "" for number in range(200)}
    arn = client("CreateCollection", CollectionId="a", Tags=tags)["CollectionArn"]
    assert _refused(client, "TagResource", ResourceArn=arn, Tags={"more": ""})[0] == "ServiceQuotaExceededException"
    client("TagResource", ResourceArn=arn, Tags={"key-0": "changed"})
    assert len(client("ListTagsForResource", ResourceArn=arn)["Tags"]) == 200


@pytest.mark.parametrize(
    "arn",
    [
        "arn:aws:rekognition:eu-central-1:444455556666:collection/a",
        "arn:aws:rekognition:eu-central-1:111122223333:collection/b",
        "arn:aws:rekognition:eu-central-1:111122223333:project/a",
        "arn:aws:s3:::a-bucket-of-somebody",
    ],
)
def test_a_resource_that_is_not_the_callers_collection_has_no_tags(client: Client, arn: str) -> None:
    client("CreateCollection", CollectionId="a")
    Client(client.rooms, organization="444455556666")("CreateCollection", CollectionId="a")
    for operation, more in (
        ("TagResource", {"Tags": {"k": "v"}}),
        ("UntagResource", {"TagKeys": ["k"]}),
        ("ListTagsForResource", {}),
    ):
        assert _refused(client, operation, ResourceArn=arn, **more)[0] == "ResourceNotFoundException"
