"""From scores on pictures left out to chances, and to the chance from which on a label is told."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy.special import expit

from regard.evaluation.custom.cross import FOLDS, Ints
from regard.evaluation.custom.logistic import Bools, Floats
from regard.evaluation.training.regression import calibrated

# A label with fewer pictures that show it, or that do not, has the curve of all labels together.
LEAST_OF_ITS_OWN = 8
# Platt's targets with Jeffreys's prior: of few pictures that are all told rightly, his own are too cautious. On fresh
# pictures of masks log loss fell from .157 to .122 (heads of 20) and from .058 to .047 (of 100); on the five other sets
# it moved by −.005 to +.007. Firth's penalty, which is that prior on the curve, gains more there and loses elsewhere.
PRIOR = 0.5


@dataclass(frozen=True, slots=True)
class Curves:
    """Platt's logistic curve of each label: `slopes` and `offsets` (k)."""

    slopes: Floats
    offsets: Floats

    @classmethod
    def of(cls, scores: Floats, yes: Bools) -> Curves:
        """Those of log odds (n, k) on pictures left out, as often right as pictures are."""
        common = calibrated(scores.ravel(), yes.ravel(), float(yes.mean()), PRIOR)
        curves = [
            calibrated(score, each, float(each.mean()), PRIOR)
            if LEAST_OF_ITS_OWN <= each.sum() <= len(each) - LEAST_OF_ITS_OWN
            else common
            for score, each in zip(scores.T, yes.T, strict=True)
        ]
        # A label that is told worse than by chance would turn round; its scores then say nothing instead.
        return cls(np.array([max(slope, 0.0) for slope, _ in curves]), np.array([offset for _, offset in curves]))

    def __call__(self, scores: Floats) -> Floats:
        """The chances, 0 to 1."""
        return np.asarray(expit(scores * self.slopes + self.offsets))


def thresholds(sure: Floats, yes: Bools, own: int) -> Floats:
    """The chance of each label from which on it is told: (k).

    Half way between two that were measured against each other: the one whose F1 was best on all pictures left out,
    the unrelated among them, which hangs on a few pictures; and the one whose F1 is the best to expect of the chances
    of one's own, if these are right.
    """
    return np.array(
        [(_best(each, answer) + _expected(each[:own])) / 2 for each, answer in zip(sure.T, yes.T, strict=True)]
    )


def _best(sure: Floats, yes: Bools) -> float:
    order = np.argsort(-sure, kind="stable")
    right = np.cumsum(yes[order])
    place = int(np.argmax(2 * right / (np.arange(1, len(sure) + 1) + max(int(yes.sum()), 1))))
    below = sure[order[place + 1]] if place + 1 < len(sure) else 0.0
    return float((sure[order[place]] + below) / 2)


def _expected(sure: Floats) -> float:
    down = np.sort(sure)[::-1]
    return float(down[np.argmax(np.cumsum(down) / (np.arange(1, len(down) + 1) + down.sum()))])


def told_across(scores: Floats, yes: Bools, own: int, fold: Ints) -> Bools:
    """Which labels are told of each picture (n + m, k) by curves and thresholds of the other folds."""
    told = np.zeros(yes.shape, bool)
    for each in range(FOLDS):
        others = fold != each
        mine = int(others[:own].sum())
        if not yes[others].any():
            continue
        curves = Curves.of(scores[others][:mine], yes[others][:mine])
        limits = thresholds(curves(scores[others]), yes[others], mine)
        told[~others] = curves(scores[~others]) >= limits
    return told
