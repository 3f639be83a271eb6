"""Tails: known distributions are found again, wrong labels at the top do not move them."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from regard.evaluation.statistics.tails import Tail, TooFewScores, fitted


def _excesses(tail: Tail, number: int, seed: int) -> np.ndarray:
    chances = np.random.default_rng(seed).random(number)
    return np.array([tail.score_at(tail.rate * chance) for chance in chances])


@pytest.mark.parametrize("shape", [-0.15, 0.0, 0.1])
@pytest.mark.parametrize("seed", range(3))
def test_the_tail_that_scores_come_from_is_found(shape: float, seed: int) -> None:
    truth = Tail(0.35, 1e-3, 0.025, shape)
    scores = _excesses(truth, 4_000, seed)
    found = fitted(scores, np.ones(4_000), 0.35, 1e-3, float(np.sort(scores)[-40]))
    assert found.shape == pytest.approx(shape, abs=0.07)
    assert found.scale == pytest.approx(0.025, rel=0.1)
    assert math.log10(truth.rate_at(found.score_at(1e-5))) == pytest.approx(-5, abs=math.log10(2))


def test_wrong_labels_above_the_cap_do_not_move_the_fit() -> None:
    scores = _excesses(Tail(0.35, 1e-3, 0.025, 0.0), 3_000, 0)
    cap = float(np.sort(scores)[-30])
    mislabelled = np.where(scores >= cap, 0.9, scores)
    clean, dirty = (fitted(each, np.ones(3_000), 0.35, 1e-3, cap) for each in (scores, mislabelled))
    assert dirty.score_at(1e-6) == pytest.approx(clean.score_at(1e-6), abs=1e-6)


def test_a_weight_of_two_is_the_same_as_being_there_twice() -> None:
    scores = _excesses(Tail(0.35, 1e-3, 0.025, 0.05), 300, 1)
    twice = fitted(np.repeat(scores, 2), np.ones(600), 0.35, 1e-3, 0.6)
    weighted = fitted(scores, np.full(300, 2.0), 0.35, 1e-3, 0.6)
    assert (weighted.scale, weighted.shape) == pytest.approx((twice.scale, twice.shape))


def test_too_few_scores_are_refused() -> None:
    with pytest.raises(TooFewScores, match="30 impostor pairs"):
        fitted(np.full(29, 0.4), np.ones(29), 0.35, 1e-3, 0.5)


@given(st.floats(-0.3, 0.3), st.floats(1e-9, 1e-3))
def test_rate_and_score_are_each_others_inverse(shape: float, rate: float) -> None:
    tail = Tail(0.35, 1e-3, 0.025, shape)
    assert tail.rate_at(tail.score_at(rate)) == pytest.approx(rate, rel=1e-6)
