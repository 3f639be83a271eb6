"""The running service: where it listens, what survives a restart, how it stops."""

from __future__ import annotations

import datetime
import ipaddress
import json
import signal
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import boto3
import httpx
import pytest
from botocore.config import Config
from botocore.exceptions import ClientError
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from moto.server import ThreadedMotoServer
from typer.testing import CliRunner

from regard.cli import app
from regard.settings import SettingError, Settings
from regard.wire.exposure import check_certificate, check_exposure, is_loopback
from regard.wire.listen import GRACE_SECONDS
from tests.helpers.running import Running, running


@pytest.mark.parametrize("host", ["0.0.0.0", "::", "192.168.1.5", "example.com"])
def test_others_cannot_be_listened_to_in_the_clear(host: str) -> None:
    with pytest.raises(SettingError, match="REGARD_TLS_CERTIFICATE"):
        check_exposure(Settings(host=host))
    check_exposure(Settings(host=host, behind_proxy=True))
    check_exposure(Settings(host=host, tls_certificate=Path("cert.pem"), tls_key=Path("key.pem")))


@pytest.mark.parametrize("host", ["127.0.0.1", "127.9.9.9", "::1", "localhost"])
def test_this_machine_alone_needs_no_tls(host: str) -> None:
    assert is_loopback(host)
    check_exposure(Settings(host=host))


def test_the_pages_need_no_signature(service: Running) -> None:
    for path, word in {"/": "regard", "/healthz": "alive", "/readyz": "ready", "/metrics": "regard_requests"}.items():
        answer = httpx.get(service.url + path)
        assert answer.status_code == 200
        assert word in answer.text
        assert answer.headers["x-amzn-requestid"]


def test_the_time_of_each_model_is_measured(service: Running, portrait: bytes) -> None:
    service.client().detect_faces(Image={"Bytes": portrait})
    assert 'regard_model_seconds_total{model="face-detector' in httpx.get(service.url + "/metrics").text


def test_emotions_are_withheld_and_the_answer_says_so(service: Running, portrait: bytes) -> None:
    answer = service.client().detect_faces(Image={"Bytes": portrait}, Attributes=["ALL"])
    assert "Emotions" not in answer["FaceDetails"][0]
    assert answer["ResponseMetadata"]["HTTPHeaders"]["x-regard-withheld"] == "Emotions"


def test_keys_and_collections_survive_a_restart(tmp_path: Path, portrait: bytes) -> None:
    with running(tmp_path) as first:
        first.client().create_collection(CollectionId="kept")
        indexed = first.client().index_faces(CollectionId="kept", Image={"Bytes": portrait})
    with running(tmp_path, first.environment) as second:
        found = second.client().search_faces_by_image(CollectionId="kept", Image={"Bytes": portrait})
    assert [match["Face"]["FaceId"] for match in found["FaceMatches"]] == [
        record["Face"]["FaceId"] for record in indexed["FaceRecords"]
    ]


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


def test_tls_is_spoken_with_a_certificate_of_ones_own(tmp_path: Path, portrait: bytes) -> None:
    certificate, key = _certificate(tmp_path)
    with running(tmp_path / "data", REGARD_TLS_CERTIFICATE=str(certificate), REGARD_TLS_KEY=str(key)) as service:
        assert service.url.startswith("https://")
        client = boto3.client(
            "rekognition",
            endpoint_url=service.url,
            region_name="us-east-1",
            aws_access_key_id=service.environment["AWS_ACCESS_KEY_ID"],
            aws_secret_access_key=service.environment["AWS_SECRET_ACCESS_KEY"],
            verify=str(certificate),
        )
        assert len(client.detect_faces(Image={"Bytes": portrait})["FaceDetails"]) == 1
        # The client keeps its connection, and says nothing on it: a stop does not wait for that.
        service.process.terminate()
        assert service.process.wait(GRACE_SECONDS / 2) == -signal.SIGTERM


@pytest.fixture(scope="module")
def store(portrait: bytes) -> Iterator[str]:
    server = ThreadedMotoServer(ip_address="127.0.0.1", port=0, verbose=False)
    server.start()
    host, port = server.get_host_and_port()
    s3: Any = boto3.client(
        "s3",
        endpoint_url=f"http://{host}:{port}",
        region_name="us-east-1",
        aws_access_key_id="store",
        aws_secret_access_key="secret",
    )
    s3.create_bucket(Bucket="pictures")
    s3.put_object(Bucket="pictures", Key="open/portrait.jpg", Body=portrait)
    s3.put_object(Bucket="pictures", Key="open/huge.jpg", Body=portrait + bytes(15 * 1024 * 1024))
    s3.put_object(Bucket="pictures", Key="closed/portrait.jpg", Body=portrait)
    yield f"http://{host}:{port}"
    server.stop()


