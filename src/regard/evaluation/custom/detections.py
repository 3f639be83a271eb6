"""What boxes that a head tells are worth beside those that are there: matches, average precision, thresholds."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from regard.evaluation.custom.logistic import Bools, Floats
from regard.evaluation.statistics.intervals import Interval
from regard.vision.heads.box_head import Framed
from regard.vision.pictures.overlaps import areas, shared

# Boxes that overlap by so much of what both cover are of one thing, as the PASCAL VOC challenge has it.
SAME = 0.5
_DRAWS, _LEVEL = 500, 0.95
Ints = NDArray[np.int64]
Truth = tuple[NDArray[np.float32], Ints]


def overlaps(boxes: NDArray[np.floating], others: NDArray[np.floating]) -> Floats:
    """Intersection over union of n boxes with m others: (n, m)."""
    common = shared(boxes, others)
    return np.asarray(common / np.maximum(areas(boxes)[:, None] + areas(others)[None] - common, 1e-12))


@dataclass(frozen=True, slots=True)
class Detections:
    """All that is told of pictures: of each box its label, its score, whether it is right, and its picture.

    `there` (pictures, k) counts what the pictures show.
    """

    kinds: NDArray[np.intp]
    scores: Floats
    right: Bools
    pictures: NDArray[np.intp]
    there: Ints

    @classmethod
    def of(cls, told: Sequence[Framed], truths: Sequence[Truth], labels: int) -> Detections:
        """What is told of pictures, beside the boxes and labels that they show."""
        right = [_right(each, *truth) for each, truth in zip(told, truths, strict=True)]
        numbers = [np.full(len(each.kinds), place, np.intp) for place, each in enumerate(told)]
        there = np.array([np.bincount(kinds, minlength=labels) for _, kinds in truths]).reshape(-1, labels)
        kinds, scores = np.concatenate([each.kinds for each in told]), np.concatenate([each.scores for each in told])
        return cls(kinds, scores.astype(np.float64), np.concatenate(right), np.concatenate(numbers), there)

    def average_precision(self, label: int) -> float:
        """The area under the curve of precision over recall, precision being the best at that recall or above."""
        right = self.right[self.kinds == label][np.argsort(-self.scores[self.kinds == label], kind="stable")]
        found = np.cumsum(right)
        precision = np.maximum.accumulate((found / np.arange(1, len(found) + 1))[::-1])[::-1]
        return float(precision[right].sum() / max(int(self.there[:, label].sum()), 1))

    def threshold(self, label: int) -> float:
        """The score from which on a label is told: where F1 is best, half way to the next below."""
        of = self.kinds == label
        order = np.argsort(-self.scores[of], kind="stable")
        scores, found = self.scores[of][order], np.cumsum(self.right[of][order])
        if not len(scores):
            return 0.5
        f1 = 2 * found / (np.arange(1, len(scores) + 1) + self.there[:, label].sum())
        place = int(np.argmax(f1))
        below = scores[place + 1] if place + 1 < len(scores) else 0.0
        return float((scores[place] + below) / 2)

    def counts(self, limits: Floats) -> NDArray[np.float64]:
        """Of each picture and label how many boxes are right, told and there, from `limits` (k,) on: (n, k, 3)."""
        found = np.zeros((*self.there.shape, 3))
        given = self.scores >= limits[self.kinds]
        for place, which in enumerate((given & self.right, given)):
            np.add.at(found[..., place], (self.pictures[which], self.kinds[which]), 1)
        found[..., 2] = self.there
        return found


def across(told: Detections, fold: Ints) -> NDArray[np.float64]:
    """The counts (n, k, 3) of each fold of the pictures, from thresholds that the other folds have."""
    found = np.zeros((*told.there.shape, 3))
    for each in np.unique(fold):
        there = fold == each
        others = ~there[told.pictures]
        rest = replace(
            told,
            kinds=told.kinds[others],
            scores=told.scores[others],
            right=told.right[others],
            pictures=told.pictures[others],
            there=told.there * ~there[:, None],
        )
        limits = np.array([rest.threshold(label) for label in range(told.there.shape[1])])
        found[there] = told.counts(limits)[there]
    return found


def rates(counts: NDArray[np.float64]) -> Floats:
    """F1, precision and recall of each label, of counts (n, k, 3): (k, 3); 0 where nothing is told or there."""
    right, told, there = np.moveaxis(counts.sum(axis=-3), -1, 0)
    parts = [2 * right / np.maximum(told + there, 1), right / np.maximum(told, 1), right / np.maximum(there, 1)]
    return np.stack(parts, axis=-1)


def interval_of_f1(counts: NDArray[np.float64], seed: int) -> Interval:
    """What holds the mean F1 on as many other pictures 95 times in 100: the pictures are drawn again and again."""
    draw, number = np.random.default_rng(seed), len(counts)
    measured = _mean_f1(counts)
    found = [_mean_f1(counts[draw.integers(number, size=number)]) for _ in range(_DRAWS)]
    low, high = np.quantile(found, ((1 - _LEVEL) / 2, (1 + _LEVEL) / 2))
    return Interval(min(float(low), measured), max(float(high), measured))


def _mean_f1(counts: NDArray[np.float64]) -> float:
    """The mean over labels that are there at all."""
    there = counts[..., 2].any(axis=0)
    return float(rates(counts)[there, 0].mean()) if there.any() else 0.0


def _right(told: Framed, boxes: NDArray[np.float32], kinds: Ints) -> Bools:
    """Which boxes are of something that is there and of no surer box: (m,)."""
    right = np.zeros(len(told.kinds), bool)
    common = np.where(told.kinds[:, None] == kinds[None], overlaps(told.boxes, boxes), 0.0)
    for place in range(len(right)):
        if len(kinds) and common[place].max() >= SAME:
            right[place] = True
            common[:, int(common[place].argmax())] = 0.0
    return right
