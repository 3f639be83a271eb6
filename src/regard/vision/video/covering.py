"""Where the faces of a film are covered: on each frame what is found there and near it in time, so that a face that the
detector loses for a moment, or that moves between two looks, stays covered. Whose face it is plays no part.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterable, Iterator
from typing import NamedTuple

from regard.vision.pictures.findings import Box
from regard.vision.pictures.images import Picture
from regard.vision.video.film import Frame

# What is found at a look is covered for so many looks before and after it.
HELD = 2
# Boxes of two looks that follow each other belong to one face, as far as covering goes, where their centres are not
# further apart than this many of their longer sides: what is between them is covered as well.
_MOVED = 1.5


class _Look(NamedTuple):
    place: int
    boxes: list[Box]


def covering(
    frames: Iterable[Frame], look: Callable[[Picture], list[Box]], every: int
) -> Iterator[tuple[Frame, list[Box]]]:
    """Each frame, in order, and what to cover on it. `look` finds boxes, on each frame whose place is of `every`."""
    looks: deque[_Look] = deque()
    waiting: deque[tuple[int, Frame]] = deque()
    for place, frame in enumerate(frames):
        waiting.append((place, frame))
        if place % every == 0:
            looks.append(_Look(place, look(frame.picture)))
            yield from _ready(waiting, looks, every, place - HELD * every)
    if waiting and waiting[-1][0] % every:
        place, frame = waiting[-1]
        looks.append(_Look(place, look(frame.picture)))
    while waiting:
        yield from _ready(waiting, looks, every, waiting[-1][0])


def _ready(
    waiting: deque[tuple[int, Frame]], looks: deque[_Look], every: int, last: int
) -> Iterator[tuple[Frame, list[Box]]]:
    """The frames up to the place `last`, whose looks have all come."""
    while waiting and waiting[0][0] <= last:
        place, frame = waiting.popleft()
        while len(looks) > 1 and looks[1].place < place - HELD * every:
            looks.popleft()
        yield frame, areas(place, looks, every)


def areas(place: int, looks: Iterable[_Look], every: int) -> list[Box]:
    """What is covered on the frame at a place: boxes of looks near it, and what is between those around it."""
    near = [each for each in looks if abs(each.place - place) <= HELD * every]
    found = [box for each in near for box in each.boxes]
    before = [each for each in near if each.place < place]
    after = [each for each in near if each.place > place]
    if before and after:
        found += [_hull(one, two) for one in before[-1].boxes for two in after[0].boxes if _moved(one, two)]
    return found


def _moved(one: Box, two: Box) -> bool:
    apart = max(
        abs(one.left + one.width / 2 - two.left - two.width / 2),
        abs(one.top + one.height / 2 - two.top - two.height / 2),
    )
    return apart <= _MOVED * max(one.width, one.height, two.width, two.height)


def _hull(one: Box, two: Box) -> Box:
    left, top = min(one.left, two.left), min(one.top, two.top)
    right = max(one.left + one.width, two.left + two.width)
    return Box(left, top, right - left, max(one.top + one.height, two.top + two.height) - top)
