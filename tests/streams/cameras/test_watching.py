"""Watching: the newest frame, whatever the camera speaks; nobody falls behind, and what is wrong is told."""

from __future__ import annotations

import io
import os
import threading
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from regard.streams.cameras.mjpeg import Mjpeg
from regard.streams.cameras.packets import Packet
from regard.streams.cameras.pipes import poured
from regard.streams.cameras.places import Place, place_of
from regard.streams.cameras.reaching import Reach
from regard.streams.cameras.rtsp import Rtsp
from regard.streams.cameras.watching import Moment, Watching, opening
from regard.streams.errors import AddressRefused, CameraLost, CameraUnfit
from regard.vision.pictures.images import Pixels
from tests.helpers.films import LIMITS, film_of, numbered
from tests.helpers.streaming import Filming, jpeg_of, mjpeg_camera, rtsp_camera, units_of

HERE = Reach(["127.0.0.0/8"])
_PICTURES = [jpeg_of(each) for each in numbered(10, (64, 96))]


def _watched(text: str, reach: Reach = HERE, folder: Path = Path("/nowhere")) -> Watching:
    return Watching(place_of(text), opening(reach, folder, "arn"), LIMITS)


def _some(camera: Watching, count: int) -> list[Moment]:
    found: list[Moment] = []
    while len(found) < count:
        if (moment := camera.next(10)) is not None:
            found.append(moment)
    return found


def test_frames_of_a_camera_that_speaks_http_come_as_they_are_sent_five_a_second() -> None:
    with mjpeg_camera(Filming(_PICTURES)) as port, _watched(f"http://127.0.0.1:{port}/live") as camera:
        moments = _some(camera, 4)
    gaps = np.diff([each.at for each in moments])
    assert gaps.min() >= 0.19
    assert all(each.picture.pixels.shape == (64, 96, 3) for each in moments)
    assert abs(time.time() - moments[-1].at) < 2


def test_a_camera_that_tells_no_lengths_and_wants_a_password_is_watched_too() -> None:
    filming = Filming(_PICTURES, lengths=False, password="open sesame")
    with mjpeg_camera(filming) as port:
        with _watched(f"http://door:open%20sesame@127.0.0.1:{port}/live") as camera:
            assert _some(camera, 1)
        with (
            _watched(f"http://door:wrong@127.0.0.1:{port}/live") as camera,
            pytest.raises(CameraUnfit, match="another user or password"),
        ):
            camera.next(10)
    assert "open sesame" not in "".join(filming.asked)


def test_frames_of_a_camera_that_speaks_rtsp_come_the_same(tmp_path: Path) -> None:
    units = units_of(
        film_of(tmp_path / "film.mp4", numbered(25, (64, 96), grain=90), options={"crf": "8"}).read_bytes()
    )
    assert max(len(each) for picture in units for each in picture) > 900
    with rtsp_camera(units) as port, _watched(f"rtsp://door:open@127.0.0.1:{port}/live") as camera:
        moments = _some(camera, 3)
    assert np.diff([each.at for each in moments]).min() >= 0.19
    assert moments[0].picture.pixels.shape == (64, 96, 3)


def test_a_camera_of_another_codec_or_password_is_told_as_unfit() -> None:
    with rtsp_camera([], codec="JPEG") as port:
        with _watched(f"rtsp://door:open@127.0.0.1:{port}/") as camera, pytest.raises(CameraUnfit, match=r"H\.264"):
            camera.next(10)
        with _watched(f"rtsp://door:shut@127.0.0.1:{port}/") as camera, pytest.raises(CameraUnfit, match="password"):
            camera.next(10)


@pytest.mark.parametrize(
    ("filming", "told"),
    [
        (Filming(_PICTURES, kind="text/html"), "not MJPEG"),
        (Filming([b"<html>"]), "no JPEG"),
        (Filming(_PICTURES, status=302), "leads elsewhere, which is not followed"),
    ],
)
def test_what_is_no_mjpeg_is_not_tried_again(filming: Filming, told: str) -> None:
    with (
        mjpeg_camera(filming) as port,
        _watched(f"http://127.0.0.1:{port}/") as camera,
        pytest.raises(CameraUnfit, match=told),
    ):
        camera.next(10)


@pytest.mark.parametrize("filming", [Filming(_PICTURES, once=True), Filming(_PICTURES, status=503)])
def test_a_camera_that_ends_is_lost(filming: Filming) -> None:
    with mjpeg_camera(filming) as port, _watched(f"http://127.0.0.1:{port}/") as camera, pytest.raises(CameraLost):
        _some(camera, 99)


