"""Evidence that rates differ: against exact tests, and in the share of cases that it says where they do not."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.special import ndtr
from scipy.stats import fisher_exact

from regard.evaluation.statistics.evidence import DRAWS, chances, evidence
from regard.evaluation.statistics.rates import Rate


def _rate(errors: float, trials: int, free: float = math.inf) -> Rate:
    variance = errors / trials * (1 - errors / trials) / trials
    return Rate.of(errors, trials, trials, variance, free, trials)


@pytest.mark.parametrize(("one", "other"), [((13, 122), (17, 484)), ((30, 200), (18, 250)), ((9, 40), (20, 400))])
def test_independent_trials_are_judged_nearly_as_by_fishers_exact_test(
    one: tuple[int, int], other: tuple[int, int]
) -> None:
    table = [[one[0], one[1] - one[0]], [other[0], other[1] - other[0]]]
    exact = float(fisher_exact(table).pvalue)
    told = 2 * float(ndtr(-evidence(_rate(*one), _rate(*other))))
    # The exact test is a little too careful; the likelihood ratio lies below it, and in the same order.
    assert exact / 2.5 < told < 1.1 * exact


@given(st.integers(0, 50), st.integers(0, 50), st.integers(50, 400), st.integers(50, 400), st.floats(2, 100))
def test_evidence_is_the_same_either_way_round_and_less_where_variances_are_guesses(
    one: int, other: int, first: int, second: int, free: float
) -> None:
    known = evidence(_rate(one, first), _rate(other, second))
    assert known >= 0
    assert evidence(_rate(other, second), _rate(one, first)) == pytest.approx(known)
    assert evidence(_rate(one, first, free), _rate(other, second, free)) <= known + 1e-9
    assert evidence(_rate(one, first), _rate(one, first)) == pytest.approx(0, abs=1e-6)


def test_estimates_that_move_together_differ_more_surely() -> None:
    two = _rate(30, 200), _rate(18, 200)
    assert evidence(*two, correlation=0.8) > evidence(*two) > evidence(*two, correlation=-0.8)


def test_nothing_tried_and_no_errors_are_no_evidence() -> None:
    nothing = Rate.of(0, 0, 0, 0, 1, 0)
    assert evidence(nothing, nothing) == 0
    assert evidence(_rate(0, 100), _rate(0, 300)) == 0


def test_the_chance_is_that_of_the_largest_of_comparisons_as_alike_as_the_draws_say() -> None:
    rng = np.random.default_rng(0)
    apart = rng.standard_normal((5, 4_000))
    (lonely,) = chances([2.5], apart[:1])
    two_sided = 2 * float(ndtr(-2.5))
    assert lonely == pytest.approx(two_sided, rel=0.2)
    assert chances([2.5] * 5, apart)[0] == pytest.approx(1 - (1 - two_sided) ** 5, rel=0.2)
    assert chances([2.5] * 5, apart[:1].repeat(5, axis=0))[0] == pytest.approx(lonely, rel=0.05)
    assert chances([], apart[:0]) == []
    assert chances([40.0], apart[:1]) == [1 / (DRAWS + 1)]


def test_draws_without_a_difference_are_passed_over() -> None:
    rng = np.random.default_rng(1)
    some = rng.standard_normal((2, 500))
    some[1] = np.nan
    some[0, ::7] = np.nan
    assert chances([2.0, 0.0], some)[0] == pytest.approx(2 * float(ndtr(-2)), rel=0.2)
