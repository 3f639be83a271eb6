"""The gate decides at the start of a job and each time somebody asks for what it found; the log tells of all three."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any, cast

import pytest

from regard.operations.common.errors import ApiError
from regard.operations.service import Service
from regard.stewardship.council.member_keys import operator_key
from regard.vision.things.labels import LabelFinder
from tests.helpers.fakes import Clock
from tests.helpers.films import film_of, numbered
from tests.helpers.peopled import House
from tests.helpers.working import work_off
from tests.operations.videos.test_looking import Eyes


@pytest.fixture
def house(tmp_path: Path) -> Iterator[House]:
    house = House(tmp_path / "data", Clock())
    film_of(house.folder / "film.mp4", numbered(50, (48, 64)))
    rooms = replace(house.service.rooms, labels=cast(LabelFinder, Eyes().labels))
    house.service = Service(house.service.gate, rooms)
    yield house
    house.close()


def _start(house: House, **given: Any) -> str:
    video = {"S3Object": {"Bucket": "films", "Name": "film.mp4"}}
    return str(house.ask("StartLabelDetection", Video=video, **given)[0]["JobId"])


def _entries(house: House) -> list[dict[str, Any]]:
    house.logbook.take_over()
    return [entry for entry in house.entries() if "LabelDetection" in str(entry.get("operation"))]


def test_a_start_a_get_and_the_end_are_an_entry_each_and_tell_no_film(house: House) -> None:
    job = _start(house, JobTag="tag-of-a-film")
    work_off(house.service.rooms)
    house.ask("GetLabelDetection", JobId=job)
    started, got, ended = sorted(_entries(house), key=lambda entry: (entry["kind"], -len(entry["operation"])))
    assert (started["kind"], started["operation"]) == ("regard/call", "StartLabelDetection")
    assert (got["kind"], got["operation"]) == ("regard/call", "GetLabelDetection")
    assert (ended["kind"], ended["operation"], ended["outcome"]) == ("regard/job", "StartLabelDetection", "succeeded")
    assert ended["counts"] == {"frames": 4}
    assert ended["organization"] == started["organization"]
    public = house.log()
    for word in (job, "film.mp4", "tag-of-a-film", "1480", "2000"):
        assert word.encode() not in public


def test_frames_are_told_to_one_digit(house: House) -> None:
    _start(house)
    rooms = house.service.rooms
    work_off(replace(rooms, films=replace(rooms.films, interval=120)))
    (ended,) = [entry for entry in _entries(house) if entry["kind"] == "regard/job"]
    assert house.jobs.all()[0].done == 17
    assert ended["counts"] == {"frames": 20}


def test_a_stop_of_detection_stops_what_was_found_before_it(house: House) -> None:
    job = _start(house)
    work_off(house.service.rooms)
    assert house.ask("GetLabelDetection", JobId=job)[0]["Labels"]
    house.service.gate.council.suspend("detect", "an incident", operator_key(house.folder / "council.key"))
    for ask in (lambda: house.ask("GetLabelDetection", JobId=job), lambda: _start(house)):
        with pytest.raises(ApiError, match=r"\[suspended\]") as refusal:
            ask()
        assert refusal.value.code == "AccessDeniedException"
    assert len(house.jobs.all()) == 1


def test_a_job_that_was_refused_at_the_start_is_not_there(house: House) -> None:
    house.service.gate.council.suspend("detect", "an incident", operator_key(house.folder / "council.key"))
    with pytest.raises(ApiError):
        _start(house)
    assert house.jobs.all() == []
    assert not house.jobs.busy()
