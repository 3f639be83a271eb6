"""Faces of any share of a picture: the detector at the picture's size, and once more on a small copy for close-ups.

The detector's cells are at most 32 pixels wide, and it knows faces up to some 400: of 24 faces that fill 0.95 of a side
it found 24 where the side was 320 to 480 pixels, at scores of 0.90 and more, and none where it was 1280. On a copy of
320 pixels it finds all that fill 0.3 to 1.2 of the side (24 of 24 at each of seven shares, the least score 0.91).
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from regard.vision.detection.detector import Candidates, Detector, apart, joined, quickly_shrunk
from regard.vision.pictures.overlaps import areas, shared

# The longest side of the small copy.
COPY = 320
# A picture up to this side is looked at again only when the first look was sure of nothing. Faces of all shares were
# found in it before, but for some of those that are larger than the picture.
LARGE = 640
# What is smaller in the copy, the first look sees better.
LEAST_SHARE = 0.3
# Of 721 upright faces in portraits 617 scored as much, of 631 upside down none (the highest 0.911), and of 300 at a
# right angle none (the highest 0.872). Of what fills so much of the shorter side, 6 of 77 upside down did (0.931), and
# more is asked for.
SURE, FILLING, SURE_FILLING = 0.92, 0.75, 0.94


class Scales:
    """The detector at two scales, or at one where a second is not worth its time."""

    def __init__(self, detector: Detector) -> None:
        self._detector = detector
        self._small = detector.of_side(COPY)

    def __call__(self, pixels: NDArray[np.uint8]) -> Candidates:
        """The faces of `pixels` (H, W, 3) RGB; those that the first look is sure of are as it saw them."""
        found = self._detector(pixels)
        longest = max(pixels.shape[:2])
        if longest <= COPY or (longest <= LARGE and bool(sure(found, pixels).any())):
            return found
        return with_closeups(found, self.closeups(pixels), pixels)

    def closeups(self, pixels: NDArray[np.uint8]) -> Candidates:
        """What the small copy of a picture shows, in pixels of the picture."""
        copy = quickly_shrunk(pixels, COPY)
        seen = self._small(copy)
        steps = (np.array(pixels.shape[1::-1]) / copy.shape[1::-1]).astype(np.float32)
        return Candidates(seen.boxes * np.tile(steps, 2), seen.scores, seen.points * steps)


def sure(found: Candidates, pixels: NDArray[np.uint8]) -> NDArray[np.bool_]:
    """Which of n faces of the picture `pixels` (H, W, 3) score as only upright ones do: (n,)."""
    filling = found.boxes[:, 2:].max(axis=1, initial=0) > FILLING * min(pixels.shape[:2])
    return found.scores >= np.where(filling, SURE_FILLING, SURE)


def with_closeups(
    found: Candidates, seen: Candidates, pixels: NDArray[np.uint8], *, their_boxes: bool = False
) -> Candidates:
    """The faces `found` in a picture, and the large ones of those `seen` in its copy, each face once.

    Of a face that both are sure of, what is `found` stays, or with `their_boxes` what is `seen`.
    """
    large = np.flatnonzero(seen.boxes[:, 2:].max(axis=1, initial=0) >= LEAST_SHARE * max(pixels.shape[:2]))
    every = joined(found, seen[large])
    certain = sure(every, pixels)
    preferred = (np.arange(len(every)) < len(found)) != their_boxes
    return every[apart(every, every.scores + (preferred & certain), certain)]


def within(found: Candidates, others: Candidates) -> NDArray[np.float64]:
    """By what share of its own box each of n faces lies within one of the others at most: (n,)."""
    most: NDArray[np.float64] = shared(found.boxes, others.boxes).max(axis=1, initial=0) / areas(found.boxes)
    return most
