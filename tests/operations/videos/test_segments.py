"""VideoSegments: told as GetSegmentDetection tells them, with durations that are the end less the start."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from tests.helpers.fakes import Client, as_botocore_reads_it, ask_ours, open_rooms
from tests.helpers.films import film_of


@pytest.fixture(scope="module")
def film(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A hundred frames of a pattern, fifty of black, in a film without sound."""
    pattern = np.random.default_rng(1).integers(40, 220, (9, 16, 3), np.uint8).repeat(10, axis=0).repeat(10, axis=1)
    frames = [pattern] * 100 + [np.zeros_like(pattern)] * 50
    return film_of(tmp_path_factory.mktemp("film") / "film.mp4", frames)


@pytest.fixture
def client(tmp_path: Path) -> Client:
    return Client(open_rooms(tmp_path))


def _ask(client: Client, film: Path, **given: object) -> dict[str, Any]:
    return ask_ours(client.rooms, "VideoSegments", Video=film, **given)


def test_clients_of_aws_read_the_answer(client: Client, film: Path) -> None:
    answer = _ask(client, film)
    assert as_botocore_reads_it("GetSegmentDetection", answer).keys() == answer.keys()
    assert answer["VideoMetadata"][0]["DurationMillis"] == 6000
    assert answer["AudioMetadata"] == []
    assert [each["Type"] for each in answer["SelectedSegmentTypes"]] == ["TECHNICAL_CUE", "SHOT"]


def test_a_shot_ends_on_its_last_frame_and_a_cue_where_the_next_begins(client: Client, film: Path) -> None:
    answer = _ask(client, film, SegmentTypes=["SHOT", "TECHNICAL_CUE"])
    told = [(each["Type"], each["StartFrameNumber"], each["EndFrameNumber"]) for each in answer["Segments"]]
    assert told == [("SHOT", 0, 99), ("SHOT", 100, 149), ("TECHNICAL_CUE", 0, 100), ("TECHNICAL_CUE", 100, 149)]
    for each in answer["Segments"]:
        assert each["DurationFrames"] == each["EndFrameNumber"] - each["StartFrameNumber"]
        assert each["DurationMillis"] == each["EndTimestampMillis"] - each["StartTimestampMillis"]
        assert each["StartTimestampMillis"] == each["StartFrameNumber"] * 40
    assert answer["Segments"][0]["EndTimecodeSMPTE"] == "00:00:03:24"
    assert [each["TechnicalCueSegment"]["Type"] for each in answer["Segments"][2:]] == ["Content", "BlackFrames"]


def test_only_what_is_asked_for_and_sure_enough_is_told(client: Client, film: Path) -> None:
    assert {each["Type"] for each in _ask(client, film, SegmentTypes=["SHOT"])["Segments"]} == {"SHOT"}
    sure = {"ShotFilter": {"MinSegmentConfidence": 100}, "TechnicalCueFilter": {"MinSegmentConfidence": 50}}
    assert {each["Type"] for each in _ask(client, film, Filters=sure)["Segments"]} == {"TECHNICAL_CUE"}
