"""How often chance alone shows as much: the same people, dealt to the groups by lot, again and again.

Under any deal the groups do not matter, and all people keep their errors, however many they have: a few who are missed
again and again make a difference by chance as easily as they do in truth. Comparisons are judged by how often a deal
shows as much in them, and an audit by how often it shows as much in any (Westfall and Young, "Resampling-based multiple
testing", 1993, the least p-value). How people differ between groups otherwise is the bootstrap's to know.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray
from scipy.stats import rankdata

from regard.evaluation.statistics.bootstrap import Units

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]
Lots = NDArray[np.uint8]

DEALS = 2_000


class Dealt(NamedTuple):
    """Errors and trials of each group under every deal, of shape (groups, deals)."""

    errors: Floats
    trials: Floats


def lots(units: Units, deals: int = DEALS, seed: int = 0) -> Lots:
    """The group that each unit falls to in every deal, (deals, units): as many to each as there are in truth."""
    rng = np.random.default_rng(seed)
    return rng.permuted(np.tile(units.group.astype(np.uint8), (deals, 1)), axis=1)


def dealt_within(units: Units, errors: Floats, trials: Floats, drawn: Lots) -> Dealt:
    """Where errors and trials, of shape (units,), are one unit's own."""
    failed, tried = (
        np.array([np.bincount(lot, each, units.groups) for lot in drawn], np.float64).T for each in (errors, trials)
    )
    return Dealt(failed, tried)


def dealt_between(units: Units, first: Ints, second: Ints, drawn: Lots) -> Dealt:
    """Of the impostor comparisons within each group. `first` and `second` are the pairs that matched, each once."""
    one, two, matches = _pairs(units, first, second)
    pictures = units.pictures.astype(np.float64)
    errors, trials = np.empty((len(drawn), units.groups)), np.empty((len(drawn), units.groups))
    for deal, lot in enumerate(drawn):
        here = lot[one]
        within = np.flatnonzero(here == lot[two])
        errors[deal] = np.bincount(here[within], matches[within], units.groups)
        held = np.bincount(lot, pictures, units.groups)
        trials[deal] = (held**2 - np.bincount(lot, pictures**2, units.groups)) / 2
    return Dealt(errors.T, trials.T)


def chances(found: Sequence[float], dealt: Floats) -> list[float]:
    """In what share of deals some comparison shows as much as each of those `found` does in its own.

    Of the statistics :func:`apart`: `found` in truth, `dealt`, of shape (comparisons, deals), under every deal. The
    truth counts as one deal more.
    """
    if not found:
        return []
    whole = np.concatenate([np.array(found)[:, None], dealt], axis=1)
    # Of how many deals a comparison shows as much as in this one, itself among them.
    reached = rankdata(-np.round(whole, 9), method="max", axis=1)
    least = np.sort(reached.min(axis=0))
    return [float(np.searchsorted(least, own, "right") / whole.shape[1]) for own in reached[:, 0]]


def apart(errors: Floats, trials: Floats) -> Floats:
    """How far two rates lie apart, squared, over what they would if all trials were independent.

    Both of shape (2, …), the first axis the groups; 0 where there is nothing to compare.
    """
    tried = trials.sum(axis=0)
    there = (trials > 0).all(axis=0) & (errors.sum(axis=0) > 0)
    known = np.where(trials > 0, trials, 1)
    same = errors.sum(axis=0) / np.where(tried > 0, tried, 1)
    spread = same * (1 - same) * (1 / known).sum(axis=0)
    gap = errors[0] / known[0] - errors[1] / known[1]
    found: Floats = np.where(there & (spread > 0), gap**2 / np.where(spread > 0, spread, 1), 0.0)
    return found


def _pairs(units: Units, first: Ints, second: Ints) -> tuple[Ints, Ints, Floats]:
    """The pairs of units of which any comparison matched, and how many did."""
    two = np.sort(np.stack([units.of_picture[first], units.of_picture[second]]), axis=0)
    keys, matches = np.unique(two[0] * len(units.subject) + two[1], return_counts=True)
    return keys // len(units.subject), keys % len(units.subject), matches.astype(np.float64)
