"""Embeddings of faces: five-point alignment and SFace. What two of them are worth, :mod:`.similarity` says.

Zhong, Deng, Hu, Zhao, Li, Wen: "SFace: Sigmoid-Constrained Hypersphere Loss for Robust Face Recognition" (2021).
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from regard.vision.models.runtime import Model
from regard.vision.pictures.crops import ALIGNED, aligned, crop

DIMENSIONS = 128
# Four take a seventh less time together than one by one, more of them no less (docs/benchmarks.md, Batches).
TOGETHER = 4


class Embedder:
    """SFace on aligned crops. `model` takes (1, 3, 112, 112) RGB, 0 to 255, and gives (1, 128); what `load_together`
    loads once a picture has so many faces takes and gives TOGETHER times that."""

    def __init__(self, model: Model, load_together: Callable[[], Model]) -> None:
        self._model = model
        self._load_together = load_together

    def __call__(
        self, pixels: NDArray[np.uint8], points: Sequence[NDArray[np.float32]], *, mirrored: bool = False
    ) -> NDArray[np.float32]:
        """The embeddings of n faces, each of length 1: float32 of shape (n, 128). `points` are the five of each face.

        `mirrored` embeds the faces with left and right swapped after they were aligned.
        """
        found = np.empty((len(points), DIMENSIONS), np.float32)
        crops = [_crop(pixels, each, mirrored) for each in points]
        alone = len(crops) // TOGETHER * TOGETHER
        for start in range(0, alone, TOGETHER):
            some = slice(start, start + TOGETHER)
            found[some] = self._together(np.stack(crops[some]))[0]
        for place in range(alone, len(crops)):
            found[place] = self._model(crops[place][None])[0][0]
        found /= np.linalg.norm(found, axis=1, keepdims=True)
        return found

    @cached_property
    def _together(self) -> Model:
        return self._load_together()


def _crop(pixels: NDArray[np.uint8], points: NDArray[np.float32], mirrored: bool) -> NDArray[np.float32]:
    chip = crop(pixels, aligned(points), ALIGNED)
    return np.ascontiguousarray((chip[:, ::-1] if mirrored else chip).transpose(2, 0, 1), np.float32)
