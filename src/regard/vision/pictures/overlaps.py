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
