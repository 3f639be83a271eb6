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
    subjects = np.repeat(np.arange(60), 3)
    rows = rng.standard_normal((60, 16))[subjects] + 0.7 * rng.standard_normal((180, 16))
    return (rows / np.linalg.norm(rows, axis=1, keepdims=True)).astype(np.float32), subjects


def test_rates_are_those_of_a_slow_loop(people: tuple[Embeddings, NDArray[np.int64]]) -> None:
    embeddings, subjects = people
    scores = Scores.of_everybody(embeddings, subjects)
    told = {True: [], False: []}  # type: dict[bool, list[float]]
    for one, other in combinations(range(len(subjects)), 2):
        told[bool(subjects[one] == subjects[other])].append(float(embeddings[one] @ embeddings[other]))
    assert (len(scores.genuine), scores.pairs) == (len(told[True]), len(told[False]))
    for edge in np.arange(-1, 1, 0.1).tolist():
        assert scores.false_match_rate(edge) == pytest.approx(np.mean(np.array(told[False]) >= edge), abs=2e-4)
        assert scores.false_non_match_rate(edge) == pytest.approx(np.mean(np.array(told[True]) < edge), abs=6e-3)


@pytest.mark.parametrize("rate", [0.5, 0.1, 0.01, 0.001, 0.0])
def test_the_score_of_a_rate_is_the_lowest_that_keeps_it(
    people: tuple[Embeddings, NDArray[np.int64]], rate: float
) -> None:
    scores = Scores.of_everybody(*people)
    at = scores.score_at(rate)
    assert scores.false_match_rate(at) <= rate
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
