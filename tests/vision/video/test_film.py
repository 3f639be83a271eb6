"""Films decoded in a process of its own: every codec, every cause, within limits, and no other file is opened."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from dataclasses import replace
from fractions import Fraction
from pathlib import Path

import av
import numpy as np
import pytest

from regard.vision.video.decoders import Decoder
from regard.vision.video.decoding import OPTIONS
from regard.vision.video.film import UNSUPPORTED, Film, Frame, VideoError, _cause
from regard.vision.video.messages import Over
from tests.helpers.damaged import Anatomy, mutated
from tests.helpers.films import LIMITS, film_of, numbered, quartered, sound_of, spoiled

# File, FFmpeg's names of its format and codec, frames, whether its colours have the full range.
CLIPS = [
    ("truth-2997df.mp4", "QuickTime / MOV", "h264", 2177, False),
    ("h264_10bits.mp4", "QuickTime / MOV", "h264", 30, False),
    ("h265_video.mp4", "QuickTime / MOV", "hevc", 10, False),
    ("av1_video.mkv", "Matroska / WebM", "av1", 125, False),
    ("big_buck_bunny_0_30.webm", "Matroska / WebM", "vp8", 720, False),
    ("no_duration.webm", "Matroska / WebM", "vp9", 74, False),
    ("bt709_full_range.mp4", "QuickTime / MOV", "h264", 30, True),
]
# What is short and small, to be damaged.
SMALL = ("h264_10bits.mp4", "h265_video.mp4", "av1_video.mkv", "no_duration.webm")


def _frames(path: Path, interval: int = 500) -> list[Frame]:
    with Film(path, interval, LIMITS) as film:
        return list(film)


def _refused(path: Path, **limits: int) -> str:
    """Why a film is refused, in AWS's words; it gives no answer first that looks like success."""
    with (
        pytest.raises(VideoError, match="Unsupported codec/format") as told,
        Film(path, 500, replace(LIMITS, **limits)) as film,
    ):
        list(film)
    assert str(told.value) == f"{UNSUPPORTED} {told.value.cause}"
    return told.value.cause


