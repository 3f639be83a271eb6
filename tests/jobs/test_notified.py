"""As AWS's guide has it: a topic, a queue and a role of the caller's own, and a message for each job that ends.

The store, SNS, SQS and IAM are moto's server; boto3 and the AWS CLI are unchanged.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import boto3
import pytest
from standardwebhooks import Webhook as Checking

from regard.operations.common.registry import answered
from tests.helpers.clients import aws, run, with_packages
from tests.helpers.films import film_of, numbered
from tests.helpers.hooks import SECRET, Came, taking
from tests.helpers.running import Running, running
from tests.helpers.stores import store, store_client, store_settings

pytestmark = pytest.mark.long

JS = Path(__file__).parents[1] / "js"
FILM = {"S3Object": {"Bucket": "films", "Name": "film.mp4"}}
# What a Start operation needs besides the film.
_MORE: dict[str, dict[str, Any]] = {
    "StartSegmentDetection": {"SegmentTypes": ["TECHNICAL_CUE", "SHOT"]},
    "StartFaceSearch": {"CollectionId": "films"},
}
# Those whose worker loads a model wait for `make test-all`.
STARTS = [
    pytest.param(name, marks=() if name == "StartSegmentDetection" else pytest.mark.long)
    for name in sorted(answered())
    if name.startswith("Start") and name not in ("StartMediaAnalysisJob", "StartProjectVersion", "StartStreamProcessor")
]
_ROUNDS = 30


class Detector:
    """Starts jobs with a channel of its own, and waits for their messages: as AWS's sample in Python does."""

    def __init__(self, service: Running, amazon: str) -> None:
        def client(name: Any) -> Any:
            keys: dict[str, Any] = {"aws_access_key_id": "caller", "aws_secret_access_key": "secret"}
            return boto3.client(name, endpoint_url=amazon, region_name="us-east-1", **keys)

        self.rekognition = service.client()
        self.queues, self.topics = client("sqs"), client("sns")
        self.topic = self.topics.create_topic(Name="AmazonRekognition-films")["TopicArn"]
        self.queue = self.queues.create_queue(QueueName="films", Attributes={"ReceiveMessageWaitTimeSeconds": "5"})[
            "QueueUrl"
        ]
        self.role = client("iam").create_role(RoleName="films", AssumeRolePolicyDocument="{}")["Role"]["Arn"]
        arn = self.queues.get_queue_attributes(QueueUrl=self.queue, AttributeNames=["QueueArn"])
        self.topics.subscribe(TopicArn=self.topic, Protocol="sqs", Endpoint=arn["Attributes"]["QueueArn"])

    @property
    def channel(self) -> dict[str, str]:
        return {"SNSTopicArn": self.topic, "RoleArn": self.role}

    def start(self, operation: str, **given: Any) -> str:
        asked = {"Video": FILM, "NotificationChannel": self.channel} | _MORE.get(operation, {}) | given
        return str(_call(self.rekognition, operation, **asked)["JobId"])

    def heard(self, job: str) -> dict[str, Any]:
        """The message of a job; one of another job is an error."""
        for _ in range(_ROUNDS):
            for message in self.queues.receive_message(QueueUrl=self.queue, WaitTimeSeconds=5).get("Messages", ()):
                told: dict[str, Any] = json.loads(json.loads(message["Body"])["Message"])
                self.queues.delete_message(QueueUrl=self.queue, ReceiptHandle=message["ReceiptHandle"])
                assert told["JobId"] == job
                return told
        raise TimeoutError(job)


def _call(client: Any, operation: str, **given: Any) -> dict[str, Any]:
    answer: dict[str, Any] = client._make_api_call(operation, given)
    return answer


@pytest.fixture(scope="module")
def hook() -> Iterator[tuple[str, list[Came]]]:
    """The operator's webhook."""
    with taking() as found:
        yield found


