"""Error rates with what they are worth: an interval that knows who was compared (:mod:`.intervals`), a bound where no
error was seen.
"""

from __future__ import annotations

import msgspec
from scipy.special import ndtri, stdtrit

from regard.evaluation.statistics.intervals import Interval, interval, upper_bound

LEVEL = 0.95
# Under this many people the variance itself is a guess: at 20 a group, where persons mattered much, intervals of 95 %
# held the truth in 90 % of runs, at 40 in 93 %.
FEW_PEOPLE = 30
# Under this many errors the interval spans more than a factor of two.
FEW_ERRORS = 10
NOT_MEASURED = "not measured"


class Rate(msgspec.Struct, frozen=True):
    """An error rate. `errors` is how many of the `trials` erred, at least in part; `effective` is how many independent
    trials it is worth, `people` how many subjects took part, `free` how many degrees of freedom the estimate of its
    variance has.

    `rate` and `interval` (95 %) are None where there was nothing to try. Where no error was seen the interval goes
    from 0 to the upper bound at 95 %. `warnings` say what the sample cannot carry.
    """

    errors: int
    trials: int
    people: int
    rate: float | None
    interval: Interval | None
    effective: float
    free: float
    warnings: tuple[str, ...] = ()

    @classmethod
    def of(
        cls,
        errors: float,
        trials: float,
        people: int,
        variance: float,
        free: float,
        effective_without: float,
        seen: int | None = None,
    ) -> Rate:
        """From counts and the variance of their ratio; `effective_without` is for no errors, where that says nothing.

        An error rate is never taken to be worth more than its trials. `seen` is how many trials erred at all, where
        each counts by the share of its parts that did.
        """
        if trials <= 0:
            return cls(0, 0, people, None, None, 0.0, 0.0, ("nothing to measure it on",))
        rate = errors / trials
        effective = effective_without if variance <= 0 else min(rate * (1 - rate) / variance, trials)
        counted = round(errors) if seen is None else seen
        warnings = _warnings(counted, people, effective)
        made = cls(counted, round(trials), people, rate, None, effective, free, warnings)
        return msgspec.structs.replace(made, interval=made.within(LEVEL))

    def within(self, level: float) -> Interval:
        """The interval at another level; needs trials. Its tails are Student's, the variance being an estimate."""
        if self.rate is None:
            raise ValueError("there is no interval of what was not measured")
        if self.errors == 0:
            return Interval(0.0, upper_bound(self.effective, level))
        tail = (1 + level) / 2
        wider = (float(ndtri(tail)) / float(stdtrit(max(self.free, 1), tail))) ** 2
        return interval(self.rate, self.effective * wider, level)

    @property
    def told(self) -> str:
        """The rate with its interval, or its bound, in percent."""
        if self.rate is None or self.interval is None:
            return NOT_MEASURED
        if not self.errors:
            return f"under {percent(self.interval.high)}"
        return f"{percent(self.rate)} ({percent(self.interval.low)} to {percent(self.interval.high)})"


def percent(rate: float | None) -> str:
    """A rate in percent, to three digits."""
    return NOT_MEASURED if rate is None else f"{100 * rate:.3g} %"


def _warnings(errors: int, people: int, effective: float) -> tuple[str, ...]:
    found = []
    if people < FEW_PEOPLE:
        found.append(f"only {people} people: the interval is too narrow")
    if errors == 0:
        found.append(f"no error in {effective:,.0f} effective trials: an upper bound, and no ratio")
    elif errors < FEW_ERRORS:
        found.append(f"only {errors} errors: the rate may be off by a factor of two or more")
    return tuple(found)
