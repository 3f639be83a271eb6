"""How boxes lie over each other: n boxes and m others as arrays; two boxes in ratios are in :mod:`.findings`."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

Boxes = NDArray[np.floating]


def shared(boxes: Boxes, others: Boxes) -> NDArray[np.float64]:
    """The area that each of n boxes has in common with each of m others: (n, m), float64.

    Boxes are left, top, width, height, in any unit: (n, 4) and (m, 4).
    """
    one, other = boxes.astype(np.float64)[:, None], others.astype(np.float64)[None]
    ends = np.minimum(one[..., :2] + one[..., 2:], other[..., :2] + other[..., 2:])
    sides = ends - np.maximum(one[..., :2], other[..., :2])
    areas: NDArray[np.float64] = np.prod(np.clip(sides, 0, None), axis=2)
    return areas


def areas(boxes: Boxes) -> NDArray[np.float64]:
    """The area of each of n boxes: (n,), float64."""
    found: NDArray[np.float64] = np.prod(boxes[:, 2:].astype(np.float64), axis=1)
    return found


def best_of_each(
    boxes: Boxes, scores: NDArray[np.floating], kinds: NDArray[np.integer], most: float
) -> NDArray[np.intp]:
    """The places of the best box of each object, best first (greedy non-maximum suppression within a kind).

    A box falls to a better one of its kind where their intersection over union is more than `most`. `boxes` is (n, 4),
    `scores` and `kinds` are (n,).
    """
    left = np.argsort(-scores, kind="stable")
    sizes = areas(boxes)
    kept: list[int] = []
    while left.size:
        best, left = left[0], left[1:]
        kept.append(int(best))
        common = shared(boxes[[best]], boxes[left])[0]
        left = left[(kinds[left] != kinds[best]) | (common <= most * (sizes[best] + sizes[left] - common))]
    return np.array(kept, np.intp)
