"""Time codes: drop-frame at 29.97 and 59.94 frames a second, and at no other rate."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from regard.vision.video.timecodes import time_code

_2997, _5994, _23976 = 30_000 / 1001, 60_000 / 1001, 24_000 / 1001


@pytest.mark.parametrize(
    ("frame", "rate", "told"),
    [
        (0, 25, "00:00:00:00"),
        (1800, 30, "00:01:00:00"),
        (1799, _2997, "00:00:59;29"),
        (1800, _2997, "00:01:00;02"),
        (17_981, _2997, "00:09:59;29"),
        (17_982, _2997, "00:10:00;00"),
        (107_892, _2997, "01:00:00;00"),
        (3599, _5994, "00:00:59;59"),
        (3600, _5994, "00:01:00;04"),
        (35_964, _5994, "00:10:00;00"),
        (1440, _23976, "00:01:00:00"),
        (299, _2997, "00:00:09;29"),
    ],
)
def test_codes(frame: int, rate: float, told: str) -> None:
    assert time_code(frame, rate) == told


def test_no_two_frames_of_an_hour_share_a_code_and_the_clock_never_goes_back() -> None:
    codes = [time_code(frame, _2997) for frame in range(108_000)]
    assert len(set(codes)) == len(codes)
    assert codes == sorted(codes)
    assert not {code for code in codes if code[6:] in ("00;00", "00;01") and code[4] != "0"}


def test_codes_are_those_of_the_truth_clip(shared_data: Path) -> None:
    for part in json.loads((shared_data / "clips" / "truth-2997df.json").read_text())["segments"]:
        assert time_code(part["start"], _2997) == part["start_smpte"]
        assert time_code(part["end"], _2997) == part["end_smpte"]
