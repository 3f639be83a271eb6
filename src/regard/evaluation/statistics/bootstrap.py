"""The bootstrap over people: subjects are drawn again, and what they are compared in follows them.

Comparisons are not independent: all of one person's stand or fall together. So whole subjects are drawn with
replacement. A genuine comparison counts as often as its subject was drawn, an impostor comparison as often as the
product of its two subjects' draws, and a sum over millions of comparisons under every draw is one product of matrices.

Drawing both sides of a comparison counts its own chance, apart from what is due to the two people, three times
(Owen, "The pigeonhole bootstrap", 2007). Where persons matter little that makes intervals √3 too wide. The share is
known from the same sums, in the form of the dyadic cluster-robust variance (Aronow, Samii and Assenova,
"Cluster-robust variance estimation for dyadic data", 2015), and is taken out.
"""

from __future__ import annotations

from itertools import pairwise
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import csr_array

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]
Draws = NDArray[np.float32]

REPLICATES = 500


def drawn(subjects: int, replicates: int = REPLICATES, seed: int = 0) -> Draws:
    """How often each subject is drawn in each replicate: whole numbers, of shape (subjects, replicates)."""
    rng = np.random.default_rng(seed)
    return rng.multinomial(subjects, np.full(subjects, 1 / subjects), replicates).T.astype(np.float32)


