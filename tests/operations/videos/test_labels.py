"""StartLabelDetection and GetLabelDetection: as code written for AWS calls them, and waits."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any, cast

import pytest

from regard.operations.common.rooms import Rooms
from regard.vision.things.labels import LabelFinder
from tests.helpers.fakes import Client, Clock, open_rooms
from tests.helpers.films import film_of, numbered
from tests.helpers.working import with_jobs, work_off
from tests.operations.videos.test_looking import Eyes

VIDEO = {"S3Object": {"Bucket": "films", "Name": "film.mp4"}}


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def rooms(tmp_path: Path, clock: Clock) -> Rooms:
    film_of(tmp_path / "film.mp4", numbered(50, (48, 64)))
    rooms = with_jobs(open_rooms(tmp_path, clock), tmp_path, clock)
    return replace(rooms, labels=cast(LabelFinder, Eyes().labels))


@pytest.fixture
def client(rooms: Rooms) -> Client:
    return Client(rooms)


def _started(client: Client, **given: Any) -> str:
    return str(client("StartLabelDetection", Video=VIDEO, **given)["JobId"])


def test_a_job_is_in_progress_until_a_worker_did_it(client: Client, rooms: Rooms) -> None:
    job = _started(client, JobTag="one")
    before = client("GetLabelDetection", JobId=job)
    assert before["JobStatus"] == "IN_PROGRESS"
    assert before["Labels"] == []
    assert "VideoMetadata" not in before
    assert work_off(rooms) == 1
    after = client("GetLabelDetection", JobId=job, NextToken="")
    assert after["JobStatus"] == "SUCCEEDED"
    assert after["JobTag"] == "one"
    assert after["Video"] == VIDEO
    assert after["VideoMetadata"]["DurationMillis"] == 2000
    assert [each["Timestamp"] for each in after["Labels"] if each["Label"]["Name"] == "Dog"] == [0, 480, 1000, 1480]
