"""A second look at one face: the detector again, on an upright crop in which the face has the size it knows best."""

from __future__ import annotations

import cmath

import numpy as np
from numpy.typing import NDArray

from regard.vision.detection.detector import Detector
from regard.vision.pictures.crops import Placement, aligned, crop, square

# The crop, and the longer side of the face in it, in pixels. Larger crops took longer and gave nothing; smaller ones
# lost half of what this one gave.
SIZE, SIDE = 320, 160


class SecondLook:
    """Finds the five points of a face again."""

    def __init__(self, detector: Detector) -> None:
        self._detector = detector

    def __call__(
        self, pixels: NDArray[np.uint8], box: NDArray[np.floating], points: NDArray[np.float32]
    ) -> NDArray[np.float32]:
        """The points (5, 2) in pixels of the picture; `points` as they were where the second look finds no face.

        `box` is left, top, width, height in pixels.
        """
        placement = _upright(box, points)
        found = self._detector(crop(pixels, placement, SIZE))
        if not len(found):
            return points
        middles = found.boxes[:, :2] + found.boxes[:, 2:] / 2
        nearest = int(np.argmin(np.linalg.norm(middles - SIZE / 2, axis=1)))
        return placement.to_picture(found.points[nearest]).astype(np.float32)


def tilt(points: NDArray[np.floating]) -> float:
    """How far a face with these five points is turned in the picture, in radians, −π to π."""
    return cmath.phase(aligned(points).turn)


def _upright(box: NDArray[np.floating], points: NDArray[np.floating]) -> Placement:
    middle = complex(box[0] + box[2] / 2, box[1] + box[3] / 2)
    return square(middle, SIZE / SIDE * float(max(box[2], box[3])), tilt(points), SIZE)
