"""Objects of everyday life with their boxes, with SSD MobileNetV2, as classes of COCO; :mod:`.labels` names them.

Liu et al., "SSD: Single Shot MultiBox Detector" (2016); Sandler et al., "MobileNetV2" (2018). Trained on COCO, whose 80
classes have numbers from 1 to 90; the authors of the weights claim an average precision of 0.22.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import numpy as np
from PIL import Image

from regard.vision.models.runtime import Model
from regard.vision.pictures.findings import Box
from regard.vision.pictures.images import Picture

PERSON: Final = 1
SIDE: Final = 300


@dataclass(frozen=True, slots=True)
class FoundObject:
    """An object: its class as COCO numbers it, its box, and the network's score, 0 to 1."""

    kind: int
    box: Box
    score: float


class ObjectDetector:
    """SSD on pictures of any size. `model` takes (1, 300, 300, 3), RGB, 0 to 255."""

    def __init__(self, model: Model) -> None:
        self._model = model

    def __call__(self, picture: Picture, at_least: float) -> list[FoundObject]:
        """The objects with a score of at least `at_least`, best first, at most 100."""
        small = Image.fromarray(picture.pixels).resize((SIDE, SIDE), Image.Resampling.BILINEAR, reducing_gap=2.0)
        boxes, kinds, scores, _ = (each[0] for each in self._model(np.asarray(small, np.float32)[None]))
        found = []
        for (top, left, bottom, right), kind, score in zip(boxes.tolist(), kinds, scores, strict=True):
            if score >= at_least:
                found.append(FoundObject(int(kind), Box(left, top, right - left, bottom - top), float(score)))
        return found
