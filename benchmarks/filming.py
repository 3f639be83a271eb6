"""Stored video: each kind of question, against bare decoding and the bare models on the frames that are looked at; how
much quicker than a film runs it is looked at; and whether memory grows with a film's length.
"""

from __future__ import annotations

import os
import resource
import tempfile
from collections.abc import Callable, Iterator, Sequence
from fractions import Fraction
from itertools import cycle, islice
from pathlib import Path
from statistics import median
from typing import Any

import av
from av.video.frame import VideoFrame

from benchmarks.measuring import markdown, resident_mib
from benchmarks.pictures import SHARED
from regard.operations.videos.frames import FRAMES
from regard.settings import from_environment
from regard.vision.eyes import Eyes, open_eyes
from regard.vision.pictures.images import Picture
from regard.vision.video.film import Film, Limits
from regard.vision.video.measures import Measures
from regard.vision.video.segments import measurements, shots

ROUNDS = 1
# One minute of 1080p30 is made of the first, and half an hour of the second.
SHORT, LONG = "moderation-video.mp4", "truth-2997df.mp4"
RATE, SECONDS, MINUTES = 30, 60, 30
_DEFAULT = frozenset({"DEFAULT"})
_BLACK = 0.2


def run() -> str:
    """The section of docs/benchmarks.md."""
    os.sched_setaffinity(0, {0})
    settings = from_environment()
    limits, eyes = Limits.of(settings), open_eyes(settings)
    with tempfile.TemporaryDirectory() as folder:
        minute = _minute(Path(folder) / "minute.mp4")
        rows = [_against(minute, kind, model, limits, _in_films(eyes, kind)) for kind, model in _models(eyes).items()]
        rows.append(_against_measures(minute, limits))
        grown = _grown(half_an_hour(Path(folder) / "long.mp4"), _models(eyes)["faces"], limits)
    return markdown(
        "Stored video",
        ("question", "regard", "bare decoding and bare models", "times", "quicker than the film runs"),
        rows,
        f"A film of one minute, 1080p30 H.264, made of `{SHORT}`: {2 * SECONDS} frames are looked at, all of them for "
        "segments. Processor seconds, of the decoding process and of this one, both on one core. Bare decoding is PyAV "
        f"in this process, with one thread and no conversion, of every packet; bare models look at each "
        f"frame as at a picture; {ROUNDS} round.",
        f"Memory over a film of {MINUTES} minutes that is asked for faces, after two minutes and at its end: {grown}. "
        "`python -m benchmarks filming`",
    )


def _against(
    path: Path,
    kind: str,
    model: Callable[[Picture], object],
    limits: Limits,
    asked: Callable[[Sequence[Picture]], object],
) -> tuple[str, ...]:
    """`asked` is what a job asks of some frames that follow each other, `model` the same of a picture."""
    pictures = [frame.picture for frame in _frames(path, limits, [])]
    model(pictures[0])

    def ours(decoding: list[float]) -> None:
        frames = _frames(path, limits, decoding)
        while some := [frame.picture for frame in islice(frames, FRAMES)]:
            asked(some)

    def bare() -> None:
        _decoded(path)
        for each in pictures:
            model(each)

    return _row(kind, ours, bare)


def _against_measures(path: Path, limits: Limits) -> tuple[str, ...]:
    """Segments, for which every frame is measured."""

    def ours(decoding: list[float]) -> None:
        with Film(path, 0, limits, _BLACK) as film:
            shots(measurements(film.measured(), film))
        decoding.append(film.over.seconds if film.over else 0.0)

    def bare() -> None:
        measures = Measures(_BLACK)
        for number, frame in enumerate(_frames_of(path)):
            measures.of(number, 0, frame)

    return _row("segments", ours, bare)


def _row(kind: str, ours: Callable[[list[float]], None], bare: Callable[[], None]) -> tuple[str, ...]:
    """Processor seconds of both, in turn. What decoding took in a process of its own, `ours` adds to its list."""
    times: list[tuple[float, float]] = []
    for _ in range(ROUNDS):
        decoding: list[float] = []
        here = _seconds(lambda told=decoding: ours(told))
        times.append((here + sum(decoding), _seconds(bare)))
    taken, needed = (median(each) for each in zip(*times, strict=True))
    ratio = median(one / two for one, two in times)
    return kind, f"{taken:.2f} s", f"{needed:.2f} s", f"{ratio:.2f}×", f"{SECONDS / taken:.1f}×"


