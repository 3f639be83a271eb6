"""StartCelebrityRecognition and GetCelebrityRecognition: enrolled figures, each when they are seen, and nobody else."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from regard.gallery.figures import COLLECTION
from regard.operations.common.registry import ours
from regard.stewardship.policy.call import Call
from tests.helpers.fakes import Clock, as_botocore_reads_it
from tests.helpers.working import work_off
from tests.operations.videos.test_searching import ALICE, BOB, VIDEO, Cinema, reel

START, GET = "StartCelebrityRecognition", "GetCelebrityRecognition"


@pytest.fixture
def cinema(tmp_path: Path) -> Iterator[Cinema]:
    cinema = Cinema(tmp_path / "data", Clock())
    reel(cinema.folder / "film", [(ALICE, 9), (BOB, ALICE), (9,), (ALICE,)])
    yield cinema
    cinema.close()


def enrol(cinema: Cinema, *people: tuple[int, str]) -> dict[str, str]:
    """Enrol figures; their ids by name."""
    cinema.collection(COLLECTION)
    ids = {}
    for number, name in people:
        given = {"Name": name, "Urls": [f"https://{name}.example"], "Basis": "agreed"}
        call = Call(cinema.caller, ours()["AddFigure"], given, "us-east-1", name, loopback=True)
        ids[name] = str(cinema.service.answer(call)["Id"])
        cinema.index(COLLECTION, number, name=ids[name])
    return ids


def start(cinema: Cinema) -> str:
    job = str(cinema.ask(START, Video=VIDEO)[0]["JobId"])
    work_off(cinema.rooms)
    return job


def get(cinema: Cinema, job: str, **given: Any) -> list[tuple[int, str]]:
    answer = as_botocore_reads_it(GET, cinema.ask(GET, JobId=job, **given)[0])
    assert answer["JobStatus"] == "SUCCEEDED", answer
    return [(each["Timestamp"], each["Celebrity"]["Name"]) for each in answer["Celebrities"]]


def test_figures_are_named_when_they_are_seen_and_everybody_else_is_left_out(cinema: Cinema) -> None:
    ids = enrol(cinema, (ALICE, "alice"), (BOB, "bob"))
    job = start(cinema)
    assert get(cinema, job) == [(0, "alice"), (500, "bob"), (500, "alice"), (1500, "alice")]
    answer = as_botocore_reads_it(GET, cinema.ask(GET, JobId=job)[0])
    first = answer["Celebrities"][0]["Celebrity"]
    assert (first["Id"], first["Urls"]) == (ids["alice"], ["https://alice.example"])
    assert first["Confidence"] > 99
    assert first["BoundingBox"] == first["Face"]["BoundingBox"]
    by_id = [name for _, name in get(cinema, job, SortBy="ID")]
    assert by_id == sorted(by_id, key=lambda name: ids[name])


def test_where_nobody_is_enrolled_nobody_is_recognised(cinema: Cinema) -> None:
    assert get(cinema, start(cinema)) == []


def test_who_is_no_figure_any_more_is_not_named(cinema: Cinema) -> None:
    ids = enrol(cinema, (ALICE, "alice"), (BOB, "bob"))
    job = start(cinema)
    cinema.erase(ids["alice"])
    assert get(cinema, job) == [(500, "bob")]


def test_where_rights_are_at_stake_two_people_confirm_each_face_of_a_shot(cinema: Cinema) -> None:
    cinema.as_of("access-control")
    enrol(cinema, (ALICE, "alice"))
    job = start(cinema)
    assert get(cinema, job) == []
    assert cinema.confirm() > 0
    assert {name for _, name in get(cinema, job)} == {"alice"}
