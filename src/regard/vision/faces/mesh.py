"""The face mesh: 468 points of a face in three dimensions, from which :mod:`.landmarks`, :mod:`.pose` and :mod:`.mouth`
read.

Kartynnik, Ablavatski, Grishchenko, Grundmann: "Real-time Facial Surface Geometry from Monocular Video on Mobile
GPUs" (2019). The numbering of the points is that of the authors' canonical face model.
"""

from __future__ import annotations

import cmath

import numpy as np
from numpy.typing import NDArray

from regard.vision.faces.landmarks import LEFT_EYE, RIGHT_EYE
from regard.vision.models.runtime import Model
from regard.vision.pictures.crops import aligned, crop, square

POINTS = 468
SIZE = 192
# The network expects the points to fill two thirds of the crop. Over 255 generated portraits and 273 photographs
# they did so, in the middle, in a square of 1.33 times the long side of YuNet's box, moved 0.04 of it to the chin.
SIDE, TOWARD_CHIN = 1.33, 0.04

# The points of the mesh whose means are the five of a Face: eyes, tip of the nose, corners of the mouth.
_FIVE = (LEFT_EYE, RIGHT_EYE, (4,), (61,), (291,))


def five_of(mesh: NDArray[np.floating]) -> NDArray[np.float32]:
    """The five points of a Face (5, 2) as a mesh (468, 3) has them: another opinion than the detector's."""
    return np.stack([mesh[list(members), :2].mean(axis=0) for members in _FIVE]).astype(np.float32)


class Mesh:
    """The mesh network. `model` takes (1, 192, 192, 3) RGB, 0 to 1, and gives 1404 numbers and a presence logit."""

    def __init__(self, model: Model) -> None:
        self._model = model

    def __call__(
        self, pixels: NDArray[np.uint8], box: NDArray[np.floating], points: NDArray[np.floating]
    ) -> NDArray[np.float64]:
        """The mesh of one face: (468, 3) in pixels of the picture, z growing away from the viewer.

        `box` is left, top, width, height in pixels; `points` are the five of the face, which give the turn.
        """
        angle = cmath.phase(aligned(points).turn)
        side = float(max(box[2], box[3]))
        middle = complex(box[0] + box[2] / 2, box[1] + box[3] / 2)
        chinward = TOWARD_CHIN * side * cmath.rect(1, angle + cmath.pi / 2)
        placement = square(middle + chinward, SIDE * side, angle, SIZE)
        chip = crop(pixels, placement, SIZE)
        found = self._model(np.multiply(chip, np.float32(1 / 255), dtype=np.float32)[None])[0].reshape(POINTS, 3)
        flat = placement.to_picture(found[:, :2])
        return np.column_stack([flat, found[:, 2] * abs(placement.turn)])
