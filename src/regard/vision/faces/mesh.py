"""The face mesh: 468 points of a face in three dimensions, from which :mod:`.landmarks`, :mod:`.pose` and :mod:`.mouth`
read.

Kartynnik, Ablavatski, Grishchenko, Grundmann: "Real-time Facial Surface Geometry from Monocular Video on Mobile
GPUs" (2019). The numbering of the points is that of the authors' canonical face model.
"""

from __future__ import annotations

import cmath
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

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


@dataclass(frozen=True, slots=True)
class Seen:
    """A face as the network sees it: its mesh (468, 3) in pixels of the picture, the same points (468, 2) in the crop
    as ratios of its side, and by their names the layers that were asked for, each (channels, rows, columns).
    """

    mesh: NDArray[np.float64]
    places: NDArray[np.float32]
    layers: Mapping[str, NDArray[np.float32]] = field(default_factory=dict)


class Mesh:
    """The mesh network. `model` takes (1, 192, 192, 3) RGB, 0 to 1, and gives 1404 numbers, a presence logit, and
    `layers` from within it.
    """

    def __init__(self, model: Model, layers: Sequence[str] = ()) -> None:
        self._model = model
        self._layers = layers

    def __call__(
        self, pixels: NDArray[np.uint8], box: NDArray[np.floating], points: NDArray[np.floating]
    ) -> NDArray[np.float64]:
        """The mesh of one face: (468, 3) in pixels of the picture, z growing away from the viewer.

        `box` is left, top, width, height in pixels; `points` are the five of the face, which give the turn.
        """
        return self.see(pixels, box, points).mesh

    def see(self, pixels: NDArray[np.uint8], box: NDArray[np.floating], points: NDArray[np.floating]) -> Seen:
        """The mesh of one face, and the network's layers: for heads (:mod:`regard.vision.heads.heads`)."""
        angle = cmath.phase(aligned(points).turn)
        side = float(max(box[2], box[3]))
        middle = complex(box[0] + box[2] / 2, box[1] + box[3] / 2)
        chinward = TOWARD_CHIN * side * cmath.rect(1, angle + cmath.pi / 2)
        placement = square(middle + chinward, SIDE * side, angle, SIZE)
        chip = crop(pixels, placement, SIZE)
        outputs = self._model(np.multiply(chip, np.float32(1 / 255), dtype=np.float32)[None])
        found = outputs[0].reshape(POINTS, 3)
        flat = placement.to_picture(found[:, :2])
        layers = {name: output[0] for name, output in zip(self._layers, outputs[2:], strict=True)}
        return Seen(
            np.column_stack([flat, found[:, 2] * abs(placement.turn)]),
            np.asarray(found[:, :2] / SIZE, np.float32),
            layers,
        )