@pytest.fixture(scope="module")
def short(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Twelve seconds of grain, with a key frame every two."""
    return film_of(
        tmp_path_factory.mktemp("film") / "film.mp4", numbered(300, grain=20), options={"crf": "30", "g": "50"}
    )


@pytest.mark.long
@pytest.mark.parametrize(("name", "form", "codec", "frames", "full_range"), CLIPS)
def test_what_phones_and_browsers_record_is_decoded(
    shared_data: Path, name: str, form: str, codec: str, frames: int, full_range: bool
) -> None:
    with Film(shared_data / "clips" / name, 500, LIMITS) as film:
        shown = list(film)
        assert (film.about.format, film.about.codec, film.about.full_range) == (form, codec, full_range)
        assert film.ended is not None
        assert (film.ended.frames, film.ended.damaged) == (frames, 0)
        assert len(shown) == -(-film.ended.milliseconds // 500)
        assert {frame.picture.pixels.shape for frame in shown} == {(film.about.height, film.about.width, 3)}
        assert 0 <= film.about.milliseconds - film.ended.milliseconds <= 60 or not film.about.milliseconds


@pytest.mark.parametrize("rate", [Fraction(25), Fraction(30_000, 1001), Fraction(24_000, 1001)])
def test_frames_are_those_that_the_rule_names(tmp_path: Path, rate: Fraction) -> None:
    path = film_of(tmp_path / "film.mp4", numbered(100, (32, 800)), rate)
    for k, frame in enumerate(_frames(path)):
        assert frame.number == k * rate // 2
        assert frame.milliseconds == int(frame.number / rate * 1000)
        # The picture says so, too.
        bar = int((frame.picture.pixels[4, :, 0] > 120).sum())
        assert abs(bar - 8 * frame.number) <= 4


def test_a_variable_rate_is_followed(tmp_path: Path) -> None:
    times = [Fraction(time, 10) for time in (0, 3, 7, 31, 36)]
    frames = _frames(film_of(tmp_path / "film.mp4", numbered(5), times=times))
    assert [(frame.number, frame.milliseconds) for frame in frames] == [(0, 0), (1, 300), (2, 700), (3, 3100)]


@pytest.mark.parametrize(("degrees", "corner"), [(0, (2, 2)), (90, (2, -3)), (180, (-3, -3)), (270, (-3, 2))])
def test_a_film_that_says_so_is_turned_upright(tmp_path: Path, degrees: int, corner: tuple[int, int]) -> None:
    plain = film_of(tmp_path / "plain.mp4", numbered(13, (64, 128)))
    (tmp_path / "turned.mp4").write_bytes(quartered(plain.read_bytes(), degrees))
    with Film(tmp_path / "turned.mp4", 500, LIMITS) as film:
        pixels = list(film)[-1].picture.pixels
        assert (film.about.width, film.about.height) == ((64, 128) if degrees % 180 else (128, 64))
    assert pixels.shape[:2] == (film.about.height, film.about.width)
    # The white bar begins in the corner that was at the top left, and does not reach the next one.
    white = [at for at in [(2, 2), (2, -3), (-3, -3), (-3, 2)] if pixels[at].mean() > 100]
    assert white == [corner]


def test_a_film_that_is_a_list_of_other_files_opens_none_of_them(tmp_path: Path) -> None:
    film_of(tmp_path / "other.mp4", numbered(13))
    trap = tmp_path / "film.mp4"
    trap.write_text("ffconcat version 1.0\nfile other.mp4\n")
    # Without the options FFmpeg follows the list: the test would notice if it no longer did.
    with av.open(str(trap)) as followed:
        assert followed.format.name == "concat"
    with trap.open("rb") as film, pytest.raises(av.error.FFmpegError):
        av.open(film, options=OPTIONS)
    assert "no MP4" in _refused(trap)


@pytest.mark.parametrize(
    "text",
    ["#EXTM3U\n#EXTINF:1,\nother.mp4\n", "<?xml version='1.0'?><MPD></MPD>", "v=0\no=- 0 0 IN IP4 127.0.0.1\n"],
)
def test_playlists_are_no_films(tmp_path: Path, text: str) -> None:
    (tmp_path / "film.mp4").write_text(text)
    assert "no MP4" in _refused(tmp_path / "film.mp4")


def _confined(words: str) -> subprocess.CompletedProcess[str]:
    code = f"from regard.vision.video import confinement as c\n{words}"
    return subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=60)


def test_the_decoding_process_can_open_no_file_and_write_none() -> None:
    done = _confined("c.Confinement(2048, 1000)\ntry:\n    open('/etc/hostname')\nexcept OSError as e:\n    print(e)")
    assert "Too many open files" in done.stdout


def test_the_decoding_process_has_no_more_memory_and_time_than_it_may_take() -> None:
    assert "MemoryError" in _confined("c.Confinement(512, 1000)\nbytearray(600 << 20)").stderr
    ended = _confined("c.SECONDS_AT_ONCE, c.SECONDS_A_SECOND = 1, 0\nc.Confinement(512, 1000)\nwhile True: pass")
    assert ended.returncode == -signal.SIGXCPU
    assert "processor time" in _cause(-signal.SIGXCPU)


def test_the_decoding_process_knows_nothing_of_our_environment(short: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("REGARD_MASTER_KEY", "a secret")
    with Film(short, 500, LIMITS) as film:
        given = Path(f"/proc/{film._decoder.pid}/environ").read_bytes()
    assert b"PYTHONPATH" in given
    assert b"secret" not in given


def test_a_film_that_nobody_looks_at_to_its_end_leaves_no_process(short: Path) -> None:
    with Film(short, 0, LIMITS) as film:
        next(iter(film))
        running = Path(f"/proc/{film._decoder.pid}")
        assert running.is_dir()
    assert not running.exists()
    assert film.over is not None
    assert film.over.code == -signal.SIGKILL


def test_too_little_memory_for_a_film_is_said(tmp_path: Path) -> None:
    path = film_of(tmp_path / "film.mp4", numbered(3, (2160, 3840)), options={"preset": "ultrafast"})
    assert "REGARD_VIDEO_MEMORY" in _refused(path, memory=256)
    assert len(_frames(path)) == 1


def test_too_long_and_too_large_films_are_refused(short: Path, shared_data: Path) -> None:
    assert "longer than 1 minutes" in _refused(shared_data / "clips" / "truth-2997df.mp4", minutes=1)
    assert "REGARD_VIDEO_SIZE" in _refused(short, size=1000)


def test_what_has_no_pictures_is_refused_by_its_cause(tmp_path: Path) -> None:
    (tmp_path / "empty.mp4").touch()
    assert "empty" in _refused(tmp_path / "empty.mp4")
    assert "sound only" in _refused(sound_of(tmp_path / "sound.mp4", 1))
    os.mkfifo(tmp_path / "pipe")
    writer = os.open(tmp_path / "pipe", os.O_RDWR)
    assert "no regular file" in _refused(tmp_path / "pipe")
    os.close(writer)
    other = film_of(tmp_path / "other.mp4", numbered(13), codec="mpeg4", options={})
    assert "mpeg4" in _refused(other)


@pytest.mark.parametrize("kept", [0.02, 0.3, 0.6, 0.9, 0.99, 0.999])
@pytest.mark.parametrize("suffix", ["mp4", "webm"])
def test_a_film_that_was_cut_short_is_no_shorter_film(
    short: Path, shared_data: Path, tmp_path: Path, kept: float, suffix: str
) -> None:
    whole = (short if suffix == "mp4" else shared_data / "clips" / "big_buck_bunny_0_30.webm").read_bytes()
    (tmp_path / "cut").write_bytes(whole[: int(len(whole) * kept)])
    assert "cut short" in _refused(tmp_path / "cut")


def test_a_film_whose_index_comes_first_and_whose_end_lacks_was_cut_short(tmp_path: Path) -> None:
    path = film_of(tmp_path / "film.mp4", numbered(300, grain=20))
    with av.open(str(path)) as film, av.open(str(tmp_path / "first.mp4"), "w", options={"movflags": "faststart"}) as to:
        stream = to.add_stream_from_template(film.streams.video[0])
        for packet in film.demux(film.streams.video[0]):
            if packet.dts is not None:
                packet.stream = stream
                to.mux(packet)
    whole = (tmp_path / "first.mp4").read_bytes()
    assert whole.index(b"moov") < whole.index(b"mdat")
    assert len(_frames(tmp_path / "first.mp4")) == 24
    (tmp_path / "cut.mp4").write_bytes(whole[:-200])
    assert "cut short" in _refused(tmp_path / "cut.mp4")


@pytest.mark.parametrize("codec", ["libx264", "libvpx"])
def test_one_bad_packet_is_counted_and_many_are_too_many(tmp_path: Path, codec: str) -> None:
    suffix = "mp4" if codec == "libx264" else "webm"
    whole = film_of(tmp_path / f"film.{suffix}", numbered(300, grain=20), codec=codec)
    spoilt = tmp_path / f"spoilt.{suffix}"
    spoilt.write_bytes(spoiled(whole.read_bytes(), [61]))
    with Film(spoilt, 500, LIMITS) as film:
        assert len(list(film)) == 24
        assert film.ended is not None
        assert film.ended.damaged >= 1
    spoilt.write_bytes(spoiled(whole.read_bytes(), range(5, 300, 20)))
    assert "damaged" in _refused(spoilt)


@pytest.mark.long
@pytest.mark.slow("decodes a film of an hour")
def test_a_long_film_takes_no_more_memory_than_a_short_one(tmp_path: Path, scale: float) -> None:
    peaks = {}
    for minutes in (1, max(10, round(60 * scale))):
        path = film_of(tmp_path / "film.mp4", numbered(minutes * 600, (48, 64)), Fraction(10))
        with Film(path, 500, LIMITS) as film:
            for frame in film:
                assert frame.picture.pixels.shape == (48, 64, 3)
                # While it still has frames to give: one that is done ends, and tells of its memory no more.
                if frame.milliseconds == (minutes * 60 - 20) * 1000:
                    status = Path(f"/proc/{film._decoder.pid}/status").read_text()
                    peaks[minutes] = int(status.partition("VmHWM:")[2].split()[0])
                    break
    least, most = sorted(peaks.values())
    assert most <= 1.05 * least, peaks


@pytest.mark.long
@pytest.mark.slow("a process for each of many films")
def test_damaged_films_end_in_a_cause_within_the_limits(
    shared_data: Path, tmp_path: Path, scale: float, monkeypatch: pytest.MonkeyPatch
) -> None:
    """2,000 films with damaged headers, packets and lengths, containers in containers, absurd sizes and durations."""
    rng = np.random.default_rng(23)
    whole = [Anatomy.of((shared_data / "clips" / name).read_bytes()) for name in SMALL]
    used: list[Over] = []
    close = Decoder.close

    def closed(decoder: Decoder) -> Over:
        used.append(close(decoder))
        return used[-1]

    monkeypatch.setattr(Decoder, "close", closed)
    outcomes, causes = {True: 0, False: 0}, set()
    for number in range(round(2000 * scale)):
        path = tmp_path / "film"
        path.write_bytes(mutated(whole[number % len(whole)], rng))
        begun = time.monotonic()
        try:
            with Film(path, 500, LIMITS) as film:
                assert list(film)
                assert film.ended is not None
            outcomes[True] += 1
        except VideoError as error:
            outcomes[False] += 1
            causes.add(error.cause)
        assert time.monotonic() - begun < 30
    assert len(used) == sum(outcomes.values())
    # KiB; and a minute is what any film may take.
    assert max(each.memory for each in used) <= LIMITS.memory * 1024
    assert max(each.seconds for each in used) < 60
    assert min(outcomes.values()) > 0
    assert all(len(cause) > 20 and cause.endswith(".") for cause in causes), causes
