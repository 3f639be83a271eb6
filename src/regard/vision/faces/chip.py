"""The aligned face as the embedder sees it within: for heads that read an inner layer of it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
from numpy.typing import NDArray

from regard.vision.models.runtime import Model
from regard.vision.pictures.crops import ALIGNED, aligned, crop

_CELLS = 7
# The middles of seven by seven cells of the crop, row by row, across and down as ratios of its side: the points of
# heads that read the embedder. Eyes, nose and mouth of aligned faces always lie in the same ones.
GRID = np.array(
    [((column + 0.5) / _CELLS, (row + 0.5) / _CELLS) for row in range(_CELLS) for column in range(_CELLS)], np.float32
)


class Chip:
    """`model` is the embedder as far as `layers` from within it, which it gives: (1, 3, 112, 112) RGB, 0 to 255, in."""

    def __init__(self, model: Model, layers: Sequence[str]) -> None:
        self._model = model
        self._layers = layers

    def __call__(self, pixels: NDArray[np.uint8], points: NDArray[np.floating]) -> Mapping[str, NDArray[np.float32]]:
        """By their names the layers, each (channels, rows, columns), of the face with these five `points`."""
        seen = crop(pixels, aligned(points), ALIGNED).transpose(2, 0, 1)
        outputs = self._model(np.ascontiguousarray(seen, np.float32)[None])
        return {name: output[0] for name, output in zip(self._layers, outputs, strict=True)}
