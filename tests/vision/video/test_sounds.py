"""The sound of a film goes to the covered one packet by packet, at its times, and with no name or title beside it."""

from __future__ import annotations

from fractions import Fraction
from pathlib import Path
from typing import Any

import av
import numpy as np
import pytest

from regard.vision.video.film import Film, VideoError
from regard.vision.video.messages import Sound
from regard.vision.video.sounds import TAKEN, add_sounds, not_taken
from regard.vision.video.writing import Writer
from tests.helpers.films import LIMITS, toned

# FFmpeg writes no Vorbis that is worth its name: there is a film with it.
FORMS = [(suffix, codec) for suffix, taken in TAKEN.items() for codec in taken if codec != "vorbis"]
_ENCODERS = {"mp3": "libmp3lame", "opus": "libopus"}
NAME = b"Annas Geburtstag"


def _heard(path: Path) -> list[tuple[Fraction, bytes]]:
    """The packets of sound, and when they come."""
    with av.open(str(path)) as film:
        sound = film.streams.audio[0]
        return [
            (Fraction((each.pts or 0) * (each.time_base or 0)), bytes(each)) for each in film.demux(sound) if each.size
        ]


def _covered(film: Film, to: Path, suffix: str) -> None:
    with Writer(to, suffix, film.about.rate) as writer:
        for frame in film:
            writer.add(frame.milliseconds, frame.picture)


@pytest.mark.long
@pytest.mark.parametrize(("suffix", "codec"), FORMS)
def test_sound_is_copied_as_it_is_and_names_and_titles_are_left_behind(tmp_path: Path, suffix: str, codec: str) -> None:
    path, made = tmp_path / "told.mkv", tmp_path / "made"
    _titled(toned(tmp_path / "plain.mkv", _ENCODERS.get(codec, codec), [(1.0, True), (1.0, False)]), path)
    _made(path, made, suffix)
    before, after = _heard(path), _heard(made)
    # PCM is cut into packets anew.
    if codec.startswith("pcm"):
        assert b"".join(data for _, data in after) == b"".join(data for _, data in before)
    else:
        # What comes before the pictures, as encoders begin, is left out.
        kept = before[len(before) - len(after) :]
        assert len(kept) >= 0.95 * len(before)
        assert [data for _, data in after] == [data for _, data in kept]
        assert max(abs(one - two) for (one, _), (two, _) in zip(after, kept, strict=True)) < Fraction(2, 1000)
    with Film(made, 0, LIMITS, 0.2) as film:
        list(film.measured())
        assert [sound.codec for sound in film.about.sounds] == [codec]
        assert film.ended is not None
        assert film.ended.frames == 50


def test_sound_begins_with_the_pictures(tmp_path: Path) -> None:
    """Two seconds of sound; the pictures begin after the first of them."""
    path, made = tmp_path / "film.mkv", tmp_path / "made"
    with av.open(str(path), "w") as container:
        video = container.add_stream("libx264", rate=25)
        video.width, video.height, video.pix_fmt = 64, 64, "yuv420p"
        audio = container.add_stream("pcm_s16le", rate=48_000, layout="mono")
        for number in range(100):
            sound = av.AudioFrame.from_ndarray(np.full((1, 960), number, np.int16), format="s16", layout="mono")
            sound.sample_rate, sound.pts = 48_000, 960 * number
            container.mux(audio.encode(sound))
        for number in range(25):
            frame = av.VideoFrame.from_ndarray(np.full((64, 64, 3), 99, np.uint8), format="rgb24")
            frame.pts, frame.time_base = 25 + number, Fraction(1, 25)
            container.mux(video.encode(frame))
        container.mux(video.encode(None))
    with Film(path, 0, LIMITS) as film:
        _covered(film, made, ".mkv")
    add_sounds(film, path, made, ".mkv", LIMITS)
    first, last = _heard(made)[0], _heard(made)[-1]
    assert int.from_bytes(first[1][:2], "little") == 50
    assert float(first[0]) < 0.03
    assert 0.95 < float(last[0]) < 1.0


def _titled(path: Path, told: Path) -> None:
    """The film with a person's name wherever a film has titles."""
    words = {"title": NAME.decode(), "artist": NAME.decode(), "language": "fin"}
    with av.open(str(path)) as source, av.open(str(told), "w") as to:
        to.metadata.update(words)
        streams: dict[Any, Any] = {}
        for stream in source.streams:
            streams[stream] = to.add_stream_from_template(stream, opaque=True)
            streams[stream].metadata.update(words)
            context = streams[stream].codec_context
            if context.name == "vorbis":
                context.extradata = _named(bytes(context.extradata))
        for packet in source.demux():
            if packet.pts is not None:
                packet.dts = packet.pts if packet.dts is None else packet.dts
                packet.stream = streams[packet.stream]
                to.mux(packet)


def _made(told: Path, made: Path, suffix: str, interval: int = 0) -> None:
    """The sound of `told` added to its pictures; nothing of what it is called is left."""
    assert told.read_bytes().count(NAME) >= 2
    with Film(told, interval, LIMITS) as film:
        assert not not_taken(film.about.sounds, suffix)
        _covered(film, made, suffix)
    add_sounds(film, told, made, suffix, LIMITS)
    assert NAME not in made.read_bytes()
    with av.open(str(made)) as copied:
        assert copied.streams.audio[0].metadata.get("language", "und") == "und"
        assert sum(1 for _ in copied.decode(audio=0)) > 5


@pytest.mark.long
def test_titles_in_the_head_of_vorbis_are_left_behind(shared_data: Path, tmp_path: Path) -> None:
    plain, told, made = shared_data / "clips" / "big_buck_bunny_0_30.webm", tmp_path / "told.webm", tmp_path / "made"
    _titled(plain, told)
    _made(told, made, ".webm", 10_000)
    assert [data for _, data in _heard(made)] == [data for _, data in _heard(plain)][-len(_heard(made)) :]


def _named(head: bytes) -> bytes:
    """The head of Vorbis with a title in its comments, which are the second of its packets."""
    first, comments = head[1], head[2]
    assert max(first, comments) < 200
    at = 3 + first
    title = b"TITLE=" + NAME
    made = b"\x03vorbis" + bytes(4) + (1).to_bytes(4, "little") + len(title).to_bytes(4, "little") + title + b"\x01"
    return bytes([2, first, len(made)]) + head[3:at] + made + head[at + comments :]


def test_a_form_that_does_not_take_a_sound_says_which_does() -> None:
    assert not_taken([Sound("aac", 0, 0, 0)], ".webm") == (
        "A .webm film takes no sound of the codec aac. Write .mp4 or .mkv, or leave the sound out."
    )
    assert not_taken([Sound("opus", 0, 0, 0), Sound("mp2", 0, 0, 0)], ".mkv").endswith("Leave the sound out.")


def test_a_sound_that_cannot_be_copied_leaves_the_film_as_it_was(tmp_path: Path) -> None:
    path, made = toned(tmp_path / "film.mkv", "aac", [(0.5, True)]), tmp_path / "made"
    with Film(path, 0, LIMITS) as film:
        _covered(film, made, ".mkv")
    before = made.read_bytes()
    path.write_bytes(b"no film any more" * 100)
    with pytest.raises(VideoError, match="sound cannot be copied"):
        add_sounds(film, path, made, ".mkv", LIMITS)
    assert made.read_bytes() == before
    assert {each.name for each in tmp_path.iterdir()} == {"film.mkv", "made"}
