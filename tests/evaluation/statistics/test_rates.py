"""Rates and their intervals: true as often as they say."""

from __future__ import annotations

import pytest

from regard.evaluation.statistics.rates import Rate
from tests.helpers.evaluating import Trial


@pytest.mark.long
@pytest.mark.slow("makes intervals of 300 samples")
@pytest.mark.parametrize("persons", [0.0, 0.1], ids=["comparisons alone", "people matter"])
def test_intervals_hold_the_true_rate_in_90_to_98_of_100_runs(scale: float, persons: float) -> None:
    runs = round(300 * scale)
    true = ([0.01, 0.003], [0.05, 0.02])
    held = tried = 0
    for seed in range(runs):
        trial = Trial(seed, 160, *true, persons=persons)
        for groups, rates in zip((trial.false_matches(), trial.false_non_matches()), true, strict=True):
            for rate, truth in zip(groups.rates, rates, strict=True):
                assert rate.interval is not None
                held += rate.interval.holds(truth)
                tried += 1
    assert tried == 4 * runs
    assert 0.90 <= held / tried <= 0.98


def test_a_rate_without_trials_is_not_measured() -> None:
    rate = Rate.of(0, 0, 5, 0, 4, 5)
    assert (rate.rate, rate.interval, rate.told) == (None, None, "not measured")
    with pytest.raises(ValueError, match="not measured"):
        rate.within(0.9)


def test_a_rate_without_errors_has_a_bound_by_the_rule_of_three() -> None:
    rate = Rate.of(0, 900, 40, 0, 39, 300)
    assert rate.interval is not None
    assert rate.interval.low == 0
    assert rate.interval.high == pytest.approx(0.01, rel=0.02)
    assert rate.told == "under 0.994 %"
    assert "no ratio" in " ".join(rate.warnings)


def test_a_rate_is_worth_no_more_than_its_trials() -> None:
    assert Rate.of(10, 100, 50, 1e-9, 49, 50).effective == 100


def test_few_people_and_few_errors_are_warned_of() -> None:
    warned = " ".join(Rate.of(3, 90, 12, 0.001, 11, 12).warnings)
    assert "only 12 people" in warned
    assert "only 3 errors" in warned
    assert not Rate.of(30, 900, 120, 0.0001, 119, 120).warnings


def test_people_who_stand_or_fall_together_widen_the_interval() -> None:
    apart, together = Rate.of(30, 900, 100, 3.6e-5, 99, 100), Rate.of(30, 900, 100, 3.6e-4, 99, 100)
    assert apart.interval is not None
    assert together.interval is not None
    assert together.interval.low < apart.interval.low < apart.interval.high < together.interval.high
