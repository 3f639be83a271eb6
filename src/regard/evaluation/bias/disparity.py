"""Disparities: how rates differ between groups, and when that may be called found.

Every pair of groups is compared in every measure. The more is compared, the likelier that chance alone makes a
difference. So a disparity is found when two things hold: its own interval of 95 % excludes no difference, and of deals
of the same people to the groups by lot (:mod:`regard.evaluation.statistics.lots`) at most 3 of 100 show as much in any
comparison. The ways to group share that allowance evenly, so that one of many groups does not use it up. One that rests
on too few people is never called found.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from itertools import combinations, islice

import msgspec
import numpy as np
from numpy.typing import NDArray

from regard.evaluation.statistics.intervals import Interval, difference, ratio
from regard.evaluation.statistics.lots import Dealt, apart, chances
from regard.evaluation.statistics.rates import FEW_PEOPLE, LEVEL, Rate, percent

# An audit without any disparity finds one in at most 3 of 100; of twenty such audits, more than two do in 2 of 100.
CHANCE = 0.03
# With fewer errors in both groups together nothing can be found, and nothing is asked.
FEWEST_ERRORS = 5
# A ratio that may be this high rests on so few errors that its upper end says nothing.
_ENDLESS = 1000


class Disparity(msgspec.Struct, frozen=True):
    """How much higher the rate of group `higher` is than that of `lower`, with intervals of 95 %.

    `chance` is the share of audits without any disparity in which some comparison shows as much, at most 1. `ratio` is
    None when `lower` has no errors.
    """

    higher: str
    lower: str
    difference: float
    difference_interval: Interval
    ratio: float | None
    ratio_interval: Interval | None
    chance: float
    found: bool

    @property
    def told(self) -> str:
        """The disparity in words."""
        if self.ratio is not None and self.ratio_interval is not None:
            low, high = self.ratio_interval.low, self.ratio_interval.high
            span = f"{low:.3g} to {high:.3g}" if high < _ENDLESS else f"at least {low:.3g}"
            return f"{self.higher} {self.ratio:.3g} times as often as {self.lower} ({span}), {self._by_chance}"
        low, high = self.difference_interval.low, self.difference_interval.high
        span = f"by {percent(self.difference)} ({percent(low)} to {percent(high)})"
        return f"{self.higher} more often than {self.lower}, where no error was seen: {span}, {self._by_chance}"

    @property
    def _by_chance(self) -> str:
        return f"by chance in {percent(self.chance)} of audits"


class Spread(msgspec.Struct, frozen=True):
    """How far the rates of groups lie apart, each with its interval of 95 % from the bootstrap.

    Chance alone spreads rates: the largest over the smallest of equal rates is above 1 in every sample. Gini is 0 for
    equal rates and near 1 where one group has all errors (NIST IR 8429).
    """

    largest_to_smallest: float
    largest_to_smallest_interval: Interval
    largest_to_geometric_mean: float
    largest_to_geometric_mean_interval: Interval
    gini: float
    gini_interval: Interval


class Groups(msgspec.Struct, frozen=True):
    """The rates of groups in one measure, in the order of `names`, with `replicates` of shape (groups, replicates).

    `dealt` has their errors and trials when people fall to the groups by lot: by the same lots in all measures.
    """

    names: Sequence[str]
    rates: Sequence[Rate]
    replicates: NDArray[np.float64]
    dealt: Dealt


def comparable(groups: Groups) -> list[tuple[int, int]]:
    """The pairs of groups that have people and errors enough to be compared."""
    enough = [place for place, rate in enumerate(groups.rates) if rate.trials and rate.people >= FEW_PEOPLE]
    return [
        (one, two)
        for one, two in combinations(enough, 2)
        if groups.rates[one].errors + groups.rates[two].errors >= FEWEST_ERRORS
    ]


def disparities(measures: Sequence[Groups], ways: int = 1) -> list[list[Disparity]]:
    """The comparable pairs of each measure of one way to group; there are so many `ways` in the audit."""
    pairs = [comparable(groups) for groups in measures]
    each = [(groups, *pair) for groups, found in zip(measures, pairs, strict=True) for pair in found]
    if not each:
        return [[] for _ in measures]
    shown = [float(apart(*_counts(groups, one, two))) for groups, one, two in each]
    dealt = np.array([apart(*(part[[one, two]] for part in groups.dealt)) for groups, one, two in each])
    told = iter(
        _compared(groups, one, two, min(ways * chance, 1.0))
        for (groups, one, two), chance in zip(each, chances(shown, dealt), strict=True)
    )
    return [list(islice(told, len(found))) for found in pairs]


def spread(groups: Groups) -> Spread | None:
    """None where fewer than two groups were measured, or where one has no errors: no ratio stands on that."""
    measured = [place for place, rate in enumerate(groups.rates) if rate.trials]
    if len(measured) < 2 or not all(groups.rates[place].errors for place in measured):
        return None
    rates = np.array([groups.rates[place].rate for place in measured])[:, None]
    drawn = groups.replicates[measured]
    (one, within_one), (two, within_two), (three, within_three) = (
        (float(measure(rates)[0]), _percentiles(measure(drawn)))
        for measure in (_to_smallest, _to_geometric_mean, _gini)
    )
    return Spread(one, within_one, two, within_two, three, within_three)


def _compared(groups: Groups, one: int, two: int, chance: float) -> Disparity:
    if _rate(groups, one) < _rate(groups, two):
        one, two = two, one
    high, low = groups.rates[one], groups.rates[two]
    correlation = _correlation(groups.replicates[one], groups.replicates[two])
    above, below = high.within(LEVEL), low.within(LEVEL)
    gap = difference(_rate(groups, one), above, _rate(groups, two), below, correlation)
    times = within = None
    if low.errors:
        times = _rate(groups, one) / _rate(groups, two)
        within = ratio(_rate(groups, one), above, _rate(groups, two), below, correlation)
    found = chance <= CHANCE and gap.low > 0 and (within is None or within.low > 1)
    return Disparity(
        groups.names[one],
        groups.names[two],
        _rate(groups, one) - _rate(groups, two),
        gap,
        times,
        within,
        chance,
        found,
    )


def _counts(groups: Groups, one: int, two: int) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Errors and trials of two groups."""
    pair = [groups.rates[one], groups.rates[two]]
    return np.array([(each.rate or 0.0) * each.trials for each in pair]), np.array(
        [float(each.trials) for each in pair]
    )


