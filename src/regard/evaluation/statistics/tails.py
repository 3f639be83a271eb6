"""The tail of impostor scores beyond what was counted: a generalised Pareto distribution.

The excesses of almost any distribution over a high level follow it (Pickands, "Statistical inference using extreme
order statistics", 1975). In sets of photographs the very highest impostor pairs are mostly one person under two names:
what lies above a second level is therefore only counted, not measured, as censored data are.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import minimize

Floats = NDArray[np.float64]

# The shape is kept in bounds that no score on −1 to 1 leaves: at 0.5 the variance of the excesses would be infinite.
MOST_SHAPE = 0.5
FEWEST = 30
# A shape nearer to 0 than this is the exponential distribution, to rounding.
_FLAT = 1e-6


class TooFewScores(ValueError):
    """A tail cannot be fitted to so few excesses; the text says how many are needed."""


class TailTooLong(ValueError):
    """A tail that reaches beyond the scores that there are; the text says why that may be."""


@dataclass(frozen=True, slots=True)
class Tail:
    """Above the score `level`, which a share `rate` of impostor pairs reaches: excesses of this `scale` and `shape`."""

    level: float
    rate: float
    scale: float
    shape: float

    def score_at(self, rate: float) -> float:
        """The score that a share `rate`, at most that of the level, of impostor pairs reaches."""
        decades = math.log(self.rate / rate)
        return self.level + self.scale * (
            math.expm1(self.shape * decades) / self.shape if abs(self.shape) > _FLAT else decades
        )

    def rate_at(self, score: float) -> float:
        """The share of impostor pairs that reach `score`, which lies at or above the level."""
        excess = (score - self.level) / self.scale
        if abs(self.shape) <= _FLAT:
            return self.rate * math.exp(-excess)
        inside = 1 + self.shape * excess
        return self.rate * inside ** (-1 / self.shape) if inside > 0 else 0.0

    def __str__(self) -> str:
        return (
            f"generalised Pareto above cosine {self.level:.3f} (FMR {self.rate:.0e}), scale {self.scale:.4f}, "
            f"shape {self.shape:+.3f}"
        )


def fitted(scores: Floats, weights: Floats, level: float, rate: float, capped: float, fewest: float = FEWEST) -> Tail:
    """The most likely tail for `scores` at or above `level`, each counted `weights` times; above `capped` censored.

    Raises TooFewScores where those that are not censored weigh less than `fewest`.
    """
    excesses, cap = scores - level, capped - level
    below = excesses < cap
    seen, counts, hidden = excesses[below], weights[below], float(weights[~below].sum())
    if counts.sum() < fewest or cap <= 0:
        raise TooFewScores(
            f"A tail needs {fewest} impostor pairs above the level, and there are {counts.sum():.0f}. Give more people."
        )

    def unlikeliness(parameters: Floats) -> float:
        scale, shape = math.exp(parameters[0]), parameters[1]
        if abs(shape) > MOST_SHAPE or 1 + shape * cap / scale <= 0:
            return math.inf
        logs = np.log1p(shape * seen / scale) / shape if abs(shape) > _FLAT else seen / scale
        last = math.log1p(shape * cap / scale) / shape if abs(shape) > _FLAT else cap / scale
        return float(counts @ ((1 + shape) * logs) + counts.sum() * parameters[0] + hidden * last)

    mean = float(counts @ seen / counts.sum())
    found = minimize(unlikeliness, np.array([math.log(mean), 0.02]), method="Nelder-Mead")
    return Tail(level, rate, math.exp(found.x[0]), float(found.x[1]))
