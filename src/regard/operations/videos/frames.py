"""The work on the frames of a film that are looked at: fetched from the store, decoded in sequence, kept by twenty."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from functools import partial
from itertools import islice
from typing import Any

import msgspec
import numpy as np

from regard.jobs.errors import JobFailed
from regard.jobs.job import Outcome, Part, Step
from regard.jobs.scratch import NoRoom
from regard.jobs.working import Task
from regard.operations.common.rooms import Rooms
from regard.operations.videos.questions import Question
from regard.stores.errors import BucketRefused, ObjectTooLarge, ObjectUnavailable
from regard.vision.video.film import Film, Frame
from regard.vision.video.sealed import SealedFilm

# Frames of a step: what a worker that is killed looks at again, at most.
FRAMES = 20
VIDEO = "VideoMetadata"


@contextmanager
def fetched(task: Task, rooms: Rooms) -> Iterator[SealedFilm]:
    """The film of a job, sealed on this machine until the end of the block. Raises JobFailed."""
    place = task.job.given["Video"]["S3Object"]
    where = task.job.organization, place["Bucket"], place["Name"], place.get("Version")
    assert rooms.scratch is not None
    try:
        stored = rooms.pictures.buckets.found(*where, rooms.films.limits.size)
        if stored.etag != task.job.beside["etag"]:
            raise JobFailed("The video in S3 was changed since the job was started. Start it again.")
        rooms.scratch.require(stored.size)
        with rooms.scratch.film(stored.copy_to) as film:
            yield film
    except (BucketRefused, ObjectUnavailable, ObjectTooLarge, NoRoom) as error:
        raise JobFailed(f"Unable to get the video from S3. {error}") from error


def looked_at(task: Task, rooms: Rooms, question: Question) -> Outcome:
    """Ask a question of each frame that is looked at. Raises VideoError and JobFailed."""

    def of(frames: Sequence[Frame]) -> Part:
        return part(question.of(frames))

    with fetched(task, rooms) as fetched_film, rooms.films.sampled(fetched_film) as film:
        frames = stepwise(task, film, rooms.films.interval, lambda some: (of(some),))
    return Outcome({VIDEO: metadata(film), **question.versions}, {"frames": frames})


def stepwise(
    task: Task,
    film: Film,
    interval: int,
    do: Callable[[Sequence[Frame]], tuple[Part, ...]],
    passed: Callable[[Frame], None] = lambda _frame: None,
) -> int:
    """Do the steps of the work, each on some frames of a film, in sequence; how many frames there were.

    `passed` is told of the last frame of each step that was done before.
    """
    expected, count = 1 + film.about.milliseconds // interval, 0
    for some in in_steps(film):
        if task.is_done:
            passed(some[-1])
        task.step(partial(_step, do, some, expected))
        count += len(some)
    return count


def in_steps(film: Film) -> Iterator[list[Frame]]:
    """The frames of a film, so many at a time as are looked at together."""
    frames = iter(film)
    while some := list(islice(frames, FRAMES)):
        yield some


def _step(do: Callable[[Sequence[Frame]], tuple[Part, ...]], some: Sequence[Frame], expected: int) -> Step:
    return Step(do(some), len(some), expected)


def part(elements: list[dict[str, Any]], whose: str = "") -> Part:
    """Elements of the answer to a Get operation, as a part of a job."""
    return Part(msgspec.json.encode(elements), len(elements), whose)


def metadata(film: Film) -> dict[str, Any]:
    """The VideoMetadata of a film that is over."""
    about, ended = film.about, film.ended
    return {
        "Codec": about.codec,
        "DurationMillis": ended.milliseconds if ended else about.milliseconds,
        "Format": about.format,
        # A float32 there: 29.970029830932617.
        "FrameRate": float(np.float32(about.rate)),
        "FrameHeight": about.height,
        "FrameWidth": about.width,
        "ColorRange": "FULL" if about.full_range else "LIMITED",
    }
