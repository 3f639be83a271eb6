"""What the mouth does, read off the mesh: whether it is open, whether it smiles.

Both are a length of the face, compared with a threshold; the confidence is the logistic of the distance to it.
Threshold and scale were fitted to what a person said of 48 photographs (LFW) spread evenly over each measure; on
these the answer was right for 44 of the 48, for either.
"""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray

from regard.vision.pictures.findings import Estimate

# Corners of the mouth, inner edges of the lips, corners of the eyes, by their numbers in the mesh.
_CORNERS, _LIPS, _EYES = (61, 291), (13, 14), (33, 133, 362, 263)
_OPEN, _OPEN_SCALE = 0.096, 0.021
_SMILE, _SMILE_SCALE = 0.042, 0.011
# A smile lifts the corners and widens the mouth; in units of the distance between the outer corners of the eyes, a
# resting mouth is 0.6 wide, and widening counts 0.3 of lifting.
_RESTING, _WIDENING = 0.6, 0.3


def mouth_open(mesh: NDArray[np.floating]) -> Estimate[bool]:
    """Whether the lips are apart: the gap between them against the width of the mouth."""
    gap = _distance(mesh, *_LIPS) / _distance(mesh, *_CORNERS)
    return _judged(gap, _OPEN, _OPEN_SCALE)


def smile(mesh: NDArray[np.floating]) -> Estimate[bool]:
    """Whether the corners of the mouth are lifted above its middle, and the mouth is wide."""
    span = _distance(mesh, _EYES[0], _EYES[3])
    across = mesh[_EYES[3]] - mesh[_EYES[0]]
    down = mesh[list(_LIPS)].mean(axis=0) - mesh[list(_CORNERS)].mean(axis=0)
    # Down is measured across the line of the eyes, so that a tilted head smiles as much as an upright one.
    lift = (across[0] * down[1] - across[1] * down[0]) / math.hypot(across[0], across[1]) / span
    width = _distance(mesh, *_CORNERS) / span
    return _judged(float(lift) + _WIDENING * (width - _RESTING), _SMILE, _SMILE_SCALE)


def _judged(measure: float, threshold: float, scale: float) -> Estimate[bool]:
    sure = 100 / (1 + math.exp(-min(abs(measure - threshold) / scale, 50)))
    return Estimate(measure > threshold, sure)


def _distance(mesh: NDArray[np.floating], one: int, other: int) -> float:
    return float(np.linalg.norm(mesh[one] - mesh[other]))
