"""Anchors: the boxes against which EfficientDet tells where objects lie.

Tan, Pang, Le: "EfficientDet: Scalable and Efficient Object Detection" (2020), and the authors' code. The network lays
grids of five levels over its input, each cell half as fine as on the level before, and puts nine boxes around the
middle of each cell. For each box it tells by how much the object's lies elsewhere and is larger.
"""

from __future__ import annotations

from functools import cache
from itertools import product

import numpy as np
from numpy.typing import NDArray

# The authors' values for EfficientDet-Lite: levels, sizes between two levels, width over height, and how many cells
# wide a box is.
_LEVELS = range(3, 8)
_SIZES = (0.0, 1 / 3, 2 / 3)
_ASPECTS = (1.0, 2.0, 0.5)
_SCALE = 3.0


@cache
def anchors(side: int) -> NDArray[np.float32]:
    """The anchors of an input of `side` × `side` pixels, in the order of the network's outputs: (n, 4).

    Each is the middle down, the middle across, the height and the width, as ratios of the side.
    """
    return np.concatenate([_of_grid(-(-side // 2**level)) for level in _LEVELS]).astype(np.float32)


def _of_grid(cells: int) -> NDArray[np.float64]:
    """The anchors of a grid of `cells` × `cells`, row by row: (9 · cells², 4)."""
    middles = (np.arange(cells) + 0.5) / cells
    shapes = [
        (_SCALE * 2**size / cells / np.sqrt(aspect), _SCALE * 2**size / cells * np.sqrt(aspect))
        for size, aspect in product(_SIZES, _ASPECTS)
    ]
    found = np.empty((cells, cells, len(shapes), 4))
    found[..., 0], found[..., 1] = middles[:, None, None], middles[None, :, None]
    found[..., 2:] = shapes
    return found.reshape(-1, 4)


def boxes(told: NDArray[np.float32], around: NDArray[np.float32]) -> NDArray[np.float32]:
    """The boxes (n, 4) of what the network `told` (n, 4) of n anchors: left, top, width, height, as ratios.

    It tells how many anchors' heights down and widths across the middle lies, and the logarithms of how many times as
    high and as wide the box is. Boxes end at the edges of the picture.
    """
    down, across = (told[:, :2] * around[:, 2:] + around[:, :2]).T
    height, width = (np.exp(told[:, 2:]) * around[:, 2:]).T
    edges = np.stack([across - width / 2, down - height / 2, across + width / 2, down + height / 2], axis=1)
    edges = np.clip(edges, 0, 1)
    return np.concatenate([edges[:, :2], edges[:, 2:] - edges[:, :2]], axis=1)
