"""Buckets: read over HTTP from a real S3 server, and only what the operator allowed."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Event, Thread
from typing import Any

import pytest

from regard.operations.common.pictures import MOST_BYTES_FROM_S3
from regard.settings import Settings, variable
from regard.stores import client as client_room
from regard.stores.buckets import Buckets
from regard.stores.errors import BucketRefused, ObjectTooLarge, ObjectUnavailable
from tests.helpers.stores import store, store_client

PAGE = Path(__file__).parents[2] / "docs" / "s3.md"
ALICE, BOB = "111111111111", "222222222222"


@pytest.fixture(scope="module")
def endpoint() -> Iterator[str]:
    with store() as url:
        client = store_client(url)
        client.create_bucket(Bucket="pictures")
        client.put_bucket_versioning(Bucket="pictures", VersioningConfiguration={"Status": "Enabled"})
        client.put_object(Bucket="pictures", Key="open/a.jpg", Body=b"0123456789")
        client.put_object(Bucket="pictures", Key="closed/b.jpg", Body=b"secret")
        yield url


def _buckets(endpoint: str | None, *allowed: str, **more: Any) -> Buckets:
    given = {"s3_access_key_id": "key", "s3_secret_access_key": "secret"} | more
    return Buckets(Settings(s3_endpoint=endpoint, s3_region="us-east-1", s3_allowed=allowed, **given))


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
    client = store_client(endpoint)
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


def test_an_object_is_written_where_writing_is_allowed(endpoint: str) -> None:
    buckets = _buckets(endpoint, s3_writable=(f"{ALICE}=pictures/results/",))
    buckets.require_writable(ALICE, "pictures", "results/one/")
    for text in (b"first", b"second"):
        buckets.write(ALICE, "pictures", "results/one/lines.jsonl", text, "application/json")
    there = store_client(endpoint).get_object(Bucket="pictures", Key="results/one/lines.jsonl")
    assert (there["Body"].read(), there["ContentType"]) == (b"second", "application/json")
    buckets.remove(ALICE, "pictures", "results/one/lines.jsonl")
    assert not store_client(endpoint).list_objects_v2(Bucket="pictures", Prefix="results/one/").get("Contents")


@pytest.mark.parametrize("writable", [(), (f"{BOB}=pictures/",), (f"{ALICE}=pictures/results/",), ("*=other/",)])
def test_nothing_else_is_written_also_where_it_may_be_read(endpoint: str, writable: tuple[str, ...]) -> None:
    buckets = _buckets(endpoint, "*=pictures/", s3_writable=writable)
    told = re.escape(f"REGARD_S3_WRITABLE={ALICE}=pictures/")
    with pytest.raises(BucketRefused, match=f"{told}elsewhere/"):
        buckets.require_writable(ALICE, "pictures", "elsewhere/")
    with pytest.raises(BucketRefused, match=told):
        buckets.write(ALICE, "pictures", "elsewhere/a.json", b"{}", "application/json")
    with pytest.raises(BucketRefused, match=told):
        buckets.remove(ALICE, "pictures", "elsewhere/a.json")
    with pytest.raises(ObjectUnavailable):
        buckets.read(ALICE, "pictures", "elsewhere/a.json", None, 10)


def test_what_may_be_written_may_not_be_read_for_that(endpoint: str) -> None:
    with pytest.raises(BucketRefused, match="REGARD_S3_ALLOWED"):
        _buckets(endpoint, s3_writable=("*=pictures/",)).read(ALICE, "pictures", "open/a.jpg", None, 10)


def test_a_bucket_that_is_not_there_takes_nothing(endpoint: str) -> None:
    with pytest.raises(ObjectUnavailable, match="NoSuchBucket"):
        _buckets(endpoint, s3_writable=("*=nowhere/",)).write(ALICE, "nowhere", "a", b"", "text/plain")


@pytest.mark.parametrize("setting", ["s3_allowed", "s3_writable"])
def test_a_setting_of_another_form_is_refused_by_its_name(setting: str) -> None:
    with pytest.raises(ValueError, match=f"{variable(setting)}.*ORGANIZATION=bucket/prefix"):
        Buckets(Settings(**{setting: ("pictures",)}))  # type: ignore[arg-type]


@pytest.fixture
def refusing() -> Iterator[Callable[[str], str]]:
    """Gives the address of a store that answers everything with an error of this code, or with nothing at all."""
    servers, patience = [], Event()

    def address(code: str) -> str:
        class Refusing(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                if not code:
                    patience.wait(30)
                    return
                body = f"<Error><Code>{code}</Code><Message>No.</Message></Error>".encode()
                self.send_response(403)
                self.send_header("Content-Length", str(len(body)))
                self.end_headers()
                self.wfile.write(body)

            def log_message(self, *told: Any) -> None:
                pass

        servers.append(ThreadingHTTPServer(("127.0.0.1", 0), Refusing))
        Thread(target=servers[-1].serve_forever, daemon=True).start()
        return f"http://127.0.0.1:{servers[-1].server_port}"

    yield address
    patience.set()
    for server in servers:
        server.shutdown()
        server.server_close()


def test_the_page_names_every_error_as_it_is_told(
    endpoint: str, refusing: Callable[[str], str], monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_PROFILE"):
        monkeypatch.delenv(name, raising=False)
    for name in ("AWS_SHARED_CREDENTIALS_FILE", "AWS_CONFIG_FILE"):
        monkeypatch.setenv(name, "/nowhere")
    monkeypatch.setenv("AWS_EC2_METADATA_DISABLED", "true")
    monkeypatch.setattr(client_room, "_READ_SECONDS", 0.1)

    def told(name: str, at: str = endpoint, bucket: str = "pictures", version: str = "", **more: Any) -> str:
        allowed = more.pop("allowed", "*=pictures/,*=nowhere/")
        with pytest.raises((LookupError, PermissionError, ValueError)) as raised:
            _buckets(at, *allowed.split(","), **more).read(ALICE, bucket, name, version or None, 9)
        return str(raised.value)

    def written() -> str:
        with pytest.raises(BucketRefused) as raised:
            _buckets(endpoint, "*=pictures/").write(ALICE, "pictures", "a.json", b"", "application/json")
        return str(raised.value)

    def changed() -> str:
        found = _buckets(endpoint, "*=pictures/").found(ALICE, "pictures", "open/a.jpg", None, 10)
        found.etag = '"another"'
        with pytest.raises(ObjectUnavailable) as raised:
            list(found.parts())
        return str(raised.value)

    keyless: dict[str, Any] = {"s3_access_key_id": None, "s3_secret_access_key": None}
    causes = [
        told("open/a.jpg", allowed="*=others/"),
        told("a.jpg", bucket="nowhere"),
        told("/open/a.jpg"),
        told("open/a.jpg", version="none"),
        *(told("a.jpg", refusing(code)) for code in ("AccessDenied", "InvalidAccessKeyId", "SignatureDoesNotMatch")),
        told("a.jpg", **keyless),
        told("a.jpg", "http://127.0.0.1:9"),
        told("a.jpg", refusing("")),
        written(),
        changed(),
        told("open/a.jpg").replace("more than 9 ", f"more than {MOST_BYTES_FROM_S3} "),
        told("a.jpg", allowed="pictures"),
        told("a.jpg", "127.0.0.1:9000"),
        told("a.jpg", s3_secret_access_key=None),
    ]
    rows = re.findall(r"^\| `([^`]+)` \| [^`]", PAGE.read_text().partition("## What an error means")[2], re.MULTILINE)
    assert len(rows) == len(causes)
    for row, cause in zip(rows, causes, strict=True):
        assert row in cause
