"""Verification, one to one: how well pairs of one person are told from pairs of two."""

from __future__ import annotations

from collections.abc import Sequence

import msgspec
import numpy as np
from numpy.typing import NDArray

from regard.evaluation.samples.pictures_on_disk import FOLDS, ListedPairs
from regard.evaluation.statistics.scores import Scores

Ints = NDArray[np.int64]
Floats32 = NDArray[np.float32]

FALSE_MATCH_RATES = (1e-2, 1e-3, 1e-4, 1e-5, 1e-6)
# A rate is told where at least this many impostor pairs are expected to reach it.
FEWEST_ERRORS = 10
CURVE_POINTS = 200
MOST_DRAWN = 3_000
_GRID = np.arange(-1.0, 1.0005, 1e-3)


class Fold(msgspec.Struct, frozen=True):
    """The threshold that is best on all other folds, and the share of this fold's pairs that it gets right."""

    threshold: float
    accuracy: float


class Accuracy(msgspec.Struct, frozen=True):
    """The mean over the folds and their standard deviation, as results on Labeled Faces in the Wild are given."""

    mean: float
    deviation: float
    folds: list[Fold]


class AtRate(msgspec.Struct, frozen=True):
    """At the score that at most `rate` of impostor pairs reach: the true match rate. None where pairs are too few."""

    rate: float
    score: float | None
    true_match_rate: float | None


class Verification(msgspec.Struct, frozen=True):
    """`curve` holds score, false match rate and false non-match rate from lax to strict, for ROC and DET.

    `impostor` counts the pairs that false match rates are shares of: those listed, or of people, each of which weighs
    one however many pictures they have. `genuine` counts pairs of pictures.
    """

    genuine: int
    impostor: int
    accuracy: Accuracy
    equal_error_rate: float
    at_rates: list[AtRate]
    curve: list[tuple[float, float, float]]


def verification(scores: Scores, accuracy: Accuracy) -> Verification:
    """The error rates of scores of pairs, beside the accuracy that :func:`accuracy` found in folds."""
    return Verification(
        len(scores.genuine),
        scores.pairs,
        accuracy,
        scores.equal_error_rate(),
        [_at(scores, rate) for rate in FALSE_MATCH_RATES],
        curve(scores),
    )


def pair_scores(embeddings: Floats32, pairs: ListedPairs) -> Floats32:
    """The cosine of each pair; −1, which never matches, where a picture has no embedding (a row of zeros)."""
    one, other = embeddings[pairs.first], embeddings[pairs.second]
    scores: Floats32 = np.einsum("ij,ij->i", one, other)
    return np.where(one.any(axis=1) & other.any(axis=1), scores, np.float32(-1))


def accuracy(scores: Floats32, same: NDArray[np.bool_], fold: Ints) -> Accuracy:
    """The share of pairs told right: each fold at the threshold (steps of 0.001) that is best on the other folds.

    Where several are equally good, the middle one. Raises ValueError with fewer than two folds.
    """
    number = int(fold.max(initial=0)) + 1
    if number < 2:
        raise ValueError("Accuracy needs two folds or more: the threshold comes from outside the fold it is tested on.")
    right = np.stack([_right(scores[fold == one], same[fold == one]) for one in range(number)])
    sizes = np.bincount(fold, minlength=number)
    folds = [_fold(right, sizes, one) for one in range(number)]
    rates = [each.accuracy for each in folds]
    return Accuracy(float(np.mean(rates)), float(np.std(rates)), folds)


def drawn_pairs(subjects: Ints, seed: int = 0) -> ListedPairs:
    """As many genuine as impostor pairs, drawn by lot, in folds that share nobody.

    Raises ValueError when no person of some fold has two pictures: there must be about 30 who have.
    """
    rng = np.random.default_rng(seed)
    fold_of = rng.permutation(int(subjects.max(initial=0)) + 1) % FOLDS
    parts = [_drawn(np.flatnonzero(fold_of[subjects] == fold), subjects, fold, rng) for fold in range(FOLDS)]
    return ListedPairs(*(np.concatenate(columns) for columns in zip(*parts, strict=True)))


def curve(scores: Scores, points: int = CURVE_POINTS) -> list[tuple[float, float, float]]:
    """Score, FMR and FNMR at `points` false match rates that go down in equal factors to one pair in all."""
    rates = np.geomspace(1, 1 / max(scores.pairs, 1), points)
    at = sorted({scores.score_at(rate) for rate in rates.tolist()})
    return [(score, scores.false_match_rate(score), scores.false_non_match_rate(score)) for score in at]


def _at(scores: Scores, rate: float) -> AtRate:
    if rate * scores.pairs < FEWEST_ERRORS or not len(scores.genuine):
        return AtRate(rate, None, None)
    return AtRate(rate, scores.score_at(rate), scores.true_match_rate_at(rate))


def _right(scores: Floats32, same: NDArray[np.bool_]) -> Ints:
    """How many pairs each threshold of the grid gets right."""
    matched = len(same[same]) - np.searchsorted(np.sort(scores[same]), _GRID, "left")
    return matched + np.searchsorted(np.sort(scores[~same]), _GRID, "left")


def _fold(right: Ints, sizes: Ints, tested: int) -> Fold:
    elsewhere = np.delete(right, tested, axis=0).sum(axis=0)
    best = np.flatnonzero(elsewhere == elsewhere.max())
    place = int(best[len(best) // 2])
    return Fold(float(_GRID[place]), float(right[tested, place] / sizes[tested]))


def _drawn(places: Ints, subjects: Ints, fold: int, rng: np.random.Generator) -> Sequence[NDArray[np.generic]]:
    here = subjects[places]
    order = np.lexsort((rng.random(len(places)), here))
    neighbours = np.flatnonzero(here[order][1:] == here[order][:-1])
    chosen = rng.permutation(neighbours)[: MOST_DRAWN // FOLDS]
    if not len(chosen) or len(np.unique(here)) < 2:
        raise ValueError("There are too few people with two pictures for ten folds. Give more, or a pairs file.")
    genuine = places[order[chosen]], places[order[chosen + 1]]
    one, other = (places[rng.integers(0, len(places), 4 * len(chosen) + 40)] for _ in range(2))
    apart = np.flatnonzero(subjects[one] != subjects[other])[: len(chosen)]
    first = np.concatenate([genuine[0], one[apart]])
    second = np.concatenate([genuine[1], other[apart]])
    same = np.arange(len(first)) < len(chosen)
    return first, second, same, np.full(len(first), fold)
