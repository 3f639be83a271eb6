"""A job whose results leave without another call stands only as long as it might be started anew."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from regard.operations.common.pictures import PictureReader
from regard.operations.common.registry import answered
from regard.operations.common.standing import Standing
from regard.operations.service import Service
from regard.settings import Settings
from regard.stewardship.council.member_keys import operator_key
from regard.stewardship.policy.denied import Denied
from regard.stores.buckets import Buckets
from tests.helpers.fakes import Clock, picture_of
from tests.helpers.peopled import House
from tests.helpers.stores import KEY_ID, SECRET, store, store_client
from tests.helpers.working import work_off

START = "StartMediaAnalysisJob"
ASKED: dict[str, Any] = {
    "OperationsConfig": {"DetectModerationLabels": {}},
    "Input": {"S3Object": {"Bucket": "pictures", "Name": "list.jsonl"}},
    "OutputConfig": {"S3Bucket": "results"},
}


@pytest.fixture(scope="module")
def endpoint() -> Iterator[str]:
    with store() as address:
        client = store_client(address)
        for bucket in ("pictures", "results"):
            client.create_bucket(Bucket=bucket)
        client.put_object(Bucket="pictures", Key="0.png", Body=picture_of(1))
        line = json.dumps({"source-ref": "s3://pictures/0.png"})
        client.put_object(Bucket="pictures", Key="list.jsonl", Body=line.encode())
        yield address


@pytest.fixture
def house(tmp_path: Path, endpoint: str) -> Iterator[House]:
    house = House(tmp_path / "data", Clock())
    settings = Settings(
        s3_endpoint=endpoint,
        s3_region="us-east-1",
        s3_access_key_id=KEY_ID,
        s3_secret_access_key=SECRET,
        s3_allowed=("*=pictures/",),
        s3_writable=("*=results/",),
    )
    gate = house.service.gate
    standing = Standing(gate, house.organizations.key, answered, house.clock)
    rooms = replace(house.service.rooms, pictures=PictureReader(Buckets(settings)), standing=standing)
    house.service = Service(gate, rooms)
    yield house
    house.close()


def _written(endpoint: str, job: str) -> list[str]:
    there = store_client(endpoint).list_objects_v2(Bucket="results", Prefix=job).get("Contents", ())
    return [each["Key"].rpartition("/")[2] for each in there]


def test_a_job_that_stands_writes_its_results(house: House, endpoint: str) -> None:
    job = house.ask(START, **ASKED)[0]["JobId"]
    work_off(house.service.rooms)
    assert house.ask("GetMediaAnalysisJob", JobId=job)[0]["Status"] == "SUCCEEDED"
    assert _written(endpoint, job) == ["manifest-summary.json", "results.jsonl"]


def _suspend(house: House) -> None:
    house.service.gate.council.suspend("detect", "an incident", operator_key(house.folder / "council.key"))


def _revoke(house: House) -> None:
    house.organizations.keys.revoke(house.caller.access_key_id)


@pytest.mark.parametrize(("stop", "rule"), [(_suspend, "suspended"), (_revoke, "revoked-key")])
def test_what_was_stopped_since_writes_nothing(
    house: House, endpoint: str, stop: Callable[[House], None], rule: str
) -> None:
    job = house.ask(START, **ASKED)[0]["JobId"]
    stop(house)
    work_off(house.service.rooms)
    end = house.jobs.find(job).end
    assert end["Code"] == "ACCESS_DENIED"
    assert f"[{rule}]" in end["StatusMessage"]
    assert _written(endpoint, job) == []


def test_a_key_that_expired_starts_nothing_any_more(house: House) -> None:
    job = house.jobs.find(house.ask(START, **ASKED)[0]["JobId"])
    standing = house.service.rooms.standing
    assert standing is not None
    standing.require(job)
    house.clock.now += 91 * 24 * 3600
    with pytest.raises(Denied, match="revoked-key"):
        standing.require(job)


def test_one_that_was_stopped_midway_writes_nothing(house: House, endpoint: str) -> None:
    rooms = house.service.rooms
    job = house.ask(START, **ASKED)[0]["JobId"]

    def stopping(picture: Any) -> Any:
        _suspend(house)
        return rooms.moderator(picture)

    work_off(replace(rooms, moderator=stopping))  # type: ignore[arg-type]
    assert house.jobs.find(job).end["Code"] == "ACCESS_DENIED"
    assert _written(endpoint, job) == []


def test_a_refusal_since_is_told_in_the_log_and_nothing_else_is(house: House) -> None:
    house.ask(START, **ASKED)
    work_off(house.service.rooms)
    house.ask(START, **ASKED)
    _suspend(house)
    work_off(house.service.rooms)
    house.logbook.take_over()
    told = [entry for entry in house.entries() if entry.get("operation") == START]
    calls = [entry["decision"] for entry in told if entry["kind"] == "regard/call"]
    assert calls == ["allowed", "allowed", "denied"]
    assert [entry["outcome"] for entry in told if entry["kind"] == "regard/job"] == ["succeeded", "failed"]
