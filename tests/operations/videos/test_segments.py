"""VideoSegments: told as GetSegmentDetection tells them, with durations that are the end less the start."""

from __future__ import annotations

import json
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


@pytest.mark.long
@pytest.mark.sqlite
def test_time_codes_of_a_film_whose_parts_are_known_drop_numbers_across_the_minute(
    client: Client, shared_data: Path
) -> None:
    answer = _ask(client, shared_data / "clips" / "truth-2997df.mp4")
    told = {(each["Type"], each["StartFrameNumber"]): each for each in answer["Segments"]}
    parts = json.loads((shared_data / "clips" / "truth-2997df.json").read_text())["segments"]
    assert answer["VideoMetadata"][0]["FrameRate"] == 29.970029830932617
    assert [each["NumberOfChannels"] for each in answer["AudioMetadata"]] == [1]
    for part in parts:
        # What is between two shots begins none, and the black after the fade begins on its last frame.
        if part["kind"] not in ("dissolve", "fade-out") and part["start"] != 1382:
            shot = told["SHOT", part["start"]]
            assert (shot["StartTimestampMillis"], shot["StartTimecodeSMPTE"]) == (part["start_ms"], part["start_smpte"])
            assert (shot["EndFrameNumber"], shot["EndTimecodeSMPTE"]) == (part["end"], part["end_smpte"])
        if part["kind"] in ("ColorBars", "BlackFrames"):
            cue = told["TECHNICAL_CUE", part["start"]]
            assert cue["TechnicalCueSegment"]["Type"] == part["kind"]
            assert cue["EndFrameNumber"] == min(part["end"] + 1, 2176)
    credits_ = told["SHOT", 1457]
    assert (credits_["StartTimecodeSMPTE"], credits_["EndTimecodeSMPTE"]) == ("00:00:48;17", "00:01:02;18")
