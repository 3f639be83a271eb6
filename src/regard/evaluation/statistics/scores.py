"""Scores of impostor and genuine pairs, counted in fine bins, so that a hundred million pairs take no more memory;
:mod:`.comparisons` keeps which pair is which, :mod:`.people` says what each weighs.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from regard.evaluation.statistics.comparisons import genuine, impostor_weights
from regard.evaluation.statistics.people import NOBODY, shares

Ints = NDArray[np.int64]
Floats = NDArray[np.float64]
Floats32 = NDArray[np.float32]


@dataclass(frozen=True, slots=True)
class Scores:
    """`impostors` is what impostor pairs weigh in bins of equal width from −1 to 1; `genuine` holds scores, sorted."""

    impostors: Floats
    genuine: Floats32

    @classmethod
    def of_everybody(cls, embeddings: Floats32, subjects: Ints, apart: Ints = NOBODY) -> Scores:
        """The scores of every picture with every other, in which each pair of people weighs one.

        `embeddings` are of length 1, all of them enrolled; `apart` are pairs of subjects, (n, 2), that do not count.
        """
        weights = impostor_weights(embeddings, subjects, shares(subjects), apart)
        return cls(weights, np.sort(genuine(embeddings, subjects).scores))

    @classmethod
    def of_pairs(cls, scores: Floats32, same: NDArray[np.bool_]) -> Scores:
        """The scores of listed pairs, each of which weighs one; `same` where both show one person."""
        places = np.clip((scores[~same] + 1) * (BINS / 2), 0, BINS - 1).astype(np.int64)
        return cls(np.bincount(places, minlength=BINS).astype(np.float64), np.sort(scores[same]))

    @property
    def pairs(self) -> int:
        """How many impostor pairs there are: of people, or those that were listed."""
        return round(float(self.impostors.sum()))

    def false_match_rate(self, score: float) -> float:
        """The share of impostor pairs, by weight, that reach `score`, to the width of a bin."""
        return float(self._reaching()[_place(score)] / max(self.pairs, 1))

    def false_non_match_rate(self, score: float) -> float:
        """The share of genuine pairs that stay below `score`; not a number without any."""
        below = np.searchsorted(self.genuine, np.float32(score), "left")
        return float(below / len(self.genuine)) if len(self.genuine) else float("nan")

    def score_at(self, rate: float) -> float:
        """The lowest edge of a bin that at most `rate` of impostor pairs reach."""
        allowed = np.flatnonzero(self._reaching() <= rate * self.pairs)
        return float(allowed[0]) * WIDTH - 1 if len(allowed) else 1.0

    def true_match_rate_at(self, rate: float) -> float:
        """The share of genuine pairs that match where at most `rate` of impostor pairs do."""
        return 1 - self.false_non_match_rate(self.score_at(rate))

    def equal_error_rate(self) -> float:
        """Where false match rate and false non-match rate cross."""
        edges = np.arange(BINS) * WIDTH - 1
        missed = np.searchsorted(self.genuine, edges.astype(np.float32), "left") / max(len(self.genuine), 1)
        matched = self._reaching() / max(self.pairs, 1)
        cross = int(np.argmin(np.abs(matched - missed)))
        return float(matched[cross] + missed[cross]) / 2

    def above(self, score: float) -> tuple[Floats, Floats]:
        """Middles and counts of the bins from `score` on that hold impostor scores."""
        first = _place(score)
        filled = first + np.flatnonzero(self.impostors[first:])
        return (filled + 0.5).astype(np.float64) * WIDTH - 1, self.impostors[filled]

    def _reaching(self) -> Floats:
        found: Floats = np.cumsum(self.impostors[::-1])[::-1]
        return found


BINS = 20_000
WIDTH = 2 / BINS


def _place(score: float) -> int:
    return min(max(round((score + 1) / WIDTH), 0), BINS - 1)
