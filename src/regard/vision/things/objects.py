"""Objects of everyday life with their boxes, with EfficientDet-Lite0, as classes of COCO; :mod:`.labels` names them.

Tan, Pang, Le: "EfficientDet: Scalable and Efficient Object Detection" (2020); the Lite models are its authors' for
phones, in 8 bits. Trained on COCO, whose 80 classes have numbers from 1 to 90.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Final

import numpy as np
from PIL import Image

from regard.vision.models.runtime import Model
from regard.vision.pictures.findings import Box
from regard.vision.pictures.images import Picture
from regard.vision.pictures.overlaps import best_of_each
from regard.vision.things.anchors import anchors, boxes

PERSON: Final = 1
SIDE: Final = 320
# Boxes of one class that overlap more than this (intersection over union) are of one object: the authors' value.
OVERLAP = 0.5
MOST = 100
# Slope and offset of Platt's logistic curve (1999) from the log odds of a score to those of being right, fitted to the
# objects of 50 pictures of VOC: what is scored 0.47 is right in one case of two, 0.59 in four of five, 0.66 in nine of
# ten (docs/labels.md says what the curve is worth on pictures that it was not fitted to).
_CURVE = (2.833, 0.332)


@dataclass(frozen=True, slots=True)
class FoundObject:
    """An object: its class as COCO numbers it, its box, and the network's score, 0 to 1."""

    kind: int
    box: Box
    score: float

    @property
    def confidence(self) -> float:
        """How likely it is there, 0 to 100."""
        return curved(self.score, _CURVE)


class ObjectDetector:
    """EfficientDet on pictures of any size. `model` takes (1, 320, 320, 3), RGB, 0 to 255.

    It gives the scores of 90 classes, 0 to 1, and where the boxes lie, for each of n anchors: (1, n, 90), (1, n, 4).
    """

    def __init__(self, model: Model) -> None:
        self._model = model

    def __call__(self, picture: Picture, at_least: float) -> list[FoundObject]:
        """The objects with a score of at least `at_least`, each once, best first, at most 100."""
        small = Image.fromarray(picture.pixels).resize((SIDE, SIDE), Image.Resampling.BILINEAR, reducing_gap=2.0)
        scores, told = (each[0] for each in self._model(np.asarray(small)[None]))
        # Twice as fast as to look for rows and columns.
        places, kinds = np.divmod(np.flatnonzero(scores >= at_least), scores.shape[1])
        scores = scores[places, kinds]
        where = boxes(told[places], anchors(SIDE)[places])
        kept = best_of_each(where, scores, kinds, OVERLAP)[:MOST]
        return [FoundObject(int(kinds[each]) + 1, Box(*where[each].tolist()), float(scores[each])) for each in kept]


def curved(score: float, curve: tuple[float, float]) -> float:
    """The confidence, 0 to 100, that stands for a score of 0 to 1; `curve` is the slope and offset of Platt's curve."""
    inside = min(max(score, 1e-6), 1 - 1e-3)
    slope, offset = curve
    return 100 / (1 + math.exp(-slope * math.log(inside / (1 - inside)) - offset))
