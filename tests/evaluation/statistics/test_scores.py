"""Scores in bins: what a slow loop over all pairs says."""

from __future__ import annotations

from itertools import combinations

import numpy as np
import pytest
from numpy.typing import NDArray

from regard.evaluation.statistics.scores import WIDTH, Scores

Embeddings = NDArray[np.float32]


@pytest.fixture
def people() -> tuple[Embeddings, NDArray[np.int64]]:
    rng = np.random.default_rng(0)
    subjects = np.repeat(np.arange(60), 1 + np.arange(60) % 5)
    rows = rng.standard_normal((60, 16))[subjects] + 0.7 * rng.standard_normal((len(subjects), 16))
    return (rows / np.linalg.norm(rows, axis=1, keepdims=True)).astype(np.float32), subjects


@pytest.mark.parametrize("apart", [[], [[3, 8], [59, 0]]])
def test_rates_are_those_of_a_slow_loop_over_pairs_of_people(
    people: tuple[Embeddings, NDArray[np.int64]], apart: list[list[int]]
) -> None:
    embeddings, subjects = people
    scores = Scores.of_everybody(embeddings, subjects, np.array(apart, np.int64).reshape(-1, 2))
    left_out = {frozenset(pair) for pair in apart}
    pairs = [pair for pair in combinations(range(60), 2) if frozenset(pair) not in left_out]
    told = [(embeddings[subjects == one] @ embeddings[subjects == other].T).ravel() for one, other in pairs]
    own = np.concatenate([_own(embeddings[subjects == who]) for who in range(60)])
    assert (len(scores.genuine), scores.pairs) == (len(own), len(pairs))
    for edge in np.arange(-1, 1, 0.1).tolist():
        mean = np.mean([np.mean(each >= edge) for each in told])
        assert scores.false_match_rate(edge) == pytest.approx(mean, abs=2e-3)
        assert scores.false_non_match_rate(edge) == pytest.approx(np.mean(own < edge), abs=2e-2)


def _own(rows: Embeddings) -> NDArray[np.float32]:
    found: NDArray[np.float32] = (rows @ rows.T)[np.triu_indices(len(rows), 1)]
    return found


@pytest.mark.parametrize("rate", [0.5, 0.1, 0.01, 0.001, 0.0])
def test_the_score_of_a_rate_is_the_lowest_that_keeps_it(
    people: tuple[Embeddings, NDArray[np.int64]], rate: float
) -> None:
    scores = Scores.of_everybody(*people)
    at = scores.score_at(rate)
    assert scores.false_match_rate(at) <= rate + 1e-12
    assert rate == 0 or scores.false_match_rate(at - 2 * WIDTH) > rate or scores.false_match_rate(at) == rate


def test_listed_pairs_are_counted_as_listed() -> None:
    scores = Scores.of_pairs(np.array([0.9, 0.1, 0.5, -1], np.float32), np.array([True, False, False, True]))
    assert (len(scores.genuine), scores.pairs) == (2, 2)
    assert scores.false_match_rate(0.3) == 0.5
    assert scores.false_non_match_rate(0.3) == 0.5
    assert scores.equal_error_rate() == pytest.approx(0.5)


def test_bins_above_a_score_hold_what_reaches_it() -> None:
    scores = Scores.of_pairs(np.array([0.9, 0.1, 0.5], np.float32), np.array([False] * 3))
    middles, counts = scores.above(0.3)
    assert middles.tolist() == pytest.approx([0.5, 0.9], abs=WIDTH)
    assert counts.tolist() == [1, 1]
