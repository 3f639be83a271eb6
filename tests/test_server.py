"""The running service: where it listens, what survives a restart, how it stops."""

from __future__ import annotations

import datetime
import json
import signal
import threading
import time
from collections.abc import Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import boto3
import httpx
import pytest
from botocore.config import Config
from botocore.exceptions import ClientError
from typer.testing import CliRunner

from regard.cli import app
from regard.pages.public.kept import KEPT_SECONDS
from regard.settings import SettingError
from regard.wire.listen import GRACE_SECONDS
from tests.helpers.certificates import certificate_in
from tests.helpers.running import Running, running
from tests.helpers.stores import store, store_client, store_settings


def _until_ready(service: Running) -> list[dict[str, str]]:
    """What `/readyz` said until it said that the service is ready."""
    said: list[dict[str, str]] = []
    while (answer := httpx.get(service.url + "/readyz")).status_code == 503:
        said.append(answer.json())
        time.sleep(0.02)
    return said


@pytest.mark.long
def test_what_is_warmed_is_ready_and_first_calls_at_once_are_all_answered(tmp_path: Path, portrait: bytes) -> None:
    with running(tmp_path, REGARD_WARM="moderation,faces") as service, ThreadPoolExecutor(16) as callers:
        assert httpx.get(service.url + "/healthz").status_code == 200
        causes = [each["cause"] for each in _until_ready(service)]
        assert set(causes) <= {"not warm yet: faces, moderation", "not warm yet: moderation"}
        measured = httpx.get(service.url + "/metrics").text
        for model in ("face-detector", "face-mesh", "face-embedder", "age", "pornography"):
            assert f'regard_model_seconds_total{{model="{model}-' in measured
        assert 'model="expression' not in measured
        client = service.client()
        calls = (client.detect_faces, client.detect_moderation_labels) * 8
        assert len(list(callers.map(lambda call: call(Image={"Bytes": portrait}), calls))) == 16


def test_the_pages_need_no_signature(service: Running) -> None:
    _until_ready(service)
    for path, word in {"/": "regard", "/healthz": "alive", "/readyz": "ready", "/metrics": "regard_requests"}.items():
        answer = httpx.get(service.url + path)
        assert answer.status_code == 200
        assert word in answer.text
        assert answer.headers["x-amzn-requestid"]


def test_the_time_of_each_model_is_measured(service: Running, portrait: bytes) -> None:
    service.client().detect_faces(Image={"Bytes": portrait})
    # The page may be one that was made in the second before.
    time.sleep(KEPT_SECONDS)
    assert 'regard_model_seconds_total{model="face-detector' in httpx.get(service.url + "/metrics").text


def test_emotions_are_withheld_and_the_answer_says_so(service: Running, portrait: bytes) -> None:
    answer = service.client().detect_faces(Image={"Bytes": portrait}, Attributes=["ALL"])
    assert answer["FaceDetails"][0]["Emotions"] == []
    assert answer["ResponseMetadata"]["HTTPHeaders"]["x-regard-withheld"] == "Emotions"
    unasked = service.client().detect_faces(Image={"Bytes": portrait})
    assert "Emotions" not in unasked["FaceDetails"][0]
    assert "x-regard-withheld" not in unasked["ResponseMetadata"]["HTTPHeaders"]


@pytest.mark.long
def test_keys_and_collections_survive_a_restart(tmp_path: Path, portrait: bytes) -> None:
    with running(tmp_path) as first:
        first.client().create_collection(CollectionId="kept")
        indexed = first.client().index_faces(CollectionId="kept", Image={"Bytes": portrait})
    with running(tmp_path, first.environment) as second:
        found = second.client().search_faces_by_image(CollectionId="kept", Image={"Bytes": portrait})
    assert [match["Face"]["FaceId"] for match in found["FaceMatches"]] == [
        record["Face"]["FaceId"] for record in indexed["FaceRecords"]
    ]


@pytest.mark.long
def test_a_stop_finishes_what_was_accepted(tmp_path: Path, portrait: bytes) -> None:
    with running(tmp_path) as service, ThreadPoolExecutor(8) as callers:
        client = service.client()
        client.detect_faces(Image={"Bytes": portrait})
        begun = threading.Barrier(9)

        def ask() -> int:
            begun.wait()
            return len(client.detect_faces(Image={"Bytes": portrait}, Attributes=["ALL"])["FaceDetails"])

        asked = [callers.submit(ask) for _ in range(8)]
        begun.wait()
        # Once one answer is back, the others are on the wire.
        asked[0].result()
        service.process.send_signal(signal.SIGTERM)
        told = [each.exception() for each in asked[1:]]
    # Who came too late for the stop finds nobody listening; nobody who was let in is dropped.
    assert all(error is None or "Could not connect" in str(error) for error in told)


def _client(service: Running, keys: Mapping[str, str], **more: Any) -> Any:
    return boto3.client(
        "rekognition",
        endpoint_url=service.url,
        region_name="us-east-1",
        aws_access_key_id=keys["AWS_ACCESS_KEY_ID"],
        aws_secret_access_key=keys["AWS_SECRET_ACCESS_KEY"],
        **more,
    )


