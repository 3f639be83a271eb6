"""Intervals of error rates from effective counts, and of what two rates differ by; :mod:`.rates` has the rates.

An error rate over comparisons that share people is less certain than their number says. Its variance, estimated with
that in mind, gives an effective count, and the beta distribution of that count an interval that is right for small
rates too, where a percentile of the bootstrap is not (Korn and Graubard, "Confidence intervals for proportions with
small expected number of positive counts estimated from survey data", 1998; the prior is Jeffreys's, after Brown, Cai
and DasGupta, "Interval estimation for a binomial proportion", 2001).

Two intervals give the one of a difference or a ratio by recovering the variance at the limits (Zou and Donner,
"Construction of confidence limits about effect measures", 2008).
"""

from __future__ import annotations

import math

import msgspec


class Interval(msgspec.Struct, frozen=True):
    """From `low` to `high`, both included."""

    low: float
    high: float

    def holds(self, value: float) -> bool:
        """Whether `value` lies within."""
        return self.low <= value <= self.high


def interval(rate: float, effective: float, level: float) -> Interval:
    """The interval of a rate above 0 over `effective` independent trials."""
    # What takes a quarter of a second to import, a service that asks for no interval need not wait for.
    from scipy.special import betaincinv

    errors, tail = rate * effective, (1 - level) / 2
    low, high = betaincinv(errors + 0.5, effective - errors + 0.5, (tail, 1 - tail))
    # Of less than half an effective error the beta distribution may see too much, and of the correct ones alike.
    return Interval(min(float(low), rate), max(float(high), rate))


def upper_bound(effective: float, level: float) -> float:
    """The highest rate that `effective` trials without an error leave possible: about 3 in `effective` at 95 %."""
    return 1.0 if effective <= 0 else -math.expm1(math.log1p(-level) / effective)


def difference(of: float, within: Interval, than: float, other: Interval, correlation: float = 0.0) -> Interval:
    """The interval of `of` − `than`, whose estimates have this correlation."""
    gap = of - than
    return Interval(
        gap - _joined(of - within.low, other.high - than, correlation),
        gap + _joined(within.high - of, than - other.low, correlation),
    )


def ratio(of: float, within: Interval, to: float, other: Interval, correlation: float = 0.0) -> Interval:
    """The interval of `of` / `to`, both above 0."""
    logs = difference(math.log(of), _logs(within), math.log(to), _logs(other), correlation)
    return Interval(_exp(logs.low), _exp(logs.high))


def _joined(one: float, other: float, correlation: float) -> float:
    if math.isinf(one) or math.isinf(other):
        return math.inf
    return math.sqrt(max(one * one + other * other - 2 * correlation * one * other, 0.0))


def _logs(interval: Interval) -> Interval:
    return Interval(math.log(interval.low) if interval.low > 0 else -math.inf, math.log(interval.high))


def _exp(value: float) -> float:
    return math.exp(value) if value < 700 else math.inf
