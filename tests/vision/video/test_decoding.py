"""What a film shows is told of fewer packets than it has, and is what the whole film shows, byte for byte."""

from __future__ import annotations

import io
from collections.abc import Iterator
from fractions import Fraction
from pathlib import Path
from typing import Any, cast

import pytest

from regard.vision.video import decoding
from regard.vision.video.confinement import Confinement
from regard.vision.video.decoding import Decoder
from regard.vision.video.messages import Request
from regard.vision.video.sampling import Thrift
from tests.helpers.films import film_of, numbered, spoiled

# Ways in which encoders let frames rest on each other, and the share of packets that is decoded at most.
WAYS = {
    "bf=0:keyint=12": 0.95,
    "bf=3:b-pyramid=none:keyint=250": 0.6,
    "bf=8:b-pyramid=normal:keyint=25": 0.4,
    "bf=3:b-pyramid=strict:keyint=60:open-gop=1": 1.0,
    "bf=2:keyint=30:intra-refresh=1": 0.8,
    "bf=3:keyint=40:tff=1:slices=4": 0.8,
}
FRAMES = 120


class _Unconfined:
    def give(self, seconds: float) -> None:
        """As long as it takes."""


class _Counting(Thrift):
    """Counts the packets that are decoded."""

    count = 0

    def needed(self, packets: Iterator[Any]) -> Iterator[Any]:
        for packet in super().needed(packets):
            type(self).count += packet.size > 0
            yield packet


class _Watched(Decoder):
    """Decodes in this process, thriftily or never so, and counts how often it began."""

    def __init__(self, film: io.BufferedReader, interval: int, *, thrifty: bool) -> None:
        self.told, self.runs, self._may = io.BytesIO(), 0, thrifty
        super().__init__(Request(interval, 60_000, 4096, 1), film, self.told, cast(Confinement, _Unconfined()))

    def _decode(self, *, thrifty: bool) -> None:
        self.runs += 1
        super()._decode(thrifty=thrifty and self._may)


def _decoded(path: Path, interval: int, *, thrifty: bool = True) -> _Watched:
    _Counting.count = 0
    with path.open("rb") as film:
        watched = _Watched(film, interval, thrifty=thrifty)
        watched.run()
    return watched


def _require_the_same(path: Path, interval: int, runs: int = 1) -> None:
    """What is told is what the whole film tells, and is told of so many runs."""
    whole = _decoded(path, interval, thrifty=False).told.getvalue()
    watched = _decoded(path, interval)
    assert watched.told.getvalue() == whole
    assert watched.runs == runs


@pytest.fixture(autouse=True)
def _counted(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(decoding, "Thrift", _Counting)


@pytest.mark.long
@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize("suffix", ["mp4", "mkv"])
def test_of_fewer_packets_the_same_is_told(tmp_path: Path, way: str, suffix: str) -> None:
    options = {"crf": "30", "preset": "veryfast", "x264-params": way}
    path = film_of(tmp_path / f"film.{suffix}", numbered(FRAMES, grain=20), options=options)
    for interval in (100, 500, 2000):
        _require_the_same(path, interval)
    # At an interval of two seconds.
    assert 0 < _Counting.count < WAYS[way] * FRAMES


def test_of_a_variable_rate_the_same_is_told(tmp_path: Path) -> None:
    steps = [Fraction((7 * number) % 90 + (1700 if number % 23 == 5 else 1), 1000) for number in range(FRAMES)]
    times = [sum(steps[:number], Fraction(0)) for number in range(FRAMES)]
    _require_the_same(film_of(tmp_path / "film.mp4", numbered(FRAMES, grain=20), times=times), 500)
    assert 0 < _Counting.count < FRAMES


def test_a_damaged_film_is_decoded_whole(tmp_path: Path) -> None:
    path, spoilt = film_of(tmp_path / "film.mp4", numbered(FRAMES, grain=20)), tmp_path / "spoilt.mp4"
    for number in (5, 61, 118):
        spoilt.write_bytes(spoiled(path.read_bytes(), [number]))
        _require_the_same(spoilt, 500, runs=2)


def test_where_every_frame_is_wanted_every_packet_is_decoded(tmp_path: Path) -> None:
    watched = _decoded(film_of(tmp_path / "film.mp4", numbered(FRAMES)), 0)
    assert watched.told.getvalue().count(b'"Shown"') == FRAMES
    assert (_Counting.count, watched.runs) == (0, 1)
