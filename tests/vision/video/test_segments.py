"""Shots to the frame of each cut, fades and dissolves in neither; black, sound and bars; on films with known truth."""

from __future__ import annotations

import json
from collections.abc import Iterator
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from regard.vision.video.film import Film
from regard.vision.video.segments import Measurements, cues, measurements, shots
from tests.helpers.films import LIMITS, film_of, toned

pytestmark = pytest.mark.long

SOFT = ("dissolve", "fade-out")


def _measured(path: Path, black: float = 0.2) -> Measurements:
    with Film(path, 0, LIMITS, black) as film:
        return measurements(film.measured(), film)


@pytest.fixture(scope="module")
def truth(shared_data: Path) -> dict[str, Any]:
    return dict(json.loads((shared_data / "clips" / "truth-2997df.json").read_text()))


@pytest.fixture(scope="module")
def found(shared_data: Path) -> Measurements:
    return _measured(shared_data / "clips" / "truth-2997df.mp4")


def test_every_hard_cut_is_found_to_the_frame_and_no_shot_is_false(truth: dict[str, Any], found: Measurements) -> None:
    parts = truth["segments"]
    hard = {later["start"] for early, later in pairwise(parts) if not {early["kind"], later["kind"]} & {*SOFT}}
    ends = [shot.last + 1 for shot in shots(found)][:-1]
    starts = [shot.first for shot in shots(found)][1:]
    boundaries = {*starts, *ends}
    assert hard <= boundaries
    # A boundary that is none would be a false shot. The fade's last frame is black already.
    assert {at for at in boundaries if min(abs(at - cut) for cut in truth["cuts"]) > 1} == set()
    assert len(boundaries & {*truth["cuts"]}) >= 14


def test_a_dissolve_and_a_fade_are_left_out_of_both_shots(truth: dict[str, Any], found: Measurements) -> None:
    inside = {frame for shot in shots(found) for frame in range(shot.first, shot.last + 1)}
    for part in truth["segments"]:
        frames = set(range(part["start"], part["end"] + 1))
        if part["kind"] in SOFT:
            assert len(frames & inside) <= 1
        else:
            assert frames <= inside


def test_black_sound_and_bars_are_as_they_were_made(truth: dict[str, Any], found: Measurements) -> None:
    told = [(cue.kind, cue.first, cue.last) for cue in cues(found, 0.99)]
    known = {"ColorBars", "BlackFrames"}
    made = [(part["kind"], part["start"], part["end"]) for part in truth["segments"] if part["kind"] in known]
    assert [each for each in told if each[0] in known] == made
    assert told[0][1] == 0
    assert told[-1][2] == len(found) - 1
    assert all(early[2] + 1 == later[1] for early, later in pairwise(told))
    for part in truth["segments"]:
        heard = found.sound[part["start"] : part["end"] + 1]
        assert heard.mean() >= 0.99 if part["audio"] else heard.mean() <= 0.01, part
    # The last frame of the fade is black, and has sound.
    assert found.black[1381] >= 0.99
    assert found.sound[1381]


@pytest.mark.parametrize(
    ("name", "cuts"),
    [
        ("moderation-video.mp4", [388, 441, 554, 596]),
        ("chaplin.mp4", []),
        ("bottle-detection.mp4", []),
        ("one-by-one-person-detection-60s.mp4", []),
        # It begins with a fade out of black; a title fades in and out over one shot at its end.
        ("big_buck_bunny_0_30.webm", [48, 283, 376, 551]),
    ],
)
def test_cuts_of_other_films(shared_data: Path, name: str, cuts: list[int]) -> None:
    assert [shot.first for shot in shots(_measured(shared_data / "clips" / name))][1:] == cuts


def test_bars_with_a_counter_over_them_are_bars(shared_data: Path) -> None:
    found = _measured(shared_data / "clips" / "smpte-2997.mp4")
    assert [cue.kind for cue in cues(found, 0.99)] == ["ColorBars"]
    assert len(shots(found)) == 1


def _noise(seed: int) -> NDArray[np.uint8]:
    rng = np.random.default_rng(seed)
    return rng.integers(40, 220, (9, 16, 3), np.uint8).repeat(20, axis=0).repeat(20, axis=1)


def test_a_flash_is_no_cut(tmp_path: Path) -> None:
    def frames() -> Iterator[NDArray[np.uint8]]:
        for number in range(60):
            yield np.full((180, 320, 3), 255, np.uint8) if number in (30, 31) else _noise(1)

    assert len(shots(_measured(film_of(tmp_path / "film.mp4", frames())))) == 1


def test_a_shot_of_a_few_frames_is_one(tmp_path: Path) -> None:
    frames = [_noise(1)] * 30 + [_noise(2)] * 6 + [_noise(3)] * 30
    found = shots(_measured(film_of(tmp_path / "film.mp4", frames)))
    assert [(shot.first, shot.last) for shot in found] == [(0, 29), (30, 35), (36, 65)]


def test_black_is_what_the_filter_says(tmp_path: Path) -> None:
    grey = np.full((180, 320, 3), 60, np.uint8)
    spot = grey.copy()
    spot[:40, :40] = 255
    path = film_of(tmp_path / "film.mp4", [grey] * 20 + [spot] * 20, options={"crf": "10"})
    assert [cue.kind for cue in cues(_measured(path, 0.2), 0.99)] == ["Content"]
    assert [cue.kind for cue in cues(_measured(path, 0.3), 0.99)] == ["BlackFrames", "Content"]
    assert [cue.kind for cue in cues(_measured(path, 0.3), 0.9)] == ["BlackFrames"]


def test_films_of_one_and_of_few_frames_are_one_shot(tmp_path: Path) -> None:
    for count in (1, 2, 5, 9):
        found = shots(_measured(film_of(tmp_path / f"{count}.mp4", [_noise(1)] * count)))
        assert [(shot.first, shot.last) for shot in found] == [(0, count - 1)]


@pytest.mark.parametrize("name", ["pcm_s16le.mov", "ac3.mkv", "aac.mp4"])
def test_sound_is_heard_to_the_frame(tmp_path: Path, name: str) -> None:
    found = _measured(toned(tmp_path / name, Path(name).stem, [(1.0, True), (1.0, False), (0.4, True), (0.6, False)]))
    assert len(found) == 75
    assert np.flatnonzero(np.diff(found.sound.astype(int))).tolist() == pytest.approx([24, 49, 59], abs=1)
    assert found.sound[0]


def test_sound_of_a_rare_codec_counts_as_none(tmp_path: Path) -> None:
    assert not _measured(toned(tmp_path / "film.mkv", "mp2", [(1.0, True)])).sound.any()