def test_pictures_are_read_from_a_store_where_the_operator_allows_it(
    tmp_path: Path, store: str, portrait: bytes
) -> None:
    with running(
        tmp_path,
        REGARD_S3_ENDPOINT=store,
        REGARD_S3_REGION="us-east-1",
        REGARD_S3_ACCESS_KEY_ID="store",
        REGARD_S3_SECRET_ACCESS_KEY="secret",
        REGARD_S3_ALLOWED="*=pictures/open/",
    ) as service:
        client = service.client()
        inline = client.detect_faces(Image={"Bytes": portrait})["FaceDetails"]
        assert client.detect_faces(Image=_object("open/portrait.jpg"))["FaceDetails"] == inline
        with pytest.raises(client.exceptions.ImageTooLargeException, match=r"Image size is too large\."):
            client.detect_faces(Image=_object("open/huge.jpg"))
        for key in ("open/nothing.jpg", "closed/portrait.jpg"):
            with pytest.raises(client.exceptions.InvalidS3ObjectException, match="Unable to get object metadata"):
                client.detect_faces(Image=_object(key))


@pytest.mark.parametrize("operation", ["detect_faces", "detect_labels", "detect_moderation_labels"])
def test_overload_is_throttled_and_the_service_goes_on(tmp_path: Path, portrait: bytes, operation: str) -> None:
    with running(tmp_path, REGARD_WORKERS="1", REGARD_QUEUE="1") as service:
        client = boto3.client(
            "rekognition",
            endpoint_url=service.url,
            region_name="us-east-1",
            aws_access_key_id=service.environment["AWS_ACCESS_KEY_ID"],
            aws_secret_access_key=service.environment["AWS_SECRET_ACCESS_KEY"],
            config=Config(retries={"total_max_attempts": 1}, max_pool_connections=32),
        )

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


def test_a_certificate_that_cannot_be_served_with_is_refused_before_anything_is_loaded(tmp_path: Path) -> None:
    certificate, key = _certificate(tmp_path)
    check_certificate(Settings())
    check_certificate(Settings(tls_certificate=certificate, tls_key=key))
    elsewhere = tmp_path / "elsewhere"
    elsewhere.mkdir()
    protected, garbage = tmp_path / "protected.pem", tmp_path / "garbage.pem"
    form = (serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8)
    secret = serialization.load_pem_private_key(key.read_bytes(), None)
    protected.write_bytes(secret.private_bytes(*form, serialization.BestAvailableEncryption(b"a passphrase")))
    garbage.write_text("no certificate")
    for files, told in {
        (certificate, tmp_path / "none.pem"): "none.pem cannot be read",
        (tmp_path / "none.pem", key): "none.pem cannot be read",
        (certificate, _certificate(elsewhere)[1]): "the key is another's",
        (certificate, protected): "without a passphrase",
        (garbage, key): "PEM files",
        (certificate, garbage): "PEM files",
    }.items():
        with pytest.raises(SettingError, match=told):
            check_certificate(Settings(tls_certificate=files[0], tls_key=files[1]))


def test_serve_tells_what_is_wrong_with_a_certificate(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("REGARD_TLS_CERTIFICATE", str(tmp_path / "none.pem"))
    answer = CliRunner().invoke(app, ["serve", "--data-dir", str(tmp_path / "data")])
    assert isinstance(answer.exception, SettingError)
    assert "none.pem cannot be read (No such file or directory)" in str(answer.exception)
    assert not (tmp_path / "data").exists()


def _certificate(folder: Path) -> tuple[Path, Path]:
    """A certificate for 127.0.0.1 that signs itself, and its key."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "regard.test")])
    now = datetime.datetime.now(datetime.UTC)
    address = x509.SubjectAlternativeName([x509.IPAddress(ipaddress.ip_address("127.0.0.1"))])
    certificate = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - datetime.timedelta(days=1))
        .not_valid_after(now + datetime.timedelta(days=1))
        .add_extension(address, critical=False)
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        .sign(key, hashes.SHA256())
    )
    paths = folder / "cert.pem", folder / "key.pem"
    paths[0].write_bytes(certificate.public_bytes(serialization.Encoding.PEM))
    paths[1].write_bytes(
        key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
    )
    return paths


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
        client = boto3.client(
            "rekognition",
            endpoint_url=service.url,
            region_name="us-east-1",
            aws_access_key_id=lines["AWS_ACCESS_KEY_ID"],
            aws_secret_access_key=lines["AWS_SECRET_ACCESS_KEY"],
            aws_session_token=lines["AWS_SESSION_TOKEN"],
        )
        assert len(client.detect_faces(Image={"Bytes": portrait})["FaceDetails"]) == 1
        assert command.invoke(app, ["keys", "revoke", lines["AWS_ACCESS_KEY_ID"]]).exit_code == 0
        with pytest.raises(ClientError, match="UnrecognizedClientException"):
            client.detect_faces(Image={"Bytes": portrait})