class Units(NamedTuple):
    """The people as they stand in groups: one unit is one subject in one group, sorted by group.

    Arrays of one entry a unit: `subject`, `group` and `pictures`, how many pictures the unit has. `groups` is the
    number of groups, `of_picture` the unit of each picture.
    """

    subject: Ints
    group: Ints
    pictures: Ints
    groups: int
    of_picture: Ints

    @classmethod
    def of(cls, subjects: Ints, groups: Ints, number: int) -> Units:
        """From the subject and group of each picture, both numbered from 0."""
        width = int(subjects.max(initial=0)) + 1
        keys, of_picture, pictures = np.unique(groups * width + subjects, return_inverse=True, return_counts=True)
        return cls(keys % width, keys // width, pictures, number, of_picture)

    def counted_once(self) -> Units:
        """The same, where each unit has one picture's weight however many it has."""
        return self._replace(pictures=np.ones_like(self.pictures))

    def sums(self, values: NDArray[np.floating]) -> Floats:
        """The sum of `values`, of shape (units, …), over each group: of shape (groups, …)."""
        edges = np.searchsorted(self.group, np.arange(self.groups + 1))
        found = np.zeros((self.groups, *values.shape[1:]))
        for group, (first, after) in enumerate(pairwise(edges)):
            found[group] = values[first:after].sum(axis=0, dtype=np.float64)
        return found

    def by_subject(self, values: Floats) -> Floats:
        """The sum of `values`, one a unit, over each subject."""
        found: Floats = np.bincount(self.subject, values).astype(np.float64)
        return found


class Counted(NamedTuple):
    """Errors and trials of groups or pairs of groups, the variance of their rates, and the rates under every draw.

    `replicates` has one axis more than the others. Rates are not a number where there are no trials. `carriers` is by
    how many people the variance is carried: (Σ d²)² / Σ d⁴ over what each person's errors are off; an estimate that
    rests on few is uncertain itself.
    """

    errors: Floats
    trials: Floats
    variance: Floats
    carriers: Floats
    replicates: Floats

    @property
    def rates(self) -> Floats:
        """Errors over trials."""
        return _ratios(self.errors, self.trials)


def within_subjects(units: Units, errors: Floats, trials: Floats, draws: Draws) -> Counted:
    """Errors and trials by group, where each is one unit's own, as genuine comparisons and failures to enrol are.

    `errors` and `trials` have the shape (units,), `draws` is that of :func:`drawn`; what comes out, (groups,).
    """
    weights = draws[units.subject]
    replicates = _ratios(units.sums(weights * errors[:, None]), units.sums(weights * trials[:, None]))
    tried = units.sums((trials > 0).astype(np.float64))
    return Counted(units.sums(errors), units.sums(trials), _variance(replicates), tried, replicates)


def between_subjects(
    units: Units, first: Ints, second: Ints, draws: Draws, counting: NDArray[np.floating] | None = None
) -> Counted:
    """Errors and trials by group, of the impostor comparisons of every picture with every other.

    `first` and `second` are the pictures of the pairs that matched, each pair once, `counting` what each counts, by
    default 1. What comes out has the shape (groups, groups + 1): a row is the group of the probe, a column that of the
    other, the last one everybody. Within a group either picture is the probe once.
    """
    matched, groups = _matched(units, first, second, counting), units.groups
    weights = draws[units.subject]
    drawn_matches = np.empty((groups, groups, draws.shape[1]))
    for group in range(groups):
        of = np.flatnonzero(units.group == group)
        drawn_matches[:, group] = units.sums(weights * (matched[:, of] @ weights[of]))
    pictures = units.sums(weights * units.pictures[:, None])
    drawn_trials = pictures[:, None] * pictures - _same_subject(units, weights)
    replicates = _ratios(_and_everybody(drawn_matches), _and_everybody(drawn_trials))
    sums = _Sums.of(units, matched)
    share, carriers = sums.own_share()
    spread = np.sqrt(share)[..., None]
    found, tried = units.sums(sums.matches), units.sums(sums.trials)
    rates = _ratios(found, tried)[..., None]
    with np.errstate(divide="ignore", invalid="ignore"):
        shrunk = np.where(replicates > 0, rates * (replicates / rates) ** spread, replicates)
    return Counted(found, tried, share * _variance(replicates), carriers, shrunk)


class _Sums(NamedTuple):
    """What each unit (row) has with each group, and with everybody (last column): counts, and sums over the people
    there of the squared matches, of matches times comparisons, and of squared comparisons.
    """

    units: Units
    matches: Floats
    trials: Floats
    matches_squared: Floats
    matches_trials: Floats
    trials_squared: Floats

    @classmethod
    def of(cls, units: Units, matched: csr_array) -> _Sums:
        member = np.eye(units.groups)[units.group]
        pictures = units.pictures[:, None].astype(np.float64)
        return cls(
            units,
            _and_everybody(matched @ member),
            _and_everybody(pictures * _others(units, pictures * member)),
            _and_everybody(matched.power(2) @ member),
            _and_everybody(pictures * (matched @ (pictures * member))),
            _and_everybody(pictures**2 * _others(units, pictures**2 * member)),
        )

    def own_share(self) -> tuple[Floats, Floats]:
        """Of the variance under draws of people, the part that is due, from 1/3 to 1 (see the module); its carriers."""
        shape = (self.units.groups, self.units.groups + 1)
        rates = _ratios(self.units.sums(self.matches), self.units.sums(self.trials))
        share, carriers = np.ones(shape), np.ones(shape)
        for probe, other in np.ndindex(shape):
            rate = float(rates[probe, other])
            if rate > 0:
                # What cancels may be left a rounding below 0.
                own, squares = max(self._own(probe, other, rate), 0.0), self._people(probe, other, rate)
                people = squares.sum()
                if people > 0:
                    share[probe, other] = max(people - own, own) / (people + own)
                    carriers[probe, other] = people**2 / (squares**2).sum()
        return share, carriers

    def _own(self, probe: int, other: int, rate: float) -> float:
        """The squared residuals of pairs of units. Two of one group are met twice, either as the probe."""
        squared = self.matches_squared - 2 * rate * self.matches_trials + rate**2 * self.trials_squared
        of = self.units.group == probe
        once = float(squared[of, other].sum())
        return once + float(squared[of, probe].sum()) if other in (probe, self.units.groups) else once

    def _people(self, probe: int, other: int, rate: float) -> Floats:
        """The squared residual of each person, the sum over all that one takes part in."""
        residuals = self.matches - rate * self.trials
        of = self.units.group == probe
        others = (self.units.group == other) | (other == self.units.groups)
        mine = self.units.by_subject(np.where(of, residuals[:, other], 0) + np.where(others, residuals[:, probe], 0))
        squared: Floats = mine**2
        return squared


def _matched(units: Units, first: Ints, second: Ints, counting: NDArray[np.floating] | None) -> csr_array:
    """How many comparisons of two units matched, or what those count; symmetric."""
    one, two = units.of_picture[first], units.of_picture[second]
    rows, columns = np.concatenate([one, two]), np.concatenate([two, one])
    size = len(units.subject)
    each = np.ones(len(first), np.float32) if counting is None else counting
    return csr_array((np.concatenate([each, each]), (rows, columns)), shape=(size, size))


def _others(units: Units, values: Floats) -> Floats:
    """The sums of `values` (units, groups) over all units but those of the same subject."""
    own = np.zeros((int(units.subject.max(initial=0)) + 1, values.shape[1]))
    np.add.at(own, units.subject, values)
    found: Floats = values.sum(axis=0) - own[units.subject]
    return found


def _same_subject(units: Units, weights: Draws) -> Floats:
    """The drawn pairs of pictures of one subject, by their groups: of shape (groups, groups, replicates)."""
    found = np.zeros((units.groups, units.groups, weights.shape[1]))
    drawn_pictures = (weights * units.pictures[:, None]).astype(np.float64)
    for group in range(units.groups):
        of = np.flatnonzero(units.group == group)
        found[group, group] = (drawn_pictures[of] ** 2).sum(axis=0)
    # Few subjects stand in several groups, for example of age.
    order = np.argsort(units.subject, kind="stable")
    for one, two in _pairs_of_one_subject(units.subject[order]):
        here, there = units.group[order[one]], units.group[order[two]]
        both = drawn_pictures[order[one]] * drawn_pictures[order[two]]
        np.add.at(found, (here, there), both)
        np.add.at(found, (there, here), both)
    return found


def _pairs_of_one_subject(subjects: Ints) -> list[tuple[Ints, Ints]]:
    """The places, in sorted `subjects`, of equal ones: by their distance."""
    pairs, step = [], 1
    while len(places := np.flatnonzero(subjects[step:] == subjects[:-step])):
        pairs.append((places, places + step))
        step += 1
    return pairs


def _and_everybody(values: Floats) -> Floats:
    """With a column more, the sum of all."""
    return np.concatenate([values, values.sum(axis=1, keepdims=True)], axis=1)


def _ratios(errors: Floats, trials: Floats) -> Floats:
    found: Floats = np.divide(errors, trials, out=np.full(np.shape(errors), np.nan), where=trials > 0)
    return found


def design_effect(rate: float, trials: float, variance: float) -> float | None:
    """By how much sharing people inflates the variance of a rate, at least 1; None where no error tells."""
    return max(float(variance * trials / (rate * (1 - rate))), 1.0) if 0 < rate < 1 and variance > 0 else None


def _variance(replicates: Floats) -> Floats:
    counted = np.isfinite(replicates).sum(axis=-1)
    centred = replicates - (np.nansum(replicates, axis=-1) / np.maximum(counted, 1))[..., None]
    found: Floats = np.nansum(centred**2, axis=-1) / np.maximum(counted - 1, 1)
    return found
