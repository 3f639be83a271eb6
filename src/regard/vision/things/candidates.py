"""Candidates: places of a picture where something of one's own may lie, with what two frozen networks see of each.

There are two ways to come by them. Proposals are the boxes of the shipped object detector, whatever it takes them for,
each cut out and looked at by the classifier of things and scenes. Cells are those of the detector's feature pyramid
(Lin and others, "Feature Pyramid Networks", 2017), each with a square around its middle.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import cached_property
from typing import Final

import cv2
import msgspec
import numpy as np
from numpy.typing import NDArray
from PIL import Image

from regard.settings import Settings
from regard.vision.heads.box_head import CELLS, PROPOSALS, WAYS, WIDE, Candidates
from regard.vision.heads.head import Base
from regard.vision.heads.scenes import MODEL
from regard.vision.models.runtime import Model, Runtime
from regard.vision.models.weights import Weights
from regard.vision.pictures.images import Picture
from regard.vision.pictures.overlaps import best_of_each
from regard.vision.things.anchors import anchors, boxes
from regard.vision.things.objects import SIDE

DETECTOR: Final = "object-detector"
# The five levels of the pyramid, 64 numbers a cell, and the last layer of the network for classes on each of them.
LAYERS: Final = tuple(f"Add {each}" for each in (129, 141, 153, 165, 176)) + tuple(
    f"Clamp {each}" for each in (74, 77, 80, 83, 86)
)
# What goes into the manifest: it changes where the same layers are read in another way.
READ_AS: Final = "proposals by the root of the last layer at length 1 and of the scores; cells by pyramid and classes"
# Proposals of a picture, each once: more of them found no more objects, and each costs an inference.
MOST_PROPOSALS, LEAST_PROPOSAL, THINNED = 32, 0.01, 0.6
# What is seen of a proposal: the classifier's last layer, and what the detector gives each of its classes.
_WIDTH = 1280 + 90
# The classifier's input as it was trained, and how much around a box is seen with it.
CROP, MEAN, SPREAD, AROUND = 224, 127.0, 128.0, 1.2
LAST: Final = "Transpose 2"


class Seeker:
    """Looks for candidates in f32, whatever the settings say. Loads its networks with the first one. Thread-safe."""

    def __init__(self, weights: Weights, runtime: Runtime) -> None:
        self._weights = weights
        self._runtime = runtime

    @classmethod
    def opened(cls, settings: Settings, weights: Weights | None = None) -> Seeker:
        """What looks, by these settings."""
        runtime = Runtime.opened(msgspec.structs.replace(settings, precision="f32"))
        return cls(weights or Weights.opened(settings), runtime)

    @property
    def base(self) -> Base:
        """The models and the layers that candidates are of."""
        layers = " + ".join((*LAYERS, MODEL, self._weights.digest(MODEL), LAST))
        return Base(DETECTOR, self._weights.digest(DETECTOR), layers)

    def __call__(self, picture: Picture, ways: tuple[str, ...] = WAYS) -> dict[str, Candidates]:
        """The candidates of each of the `ways`. Raises MissingWeights."""
        small = Image.fromarray(picture.pixels).resize((SIDE, SIDE), Image.Resampling.BILINEAR, reducing_gap=2.0)
        scores, told, *maps = self._detector(np.asarray(small)[None])
        found = {}
        if PROPOSALS in ways:
            found[PROPOSALS] = self._proposals(picture, scores[0], told[0])
        if CELLS in ways:
            found[CELLS] = _cells(maps)
        return found

    def unload(self) -> None:
        """Let go of the networks; the next picture loads them again."""
        for name in ("_detector", "_classifier"):
            self.__dict__.pop(name, None)

    def _proposals(self, picture: Picture, scores: NDArray[np.float32], told: NDArray[np.float32]) -> Candidates:
        best = scores.max(axis=1)
        places = np.flatnonzero(best >= min(LEAST_PROPOSAL, float(best.max())))
        places = places[np.argsort(-best[places], kind="stable")[: 20 * MOST_PROPOSALS]]
        where = boxes(told[places], anchors(SIDE)[places])
        kept = best_of_each(where, best[places], np.zeros(len(places), np.int64), THINNED)[:MOST_PROPOSALS]
        kept = kept[(where[kept, 2:] * (picture.width, picture.height) >= 1).all(axis=1)]
        seen = [
            np.append(self._crop(picture, box), np.sqrt(scores[place]))
            for box, place in zip(where[kept], places[kept], strict=True)
        ]
        return Candidates(where[kept], np.array(seen, np.float16).reshape(len(kept), _WIDTH))

    def _crop(self, picture: Picture, box: NDArray[np.float32]) -> NDArray[np.float32]:
        """What the classifier sees of a box, at length 1: the root of its last layer, (1280,)."""
        middle, half = box[:2] + box[2:] / 2, box[2:] * AROUND / 2
        size = np.array([picture.width, picture.height])
        left, top = np.floor(np.clip(middle - half, 0, 1) * size).astype(int)
        right, bottom = np.ceil(np.clip(middle + half, 0, 1) * size).astype(int)
        crop = cv2.resize(picture.pixels[top:bottom, left:right], (CROP, CROP), interpolation=cv2.INTER_LINEAR)
        last = np.sqrt(np.maximum(self._classifier((np.asarray(crop, np.float32)[None] - MEAN) / SPREAD)[1].ravel(), 0))
        return np.asarray(last / max(float(np.linalg.norm(last)), 1e-9), np.float32)

    @cached_property
    def _detector(self) -> Model:
        return self._runtime.load(self._weights.read(DETECTOR), (1, SIDE, SIDE, 3), fine=True, taps=LAYERS)

    @cached_property
    def _classifier(self) -> Model:
        return self._runtime.load(self._weights.read(MODEL), (1, CROP, CROP, 3), taps=(LAST,))


def cells(shapes: Sequence[tuple[int, int]]) -> tuple[NDArray[np.float32], NDArray[np.int64]]:
    """Cells of levels of so many rows and columns, level by level and row by row.

    The squares around them (n, 4), and the level of each (n).
    """
    found, levels = [], []
    for level, (rows, columns) in enumerate(shapes):
        down, across = np.mgrid[:rows, :columns]
        side = WIDE / np.array([columns, rows])
        middles = np.stack([(across.ravel() + 0.5) / columns, (down.ravel() + 0.5) / rows], axis=1)
        found.append(np.concatenate([middles - side / 2, np.broadcast_to(side, middles.shape)], axis=1))
        levels.append(np.full(len(middles), level))
    return np.concatenate(found).astype(np.float32), np.concatenate(levels)


def _cells(maps: list[NDArray[np.float32]]) -> Candidates:
    """Cells of the pyramid with the numbers of both networks; one more says which level it is."""
    levels = len(maps) // 2
    boxes, ranks = cells([(each.shape[2], each.shape[3]) for each in maps[:levels]])
    both = [np.concatenate([maps[level][0], maps[levels + level][0]]) for level in range(levels)]
    numbers = np.concatenate([each.reshape(len(each), -1).T for each in both])
    return Candidates(boxes, np.concatenate([numbers, np.eye(levels)[ranks]], axis=1).astype(np.float16))
