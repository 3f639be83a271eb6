"""The gallery through boto3, unchanged, on a real face."""

from __future__ import annotations

import io
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest
from PIL import Image, ImageOps

from tests.helpers.databases import SQLITE, settings_of
from tests.helpers.running import Running, running


@pytest.fixture
def client(
    request: pytest.FixtureRequest, database: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> Iterator[Any]:
    if database == SQLITE:
        service: Running = request.getfixturevalue("service")
        yield service.client()
        return
    for name, value in settings_of(tmp_path).items():
        monkeypatch.setenv(name, value)
    with running(tmp_path) as service:
        yield service.client()


@pytest.fixture
def collection(client: Any) -> Iterator[str]:
    name = f"test-{uuid4()}"
    client.create_collection(CollectionId=name, Tags={"made-by": "a test"})
    yield name
    client.delete_collection(CollectionId=name)


@pytest.fixture
def mirrored(portrait: bytes) -> bytes:
    file = io.BytesIO()
    ImageOps.mirror(Image.open(io.BytesIO(portrait))).save(file, "JPEG", quality=92)
    return file.getvalue()


def test_boto3_enrols_finds_and_deletes_a_face(client: Any, collection: str, portrait: bytes, mirrored: bytes) -> None:
    records = client.index_faces(CollectionId=collection, Image={"Bytes": portrait}, ExternalImageId="a:person")
    face = records["FaceRecords"][0]["Face"]
    found = client.search_faces_by_image(CollectionId=collection, Image={"Bytes": mirrored})["FaceMatches"]
    assert [match["Face"]["FaceId"] for match in found] == [face["FaceId"]]
    assert found[0]["Similarity"] > 80
    again = client.index_faces(CollectionId=collection, Image={"Bytes": mirrored})["FaceRecords"][0]["Face"]
    alike = client.search_faces(CollectionId=collection, FaceId=again["FaceId"])["FaceMatches"]
    assert [match["Face"]["ExternalImageId"] for match in alike] == ["a:person"]
    deleted = client.delete_faces(CollectionId=collection, FaceIds=[face["FaceId"]])
    assert deleted["DeletedFaces"] == [face["FaceId"]]
    assert client.search_faces(CollectionId=collection, FaceId=again["FaceId"])["FaceMatches"] == []


@pytest.mark.long
def test_boto3_makes_a_user_of_several_faces(client: Any, collection: str, portrait: bytes, mirrored: bytes) -> None:
    ids = [
        client.index_faces(CollectionId=collection, Image={"Bytes": data})["FaceRecords"][0]["Face"]["FaceId"]
        for data in (portrait, mirrored)
    ]
    client.create_user(CollectionId=collection, UserId="a-person")
    associated = client.associate_faces(CollectionId=collection, UserId="a-person", FaceIds=ids)
    assert (len(associated["AssociatedFaces"]), associated["UserStatus"]) == (2, "ACTIVE")
    for answer in (
        client.search_users_by_image(CollectionId=collection, Image={"Bytes": portrait}),
        client.search_users(CollectionId=collection, FaceId=ids[0]),
    ):
        assert [match["User"]["UserId"] for match in answer["UserMatches"]] == ["a-person"]
    freed = client.disassociate_faces(CollectionId=collection, UserId="a-person", FaceIds=ids)
    assert (len(freed["DisassociatedFaces"]), freed["UserStatus"]) == (2, "CREATED")


def test_boto3_pages_through_the_lists(client: Any, collection: str, portrait: bytes, mirrored: bytes) -> None:
    for data in (portrait, mirrored):
        client.index_faces(CollectionId=collection, Image={"Bytes": data})
    for name in ("u", "v"):
        client.create_user(CollectionId=collection, UserId=name)
    pages = {"PageSize": 1}
    faces = client.get_paginator("list_faces").paginate(CollectionId=collection, PaginationConfig=pages)
    users = client.get_paginator("list_users").paginate(CollectionId=collection, PaginationConfig=pages)
    collections = client.get_paginator("list_collections").paginate(PaginationConfig=pages).build_full_result()
    assert [len(page["Faces"]) for page in faces] == [1, 1]
    assert [user["UserId"] for page in users for user in page["Users"]] == ["u", "v"]
    assert len(collections["CollectionIds"]) == len(collections["FaceModelVersions"])
    assert collection in collections["CollectionIds"]


def test_boto3_sees_the_errors_that_it_knows(client: Any, collection: str) -> None:
    known = client.exceptions
    with pytest.raises(known.ResourceAlreadyExistsException):
        client.create_collection(CollectionId=collection)
    with pytest.raises(known.ResourceNotFoundException, match="The collection id: nowhere does not exist"):
        client.describe_collection(CollectionId="nowhere")
    with pytest.raises(known.InvalidPaginationTokenException, match="Invalid Pagination Token"):
        client.list_faces(CollectionId=collection, NextToken="forged")
    client.create_user(CollectionId=collection, UserId="u")
    with pytest.raises(known.ConflictException):
        client.create_user(CollectionId=collection, UserId="u")


def test_boto3_tags_a_collection(client: Any, collection: str) -> None:
    arn = client.describe_collection(CollectionId=collection)["CollectionARN"]
    client.tag_resource(ResourceArn=arn, Tags={"team": "blue"})
    client.untag_resource(ResourceArn=arn, TagKeys=["made-by"])
    tags = client.list_tags_for_resource(ResourceArn=arn)["Tags"]
    assert {key: value for key, value in tags.items() if not key.startswith("regard:")} == {"team": "blue"}
