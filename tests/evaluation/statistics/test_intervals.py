"""Intervals: known values, and what they do at the edges."""

from __future__ import annotations

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from regard.evaluation.statistics.intervals import Interval, difference, interval, ratio, upper_bound


def test_an_interval_of_counts_is_the_textbook_one() -> None:
    # Jeffreys's, 1 and 2 of 10, as Brown, Cai and DasGupta print them.
    for rate, low, high in ((0.1, 0.011, 0.381), (0.2, 0.044, 0.503)):
        found = interval(rate, 10, 0.95)
        assert found.low == pytest.approx(low, abs=6e-4)
        assert found.high == pytest.approx(high, abs=6e-4)


@given(st.integers(30, 10**7))
def test_without_an_error_the_bound_is_three_in_the_trials(trials: int) -> None:
    assert upper_bound(trials, 0.95) == pytest.approx(3 / trials, rel=0.06)


def test_nothing_tried_bounds_nothing() -> None:
    assert upper_bound(0, 0.95) == 1


def test_a_claim_of_one_in_a_hundred_thousand_needs_three_hundred_thousand_trials() -> None:
    assert upper_bound(300_000, 0.95) <= 1e-5 < upper_bound(290_000, 0.95)


@given(st.floats(1e-6, 1 - 1e-6), st.floats(5, 1e7), st.floats(0.5, 0.9999))
def test_an_interval_holds_its_rate_and_grows_with_its_level(rate: float, effective: float, level: float) -> None:
    found, wider = interval(rate, effective, level), interval(rate, effective, (1 + level) / 2)
    assert found.holds(rate)
    assert wider.low <= found.low
    assert found.high <= wider.high


def test_a_difference_of_independent_rates_adds_their_variances() -> None:
    found = difference(0.5, Interval(0.47, 0.53), 0.4, Interval(0.36, 0.44))
    assert found.low == pytest.approx(0.1 - 0.05)
    assert found.high == pytest.approx(0.1 + 0.05)


def test_rates_that_move_together_differ_with_more_certainty() -> None:
    apart = difference(0.5, Interval(0.4, 0.6), 0.4, Interval(0.3, 0.5))
    together = difference(0.5, Interval(0.4, 0.6), 0.4, Interval(0.3, 0.5), correlation=0.9)
    assert apart.low < together.low < 0.1 < together.high < apart.high


def test_a_ratio_is_a_difference_of_logarithms() -> None:
    found = ratio(0.02, Interval(0.01, 0.04), 0.01, Interval(0.005, 0.02))
    assert found.low == pytest.approx(2 / 2 ** math.sqrt(2))
    assert found.high == pytest.approx(2 * 2 ** math.sqrt(2))


def test_a_ratio_to_a_rate_that_may_be_zero_has_no_upper_end() -> None:
    assert ratio(0.02, Interval(0.01, 0.04), 0.01, Interval(0.0, 0.02)).high == math.inf
