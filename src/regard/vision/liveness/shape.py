"""Whether what comes nearer is solid: a head that comes nearer bulges, a picture of one only grows.

Two views of a plane differ by a homography. What stands out of the plane moves against it: with a turn by its depth,
and with an approach by its depth times how far from the middle it is, toward the middle where it is behind (plane and
parallax: Irani, Anandan, "Parallax geometry of pairs of points for 3D scene analysis", 1996). How deep each point of a
face is, the mesh says well enough: it is the same for all heads within a tenth or two. Where each went, it does not: a
network that knows heads draws heads, and shows a quarter of what moves. So that is seen in the pictures, by dense
optical flow between the two faces (Kroeger, Timofte, Dai, Van Gool: "Fast Optical Flow using Dense Inverse Search",
2016), from far to near and back, and what does not come back is left out.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from regard.vision.liveness.looking import CHIP, Sight

Floats = NDArray[np.float64]

# Outer corners of the eyes.
_LEFT, _RIGHT = 33, 263
# Sights count as far where the face is at most so much larger than in the smallest, as near where it is at least so
# much of the largest; of each so many are compared.
_FAR, _NEAR, _MOST = 1.15, 0.88, 3
# Below this a face hardly came nearer, and says nothing of its depth.
_GROWN = 1.2
# Flow that does not come back to within so many pixels of a chip lost its way.
_ASTRAY = 1.0
_FEWEST = 60
# Rounds in which what fits badly is given less weight.
_ROUNDS = 4
# Points that move with lids, lips and the jaw tell nothing of depth.
_MOVING = np.array(
    sorted(
        {*(0, 11, 12, 13, 14, 15, 16, 17, 37, 39, 40, 61, 72, 73, 74, 76, 77, 78, 80, 81, 82, 84, 85, 86, 87, 88, 89)}
        | {*(90, 91, 95, 96, 146, 178, 179, 180, 181, 183, 184, 185, 191, 267, 269, 270, 291, 302, 303, 304, 306, 307)}
        | {*(308, 310, 311, 312, 314, 315, 316, 317, 318, 319, 320, 321, 324, 325, 375, 402, 403, 404, 405, 407, 408)}
        | {*(409, 415, 145, 153, 154, 155, 157, 158, 159, 160, 161, 163, 144, 246, 7)}
        | {*(374, 380, 381, 382, 384, 385, 386, 387, 388, 390, 373, 466, 249)}
    )
)
_STILL = np.setdiff1d(np.arange(468), _MOVING)


@dataclass(frozen=True, slots=True)
class Solidity:
    """`grew` is how many times nearer the face came. `depth` is how strongly it bulged against what a head of human
    depth would that grew so: about 1 for a head, about 0 for a plane; 0 where it hardly came nearer.
    """

    grew: float
    depth: float
    pairs: int


def solidity(sights: Sequence[Sight], width: int, height: int) -> Solidity:
    """What the meshes of a film say; pixels are those of a picture of this size."""
    if not sights:
        return Solidity(1.0, 0.0, 0)
    sizes = np.array([_size(sight) for sight in sights])
    nearest = int(np.argmax(sizes))
    far = [sight for sight, size in zip(sights[: nearest + 1], sizes, strict=False) if size <= _FAR * sizes.min()]
    near = [sight for sight, size in zip(sights, sizes, strict=True) if size >= _NEAR * sizes.max()]
    if not far or not near:
        return Solidity(1.0, 0.0, 0)
    far, near = _spread(far), _spread(near)
    middle = np.array([width / 2, height / 2])
    grew = float(np.median([_size(each) for each in near]) / np.median([_size(each) for each in far]))
    bulges = [bulge for one in far for other in near if (bulge := _bulge(one, other, middle)) is not None]
    if grew <= _GROWN or not bulges:
        return Solidity(grew, 0.0, len(bulges))
    size = float(np.median([_size(each) for each in near]))
    return Solidity(grew, float(np.median(bulges)) / expected(grew, size, width, height), len(bulges))


def expected(grew: float, size: float, width: int, height: int) -> float:
    """How strongly a head bulges that grew so many times to `size` pixels between the outer corners of its eyes.

    A point that lies z behind the plane of the eyes shrinks by z (1/near − 1/far). Distances in that unit, 90 mm of a
    grown-up, are focal length over size; cameras of laptops and telephones see about 65 degrees along the longer side,
    a focal length of 0.78 of it.
    """
    return size / (0.78 * max(width, height)) * (1 - 1 / max(grew, 1.05))


def _size(sight: Sight) -> float:
    return float(np.linalg.norm(sight.mesh[_RIGHT, :2] - sight.mesh[_LEFT, :2]))


def _spread(sights: list[Sight]) -> list[Sight]:
    places = np.unique(np.linspace(0, len(sights) - 1, min(_MOST, len(sights))).round().astype(int))
    return [sights[place] for place in places]


def _bulge(far: Sight, near: Sight, middle: Floats) -> float | None:
    """By how much of its distance from the middle a point moves toward it that lies one eye-width behind the plane.

    Solved for: a homography, linearized (8), depth times a shift (2), and depth times the distance from the middle.
    None where too few points are found again.
    """
    size = _size(far)
    ends, found = _followed(far, near)
    if found.sum() < _FEWEST:
        return None
    start, depth = (far.mesh[_STILL, :2] - middle) / size, far.mesh[_STILL, 2] / size
    start, depth, end = start[found], (depth - depth.mean())[found], ((ends - middle) / size)[found]
    x, y = start.T
    one, none = np.ones_like(x), np.zeros_like(x)
    across = np.stack([x, y, one, none, none, none, x * x, x * y, depth, none, depth * x], axis=1)
    down = np.stack([none, none, none, x, y, one, x * y, y * y, none, depth, depth * y], axis=1)
    answer = _solved(np.stack([across, down]), end.T)
    scale = (answer[0] + answer[4]) / 2
    return float(-answer[10] / scale) if scale > 0 else None


def _solved(inputs: Floats, wanted: Floats) -> Floats:
    """The solution of `inputs` (2, n, d) for `wanted` (2, n), where points that fit badly weigh less (Huber)."""
    weights: Floats = np.ones(inputs.shape[1])
    answer: Floats = np.zeros(inputs.shape[2])
    for _ in range(_ROUNDS):
        both = np.tile(weights, 2)
        found = np.linalg.lstsq(np.concatenate(inputs) * both[:, None], wanted.ravel() * both, rcond=None)[0]
        answer = np.asarray(found, np.float64)
        off = np.abs(inputs @ answer - wanted).max(axis=0)
        weights = np.asarray(np.minimum(1, 1.5 * np.median(off) / np.maximum(off, 1e-9)), np.float64)
    return answer


def _followed(far: Sight, near: Sight) -> tuple[Floats, NDArray[np.bool_]]:
    """Where the still points of the far face are in the near picture (n, 2), and which of them were found again."""
    # Its stubs know of no flow that begins from nothing.
    flow: Any = cv2.DISOpticalFlow.create(cv2.DISOPTICAL_FLOW_PRESET_MEDIUM)
    one, other = _leveled(far.chip), _leveled(near.chip)
    there, back = flow.calc(one, other, None), flow.calc(other, one, None)
    points = far.mesh[_STILL, 0] + 1j * far.mesh[_STILL, 1]
    points = (points - far.placement.origin) / far.placement.turn
    begun = np.stack([points.real, points.imag], axis=1)
    went = _at(there, begun)
    ended = begun + went
    found = np.linalg.norm(went + _at(back, ended), axis=1) < _ASTRAY
    found &= (ended.min(axis=1) > 2) & (ended.max(axis=1) < CHIP - 3)
    return near.placement.to_picture(ended), found


def _at(flow: NDArray[np.float32], points: Floats) -> Floats:
    x, y = points.astype(np.float32).T[:, None]
    return np.asarray(cv2.remap(flow, x, y, cv2.INTER_LINEAR)[0], np.float64)


def _leveled(chip: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """A chip as sharp as a far one is, and with the same contrast everywhere, whatever lights it."""
    soft = cv2.GaussianBlur(chip, (0, 0), 1.5).astype(np.float32)
    mean = cv2.GaussianBlur(soft, (0, 0), 18)
    spread = cv2.GaussianBlur((soft - mean) ** 2, (0, 0), 18)
    return np.clip(128 + 40 * (soft - mean) / np.sqrt(spread + 4), 0, 255).astype(np.uint8)
