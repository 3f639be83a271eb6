"""Disparities: found where they were planted, and hardly ever elsewhere."""

from __future__ import annotations

import numpy as np
import pytest
from msgspec.structs import replace

from regard.evaluation.bias.disparity import CHANCE, Disparity, Groups, comparable, disparities, spread
from regard.evaluation.statistics.lots import DEALS, Dealt
from regard.evaluation.statistics.rates import Rate
from tests.helpers.evaluating import Trial, portraits


def _audited(trial: Trial) -> list[Disparity]:
    return [one for told in disparities([trial.false_matches(), trial.false_non_matches()]) for one in told]


def _groups(*rates: Rate) -> Groups:
    rng = np.random.default_rng(0)
    drawn = np.array([(rate.rate or 0) * rng.lognormal(0, 0.1, 500) for rate in rates])
    trials = np.array([[rate.trials] for rate in rates], float)
    worth = np.array([[rate.effective] for rate in rates])
    same = sum(rate.errors for rate in rates) / trials.sum()
    # Where the groups do not matter, by as many trials as each rate is worth.
    errors = trials * rng.normal(same, np.sqrt(same * (1 - same) / worth), (len(rates), DEALS))
    dealt = Dealt(errors.clip(0), trials.repeat(DEALS, axis=1))
    return Groups([f"group {place}" for place in range(len(rates))], rates, drawn, dealt)


def test_a_planted_bias_is_found_with_its_size_in_the_interval(scale: float) -> None:
    runs = round(20 * scale) + 3
    held = 0
    for seed in range(runs):
        matches, misses = _audited(Trial(seed, 300, [0.002, 0.012], [0.03, 0.2]))
        for found, size in ((matches, 0.012 / 0.002), (misses, 0.2 / 0.03)):
            assert found.found
            assert found.higher == "group 1"
            assert found.difference_interval.low > 0
            assert found.ratio_interval is not None
            assert found.ratio_interval.low > 1
            held += found.ratio_interval.holds(size)
    # Intervals of 95 % hold it in 95 of 100, give or take what so few runs are off by.
    assert held >= int(0.85 * 2 * runs)


def test_without_a_bias_at_most_two_of_twenty_audits_find_one(scale: float) -> None:
    series = max(round(5 * scale), 1)
    for first in range(series):
        found = [
            any(one.found for one in _audited(Trial(20 * first + seed, 120, [0.005] * 3, [0.05] * 3)))
            for seed in range(20)
        ]
        assert sum(found) <= 2


@pytest.mark.long
@pytest.mark.parametrize(
    ("women", "men", "at_90"),
    [([3, 7, 13], [4, 6, 17], None), ([5, 14, 20], [7, 15, 26], True)],
    ids=["accurate", "fast"],
)
def test_women_missed_three_times_as_often_as_men_are_a_disparity(
    women: list[int], men: list[int], at_90: bool | None
) -> None:
    """The counts of the recount of portraits: of 122 pairs of women and 484 of men, at 80, 90 and 99."""
    found = []
    for seed in range(20):
        told = [each for (each,) in disparities(portraits(seed, women, men))]
        assert {each.higher for each in told} == {"women"}
        assert not told[0].found
        assert told[2].ratio == pytest.approx(women[2] / 122 / (men[2] / 484))
        assert told[2].ratio_interval is not None
        found.append(told[2].found)
        assert told[2].chance <= CHANCE
        assert told[2].difference_interval.low > 0
        assert told[2].ratio_interval.low > 1
        if at_90:
            assert told[1].found
    # How hard pairs fall on people is drawn anew, and with it how much the counts are worth.
    assert all(found)


def test_as_many_women_missed_as_men_are_none() -> None:
    for seed in range(8):
        assert not any(each.found for told in disparities(portraits(seed, [1, 2, 5], [4, 8, 20])) for each in told)


def test_a_group_without_errors_yields_no_ratio_but_may_differ() -> None:
    one = _groups(Rate.of(200, 1000, 100, 1.6e-4, 99, 100), Rate.of(0, 1000, 100, 0, 99, 1000))
    ((found,),) = disparities([one])
    assert found.found
    assert (found.ratio, found.ratio_interval) == (None, None)
    assert found.difference_interval.holds(0.2)
    assert "where no error was seen" in found.told
    assert spread(one) is None


def test_groups_of_few_people_are_never_called_different() -> None:
    few = _groups(Rate.of(80, 100, 20, 0.0016, 19, 20), Rate.of(2, 1000, 200, 2e-6, 199, 200))
    assert disparities([few, few]) == [[], []]


def test_rates_that_rest_on_hardly_any_errors_are_not_compared() -> None:
    assert comparable(_groups(Rate.of(3, 1000, 100, 3e-6, 99, 100), Rate.of(0, 1000, 100, 0, 99, 100))) == []


def test_the_more_is_compared_the_likelier_chance_shows_as_much() -> None:
    one = _groups(Rate.of(60, 1000, 100, 5.64e-5, 99, 100), Rate.of(36, 1000, 100, 3.47e-5, 99, 100))
    rng = np.random.default_rng(1)
    others = [replace(one, dealt=Dealt(*(part[:, rng.permutation(DEALS)] for part in one.dealt))) for _ in range(9)]
    ((alone,),), ((among,), *_) = disparities([one]), disparities([one, *others])
    ((in_two_ways,),) = disparities([one], ways=2)
    assert 4 * alone.chance < among.chance < 11 * alone.chance
    assert in_two_ways.chance == pytest.approx(2 * alone.chance)
    # The same once more is no second comparison.
    (again, *_) = disparities([one] * 10)
    assert again[0].chance == pytest.approx(alone.chance)
    assert disparities([one] * 3, ways=10_000)[0][0].chance == 1


def test_the_spread_of_equal_rates_is_none_and_of_one_sided_ones_is_all() -> None:
    equal = _groups(*[Rate.of(50, 1000, 100, 4.75e-5, 99, 100)] * 3)
    told = spread(equal)
    assert told is not None
    assert told.largest_to_smallest == pytest.approx(1)
    assert told.largest_to_geometric_mean == pytest.approx(1)
    assert told.gini == pytest.approx(0)
    assert told.largest_to_smallest_interval.high > 1
    rates = (Rate.of(800, 1000, 100, 1.6e-4, 99, 100), Rate.of(100, 1000, 100, 9e-5, 99, 100))
    told = spread(_groups(*rates))
    assert told is not None
    assert told.largest_to_smallest == pytest.approx(8)
    assert told.largest_to_geometric_mean == pytest.approx(8**0.5)
    # |0.8 - 0.1| over the sum of both, with the correction for two groups.
    assert told.gini == pytest.approx(0.7 / 0.9)


def test_a_ratio_whose_upper_end_says_nothing_is_told_from_below() -> None:
    one = _groups(Rate.of(200, 1000, 100, 1.6e-4, 99, 100), Rate.of(1, 1000, 100, 1e-6, 99, 100))
    ((found,),) = disparities([one])
    assert "at least" in found.told
    assert "by chance in" in found.told
