"""Crops: a square cut out of a picture, turned and scaled, as the models want their faces."""

from __future__ import annotations

import math
from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray
from PIL import Image

# Where eyes, nose and mouth corners lie in the crop that face recognition networks since ArcFace are trained on
# (Deng et al. 2019): the mean of the training faces, in pixels of 112×112.
ALIGNED = 112
TEMPLATE = np.array(
    [[38.2946, 51.6963], [73.5318, 51.5014], [56.0252, 71.7366], [41.5493, 92.3655], [70.7299, 92.2041]]
)


@dataclass(frozen=True, slots=True)
class Placement:
    """Where a crop lies: crop pixel z, as a complex number x + iy, shows picture pixel `turn` · z + `origin`.

    A complex number turns and scales in one multiplication, so the whole similarity transform is two numbers.
    """

    turn: complex
    origin: complex

    def to_picture(self, points: NDArray[np.floating]) -> NDArray[np.float64]:
        """Points of shape (n, 2) in the crop's pixels, in the picture's."""
        found = (points[:, 0] + 1j * points[:, 1]) * self.turn + self.origin
        return np.stack([found.real, found.imag], axis=1)


def aligned(points: NDArray[np.floating]) -> Placement:
    """The placement that puts a face's five `points` (5, 2) nearest to TEMPLATE, in a crop of ALIGNED pixels."""
    return fitted(TEMPLATE, points)


def fitted(template: NDArray[np.floating], points: NDArray[np.floating]) -> Placement:
    """The placement that puts `points` (n, 2) of the picture nearest to `template` (n, 2) of the crop.

    Least squares in the crop's pixels over turn, scale and shift without reflection, as of Umeyama, "Least-squares
    estimation of transformation parameters between two point patterns" (1991), which for points of a plane is a
    regression on complex numbers.
    """
    here, there = _complex(points), _complex(template)
    centre, aim = here.mean(), there.mean()
    spread = np.vdot(here - centre, here - centre).real
    shrink = complex(np.vdot(here - centre, there - aim) / spread)
    return Placement(1 / shrink, complex(centre - aim / shrink))


def square(centre: complex, side: float, angle: float, size: int) -> Placement:
    """The placement of a crop of `size` pixels that shows a square of `side` pixels turned clockwise by `angle`."""
    turn = side / size * complex(math.cos(angle), math.sin(angle))
    middle = (size - 1) / 2
    return Placement(turn, centre - turn * complex(middle, middle))


def crop(pixels: NDArray[np.uint8], placement: Placement, size: int, *, grey: bool = False) -> NDArray[np.uint8]:
    """A crop of `size` × `size` pixels out of `pixels` (H, W, 3), black where it leaves the picture.

    It is RGB (size, size, 3), or `grey` (size, size).

    Bilinear; a crop that shrinks the picture more than twice reads from a picture that was first averaged down by
    a whole factor, so that fine texture does not alias.
    """
    turn, origin = placement.turn, placement.origin
    shrink = max(1, int(abs(turn)))
    corners = origin + turn * np.array([0, size, 1j * size, size + 1j * size])
    margin = 2 * shrink
    left, top = (max(0, math.floor(side.min()) - margin) for side in (corners.real, corners.imag))
    right, bottom = (max(0, math.ceil(side.max()) + margin + 1) for side in (corners.real, corners.imag))
    part = pixels[top:bottom, left:right]
    if part.size == 0:
        return np.zeros((size, size) if grey else (size, size, 3), np.uint8)
    if grey:
        part = np.asarray(cv2.cvtColor(part, cv2.COLOR_RGB2GRAY), np.uint8)
    if shrink > 1:
        part = np.asarray(Image.fromarray(part).reduce(shrink))
    # The middle of the first pixel is 0, of whatever size pixels are.
    middle = complex(0.5, 0.5)
    start, turn = (origin - complex(left, top) + middle) / shrink - middle, turn / shrink
    matrix = np.array([[turn.real, -turn.imag, start.real], [turn.imag, turn.real, start.imag]])
    chip = cv2.warpAffine(part, matrix, (size, size), flags=cv2.INTER_LINEAR | cv2.WARP_INVERSE_MAP)
    return np.asarray(chip, np.uint8)


def _complex(points: NDArray[np.floating]) -> NDArray[np.complex128]:
    return points[:, 0].astype(np.float64) + 1j * points[:, 1]