@pytest.fixture(scope="module")
def settings(tmp_path_factory: pytest.TempPathFactory, hook: tuple[str, list[Came]]) -> Iterator[dict[str, str]]:
    """What a service needs to tell topics that begin as AWS's own policy lets them."""
    folder = tmp_path_factory.mktemp("films")
    with store() as address:
        bucket = store_client(address)
        bucket.create_bucket(Bucket="films")
        film_of(folder / "film.mp4", numbered(50, (96, 96)))
        bucket.put_object(Bucket="films", Key="film.mp4", Body=(folder / "film.mp4").read_bytes())
        bucket.put_object(Bucket="films", Key="none.mp4", Body=b"no film")
        yield store_settings(address, "*=films/") | {
            "REGARD_S3_WRITABLE": "*=films/results/",
            "REGARD_WEBHOOK_URL": hook[0],
            "REGARD_WEBHOOK_SECRET": SECRET,
            "REGARD_SNS_ALLOWED": "*=arn:aws:sns:us-east-1:123456789012:AmazonRekognition",
            "AWS_ENDPOINT_URL_SNS": address,
            "AWS_ACCESS_KEY_ID": "operator",
            "AWS_SECRET_ACCESS_KEY": "secret",
        }


@pytest.fixture(scope="module")
def data(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("notified")


@pytest.fixture(scope="module")
def service(data: Path, settings: dict[str, str]) -> Iterator[Running]:
    with running(data, **settings) as started:
        yield started


@pytest.fixture(scope="module")
def detector(service: Running, settings: dict[str, str]) -> Detector:
    detector = Detector(service, settings["AWS_ENDPOINT_URL_SNS"])
    detector.rekognition.create_collection(CollectionId="films")
    return detector


@pytest.mark.slow("a worker of the service looks at a film")
@pytest.mark.parametrize("start", STARTS)
def test_each_detection_tells_its_topic_and_then_gives_its_results(detector: Detector, start: str) -> None:
    job = detector.start(start, JobTag="sample")
    told = detector.heard(job)
    assert (told["Status"], told["API"], told["JobTag"]) == ("SUCCEEDED", start, "sample")
    assert told["Video"] == {"S3ObjectName": "film.mp4", "S3Bucket": "films"}
    assert told["Timestamp"] > 1_500_000_000_000
    # AWS's samples begin with an empty token.
    got = _call(detector.rekognition, start.replace("Start", "Get"), JobId=job, NextToken="")
    assert got["JobStatus"] == "SUCCEEDED"
    assert got["VideoMetadata"]


@pytest.mark.slow("waits for the worker of the service")
def test_a_film_that_is_none_is_told_as_failed(detector: Detector) -> None:
    place = {"S3Object": {"Bucket": "films", "Name": "none.mp4"}}
    job = detector.start("StartLabelDetection", Video=place)
    assert detector.heard(job)["Status"] == "FAILED"


@pytest.mark.slow("waits for the worker of the service")
def test_the_operators_webhook_hears_of_it_too(detector: Detector, hook: tuple[str, list[Came]]) -> None:
    job, until = detector.start("StartSegmentDetection"), time.monotonic() + 60
    detector.heard(job)
    while not (found := [each for each in hook[1] if job in each.headers["webhook-id"]]):
        assert time.monotonic() < until
        time.sleep(0.05)
    told = Checking(SECRET).verify(found[0].body, found[0].headers)
    assert (told["type"], told["data"]["JobId"], told["data"]["Status"]) == ("job.ended", job, "SUCCEEDED")


def test_a_topic_that_the_operator_did_not_allow_starts_no_job(detector: Detector) -> None:
    other = detector.topics.create_topic(Name="payroll")["TopicArn"]
    refused = detector.rekognition.exceptions.InvalidParameterException
    with pytest.raises(refused, match="REGARD_SNS_ALLOWED="):
        detector.start("StartLabelDetection", NotificationChannel={"SNSTopicArn": other, "RoleArn": detector.role})


@pytest.mark.slow("starts the AWS CLI twice")
def test_the_aws_command_line_starts_a_job_and_gets_its_results(detector: Detector, service: Running) -> None:
    channel = f"SNSTopicArn={detector.topic},RoleArn={detector.role}"
    film = '{"S3Object":{"Bucket":"films","Name":"film.mp4"}}'
    given = ["--segment-types", "SHOT", "--notification-channel", channel]
    job = aws(service, "start-segment-detection", "--video", film, *given)["JobId"]
    assert detector.heard(job)["Status"] == "SUCCEEDED"
    got = aws(service, "get-segment-detection", "--job-id", job, "--max-results", "10")
    assert (got["JobStatus"], got["SelectedSegmentTypes"][0]["Type"]) == ("SUCCEEDED", "SHOT")


def test_the_javascript_sdk_starts_a_job_and_waits_for_it(detector: Detector, service: Running, tmp_path: Path) -> None:
    with_packages(JS, tmp_path)
    given = ["films", "film.mp4", detector.topic, detector.role]
    told = run(["node", "video.mjs", *given], service, tmp_path)
    assert (told["JobStatus"], told["SelectedSegmentTypes"][0]["Type"]) == ("SUCCEEDED", "SHOT")
    assert told["Segments"][0]["ShotSegment"]["Index"] == 0
    assert detector.heard(told["JobId"])["Status"] == "SUCCEEDED"


def test_the_aws_command_line_has_a_list_of_pictures_looked_at(
    service: Running, settings: dict[str, str], portrait: bytes
) -> None:
    bucket = store_client(settings["AWS_ENDPOINT_URL_SNS"])
    bucket.put_object(Bucket="films", Key="one.jpg", Body=portrait)
    bucket.put_object(Bucket="films", Key="list.jsonl", Body=b'{"source-ref": "s3://films/one.jpg"}\n')
    operations = '{"DetectModerationLabels":{"MinConfidence":1}}'
    given = ["--operations-config", operations, "--input", '{"S3Object":{"Bucket":"films","Name":"list.jsonl"}}']
    output = ["--output-config", "S3Bucket=films,S3KeyPrefix=results/"]
    job = aws(service, "start-media-analysis-job", *given, *output, "--job-name", "party")["JobId"]
    client = service.client()
    for _ in range(_ROUNDS * 10):
        if client.get_media_analysis_job(JobId=job)["Status"] in ("SUCCEEDED", "FAILED"):
            break
        time.sleep(0.2)
    got = aws(service, "get-media-analysis-job", "--job-id", job)
    assert (got["Status"], got["JobName"]) == ("SUCCEEDED", "party"), got
    place = got["Results"]["S3Object"]
    (line,) = bucket.get_object(Bucket=place["Bucket"], Key=place["Name"])["Body"].read().splitlines()
    assert json.loads(line)["source-ref"] == "s3://films/one.jpg"
    assert [each["JobId"] for each in aws(service, "list-media-analysis-jobs")["MediaAnalysisJobs"]] == [job]


@pytest.mark.slow("starts a command")
def test_the_operator_sees_who_was_told(detector: Detector, data: Path, hook: tuple[str, list[Came]]) -> None:
    job = detector.start("StartSegmentDetection")
    detector.heard(job)
    # The topic has heard; who waits at the webhook may be told a moment later.
    deadline = time.monotonic() + 60
    while not all(each["state"] == "SENT" for each in _notices(data, job)) and time.monotonic() < deadline:
        time.sleep(0.5)
    topic, webhook = _notices(data, job)
    assert (topic["kind"], topic["to"], topic["state"]) == ("sns", detector.topic, "SENT")
    assert (webhook["kind"], webhook["to"], webhook["state"]) == ("webhook", hook[0], "SENT")


def _notices(data: Path, job: str) -> list[dict[str, Any]]:
    """What the operator sees of who is told."""
    done = subprocess.run(
        [sys.executable, "-m", "regard.cli", "jobs", "show", job[:16], "--json"],
        env={**os.environ, "REGARD_DATA_DIR": str(data)},
        capture_output=True,
        text=True,
        check=True,
    )
    return list(json.loads(done.stdout)["notices"])
