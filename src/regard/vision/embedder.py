"""Embeddings of faces: five-point alignment and SFace.

Zhong, Deng, Hu, Zhao, Li, Wen: "SFace: Sigmoid-Constrained Hypersphere Loss for Robust Face Recognition" (2021).
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from regard.vision.crops import ALIGNED, aligned, crop
from regard.vision.runtime import Model

DIMENSIONS = 128


class Embedder:
    """SFace on aligned crops. `model` takes (1, 3, 112, 112) RGB, 0 to 255, and gives (1, 128)."""

    def __init__(self, model: Model) -> None:
        self._model = model

    def __call__(
        self, pixels: NDArray[np.uint8], points: NDArray[np.float32], *, mirrored: bool = False
    ) -> NDArray[np.float32]:
        """The embedding of one face, of length 1: float32 of shape (128,). `points` are the five of the face.

        `mirrored` embeds the face with left and right swapped after it was aligned.
        """
        chip = crop(pixels, aligned(points), ALIGNED)
        if mirrored:
            chip = chip[:, ::-1]
        found = self._model(chip.transpose(2, 0, 1)[None].astype(np.float32, order="C"))[0][0]
        embedding: NDArray[np.float32] = found / np.linalg.norm(found)
        return embedding
