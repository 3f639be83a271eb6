"""Comparisons of every picture with every other: which impostors match, and how genuine pairs score; :mod:`.scores`
only counts them.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from regard.evaluation.statistics.people import NOBODY

Ints = NDArray[np.int64]
Floats = NDArray[np.float64]
Floats32 = NDArray[np.float32]

# Rows of scores at a time: 512 × 10,000 of float32 are 20 MB.
_ROWS = 512
_BINS = 20_000


class Pairs(NamedTuple):
    """Pairs of pictures, each once, with their scores (cosine)."""

    first: Ints
    second: Ints
    scores: Floats32

    def above(self, score: float) -> Pairs:
        """Those that match at this score."""
        kept = self.scores >= score
        return Pairs(self.first[kept], self.second[kept], self.scores[kept])


def impostors(embeddings: Floats32, subjects: Ints, least: float, apart: Ints = NOBODY) -> Pairs:
    """The pairs of different subjects that score `least` or more, without those of subjects that are `apart`."""
    found = []
    for first, scores in _blocks(embeddings, subjects, apart):
        rows, columns = np.nonzero(scores >= least)
        found.append(Pairs(rows + first, columns + first, scores[rows, columns]))
    return Pairs(*(np.concatenate(parts) for parts in zip(*found, strict=True))) if found else _NONE


def impostor_counts(embeddings: Floats32, subjects: Ints) -> Ints:
    """How many impostor pairs score in each of 20,000 bins of equal width from −1 to 1."""
    counts = np.zeros(_BINS, np.int64)
    for _, scores in _blocks(embeddings, subjects):
        counts += np.bincount(_bins(scores[scores > -2]), minlength=_BINS)
    return counts


def impostor_weights(embeddings: Floats32, subjects: Ints, weights: Floats, apart: Ints = NOBODY) -> Floats:
    """What the impostor pairs weigh in each of 20,000 bins of equal width from −1 to 1, without those `apart`.

    A pair weighs the product of its pictures' `weights`, of shape (pictures,).
    """
    sums = np.zeros(_BINS)
    for first, scores in _blocks(embeddings, subjects, apart):
        rows, columns = np.nonzero(scores > -2)
        pairs = weights[first + rows] * weights[first + columns]
        sums += np.bincount(_bins(scores[rows, columns]), pairs, minlength=_BINS)
    return sums


def score_at(embeddings: Floats32, subjects: Ints, rate: float) -> float:
    """The lowest score, to 1e-4, at which at most `rate` of all impostor pairs match."""
    counts = impostor_counts(embeddings, subjects)
    matching = np.cumsum(counts[::-1])[::-1]
    allowed = np.flatnonzero(matching <= rate * counts.sum())
    return float(allowed[0] * 2 / _BINS - 1) if len(allowed) else 1.0


def genuine(embeddings: Floats32, subjects: Ints) -> Pairs:
    """All pairs of one subject."""
    order = np.argsort(subjects, kind="stable")
    ends = np.flatnonzero(np.diff(subjects[order])) + 1
    found = [_NONE]
    for pictures in np.split(order, ends):
        if len(pictures) > 1:
            one, two = np.triu_indices(len(pictures), 1)
            scores = (embeddings[pictures] @ embeddings[pictures].T)[one, two]
            found.append(Pairs(pictures[one], pictures[two], scores))
    return Pairs(*(np.concatenate(parts) for parts in zip(*found, strict=True)))


def _bins(scores: Floats32) -> Ints:
    found: Ints = np.clip(((scores + 1) * (_BINS / 2)).astype(np.int64), 0, _BINS - 1)
    return found


def _blocks(embeddings: Floats32, subjects: Ints, apart: Ints = NOBODY) -> Iterator[tuple[int, Floats32]]:
    """Scores of rows from `first` on with themselves and all after; −inf for genuine, apart and mirrored pairs."""
    for first in range(0, len(subjects), _ROWS):
        after = min(first + _ROWS, len(subjects))
        scores = embeddings[first:after] @ embeddings[first:].T
        scores[subjects[first:after, None] == subjects[None, first:]] = -np.inf
        scores[np.tril_indices(after - first, m=after - first)] = -np.inf
        for one, other in np.concatenate([apart, apart[:, ::-1]]).tolist():
            rows = np.flatnonzero(subjects[first:after] == one)
            if len(rows):
                scores[np.ix_(rows, np.flatnonzero(subjects[first:] == other))] = -np.inf
        yield first, scores


_NONE = Pairs(np.empty(0, np.int64), np.empty(0, np.int64), np.empty(0, np.float32))
