"""Topics: published to on a real SNS server, and only those that the operator allowed."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import boto3
import pytest

from regard.jobs.sns import TopicRefused, Topics
from regard.jobs.webhooks import Webhook
from regard.settings import Settings, from_environment
from tests.helpers.hooks import SECRET
from tests.helpers.malicious import endless, hostile
from tests.helpers.stores import store

pytestmark = pytest.mark.sqlite("a topic has nothing to do with a database")
ALICE, BOB = "111111111111", "222222222222"
REGION = "eu-west-1"
TOPIC = f"arn:aws:sns:{REGION}:123456789012:none"
PAGE = Path(__file__).parents[2] / "docs" / "notices.md"


@pytest.fixture(scope="module")
def endpoint() -> Iterator[str]:
    with store() as address:
        yield address


@pytest.fixture(autouse=True)
def _chain(endpoint: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "operator")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "secret")
    monkeypatch.setenv("AWS_ENDPOINT_URL_SNS", endpoint)


def _client(service: Any, endpoint: str) -> Any:
    return boto3.client(
        service, endpoint_url=endpoint, region_name=REGION, aws_access_key_id="a", aws_secret_access_key="b"
    )


def _topics(*allowed: str) -> Topics:
    return Topics(Settings(sns_allowed=allowed))


def test_what_is_published_arrives_in_a_queue(endpoint: str) -> None:
    topic = _client("sns", endpoint).create_topic(Name="films")["TopicArn"]
    queues = _client("sqs", endpoint)
    queue = queues.create_queue(QueueName="films")["QueueUrl"]
    arn = queues.get_queue_attributes(QueueUrl=queue, AttributeNames=["QueueArn"])["Attributes"]["QueueArn"]
    _client("sns", endpoint).subscribe(TopicArn=topic, Protocol="sqs", Endpoint=arn)
    _topics(f"{ALICE}={topic}").publish(ALICE, topic, '{"JobId": "1"}')
    (message,) = queues.receive_message(QueueUrl=queue, WaitTimeSeconds=5)["Messages"]
    assert json.loads(json.loads(message["Body"])["Message"]) == {"JobId": "1"}


@pytest.mark.parametrize("allowed", [(), (f"{BOB}=arn:aws:sns:",), (f"{ALICE}=arn:aws:sns:eu-west-1:999999999999:",)])
def test_no_other_topic_is_published_to(endpoint: str, allowed: tuple[str, ...]) -> None:
    topic = _client("sns", endpoint).create_topic(Name="others")["TopicArn"]
    with pytest.raises(TopicRefused, match=f"REGARD_SNS_ALLOWED={ALICE}={topic}"):
        _topics(*allowed).publish(ALICE, topic, "{}")


def test_a_topic_that_is_gone_is_an_error_with_its_cause(endpoint: str) -> None:
    sns = _client("sns", endpoint)
    topic = sns.create_topic(Name="gone")["TopicArn"]
    sns.delete_topic(TopicArn=topic)
    with pytest.raises(OSError, match="NotFound"):
        _topics("*=arn:aws:sns:").publish(ALICE, topic, "{}")


@pytest.mark.parametrize("region", ["evil.example/", "x@127.0.0.1", "", "a b"])
def test_a_region_leads_to_no_other_host(monkeypatch: pytest.MonkeyPatch, region: str) -> None:
    monkeypatch.delenv("AWS_ENDPOINT_URL_SNS")
    with pytest.raises(OSError, match=r"region|endpoint"):
        _topics("*=arn:aws:sns:").publish(ALICE, f"arn:aws:sns:{region}:{ALICE}:films", "{}")


def test_an_answer_without_an_end_is_not_read_to_it(monkeypatch: pytest.MonkeyPatch) -> None:
    with hostile(endless) as server:
        monkeypatch.setenv("AWS_ENDPOINT_URL_SNS", server.address)
        with pytest.raises(OSError):
            _topics("*=arn:aws:sns:").publish(ALICE, f"arn:aws:sns:{REGION}:{ALICE}:films", "{}")


def test_the_page_names_every_error_as_it_is_told(endpoint: str, monkeypatch: pytest.MonkeyPatch) -> None:
    def told(topic: str = TOPIC, at: str = endpoint, allowed: str = "*=arn:aws:sns:") -> str:
        monkeypatch.setenv("AWS_ENDPOINT_URL_SNS", at)
        with pytest.raises(OSError) as raised:
            _topics(allowed).publish(ALICE, topic, "{}")
        return str(raised.value)

    def refusing(_path: str) -> Iterator[bytes]:
        body = b"<ErrorResponse><Error><Code>AuthorizationError</Code><Message>No.</Message></Error></ErrorResponse>"
        yield b"HTTP/1.1 403 No\r\nConnection: close\r\nContent-Length: %d\r\n\r\n" % len(body) + body

    def away(_path: str) -> Iterator[bytes]:
        yield b"HTTP/1.1 503 Away\r\nConnection: close\r\nContent-Length: 0\r\n\r\n"

    with hostile(refusing) as server:
        causes = [told(allowed=f"{BOB}=arn:aws:sns:"), told(), told(at=server.address)]
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_PROFILE"):
        monkeypatch.delenv(name, raising=False)
    for name in ("AWS_SHARED_CREDENTIALS_FILE", "AWS_CONFIG_FILE"):
        monkeypatch.setenv(name, "/nowhere")
    monkeypatch.setenv("AWS_EC2_METADATA_DISABLED", "true")
    causes.append(told())
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "operator")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "secret")
    causes.append(told(at="http://127.0.0.1:9"))
    with hostile(away) as server, pytest.raises(OSError) as raised:
        Webhook(server.address, SECRET).post("msg_1", "{}", 0.0)
    causes.append(str(raised.value))
    rows = re.findall(r"^\| `([^`]+)` \| [^`]", PAGE.read_text().partition("## When nobody takes it")[2], re.MULTILINE)
    assert len(rows) == len(causes)
    for row, cause in zip(rows, causes, strict=True):
        assert row in cause


@pytest.mark.parametrize("entry", ["films", f"{ALICE}=films", f"{ALICE}="])
def test_a_setting_of_another_form_is_refused(entry: str) -> None:
    with pytest.raises(ValueError, match=r"REGARD_SNS_ALLOWED.*ORGANIZATION=arn:aws:sns:"):
        _topics(entry)


def test_topics_are_named_in_the_environment_separated_by_commas() -> None:
    settings = from_environment({"REGARD_SNS_ALLOWED": f"{ALICE}=arn:aws:sns:a, *=arn:aws:sns:b"})
    assert settings.sns_allowed == (f"{ALICE}=arn:aws:sns:a", "*=arn:aws:sns:b")
