"""Live video through a service, with unchanged boto3: a camera, a topic, a bucket, and a worker that is killed.

S3, SNS and SQS are moto's server; the camera is one of the test's, and shows a portrait.
"""

from __future__ import annotations

import io
import json
import os
import signal
import subprocess
import sys
import time
import urllib.request
from collections.abc import Callable, Iterator
from contextlib import redirect_stderr, redirect_stdout
from importlib import import_module
from pathlib import Path
from typing import Any

import boto3
import pytest

from tests.helpers.hooks import SECRET, Came, taking
from tests.helpers.running import Running, running
from tests.helpers.stores import store, store_client, store_settings
from tests.helpers.streaming import Filming, mjpeg_camera


@pytest.fixture(scope="module")
def camera(portrait: bytes) -> Iterator[tuple[int, Filming]]:
    filming = Filming([portrait])
    with mjpeg_camera(filming) as port:
        yield port, filming


@pytest.fixture(scope="module")
def hook() -> Iterator[tuple[str, list[Came]]]:
    with taking() as found:
        yield found


@pytest.fixture(scope="module")
def amazon() -> Iterator[str]:
    with store() as address:
        store_client(address).create_bucket(Bucket="frames")
        yield address


@pytest.fixture(scope="module")
def data(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("streams")


@pytest.fixture(scope="module")
def service(data: Path, amazon: str, hook: tuple[str, list[Came]]) -> Iterator[Running]:
    settings = store_settings(amazon, "*=frames/") | {
        "REGARD_S3_WRITABLE": "*=frames/home/",
        "REGARD_SNS_ALLOWED": "*=arn:aws:sns:us-east-1:123456789012:AmazonRekognition",
        "REGARD_STREAMS_REACH": "127.0.0.0/8",
        "REGARD_WEBHOOK_URL": hook[0],
        "REGARD_WEBHOOK_SECRET": SECRET,
        "AWS_ENDPOINT_URL_SNS": amazon,
        "AWS_ACCESS_KEY_ID": "operator",
        "AWS_SECRET_ACCESS_KEY": "secret",
    }
    with running(data, **settings) as started:
        yield started


@pytest.fixture(scope="module")
def queue(amazon: str) -> tuple[Any, str, str]:
    """A client of SQS, a topic, and a queue that hears what the topic does."""

    def client(name: Any) -> Any:
        keys: dict[str, Any] = {"aws_access_key_id": "caller", "aws_secret_access_key": "secret"}
        return boto3.client(name, endpoint_url=amazon, region_name="us-east-1", **keys)

    queues, topics = client("sqs"), client("sns")
    topic = topics.create_topic(Name="AmazonRekognitionDoor")["TopicArn"]
    url = queues.create_queue(QueueName="door")["QueueUrl"]
    arn = queues.get_queue_attributes(QueueUrl=url, AttributeNames=["QueueArn"])["Attributes"]["QueueArn"]
    topics.subscribe(TopicArn=topic, Protocol="sqs", Endpoint=arn)
    return queues, topic, url


@pytest.mark.long
@pytest.mark.slow("a worker of the service looks at a camera, is killed, and another goes on")
def test_a_camera_is_looked_at_to_the_end_though_the_worker_is_killed(
    service: Running, data: Path, camera: tuple[int, Filming], queue: tuple[Any, str, str], amazon: str
) -> None:
    client, (queues, topic, url), (port, _) = service.client(), queue, camera
    account = client.create_collection(CollectionId="any")["CollectionArn"].split(":")[4]
    stream = f"arn:aws:kinesisvideo:us-east-1:{account}:stream/door/1"
    assert "secret" not in _command(data, "source", stream, f"http://door:secret@127.0.0.1:{port}/live")
    given: dict[str, Any] = {
        "Input": {"KinesisVideoStream": {"Arn": stream}},
        "Output": {"S3Destination": {"Bucket": "frames", "KeyPrefix": "home/"}},
        "Settings": {"ConnectedHome": {"Labels": ["ALL"], "MinConfidence": 60}},
        "NotificationChannel": {"SNSTopicArn": topic},
        "RoleArn": f"arn:aws:iam::{account}:role/any",
    }
    client.create_stream_processor(Name="door", **given)
    selector = {"KVSStreamStartSelector": {"ProducerTimestamp": int(time.time() * 1000)}}
    session = client.start_stream_processor(
        Name="door", StartSelector=selector, StopSelector={"MaxDurationInSeconds": 5}
    )["SessionId"]

    heard: list[dict[str, Any]] = []

    def hear(count: int) -> bool:
        for message in queues.receive_message(QueueUrl=url, WaitTimeSeconds=1).get("Messages", ()):
            queues.delete_message(QueueUrl=url, ReceiptHandle=message["ReceiptHandle"])
            body = json.loads(message["Body"])
            assert body["Subject"] == "Rekognition Stream Processing Event"
            heard.append(json.loads(body["Message"]))
        return len(heard) >= count

    _until(lambda: hear(1))
    (worker,) = _workers(data)
    os.kill(worker, signal.SIGKILL)
    _until(lambda: hear(2))
    label, end = heard
    assert (label["eventNamespace"]["type"], end["eventNamespace"]["type"]) == (
        "LABEL_DETECTED",
        "STREAM_PROCESSING_COMPLETE",
    )
    assert label["sessionId"] == end["sessionId"] == session
    assert [each["name"] for each in label["labels"]] == ["PERSON"]
    frame = label["labels"][0]["frameImageUri"].removeprefix("s3://frames/")
    assert store_client(amazon).get_object(Bucket="frames", Key=frame)["Body"].read(2) == b"\xff\xd8"
    assert client.describe_stream_processor(Name="door")["Status"] == "STOPPED"
    assert json.loads(_command(data, "show", "door", "--json"))["status"] == "STOPPED"
    assert not hear(3)


@pytest.mark.long
def test_one_whose_camera_may_not_be_reached_has_failed_and_says_so_everywhere(
    service: Running, data: Path, hook: tuple[str, list[Came]]
) -> None:
    client = service.client()
    made = client.describe_stream_processor(Name="door")
    stream = made["Input"]["KinesisVideoStream"]["Arn"].replace("door", "yard")
    _command(data, "source", stream, "rtsp://169.254.169.254/latest")
    given = {name: made[name] for name in ("Output", "Settings", "NotificationChannel", "RoleArn")}
    client.create_stream_processor(Name="yard", Input={"KinesisVideoStream": {"Arn": stream}}, **given)
    client.start_stream_processor(
        Name="yard", StartSelector={"KVSStreamStartSelector": {"ProducerTimestamp": 0}}, StopSelector={}
    )
    _until(lambda: client.describe_stream_processor(Name="yard")["Status"] == "FAILED")
    cause = client.describe_stream_processor(Name="yard")["StatusMessage"]
    assert "169.254.169.254 is no camera's" in cause
    _until(lambda: any(cause.encode() in each.body for each in hook[1]))
    address = service.environment["AWS_ENDPOINT_URL_REKOGNITION"]
    with urllib.request.urlopen(f"{address}/metrics") as answer:
        told = answer.read().decode()
    assert "regard_streams_lag_seconds 0.0" in told
    assert "regard_streams_wanted 0.0" in told


@pytest.mark.long
@pytest.mark.slow("a worker of the service finds that a camera may not be reached, and the AWS CLI asks seven times")
def test_the_aws_command_line_keeps_a_processor(
    service: Running, data: Path, queue: tuple[Any, str, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    for name, value in {**service.environment, "AWS_REGION": "us-east-1"}.items():
        monkeypatch.setenv(name, value)
    client = service.client()
    account = client.create_collection(CollectionId="cli")["CollectionArn"].split(":")[4]
    stream = f"arn:aws:kinesisvideo:us-east-1:{account}:stream/shed/1"
    _command(data, "source", stream, "rtsp://169.254.169.254/live")
    named = ("--name", "shed")
    made, _ = _aws(
        "create-stream-processor",
        *(*named, "--input", f"KinesisVideoStream={{Arn={stream}}}"),
        *("--stream-processor-output", "S3Destination={Bucket=frames,KeyPrefix=home/}"),
        *("--settings", "ConnectedHome={Labels=PERSON,MinConfidence=70}"),
        *("--notification-channel", f"SNSTopicArn={queue[1]}", "--role-arn", f"arn:aws:iam::{account}:role/any"),
    )
    assert made["StreamProcessorArn"].endswith(":streamprocessor/shed")
    labels = ("--settings-for-update", "ConnectedHomeForUpdate={Labels=ALL}")
    _aws("update-stream-processor", *named, *labels, "--parameters-to-delete", "ConnectedHomeMinConfidence")
    told, _ = _aws("describe-stream-processor", *named)
    assert (told["Status"], told["Settings"]) == ("STOPPED", {"ConnectedHome": {"Labels": ["ALL"]}})
    selector = ("--start-selector", "KVSStreamStartSelector={ProducerTimestamp=32503680000000}")
    assert len(_aws("start-stream-processor", *named, *selector)[0]["SessionId"]) == 36
    _until(lambda: client.describe_stream_processor(Name="shed")["Status"] == "FAILED")
    assert {"Name": "shed", "Status": "FAILED"} in _aws("list-stream-processors")[0]["StreamProcessors"]
    assert "ResourceInUseException" in _aws("stop-stream-processor", *named)[1]
    _aws("delete-stream-processor", *named)
    assert "shed" not in [each["Name"] for each in client.list_stream_processors()["StreamProcessors"]]


def _aws(*arguments: str) -> tuple[dict[str, Any], str]:
    """What the AWS CLI prints, as JSON, and what it says of an error. It runs here: to start takes it longer."""
    driver, out, wrong = import_module("awscli.clidriver").create_clidriver(), io.StringIO(), io.StringIO()
    with redirect_stdout(out), redirect_stderr(wrong):
        done = driver.main(["rekognition", *arguments, "--output", "json"])
    assert bool(done) == bool(wrong.getvalue()), wrong.getvalue()
    return json.loads(out.getvalue() or "{}"), wrong.getvalue()


def _command(data: Path, *words: str) -> str:
    """What a command of `regard streams` prints."""
    done = subprocess.run(
        [sys.executable, "-m", "regard.cli", "streams", *words],
        env={**os.environ, "REGARD_DATA_DIR": str(data)},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


def _workers(data: Path) -> list[int]:
    """The workers of the service on this folder."""
    found = []
    for process in Path("/proc").glob("[0-9]*"):
        try:
            words, given = (process / "cmdline").read_bytes(), (process / "environ").read_bytes()
        except OSError:
            continue
        if b"\0work\0" in words and f"REGARD_DATA_DIR={data}\0".encode() in given + b"\0":
            found.append(int(process.name))
    return found


def _until(true: Callable[[], bool]) -> None:
    until = time.monotonic() + 90
    while not true():
        assert time.monotonic() < until
        time.sleep(0.1)
