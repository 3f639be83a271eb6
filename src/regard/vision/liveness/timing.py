"""Whether the session ran as it was asked: far at first, then in the oval, then the colours, each in its time."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from regard.vision.liveness.challenge import Challenge, Oval
from regard.vision.liveness.looking import Looked, Sight
from regard.vision.liveness.told import Told

# AWS's client makes a face's width of twice the distance of the pupils and 1.8 times that from eyes to mouth, halved.
_PUPILS, _MOUTH = 2.0, 1.8


@dataclass(frozen=True, slots=True)
class Timing:
    """`began` is how far apart the eyes were at first, as a share of the oval's width. `fits` is how well the face
    fills the oval while the client says that it does: intersection over union, 0 to 1. `off` is by how many
    milliseconds what the client told is off what was asked, at most: the film's length, and what each colour took;
    infinite where colours are missing or out of order, or begin before the face is in the oval.
    """

    began: float
    fits: float
    off: float


def timing(looked: Looked, challenge: Challenge, told: Told) -> Timing:
    """Of a session."""
    if not looked.sights:
        return Timing(1.0, 0.0, float("inf"))
    scale = looked.width / max(told.width, 1)
    oval = challenge.oval
    oval = Oval(oval.center_x * scale, oval.center_y * scale, oval.width * scale, oval.height * scale)
    first = looked.sights[: max(1, len(looked.sights) // 10)]
    begun, ended = (each - told.begun_ms for each in (told.face_in_oval.start_ms, told.face_in_oval.end_ms))
    within = [sight for sight in looked.sights if begun <= sight.ms <= max(ended, begun + 1000)]
    # Without colours AWS's client ends its film as soon as the face fits: then the last sight is the nearest there is.
    fits = float(np.median([fit(sight, oval) for sight in within or looked.sights[-1:]]))
    return Timing(
        float(np.median([sight.eyes for sight in first])) / max(oval.width, 1), fits, _off(looked, challenge, told)
    )


def starts(challenge: Challenge, told: Told) -> tuple[float, ...]:
    """When each flash began, in milliseconds of the film, by the client; empty where it does not tell of each, once in
    its order.
    """
    first: dict[int, float] = {}
    for shown in told.shown:
        first.setdefault(shown.flash, shown.start_ms - told.begun_ms)
    found = tuple(first.values())
    whole = list(first) == list(range(len(challenge.flashes)))
    return found if whole and list(found) == sorted(found) else ()


def fit(sight: Sight, oval: Oval) -> float:
    """Intersection over union of the face's box, as AWS's client makes it, and the oval's: 0 to 1."""
    eyes, nose = sight.points[:2].mean(axis=0), sight.points[2]
    mouth = sight.points[3:].mean(axis=0)
    across = (_PUPILS * sight.eyes + _MOUTH * float(np.linalg.norm(mouth - eyes))) / 2
    down = across * oval.height / max(oval.width, 1)
    x, y = (eyes + nose) / 2
    sides = [
        (float(x), across, oval.center_x, oval.width),
        (float(y), down, oval.center_y, oval.height),
    ]
    shared = 1.0
    for at, size, other, length in sides:
        shared *= max(0.0, min(at + size / 2, other + length / 2) - max(at - size / 2, other - length / 2))
    return shared / max(across * down + oval.width * oval.height - shared, 1e-9)


def _off(looked: Looked, challenge: Challenge, told: Told) -> float:
    flashes = challenge.flashes
    longest = abs(looked.last_ms - (told.ended_ms - told.begun_ms))
    if not flashes:
        return longest
    begun = starts(challenge, told)
    if not begun or begun[0] < told.face_in_oval.start_ms - told.begun_ms:
        return float("inf")
    asked = [(flash.scroll_ms if place else 0) + flash.flat_ms for place, flash in enumerate(flashes)]
    took = np.diff([*begun, told.ended_ms - told.begun_ms])
    # After the last colour the recorder has to stop.
    late = max(asked[-1] - took[-1], 0.0)
    return float(max(longest, late, *np.abs(took[:-1] - asked[:-1])))
