"""Expressions of a face, seven classes, from a network that is right in two of three cases.

A face does not show what a person feels. The default policy withholds these estimates from every answer.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from regard.vision.models.runtime import Model
from regard.vision.pictures.findings import Estimate

# The network's classes in its order, in the words of the API. CONFUSED has no class.
_CLASSES = ("ANGRY", "DISGUSTED", "FEAR", "HAPPY", "SAD", "SURPRISED", "CALM")
_SIZE = 64


class ExpressionEstimator:
    """`model` takes (1, 64, 64, 1) grey, −1 to 1, and gives seven probabilities."""

    def __init__(self, model: Model) -> None:
        self._model = model

    def __call__(
        self, pixels: NDArray[np.uint8], box: NDArray[np.floating], quarter: int = 0
    ) -> tuple[Estimate[str], ...]:
        """Every class with 100 times its probability, the likeliest first.

        `box` is left, top, width, height; `quarter` says by how many quarters the face is turned with the clock.
        """
        left, top, width, height = box
        part = Image.fromarray(pixels).crop((round(left), round(top), round(left + width), round(top + height)))
        grey = np.asarray(part.convert("L").resize((_SIZE, _SIZE), Image.Resampling.BILINEAR), np.float32)
        found = self._model((np.rot90(grey, quarter) / 127.5 - 1)[None, :, :, None])[0][0]
        named = [Estimate(name, float(100 * share)) for name, share in zip(_CLASSES, found, strict=True)]
        return tuple(sorted(named, key=lambda estimate: -estimate.confidence))
