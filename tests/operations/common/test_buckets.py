"""Buckets: read over HTTP from a real S3 server, and only what the operator allowed."""

from __future__ import annotations

from collections.abc import Iterator

import boto3
import pytest
from moto.server import ThreadedMotoServer

from regard.operations.common.buckets import BucketRefused, Buckets, ObjectTooLarge, ObjectUnavailable
from regard.settings import Settings

ALICE, BOB = "111111111111", "222222222222"


@pytest.fixture(scope="module")
def endpoint() -> Iterator[str]:
    server = ThreadedMotoServer(ip_address="127.0.0.1", port=0, verbose=False)
    server.start()
    host, port = server.get_host_and_port()
    url = f"http://{host}:{port}"
    client = _client(url)
    client.create_bucket(Bucket="pictures")
    client.put_bucket_versioning(Bucket="pictures", VersioningConfiguration={"Status": "Enabled"})
    client.put_object(Bucket="pictures", Key="open/a.jpg", Body=b"0123456789")
    client.put_object(Bucket="pictures", Key="closed/b.jpg", Body=b"secret")
    yield url
    server.stop()


def _client(endpoint: str):  # type: ignore[no-untyped-def]
    return boto3.client(
        "s3",
        endpoint_url=endpoint,
        region_name="us-east-1",
        aws_access_key_id="key",
        aws_secret_access_key="secret",
    )


def _buckets(endpoint: str, *allowed: str) -> Buckets:
    return Buckets(
        Settings(
            s3_endpoint=endpoint,
            s3_region="us-east-1",
            s3_access_key_id="key",
            s3_secret_access_key="secret",
            s3_allowed=allowed,
        )
    )


def test_an_allowed_object_is_read(endpoint: str) -> None:
    buckets = _buckets(endpoint, f"{ALICE}=pictures/open/")
    assert buckets.read(ALICE, "pictures", "open/a.jpg", None, 10) == b"0123456789"


def test_the_objects_below_an_allowed_prefix_are_listed_with_their_state(endpoint: str) -> None:
    buckets = _buckets(endpoint, f"{ALICE}=pictures/open/")
    ((name, version),) = buckets.names(ALICE, "pictures", "open/")
    assert (name, bool(version)) == ("open/a.jpg", True)
    for prefix in ("", "closed/", "open"):
        with pytest.raises(BucketRefused, match="REGARD_S3_ALLOWED"):
            list(buckets.names(ALICE, "pictures", prefix))
    with pytest.raises(ObjectUnavailable):
        list(_buckets(endpoint, "*=nowhere/").names(ALICE, "nowhere", ""))


def test_a_version_is_read(endpoint: str) -> None:
    client = _client(endpoint)
    first = client.put_object(Bucket="pictures", Key="open/v.jpg", Body=b"first")["VersionId"]
    client.put_object(Bucket="pictures", Key="open/v.jpg", Body=b"second")
    buckets = _buckets(endpoint, "*=pictures")
    assert buckets.read(ALICE, "pictures", "open/v.jpg", first, 10) == b"first"
    assert buckets.read(ALICE, "pictures", "open/v.jpg", None, 10) == b"second"


@pytest.mark.parametrize("allowed", [(), (f"{BOB}=pictures/",), (f"{ALICE}=pictures/open/",), ("*=other/",)])
def test_nothing_else_is_read(endpoint: str, allowed: tuple[str, ...]) -> None:
    with pytest.raises(BucketRefused, match="REGARD_S3_ALLOWED"):
        _buckets(endpoint, *allowed).read(ALICE, "pictures", "closed/b.jpg", None, 10)


def test_an_object_over_the_limit_is_not_read_to_its_end(endpoint: str) -> None:
    with pytest.raises(ObjectTooLarge):
        _buckets(endpoint, "*=pictures").read(ALICE, "pictures", "open/a.jpg", None, 9)


@pytest.mark.parametrize(("bucket", "name"), [("pictures", "open/none.jpg"), ("nowhere", "a.jpg")])
def test_a_missing_object_is_told_apart_from_a_refused_one(endpoint: str, bucket: str, name: str) -> None:
    with pytest.raises(ObjectUnavailable):
        _buckets(endpoint, f"*={bucket}").read(ALICE, bucket, name, None, 10)


def test_a_store_that_cannot_be_reached_is_unavailable() -> None:
    with pytest.raises(ObjectUnavailable):
        _buckets("http://127.0.0.1:9", "*=pictures").read(ALICE, "pictures", "a.jpg", None, 10)


def test_a_setting_of_another_form_is_refused() -> None:
    with pytest.raises(ValueError, match="ORGANIZATION=bucket/prefix"):
        Buckets(Settings(s3_allowed=("pictures",)))