@pytest.mark.long
def test_tls_is_spoken_with_a_certificate_of_ones_own(tmp_path: Path, portrait: bytes) -> None:
    certificate, key = certificate_in(tmp_path)
    with running(tmp_path / "data", REGARD_TLS_CERTIFICATE=str(certificate), REGARD_TLS_KEY=str(key)) as service:
        assert service.url.startswith("https://")
        client = _client(service, service.environment, verify=str(certificate))
        assert len(client.detect_faces(Image={"Bytes": portrait})["FaceDetails"]) == 1
        # The client keeps its connection, and says nothing on it: a stop does not wait for that.
        service.process.terminate()
        assert service.process.wait(GRACE_SECONDS / 2) == -signal.SIGTERM


@pytest.fixture(scope="module")
def pictures(portrait: bytes) -> Iterator[str]:
    """The address of a store with pictures."""
    with store() as address:
        client = store_client(address)
        client.create_bucket(Bucket="pictures")
        client.put_object(Bucket="pictures", Key="open/portrait.jpg", Body=portrait)
        client.put_object(Bucket="pictures", Key="open/huge.jpg", Body=portrait + bytes(15 * 1024 * 1024))
        client.put_object(Bucket="pictures", Key="closed/portrait.jpg", Body=portrait)
        yield address


@pytest.mark.long
def test_pictures_are_read_from_a_store_where_the_operator_allows_it(
    tmp_path: Path, pictures: str, portrait: bytes
) -> None:
    with running(tmp_path, **store_settings(pictures, "*=pictures/open/")) as service:
        client = service.client()
        inline = client.detect_faces(Image={"Bytes": portrait})["FaceDetails"]
        assert client.detect_faces(Image=_object("open/portrait.jpg"))["FaceDetails"] == inline
        with pytest.raises(client.exceptions.ImageTooLargeException, match=r"Image size is too large\."):
            client.detect_faces(Image=_object("open/huge.jpg"))
        for key in ("open/nothing.jpg", "closed/portrait.jpg"):
            with pytest.raises(client.exceptions.InvalidS3ObjectException, match="Unable to get object metadata"):
                client.detect_faces(Image=_object(key))


@pytest.fixture(scope="module")
def narrow(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Running]:
    """A service that does one thing at a time, and keeps one more waiting."""
    with running(tmp_path_factory.mktemp("narrow"), REGARD_WORKERS="1", REGARD_QUEUE="1") as service:
        yield service


@pytest.mark.long
@pytest.mark.parametrize("operation", ["detect_faces", "detect_labels", "detect_moderation_labels"])
def test_overload_is_throttled_and_the_service_goes_on(narrow: Running, portrait: bytes, operation: str) -> None:
    once = Config(retries={"total_max_attempts": 1}, max_pool_connections=32)
    client = _client(narrow, narrow.environment, config=once)

    def ask(_: int) -> str:
        try:
            getattr(client, operation)(Image={"Bytes": portrait})
        except ClientError as error:
            return str(error.response["Error"]["Code"])
        return "OK"

    with ThreadPoolExecutor(32) as callers:
        told = set(callers.map(ask, range(96)))
    assert told == {"OK", "ThrottlingException"}
    assert ask(0) == "OK"


def _object(key: str) -> dict[str, Any]:
    return {"S3Object": {"Bucket": "pictures", "Name": key}}


def test_serve_tells_what_is_wrong_with_a_certificate(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("REGARD_TLS_CERTIFICATE", str(tmp_path / "none.pem"))
    answer = CliRunner().invoke(app, ["serve", "--data-dir", str(tmp_path / "data")])
    assert isinstance(answer.exception, SettingError)
    assert "none.pem cannot be read (No such file or directory)" in str(answer.exception)
    assert not (tmp_path / "data").exists()


@pytest.mark.long
def test_temporary_credentials_work_and_a_revoked_key_does_not(
    tmp_path: Path, portrait: bytes, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("REGARD_DATA_DIR", str(tmp_path))
    with running(tmp_path) as service:
        command = CliRunner()
        (first,) = json.loads(command.invoke(app, ["keys", "list", "--json"]).stdout)
        assert datetime.datetime.fromisoformat(first["expires"]).tzinfo == datetime.UTC
        issued = command.invoke(app, ["keys", "issue", first["organization"], "development", "--temporary"])
        lines = dict(line.removeprefix("export ").split("=", 1) for line in issued.stdout.splitlines())
        # A service that listens elsewhere than its settings say, as this one does, is the one that the lines point to.
        assert lines["AWS_ENDPOINT_URL_REKOGNITION"] == service.url
        client = _client(service, lines, aws_session_token=lines["AWS_SESSION_TOKEN"])
        assert len(client.detect_faces(Image={"Bytes": portrait})["FaceDetails"]) == 1
        assert command.invoke(app, ["keys", "revoke", lines["AWS_ACCESS_KEY_ID"]]).exit_code == 0
        with pytest.raises(ClientError, match="UnrecognizedClientException"):
            client.detect_faces(Image={"Bytes": portrait})
