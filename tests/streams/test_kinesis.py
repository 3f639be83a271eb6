"""Kinesis Data Streams: records come to the shard in their order, to no stream but those that the operator allowed.

Kinesis is moto's server.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import boto3
import pytest

from regard.settings import Settings
from regard.streams.kinesis import DataStreams, StreamRefused
from tests.helpers.stores import store

FIRM = "111122223333"


@pytest.fixture(scope="module")
def amazon() -> Iterator[str]:
    with store() as address:
        yield address


@pytest.fixture
def client(amazon: str, monkeypatch: pytest.MonkeyPatch) -> Any:
    for name, value in (("ENDPOINT_URL_KINESIS", amazon), ("ACCESS_KEY_ID", "operator"), ("SECRET_ACCESS_KEY", "x")):
        monkeypatch.setenv(f"AWS_{name}", value)
    return boto3.client("kinesis", region_name="us-east-1")


def _stream(client: Any, name: str) -> str:
    client.create_stream(StreamName=name, ShardCount=1)
    return str(client.describe_stream(StreamName=name)["StreamDescription"]["StreamARN"])


def _streams(*allowed: str) -> DataStreams:
    return DataStreams(Settings(kinesis_allowed=allowed))


def test_what_is_put_is_there_in_its_order(client: Any) -> None:
    arn = _stream(client, "AmazonRekognitionDoor")
    _streams(f"{FIRM}={arn}").put(FIRM, arn, "door", [b'{"frame": 1}', b'{"frame": 2}'])
    shard = client.list_shards(StreamName="AmazonRekognitionDoor")["Shards"][0]["ShardId"]
    begin = client.get_shard_iterator(
        StreamName="AmazonRekognitionDoor", ShardId=shard, ShardIteratorType="TRIM_HORIZON"
    )["ShardIterator"]
    records = client.get_records(ShardIterator=begin)["Records"]
    assert [(each["Data"], each["PartitionKey"]) for each in records] == [
        (b'{"frame": 1}', "door"),
        (b'{"frame": 2}', "door"),
    ]


def test_a_stream_that_was_not_allowed_is_not_put_to(client: Any) -> None:
    arn = _stream(client, "payroll")
    allowed = _streams(f"{FIRM}={arn.replace('payroll', 'AmazonRekognition')}")
    with pytest.raises(StreamRefused, match=f"REGARD_KINESIS_ALLOWED={FIRM}={arn}"):
        allowed.require(FIRM, arn)
    with pytest.raises(StreamRefused):
        allowed.put(FIRM, arn, "door", [b"{}"])
    with pytest.raises(StreamRefused):
        _streams(f"444455556666={arn}").require(FIRM, arn)


def test_a_stream_that_is_gone_is_told_as_what_may_come_back(client: Any) -> None:
    arn = f"arn:aws:kinesis:us-east-1:{FIRM}:stream/AmazonRekognitionGone"
    with pytest.raises(OSError, match="ResourceNotFound"):
        _streams("*=arn:aws:kinesis:").put(FIRM, arn, "door", [b"{}"])


def test_records_of_which_some_were_not_taken_are_to_be_put_again(client: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    streams = _streams("*=arn:")

    class Full:
        def put_records(self, **_given: object) -> dict[str, Any]:
            refused = {"ErrorCode": "ProvisionedThroughputExceededException", "ErrorMessage": "slow down"}
            return {"FailedRecordCount": 1, "Records": [{"SequenceNumber": "1"}, refused]}

    monkeypatch.setattr(streams, "_client", lambda _region: Full())
    with pytest.raises(OSError, match=r"1 of 2 .*ProvisionedThroughputExceeded"):
        streams.put(FIRM, f"arn:aws:kinesis:us-east-1:{FIRM}:stream/one", "door", [b"{}", b"{}"])


def test_a_setting_of_another_form_is_told_at_the_start() -> None:
    with pytest.raises(ValueError, match="REGARD_KINESIS_ALLOWED"):
        _streams("door")
