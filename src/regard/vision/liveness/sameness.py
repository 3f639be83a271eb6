"""One face, one person, one film: who is seen, and whether the film was cut, stopped or repeated."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from regard.vision.liveness.looking import Glance, Looked

Floats = NDArray[np.float64]

# What is compared of a glance: its middle, in so many cells.
_CELLS = (24, 18)
# Moments are looked for again from so many milliseconds on. Neighbours differ by less than `_MOVED` levels of 255 where
# a film stands still: noise alone makes 0.1 and more of it.
_APART, _MOVED = 700.0, 0.05


@dataclass(frozen=True, slots=True)
class Sameness:
    """`alike` is the least cosine of a compared face to the mean of all, 0 where fewer than two were compared;
    `company` is the share of sights with more than one face; `missed` the share of looks that found none.
    """

    alike: float
    company: float
    missed: float


@dataclass(frozen=True, slots=True)
class Continuity:
    """`jump` is the largest change of the picture's pattern between two glances, 0 for none: what a cut makes. `still`
    is for how many milliseconds the film stood still at most. `again` is by how many levels of 255 the two most alike
    moments differ that lie apart: near 0 for a frame that came twice.
    """

    jump: float
    still: float
    again: float


def sameness(looked: Looked) -> Sameness:
    """Of the faces of a film."""
    looks = len(looked.sights) + looked.missed
    compared = [sight.embedding for sight in looked.sights if sight.embedding is not None]
    alike = 0.0
    if len(compared) >= 2:
        found = np.stack(compared).astype(np.float64)
        mean = found.mean(axis=0)
        alike = float((found @ mean / max(float(np.linalg.norm(mean)), 1e-9)).min())
    company = sum(sight.faces > 1 for sight in looked.sights) / max(len(looked.sights), 1)
    return Sameness(alike, company, looked.missed / looks if looks else 1.0)


def continuity(glances: Sequence[Glance]) -> Continuity:
    """Of the frames of a film."""
    if len(glances) < 3:
        return Continuity(0.0, 0.0, 0.0)
    times = np.array([glance.ms for glance in glances])
    cells = np.stack([cv2.resize(each.small, _CELLS, interpolation=cv2.INTER_AREA) for each in glances])
    cells = cells.reshape(len(glances), -1, 3).astype(np.float32)
    patterns = cells.mean(axis=2)
    patterns = (patterns - patterns.mean(axis=1, keepdims=True)) / (patterns.std(axis=1, keepdims=True) + 1)
    jump = float(np.abs(np.diff(patterns, axis=0)).mean(axis=1).max())
    flat = cells.reshape(len(glances), -1)
    apart = np.abs(times[:, None] - times) > _APART
    differ = np.stack([np.abs(flat - each).mean(axis=1) for each in flat])
    again = float(differ[apart].min()) if apart.any() else 0.0
    return Continuity(jump, _stood(times, np.abs(np.diff(flat, axis=0)).mean(axis=1)), again)


def _stood(times: Floats, steps: NDArray[np.float32]) -> float:
    """The longest time without a step."""
    longest = began = 0.0
    for at, step in enumerate(steps):
        if step >= _MOVED:
            began = float(times[at + 1])
        longest = max(longest, float(times[at + 1]) - max(began, float(times[0])))
    return longest
