"""Objects too large for memory: whole and the same to the last byte, or not at all, from a real S3 server."""

from __future__ import annotations

import io
import secrets
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from botocore.exceptions import ReadTimeoutError

from regard.settings import Settings
from regard.stores.buckets import Buckets
from regard.stores.errors import BucketRefused, ObjectChanged, ObjectTooLarge, ObjectUnavailable
from regard.stores.patience import Patience
from regard.stores.stored import Stored
from tests.helpers.stores import store, store_client

pytestmark = pytest.mark.sqlite("a store has nothing to do with a database")
ALICE = "111111111111"
FILM = secrets.token_bytes(300_001)
PART = 65_536
REQUEST = {"Bucket": "films", "Key": "a.mp4"}


@pytest.fixture(scope="module")
def endpoint() -> Iterator[str]:
    with store() as url:
        store_client(url).create_bucket(Bucket="films")
        store_client(url).put_object(**REQUEST, Body=FILM)
        store_client(url).put_object(Bucket="films", Key="empty.mp4", Body=b"")
        yield url


class Faltering:
    """A real store's client, before whose answers something may happen."""

    def __init__(self, client: Any, before: Callable[[int], None]) -> None:
        self._client, self._before = client, before
        self.asked: list[str] = []

    def get_object(self, **request: Any) -> Any:
        self.asked.append(request.get("Range", ""))
        self._before(len(self.asked))
        return self._client.get_object(**request)


def _stored(endpoint: str, before: Callable[[int], None] = lambda _: None) -> tuple[Stored, Faltering, list[float]]:
    client = Faltering(store_client(endpoint), before)
    slept: list[float] = []
    return Stored(client, Patience(30, 8), REQUEST, slept.append), client, slept


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


def test_a_film_is_copied_whole_and_told_of(endpoint: str) -> None:
    file = io.BytesIO()
    heard: list[int] = []
    found = _buckets(endpoint, "*=films/").found(ALICE, "films", "a.mp4", None, len(FILM))
    found.copy_to(file, heard.append)
    assert (file.getvalue(), found.size, heard[-1]) == (FILM, len(FILM), len(FILM))


def test_it_comes_in_parts_from_where_one_goes_on(endpoint: str) -> None:
    found, client, _ = _stored(endpoint)
    parts = list(found.parts(100_000, PART))
    assert b"".join(parts) == FILM[100_000:]
    assert [len(each) for each in parts] == [PART, PART, PART, 300_001 - 100_000 - 3 * PART]
    assert client.asked[1] == "bytes=100000-165535"


def test_an_empty_object_has_no_parts(endpoint: str) -> None:
    assert list(_buckets(endpoint, "*=films/").found(ALICE, "films", "empty.mp4", None, 1).parts()) == []


def test_one_that_is_too_large_is_refused_before_a_byte_is_read(endpoint: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("botocore.response.StreamingBody.read", lambda *_: pytest.fail("it was read"))
    with pytest.raises(ObjectTooLarge, match="more than 300000 bytes"):
        _buckets(endpoint, "*=films/").found(ALICE, "films", "a.mp4", None, len(FILM) - 1)


def test_only_what_is_allowed_is_looked_for(endpoint: str) -> None:
    with pytest.raises(BucketRefused, match="REGARD_S3_ALLOWED"):
        _buckets(endpoint, "*=films/open/").found(ALICE, "films", "a.mp4", None, 1 << 30)
    with pytest.raises(ObjectUnavailable, match="NoSuchKey"):
        _buckets(endpoint, "*=films/").found(ALICE, "films", "nowhere.mp4", None, 1 << 30)


def test_a_part_that_did_not_come_is_asked_for_again(endpoint: str) -> None:
    def falter(asked: int) -> None:
        if asked in (3, 4):
            raise ReadTimeoutError(endpoint_url=endpoint)

    found, client, slept = _stored(endpoint, falter)
    assert b"".join(found.parts(part=PART)) == FILM
    assert slept == [1.0, 2.0]
    assert client.asked[2] == client.asked[3] == client.asked[4] == f"bytes={PART}-{2 * PART - 1}"


def test_a_store_that_stands_still_is_given_up_with_its_cause(endpoint: str) -> None:
    def still(asked: int) -> None:
        if asked > 2:
            raise ReadTimeoutError(endpoint_url=endpoint)

    found, client, slept = _stored(endpoint, still)
    with pytest.raises(ObjectUnavailable, match="Read timeout"):
        list(found.parts(part=PART))
    assert (slept, len(client.asked)) == ([1.0, 2.0, 4.0, 8.0], 2 + 5)


def test_one_that_is_replaced_meanwhile_is_an_error_and_never_a_mixture(endpoint: str) -> None:
    def replace(asked: int) -> None:
        if asked == 3:
            store_client(endpoint).put_object(**REQUEST, Body=bytes(len(FILM)))

    found, _, slept = _stored(endpoint, replace)
    try:
        with pytest.raises(ObjectChanged):
            list(found.parts(part=PART))
    finally:
        store_client(endpoint).put_object(**REQUEST, Body=FILM)
    assert slept == []


def test_one_that_is_gone_meanwhile_is_not_waited_for(endpoint: str) -> None:
    def remove(asked: int) -> None:
        if asked == 3:
            store_client(endpoint).delete_object(**REQUEST)

    found, _, slept = _stored(endpoint, remove)
    try:
        with pytest.raises(ObjectUnavailable, match="NoSuchKey"):
            list(found.parts(part=PART))
    finally:
        store_client(endpoint).put_object(**REQUEST, Body=FILM)
    assert slept == []