@pytest.mark.parametrize("scheme", ["http", "rtsp"])
def test_a_camera_that_is_not_there_is_lost(scheme: str) -> None:
    with mjpeg_camera(Filming([])) as port:
        pass
    with _watched(f"{scheme}://127.0.0.1:{port}/") as camera, pytest.raises(CameraLost, match="does not answer"):
        camera.next(10)


@pytest.mark.parametrize("kind", [Mjpeg, Rtsp])
def test_an_address_that_the_operator_did_not_list_is_not_connected_to(kind: Callable[[Place, Reach], object]) -> None:
    filming = Filming(_PICTURES)
    with mjpeg_camera(filming) as port, pytest.raises(AddressRefused, match="REGARD_STREAMS_REACH"):
        kind(Place("http", "127.0.0.1", port, "/"), Reach([]))
    assert filming.asked == []


def test_a_film_stands_in_for_a_camera_at_its_own_speed(tmp_path: Path) -> None:
    path, begun = film_of(tmp_path / "film.mp4", numbered(25, (64, 96))), time.monotonic()
    with _watched(str(path)) as camera, pytest.raises(EOFError):
        _some(camera, 99)
    assert 0.7 < time.monotonic() - begun < 8


def test_whoever_looks_late_sees_the_newest_frame_and_none_of_those_before() -> None:
    with mjpeg_camera(Filming(_PICTURES)) as port, _watched(f"http://127.0.0.1:{port}/") as camera:
        _some(camera, 1)
        time.sleep(1.0)
        (moment,) = _some(camera, 1)
        assert time.time() - moment.at < 0.9
        assert camera.dropped >= 1


class Flood:
    """A camera that sends pictures as fast as they are taken, of which only some need none before them."""

    codec = "h264"

    def __init__(self, pictures: list[Packet]) -> None:
        self._pictures, self.over, self.sent = pictures, threading.Event(), 0

    def packets(self) -> object:
        while not self.over.is_set():
            for each in self._pictures:
                self.sent += 1
                yield each
                time.sleep(0.0002)

    def close(self) -> None:
        self.over.set()


def test_a_decoder_that_is_behind_is_sent_what_needs_nothing_that_it_lacks(tmp_path: Path) -> None:
    def busy(count: int) -> list[Pixels]:
        return list(np.random.default_rng(1).integers(0, 255, (count, 240, 320, 3), np.uint8))

    film = film_of(tmp_path / "film.mp4", busy(12), options={"crf": "20", "g": "4", "bf": "0"})
    start = b"\x00\x00\x00\x01"
    pictures = [
        Packet(start + start.join(units), any(unit[0] & 0x1F == 5 for unit in units))
        for units in units_of(film.read_bytes())
    ]
    flood = Flood(pictures)
    with Watching(Place("rtsp"), lambda _place: flood, LIMITS) as camera:  # type: ignore[arg-type,return-value]
        moments = _some(camera, 3)
        assert time.time() - moments[-1].at < 2
    assert flood.sent > 60


def test_a_pipe_gives_what_another_program_writes(tmp_path: Path) -> None:
    film = film_of(tmp_path / "film.mp4", numbered(25, (64, 96)))
    start = b"\x00\x00\x00\x01"
    annexb = b"".join(start + unit for units in units_of(film.read_bytes()) for unit in units)
    for data in (b"".join(_PICTURES), annexb):
        read, write = os.pipe()
        with os.fdopen(read, "rb") as source, os.fdopen(write, "wb", buffering=0) as sink:
            pouring = threading.Thread(target=poured, args=(tmp_path / "pipes", "arn", source))
            pouring.start()
            over = threading.Event()

            def feed(sink: io.FileIO = sink, data: bytes = data, over: threading.Event = over) -> None:
                while not over.wait(0.05):
                    sink.write(data)

            feeding = threading.Thread(target=feed)
            feeding.start()
            time.sleep(0.1)
            with _watched("-", folder=tmp_path / "pipes") as camera:
                assert _some(camera, 2)[0].picture.pixels.shape == (64, 96, 3)
            over.set()
            feeding.join()
        pouring.join()
    with _watched("-", folder=tmp_path / "pipes") as camera, pytest.raises(CameraLost, match="nobody runs"):
        camera.next(5)
