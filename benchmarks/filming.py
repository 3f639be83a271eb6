"""Stored video: each kind of question, against bare decoding and the bare models on the frames that are looked at."""

from __future__ import annotations

import os
import resource
from collections.abc import Callable
from pathlib import Path
from statistics import median
from typing import Any

import av

from benchmarks.measuring import markdown
from benchmarks.pictures import SHARED
from regard.settings import from_environment
from regard.vision.eyes import Eyes, open_eyes
from regard.vision.pictures.images import Picture
from regard.vision.video.film import Film, Limits

ROUNDS = 3
CLIPS = ("moderation-video.mp4", "truth-2997df.mp4")
_DEFAULT = frozenset({"DEFAULT"})


def run() -> str:
    """The section of docs/benchmarks.md."""
    os.sched_setaffinity(0, {0})
    settings = from_environment()
    eyes, rows = open_eyes(settings), []
    for name in CLIPS:
        path = SHARED / "clips" / name
        for kind, model in _models(eyes).items():
            pictures = [frame.picture for frame in _film(path, Limits.of(settings))]
            model(pictures[0])
            ours, bare = [], []
            for _ in range(ROUNDS):
                ours.append(_seconds(lambda p=path, m=model: _asked(p, m, Limits.of(settings))))
                bare.append(_seconds(lambda p=path, m=model, s=pictures: (_decoded(p), [m(each) for each in s])))
            ratio = median(one / two for one, two in zip(ours, bare, strict=True))
            shown = f"{median(ours):.2f} s", f"{median(bare):.2f} s", f"{ratio:.2f}×"
            rows.append((name, str(len(pictures)), kind, *shown))
    return markdown(
        "Stored video",
        ("film", "frames looked at", "question", "regard", "bare decoding and bare models", "times"),
        rows,
        "Processor seconds, of the decoding process and of this one, both on one core. Bare decoding is PyAV in this "
        f"process, with one thread and no conversion; medians of {ROUNDS}. `python -m benchmarks filming`",
    )


def _models(eyes: Eyes) -> dict[str, Callable[[Picture], object]]:
    def faces(picture: Picture) -> object:
        return [eyes.faces.describe(picture, face, _DEFAULT) for face in eyes.faces.detect(picture)]

    return {"labels": eyes.labels, "faces": faces, "text": eyes.text, "moderation": eyes.moderator}


def _film(path: Path, limits: Limits) -> Any:
    with Film(path, 500, limits) as film:
        yield from film


def _asked(path: Path, model: Callable[[Picture], object], limits: Limits) -> None:
    for frame in _film(path, limits):
        model(frame.picture)


def _decoded(path: Path) -> None:
    with av.open(str(path)) as container:
        stream = container.streams.video[0]
        stream.codec_context.thread_count = 1
        for _ in container.decode(stream):
            pass


def _seconds(work: Callable[[], object]) -> float:
    """Processor seconds of this process and of those that it waited for."""
    before = _used()
    work()
    return _used() - before


def _used() -> float:
    used = [resource.getrusage(who) for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)]
    return sum(each.ru_utime + each.ru_stime for each in used)
