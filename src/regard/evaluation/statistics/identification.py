"""Identification reckoned from false match rates on pairs: what they become in a gallery. Searching drawn galleries is
:mod:`regard.evaluation.accuracy.galleries`'s.
"""

from __future__ import annotations

import math

import msgspec
import numpy as np
from numpy.typing import NDArray
from scipy.special import gammaln

from regard.evaluation.statistics.intervals import Interval
from regard.evaluation.statistics.rates import Rate


class Identification(msgspec.Struct, frozen=True):
    """Probes of a group whose person is not in a gallery of `gallery` other people, one picture each.

    `false_matches` is how many matches a probe meets on average; that needs no assumption. `rate` (FPIR) is the share
    of probes that meet any if comparisons are independent, 1 − (1 − FMR)^N, with its interval: an upper figure, since
    false matches gather on few probes. `measured` is that share in galleries of this size drawn from the sample itself,
    None where the sample is smaller. A probe whose person is there is missed (FNIR) as often as a genuine pair is.
    """

    gallery: int
    false_matches: float
    rate: float
    interval: Interval
    measured: float | None


def identification(
    against_all: Rate, gallery: int, hits: NDArray[np.int64], others: NDArray[np.int64]
) -> Identification:
    """The identification rates of one group, where `against_all` is its FMR against everybody.

    Each of its probes had `hits`, (n,), matches in comparisons with so many `others`, (n,).
    """
    rate, within = against_all.rate or 0.0, against_all.interval or Interval(0.0, 1.0)
    return Identification(
        gallery,
        gallery * rate,
        any_of(rate, gallery),
        Interval(any_of(within.low, gallery), any_of(within.high, gallery)),
        _measured(hits, others, gallery),
    )


def any_of(rate: float, trials: int) -> float:
    """The chance of at least one in `trials` independent trials."""
    return 1.0 if rate >= 1 else -math.expm1(trials * math.log1p(-rate))


def _measured(hits: NDArray[np.int64], others: NDArray[np.int64], gallery: int) -> float | None:
    """The mean chance that a gallery drawn without replacement holds one of the hits."""
    if not len(hits) or gallery > others.min():
        return None
    none = others - hits >= gallery
    misses = np.where(none, others - hits, gallery)
    logs = gammaln(misses + 1) - gammaln(misses - gallery + 1) - gammaln(others + 1) + gammaln(others - gallery + 1)
    # What has no hits is sure to have none, whatever the logarithms of large factorials round to.
    return float(1 - np.where(none, np.exp(np.where(hits > 0, logs, 0)), 0).mean())
