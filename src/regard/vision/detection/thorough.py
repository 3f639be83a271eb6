"""Faces that must not be missed: both detectors, with lower scores than for finding, small pictures also enlarged.

For covering faces the costs are the other way round than for finding them: a wall that is covered does no harm, a face
that is not does. Measured on boxes drawn by hand: `docs/redaction.md`.
"""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from regard.vision.detection.detector import Candidates, Detector, joined, without_doubles
from regard.vision.detection.scales import Scales, with_closeups
from regard.vision.detection.small_faces import LONGEST_SIDE, SmallFaceDetector
from regard.vision.models.runtime import Model

FIRST_SCORE, SECOND_SCORE = 0.5, 0.3
# Enlarged twice, a face of 10 pixels has the 20 that the second detector needs; beyond this side it would be scaled
# down again.
ENLARGED_UP_TO = LONGEST_SIDE // 2
# Parts of a large picture share a border wider than the faces that only they can show.
_SHARED = 128
_HALF = np.float32(0.5)


class ThoroughDetector:
    """Both detectors on pictures of any size; the models are those of Detector and of SmallFaceDetector."""

    def __init__(self, first: Model, second: Model) -> None:
        self._first = Detector(first, LONGEST_SIDE, FIRST_SCORE)
        self._scales = Scales(self._first)
        self._second = SmallFaceDetector(second, SECOND_SCORE)

    def __call__(self, pixels: NDArray[np.uint8]) -> Candidates:
        """Everything in `pixels` (H, W, 3) RGB that may be a face, best first."""
        longest = max(pixels.shape[:2])
        looks = [self._first(pixels), self._second(pixels)]
        if longest <= ENLARGED_UP_TO:
            looks += self._enlarged(pixels)
        elif longest > LONGEST_SIDE:
            looks += [_moved(self._second(part), left, top) for left, top, part in _parts(pixels)]
        return with_closeups(without_doubles(joined(*looks)), self._scales.closeups(pixels), pixels, their_boxes=True)

    def _enlarged(self, pixels: NDArray[np.uint8]) -> Iterator[Candidates]:
        height, width = pixels.shape[:2]
        twice = np.asarray(Image.fromarray(pixels).resize((2 * width, 2 * height), Image.Resampling.BICUBIC))
        for found in (self._first(twice), self._second(twice)):
            yield Candidates(found.boxes * _HALF, found.scores, found.points * _HALF)


def _parts(pixels: NDArray[np.uint8]) -> Iterator[tuple[int, int, NDArray[np.uint8]]]:
    height, width = pixels.shape[:2]
    for top in _starts(height):
        for left in _starts(width):
            yield left, top, pixels[top : top + LONGEST_SIDE, left : left + LONGEST_SIDE]


def _starts(length: int) -> range:
    return range(0, max(1, length - _SHARED), LONGEST_SIDE - _SHARED)


def _moved(found: Candidates, left: int, top: int) -> Candidates:
    boxes = found.boxes.copy()
    boxes[:, :2] += (left, top)
    return Candidates(boxes, found.scores, found.points + np.array([left, top], np.float32))
