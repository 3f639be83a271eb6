"""What labels that were told are worth: rates, what is taken for what, and the interval of F1."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from regard.evaluation.custom.logistic import Bools, Floats
from regard.evaluation.statistics.intervals import Interval

REPLICATES = 1000
LEVEL = 0.95


def rates(told: Bools, yes: Bools) -> Floats:
    """F1, precision and recall of each label: (k, 3); 0 where nothing is told, or shown."""
    right, given, shown = (told & yes).sum(axis=0), told.sum(axis=0), yes.sum(axis=0)
    parts = [2 * right / np.maximum(given + shown, 1), right / np.maximum(given, 1), right / np.maximum(shown, 1)]
    return np.stack(parts, axis=1)


def confusion(sure: Floats, yes: Bools) -> NDArray[np.int64] | None:
    """How many pictures that show label i have label j as their surest: (k, k). None where one shows several labels."""
    if (yes.sum(axis=1) != 1).any():
        return None
    found = np.zeros((yes.shape[1],) * 2, np.int64)
    np.add.at(found, (yes.argmax(axis=1), sure.argmax(axis=1)), 1)
    return found


def shares(matrix: NDArray[np.int64]) -> Floats:
    """What is taken for what as AWS's summary has it: counts by the pictures that show the label that was told.

    (k, k), 0 where none shows it. It is no share of the truth: a column may add up to more than 1.
    """
    shown = matrix.sum(axis=1)
    return np.asarray(matrix / np.maximum(shown, 1) * (shown > 0))


def interval_of_f1(told: Bools, yes: Bools, seed: int) -> Interval:
    """Where the mean F1 of another set of as many pictures lies 95 times in 100, going by this one.

    Pictures are weighed at random (Rubin, "The Bayesian bootstrap", 1981) and drawn anew by the weights: the first for
    what this set leaves open, the second for the luck of the other one. Half an error is added, as Jeffreys's prior
    has it, of a label drawn by how often it is shown: where nothing was wrong, something may be.
    """
    rng = np.random.default_rng(seed)
    counted = yes.any(axis=0)
    if not counted.any():
        return Interval(0.0, 1.0)
    told, yes = told[:, counted], yes[:, counted]
    number = len(yes)
    sure = rng.exponential(size=(REPLICATES, number))
    share = rng.gamma(0.5, size=REPLICATES)
    share /= share + sure.sum(axis=1)
    wrong = rng.binomial(number, share)
    draws = np.stack(
        [rng.multinomial(number - more, each / each.sum()) for more, each in zip(wrong, sure, strict=True)]
    ).astype(np.float64)
    right, given, shown = (draws @ each.astype(np.float64) for each in (told & yes, told, yes))
    missed = np.stack([rng.multinomial(more, yes.sum(axis=0) / yes.sum()) for more in wrong])
    found = 2 * right / np.maximum(given + shown + 2 * missed, 1)
    # A label that was drawn never has no F1 there.
    seen = shown + missed > 0
    mean = (found * seen).sum(axis=1) / np.maximum(seen.sum(axis=1), 1)
    low, high = np.quantile(mean, ((1 - LEVEL) / 2, (1 + LEVEL) / 2))
    measured = float(rates(told, yes)[:, 0].mean())
    return Interval(min(float(low), measured), max(float(high), measured))
