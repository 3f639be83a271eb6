"""Films made here: of any rate and codec, turned, cut short and damaged."""

from __future__ import annotations

import io
import struct
from collections.abc import Iterable, Sequence
from fractions import Fraction
from pathlib import Path
from typing import cast

import av
import numpy as np
from av.audio.stream import AudioStream
from av.container import InputContainer
from av.video.frame import VideoFrame
from av.video.stream import VideoStream
from numpy.typing import NDArray

from regard.vision.video.film import Limits

LIMITS = Limits(size=1 << 30, minutes=360, memory=2048)
_MILLISECOND = Fraction(1, 90_000)


def film_of(
    path: Path,
    frames: Iterable[NDArray[np.uint8]],
    rate: Fraction = Fraction(25),
    codec: str = "libx264",
    times: Sequence[Fraction] | None = None,
    options: dict[str, str] | None = None,
) -> Path:
    """A film of frames (H, W, 3) RGB, all of one size, at `rate` a second, or at `times` in seconds."""
    with av.open(str(path), "w") as container:
        stream = cast(VideoStream, container.add_stream(codec, rate=rate, options=options or {"crf": "30"}))
        stream.pix_fmt = "yuv420p"
        stream.codec_context.thread_count = 1
        if times is not None:
            stream.codec_context.time_base = _MILLISECOND
        for number, pixels in enumerate(frames):
            if not number:
                stream.height, stream.width = pixels.shape[:2]
            frame = VideoFrame.from_ndarray(pixels, format="rgb24")
            if times is not None:
                frame.pts, frame.time_base = round(times[number] / _MILLISECOND), _MILLISECOND
            container.mux(stream.encode(frame))
        container.mux(stream.encode(None))
    return path


def sound_of(path: Path, seconds: float) -> Path:
    """A film without pictures: so many seconds of silence."""
    with av.open(str(path), "w") as container:
        stream = container.add_stream("aac", rate=48_000)
        for _ in range(round(seconds * 48_000 / 1024)):
            frame = av.AudioFrame.from_ndarray(np.zeros((1, 1024), np.float32), format="fltp", layout="mono")
            frame.sample_rate = 48_000
            container.mux(stream.encode(frame))
        container.mux(stream.encode(None))
    return path


def toned(path: Path, codec: str, tones: Sequence[tuple[float, bool]]) -> Path:
    """A grey film with stretches of so many seconds, each with a tone or without."""
    with av.open(str(path), "w") as container:
        # Frames in their order, so that the film can be copied from Matroska, which tells one time of each alone.
        video = container.add_stream("libx264", rate=25, options={"bf": "0"})
        video.width, video.height, video.pix_fmt = 64, 64, "yuv420p"
        audio = cast(AudioStream, container.add_stream(codec, rate=48_000))
        size = audio.codec_context.frame_size or 480
        heard = np.concatenate([np.full(round(48_000 * seconds), loud) for seconds, loud in tones])
        samples = (np.sin(np.arange(len(heard)) / 9) * 9000 * heard).astype(np.int16)
        for _ in range(len(samples) * 25 // 48_000):
            container.mux(video.encode(VideoFrame.from_ndarray(np.full((64, 64, 3), 99, np.uint8), format="rgb24")))
        for at in range(0, len(samples) - size + 1, size):
            frame = av.AudioFrame.from_ndarray(samples[None, at : at + size], format="s16", layout="mono")
            frame.sample_rate, frame.pts = 48_000, at
            container.mux(audio.encode(frame))
        container.mux(video.encode(None))
        container.mux(audio.encode(None))
    return path


def numbered(count: int, size: tuple[int, int] = (64, 64), grain: int = 0) -> Iterable[NDArray[np.uint8]]:
    """Frames of `size` (height, width) that say their number: a grey bar as long as the film is old, and grain."""
    rng = np.random.default_rng(5)
    for number in range(count):
        pixels = np.full((*size, 3), 32, np.uint8)
        if grain:
            pixels += rng.integers(0, grain, pixels.shape, np.uint8)
        pixels[: size[0] // 2, : 1 + number * size[1] // max(count, 1)] = 200
        yield pixels


def quartered(film: bytes, degrees: int) -> bytes:
    """An MP4 file whose track says that it is to be turned with the clock by so many degrees, as phones have it."""
    one = 1 << 16
    cosine, sine = {0: (one, 0), 90: (0, one), 180: (-one, 0), 270: (0, -one)}[degrees]
    matrix = struct.pack(">9i", cosine, sine, 0, -sine, cosine, 0, 0, 0, 1 << 30)
    at = film.index(b"tkhd") + 4 + 40
    assert film[at : at + 36] == struct.pack(">9i", one, 0, 0, 0, one, 0, 0, 0, 1 << 30)
    return film[:at] + matrix + film[at + 36 :]


def spoiled(film: bytes, chosen: Iterable[int]) -> bytes:
    """A film whose chosen packets are full of ones."""
    data, wanted = bytearray(film), set(chosen)
    with cast(InputContainer, av.open(io.BytesIO(film))) as container:
        for number, packet in enumerate(container.demux(container.streams.video[0])):
            if number in wanted and packet.size:
                at = film.index(bytes(packet))
                data[at : at + packet.size] = b"\xff" * packet.size
    return bytes(data)
