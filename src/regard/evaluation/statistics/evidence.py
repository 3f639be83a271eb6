"""Evidence that two rates differ, and how often chance alone would show as much among all that is compared.

Two rates, each worth an effective number of trials (:mod:`.rates`), are compared by their likelihood ratio. Unlike a
difference over its standard error it does not take the spread of the worse group for that of both: of a small group
whose rate is higher, the error bar is wide because the rate is high.

Comparisons of one sample are alike: whoever is missed at one threshold is missed at every stricter one. The draws of
the bootstrap know how alike, and the largest of so many normal variables with the same correlations says how often
chance alone goes as far anywhere (Hothorn, Bretz and Westfall, "Simultaneous inference in general parametric models",
2008; the multiplier bootstrap of Chernozhukov, Chetverikov and Kato, 2013).
"""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray
from scipy.special import ndtri, stdtr, xlogy

from regard.evaluation.statistics.rates import Rate

Floats = NDArray[np.float64]

DRAWS = 20_000
_AT_ONCE = 2_000


def evidence(one: Rate, other: Rate, correlation: float = 0.0) -> float:
    """How far two measured rates lie apart, as a standard normal variable does where they are the same: 0 or more.

    Student's tails are brought in, by the degrees of freedom that both variances have together. `correlation` is that
    of the two estimates.
    """
    first, second = one.rate or 0.0, other.rate or 0.0
    trials = one.effective + other.effective
    if trials <= 0:
        return 0.0
    same = (first * one.effective + second * other.effective) / trials
    apart = 2 * (_likelihood(first, one.effective, same) + _likelihood(second, other.effective, same))
    variances = [_variance(each, same) for each in (one, other)]
    shared = 2 * correlation * math.sqrt(variances[0] * variances[1])
    shrunk = max(sum(variances) - shared, 0.0) / sum(variances) if sum(variances) > 0 else 1.0
    root = math.sqrt(max(apart, 0.0) / max(shrunk, _LEAST_SHARE))
    tail = max(float(stdtr(_freedom((one, other), variances), -root)), _LEAST_TAIL)
    return -float(ndtri(tail))


def chances(found: Sequence[float], differences: Floats, seed: int = 0) -> list[float]:
    """How often chance alone shows as much as each of `found`, or more, in any of the comparisons.

    `differences`, of shape (comparisons, replicates), are the differences of rates under draws of people; where they
    are not a number there was nothing to compare. No chance is given below 1 in DRAWS.
    """
    if not found:
        return []
    centred = _standardised(differences)
    rng = np.random.default_rng(seed)
    largest = np.concatenate(
        [
            np.abs(rng.standard_normal((_AT_ONCE, centred.shape[1]), np.float32) @ centred.T).max(axis=1)
            for _ in range(0, DRAWS, _AT_ONCE)
        ]
    )
    return [float((np.count_nonzero(largest >= each) + 1) / (DRAWS + 1)) for each in found]


def _standardised(differences: Floats) -> NDArray[np.float32]:
    """Rows of mean 0 and length 1, so that a normal multiplier for each replicate keeps their correlations."""
    known = np.isfinite(differences)
    number = np.maximum(known.sum(axis=1, keepdims=True), 1)
    means = np.where(known, differences, 0).sum(axis=1, keepdims=True) / number
    centred = np.where(known, differences - means, 0)
    lengths = np.sqrt((centred**2).sum(axis=1, keepdims=True))
    return (centred / np.where(lengths > 0, lengths, 1)).astype(np.float32)


def _likelihood(rate: float, trials: float, same: float) -> float:
    """By how much, in logarithms, trials that err at `rate` are likelier under that than under the rate of both."""
    parts = ((rate, same), (1 - rate, 1 - same))
    return trials * sum(float(xlogy(part, part / known)) for part, known in parts if known > 0)


def _variance(of: Rate, same: float) -> float:
    rate = (of.rate or 0.0) if of.errors else same
    return rate * (1 - rate) / of.effective if of.effective > 0 else 0.0


def _freedom(two: Sequence[Rate], variances: Sequence[float]) -> float:
    """Of both variances together (Welch and Satterthwaite). A rate without errors estimated none."""
    parts = sum(variance**2 / max(of.free, 1.0) for of, variance in zip(two, variances, strict=True) if of.errors)
    return sum(variances) ** 2 / parts if parts > 0 else math.inf


_LEAST_SHARE = 0.05
_LEAST_TAIL = 1e-300