def _in_films(eyes: Eyes, kind: str) -> Callable[[Sequence[Picture]], object]:
    """As `regard.operations.videos.questions` asks."""
    model = _models(eyes)[kind]

    def faces(frames: Sequence[Picture]) -> object:
        found = zip(frames, eyes.faces.detect_each(frames), strict=True)
        return [eyes.faces.describe(frame, face, _DEFAULT) for frame, some in found for face in some]

    return faces if kind == "faces" else lambda frames: [model(frame) for frame in frames]


def _models(eyes: Eyes) -> dict[str, Callable[[Picture], object]]:
    def faces(picture: Picture) -> object:
        return [eyes.faces.describe(picture, face, _DEFAULT) for face in eyes.faces.detect(picture)]

    return {"labels": eyes.labels, "faces": faces, "text": eyes.text, "moderation": eyes.moderator}


def _frames(path: Path, limits: Limits, decoding: list[float]) -> Iterator[Any]:
    """The frames that are looked at; at the end, what decoding them took is added."""
    with Film(path, 500, limits) as film:
        yield from film
    decoding.append(film.over.seconds if film.over else 0.0)


def _frames_of(path: Path) -> Iterator[VideoFrame]:
    with av.open(str(path)) as container:
        stream = container.streams.video[0]
        stream.codec_context.thread_count = 1
        yield from container.decode(stream)


def _decoded(path: Path) -> None:
    for _ in _frames_of(path):
        pass


def _seconds(work: Callable[[], object]) -> float:
    """Processor seconds of this process."""
    before = resource.getrusage(resource.RUSAGE_SELF)
    work()
    after = resource.getrusage(resource.RUSAGE_SELF)
    return after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime


def _grown(path: Path, model: Callable[[Picture], object], limits: Limits) -> str:
    """The memory of this process and of the decoding one, in MiB."""
    seen: list[tuple[float, float]] = []
    with Film(path, 500, limits) as film:
        for number, frame in enumerate(film):
            model(frame.picture)
            if number in (240, 2 * (MINUTES * 60 - 20)):
                seen.append((resident_mib(os.getpid()), resident_mib(film._decoder.pid)))
    (here, there), (here_at_end, there_at_end) = seen
    return f"{here:.0f} and {here_at_end:.0f} MiB here, {there:.0f} and {there_at_end:.0f} MiB in the decoder"


def _minute(path: Path) -> Path:
    """One minute of 1080p30, encoded as a camera would: 8 Mbit/s, a key frame every two seconds."""
    options = {"preset": "veryfast", "g": "60"}
    with av.open(str(path), "w") as to:
        stream = to.add_stream("libx264", rate=RATE, options=options)
        stream.width, stream.height, stream.pix_fmt, stream.bit_rate = 1920, 1080, "yuv420p", 8_000_000
        frames = (frame for _ in cycle([None]) for frame in _frames_of(SHARED / "clips" / SHORT))
        for number, frame in enumerate(islice(frames, RATE * SECONDS)):
            large = frame.reformat(1920, 1080, "yuv420p")
            large.pts, large.time_base = number, Fraction(1, RATE)
            to.mux(stream.encode(large))
        to.mux(stream.encode(None))
    return path


def half_an_hour(path: Path) -> Path:
    """Write a film of half an hour: the packets of a short one, again and again."""
    with av.open(str(path), "w") as to:
        made, shift, seconds = None, 0, 0.0
        while seconds < MINUTES * 60:
            with av.open(str(SHARED / "clips" / LONG)) as film:
                video = film.streams.video[0]
                made = made or to.add_stream_from_template(video)
                for packet in film.demux(video):
                    if packet.dts is None:
                        continue
                    packet.pts, packet.dts = (packet.pts or 0) + shift, packet.dts + shift
                    packet.stream = made
                    to.mux(packet)
                shift += video.duration or 0
                seconds += float((video.duration or 0) * (video.time_base or 0))
    return path
