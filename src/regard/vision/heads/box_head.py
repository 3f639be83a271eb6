"""A head that tells where things of one's own lie: linear answers on the candidates of a picture, in f32."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Final, NamedTuple

import numpy as np
from numpy.typing import NDArray

from regard.vision.pictures.overlaps import best_of_each

Floats = NDArray[np.float32]
# Ways to come by candidates; :mod:`regard.vision.things.candidates` has them.
PROPOSALS: Final = "proposals"
CELLS: Final = "cells"
WAYS: Final = (PROPOSALS, CELLS)
# How many cells wide the square of a cell is, as anchors are at least three.
WIDE: Final = 4.0
# Boxes of one label that overlap more than this (intersection over union) are of one thing, and how many a picture has
# at most: a manifest may have 50.
OVERLAP: Final = 0.45
MOST: Final = 50
# Candidates that are looked at further, the surest; and how far a box may be moved, as the logarithm of its size.
_MOST_CANDIDATES, MOST_SHIFT = 600, 2.0


@dataclass(frozen=True, slots=True)
class Candidates:
    """n places: `boxes` (n, 4), left, top, width, height as ratios of the picture, and `features` (n, d), float16."""

    boxes: NDArray[np.float32]
    features: NDArray[np.float16] = field(repr=False)


class Framed(NamedTuple):
    """m boxes of one picture, surest first: (m, 4) in ratios, the number of each label, and scores, 0 to 1."""

    boxes: Floats
    kinds: NDArray[np.intp]
    scores: Floats


@dataclass(frozen=True, slots=True)
class BoxHead:
    """`weights` (d, k) and `offsets` (k,) give the log odds of k labels; `shifts` (d, 4) and `places` (4,) how much of
    a candidate's width and height the thing's middle lies across and down, and the logarithms of how many times as wide
    and as high it is.
    """

    weights: Floats = field(repr=False)
    offsets: Floats = field(repr=False)
    shifts: Floats = field(repr=False)
    places: Floats = field(repr=False)

    def __call__(self, seen: Candidates, least: Floats) -> Framed:
        """What is told of a picture with a score of at least that of its label in `least` (k,), each thing once."""
        features = seen.features.astype(np.float32)
        odds = np.clip(features @ self.weights + self.offsets, -60, 60)
        scores = (1 / (1 + np.exp(-odds))).astype(np.float32)
        places, kinds = np.nonzero(scores >= least)
        order = np.argsort(-scores[places, kinds], kind="stable")[:_MOST_CANDIDATES]
        places, kinds = places[order], kinds[order]
        where = moved(seen.boxes[places], features[places] @ self.shifts + self.places)
        kept = best_of_each(where, scores[places, kinds], kinds, OVERLAP)[:MOST]
        return Framed(where[kept], kinds[kept], scores[places[kept], kinds[kept]])


def moved(boxes: Floats, shifts: Floats) -> Floats:
    """Boxes (n, 4) that are moved by shifts (n, 4) and end at the edges of the picture."""
    sides = boxes[:, 2:] * np.exp(np.clip(shifts[:, 2:], -MOST_SHIFT, MOST_SHIFT))
    middles = boxes[:, :2] + boxes[:, 2:] / 2 + shifts[:, :2] * boxes[:, 2:]
    begin, end = np.clip(middles - sides / 2, 0, 1), np.clip(middles + sides / 2, 0, 1)
    return np.concatenate([begin, end - begin], axis=1).astype(np.float32)


def shifts_to(boxes: Floats, others: Floats) -> Floats:
    """The shifts (n, 4) that move boxes (n, 4) onto others (n, 4)."""
    across = (others[:, :2] + others[:, 2:] / 2 - boxes[:, :2] - boxes[:, 2:] / 2) / boxes[:, 2:]
    return np.concatenate([across, np.log(np.maximum(others[:, 2:], 1e-4) / boxes[:, 2:])], axis=1).astype(np.float32)
