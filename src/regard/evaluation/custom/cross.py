"""What heads say of pictures that they were not made of: folds, the strength chosen by them, the learning curve."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.linalg.lapack import dormqr

from regard.evaluation.custom.logistic import Bools, Floats, fitted, odds

FOLDS = 5
# scikit-learn's C for pictures whose features spread by 1 in all; the best of each set that was tried is among them.
STRENGTHS = (10.0, 100.0, 1000.0)
# Shares of the pictures that heads of the learning curve are made of, beside all that a fold leaves.
SHARES = (0.25, 0.5)
# How much all unrelated pictures count together, beside one's own; one never counts more than one of these. With more,
# labels that are as wide as "thing" are unlearnt; with less, more unrelated pictures are given a label.
UNRELATED = 0.3
# How many reflections LAPACK takes together.
_BLOCK = 64
Ints = NDArray[np.int64]


@dataclass(frozen=True, slots=True)
class Lesson:
    """What is taught: `inputs` (n + m, r), the unrelated pictures last, with `answers` (n + m, k), and their `fold`.

    Where there are fewer pictures than numbers, `turned` are the reflections that turn inputs into features, as LAPACK
    keeps them (r, d), and their scales (r); else inputs are features.
    """

    inputs: Floats
    answers: Bools
    own: int
    fold: Ints
    turned: tuple[Floats, Floats] | None = None

    @property
    def counts(self) -> Floats:
        """How much each picture counts: (n + m)."""
        unrelated = len(self.answers) - self.own
        return np.append(np.ones(self.own), np.full(unrelated, min(1.0, UNRELATED * self.own / max(unrelated, 1))))

    def fitted(self, kept: Bools, strength: float, start: Floats | None = None) -> Floats:
        """The head of the pictures that are `kept` (n + m)."""
        return fitted(self.inputs[kept], self.answers[kept], strength, start, counts=self.counts[kept])

    @classmethod
    def dealt(cls, inputs: Floats, answers: Bools, own: int, seed: int) -> Lesson:
        """The lesson with pictures dealt to folds, those of one set of labels evenly, and the unrelated ones too.

        `inputs` are features (n + m, d). Where there are more of these than pictures, a head that is held back is a sum
        of the pictures: it is sought among these sums, and is the same one (Hastie and Tibshirani, "Efficient quadratic
        regularization for expression arrays", 2004).
        """
        kinds = np.unique(np.column_stack([answers, np.arange(len(answers)) >= own]), axis=0, return_inverse=True)[1]
        order = np.lexsort((np.random.default_rng(seed).permutation(len(answers)), kinds.ravel()))
        fold = np.empty(len(answers), np.int64)
        fold[order] = np.arange(len(answers)) % FOLDS
        if len(inputs) >= inputs.shape[1]:
            return cls(inputs, answers, own, fold)
        # The matrix that turns them takes as long again to write out, and is asked for a few columns.
        reflections, scales = np.linalg.qr(inputs.T, mode="raw")
        return cls(np.tril(reflections[:, : len(scales)]), answers, own, fold, (reflections, scales))

    def whole(self, fit: Floats) -> Floats:
        """A head of inputs (r + 1, k) as one of features (d + 1, k)."""
        if self.turned is None:
            return fit
        reflections, scales = self.turned
        weights = np.zeros((reflections.shape[1], fit.shape[1]), order="F")
        weights[: len(scales)] = fit[:-1]
        found = dormqr("L", "N", reflections.T, scales, weights, _BLOCK * fit.shape[1])[0]
        return np.vstack([found, fit[-1]])

    def fewer(self, share: float, seed: int) -> Bools:
        """Which pictures stay where a head is made of `share` of the own ones: one in so many of each label set."""
        kinds = np.unique(self.answers[: self.own], axis=0, return_inverse=True)[1].ravel()
        # Within a fold and a kind, so that each fold keeps its share of each label.
        order = np.lexsort((np.random.default_rng(seed).permutation(self.own), self.fold[: self.own], kinds))
        kept = np.zeros(self.own, bool)
        steps = np.floor(np.arange(1, self.own + 1) * share) > np.floor(np.arange(self.own) * share)
        kept[order] = steps
        return np.append(kept, np.ones(len(self.answers) - self.own, bool))


def left_out(
    lesson: Lesson, strength: float, among: Bools | None = None, starts: dict[int, Floats] | None = None
) -> Floats:
    """The log odds (n + m, k) of each picture by heads made without its fold, and of those `among` alone.

    `starts` are the heads of the folds to begin with, and become those that were found.
    """
    found = np.zeros(lesson.answers.shape)
    for each in range(FOLDS):
        kept = (lesson.fold != each) & (True if among is None else among)
        fit = lesson.fitted(kept, strength, (starts or {}).get(each))
        if starts is not None:
            starts[each] = fit
        there = lesson.fold == each
        found[there] = odds(lesson.inputs[there], fit)
    return found


def chosen(lesson: Lesson, progress: Callable[[float], None]) -> tuple[float, Floats]:
    """The strength whose odds are the most likely on own pictures left out, and those odds."""
    best = (np.inf, STRENGTHS[0], np.zeros(lesson.answers.shape))
    starts: dict[int, Floats] = {}
    answers = lesson.answers[: lesson.own]
    for number, strength in enumerate(STRENGTHS):
        scores = left_out(lesson, strength, starts=starts)
        own = scores[: lesson.own]
        loss = float(np.logaddexp(0, np.where(answers, -own, own)).mean())
        if loss < best[0]:
            best = loss, strength, scores
        progress((number + 1) / len(STRENGTHS))
    return best[1], best[2]
