"""What candidates teach: each is of a thing that is there, of nothing, or neither clearly."""

from __future__ import annotations

from typing import Final, NamedTuple

import numpy as np
from numpy.typing import NDArray

from regard.evaluation.custom.detections import SAME, Truth, overlaps
from regard.vision.heads.box_head import CELLS, WIDE, Candidates, shifts_to

NOTHING: Final = -1
UNCLEAR: Final = -2
# A proposal that overlaps less than this of all things is of nothing.
_APART = 0.3
# A cell is of a thing whose middle is within this share of the thing's sides, or in the cell, and whose size is within
# so many doublings of the cell's square. It is unclear where it lies in one of up to twice as many.
_MIDDLE, _SIZES = 0.25, 0.75


class Assigned(NamedTuple):
    """For n candidates: the number of the label of each, NOTHING or UNCLEAR, and the shifts (n, 4) to its thing."""

    kinds: NDArray[np.int64]
    shifts: NDArray[np.float32]


def assigned(way: str, seen: Candidates, truth: Truth) -> Assigned:
    """What the candidates of a picture teach, that were found in this `way`."""
    boxes, kinds = truth
    found = np.full(len(seen.boxes), NOTHING, np.int64)
    shifts = np.zeros((len(seen.boxes), 4), np.float32)
    if not len(boxes) or not len(seen.boxes):
        return Assigned(found, shifts)
    of, near = _of_cells(seen.boxes, boxes) if way == CELLS else _of_proposals(seen.boxes, boxes)
    found[near] = UNCLEAR
    own = of >= 0
    found[own] = kinds[of[own]]
    shifts[own] = shifts_to(seen.boxes[own], boxes[of[own]])
    return Assigned(found, shifts)


def _of_proposals(
    places: NDArray[np.float32], boxes: NDArray[np.float32]
) -> tuple[NDArray[np.int64], NDArray[np.bool_]]:
    common = overlaps(places, boxes)
    best = common.max(axis=1)
    return np.where(best >= SAME, common.argmax(axis=1), -1), best >= _APART


def _of_cells(places: NDArray[np.float32], boxes: NDArray[np.float32]) -> tuple[NDArray[np.int64], NDArray[np.bool_]]:
    middles = boxes[:, :2] + boxes[:, 2:] / 2
    apart = np.abs((places[:, :2] + places[:, 2:] / 2)[:, None] - middles[None])
    sizes = np.sqrt(boxes[:, 2:].prod(axis=1))[None] / np.sqrt(places[:, 2:].prod(axis=1))[:, None]
    # What is smaller than the finest squares, or larger than the coarsest, is of those.
    squares = np.sqrt(places[:, 2:].prod(axis=1))
    held = np.clip(np.sqrt(boxes[:, 2:].prod(axis=1)), squares.min(), squares.max())
    away = np.abs(np.log2(held[None] / squares[:, None]))
    inner = (apart <= np.maximum(_MIDDLE * boxes[None, :, 2:], places[:, None, 2:] / WIDE / 2)).all(axis=2)
    own = inner & (away <= _SIZES)
    # Of several things the smallest: it is in front, or is lost.
    of = np.where(own, sizes, np.inf).argmin(axis=1)
    near = ((apart <= boxes[None, :, 2:] / 2).all(axis=2) & (away <= 2 * _SIZES)).any(axis=1)
    return np.where(own.any(axis=1), of, -1), near
