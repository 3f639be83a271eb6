"""How well one face scores in each of four turns: crops of it, looked at one by one or four at once on a sheet."""

from __future__ import annotations

from collections.abc import Callable
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from regard.vision.detection.detector import Detector
from regard.vision.models.runtime import Model
from regard.vision.pictures.crops import crop, square

Pixels = NDArray[np.uint8]

# The crop of a face, in pixels, and its side in longer sides of the face's box.
TILE, AROUND = 96, 1.6
# What scores less is not told.
LEAST = 0.1


class Tiles:
    """Looks at crops by :func:`chip_of`. `load` gives the detector's network for pictures of one side, in pixels.

    Networks of a fixed size, for one that takes all sizes loses 2 ms whenever the size changes: more than a look takes.
    """

    def __init__(self, load: Callable[[int], Model]) -> None:
        self._load = load

    def alone(self, chip: Pixels) -> float:
        """How well the face of one crop scores as it stands."""
        return float(_scores(self._one, chip)[0])

    def in_four_turns(self, chip: Pixels) -> NDArray[np.float64]:
        """How well the face of one crop scores when it is turned against the clock by 0 to 3 quarters: (4,)."""
        rows = [[chip, turned(chip, 1)], [turned(chip, 2), turned(chip, 3)]]
        return _scores(self._four, np.concatenate([np.concatenate(row, axis=1) for row in rows]))

    @cached_property
    def _one(self) -> Detector:
        return Detector(self._load(TILE), TILE, LEAST)

    @cached_property
    def _four(self) -> Detector:
        return Detector(self._load(2 * TILE), 2 * TILE, LEAST)


def chip_of(pixels: Pixels, box: NDArray[np.floating], angle: float) -> Pixels:
    """A crop around a face's box (left, top, width, height in pixels), turned back by the angle in radians."""
    middle, side = complex(box[0] + box[2] / 2, box[1] + box[3] / 2), float(box[2:].max())
    return crop(pixels, square(middle, AROUND * side, angle, TILE), TILE)


def turned(pixels: Pixels, quarter: int) -> Pixels:
    """The picture turned against the clock by so many quarters: what was turned with the clock stands upright."""
    return np.ascontiguousarray(np.rot90(pixels, quarter))


def _scores(detector: Detector, sheet: Pixels) -> NDArray[np.float64]:
    """How well the face in the middle of each of up to 2×2 tiles scores, row by row: (4,)."""
    seen = detector(sheet)
    middles, sides = seen.boxes[:, :2] + seen.boxes[:, 2:] / 2, seen.boxes[:, 2:].max(axis=1, initial=0)
    tiles = np.clip(middles // TILE, 0, 1)
    off = np.abs(middles - (tiles + 0.5) * TILE).max(axis=1, initial=0)
    same = (off < TILE / 4) & (sides > 0.4 * TILE / AROUND)
    scores = np.zeros(4)
    np.maximum.at(scores, (tiles @ [1, 2]).astype(int)[same], seen.scores[same])
    return scores