def _rate(groups: Groups, place: int) -> float:
    return groups.rates[place].rate or 0.0


def _correlation(one: NDArray[np.float64], two: NDArray[np.float64]) -> float:
    both = np.isfinite(one) & np.isfinite(two)
    if both.sum() < 3 or np.ptp(one[both]) == 0 or np.ptp(two[both]) == 0:
        return 0.0
    return float(np.corrcoef(one[both], two[both])[0, 1])


def _percentiles(values: NDArray[np.float64]) -> Interval:
    # A replicate in which a group has no errors has an endless ratio.
    known = np.where(np.isnan(values), math.inf, values)
    low, high = np.quantile(known, [(1 - LEVEL) / 2, (1 + LEVEL) / 2], method="nearest")
    return Interval(float(low), float(high))


def _to_smallest(rates: NDArray[np.float64]) -> NDArray[np.float64]:
    with np.errstate(divide="ignore", invalid="ignore"):
        found: NDArray[np.float64] = rates.max(axis=0) / rates.min(axis=0)
    return found


def _to_geometric_mean(rates: NDArray[np.float64]) -> NDArray[np.float64]:
    with np.errstate(divide="ignore", invalid="ignore"):
        found: NDArray[np.float64] = rates.max(axis=0) / np.exp(np.log(rates).mean(axis=0))
    return found


def _gini(rates: NDArray[np.float64]) -> NDArray[np.float64]:
    """With the correction for few groups, n / (n - 1)."""
    number = len(rates)
    apart = np.abs(rates[:, None] - rates[None]).sum(axis=(0, 1))
    with np.errstate(divide="ignore", invalid="ignore"):
        found: NDArray[np.float64] = apart / (2 * number * (number - 1) * rates.mean(axis=0))
    return found
