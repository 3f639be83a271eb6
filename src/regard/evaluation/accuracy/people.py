"""Error rates by people: each pair of people weighs one in the false match rate, each person one in the false non-match
rate, with intervals that draw people. By pictures, and by group, they are in :mod:`regard.evaluation.bias.audit`.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from regard.evaluation.samples.sample import Sample
from regard.evaluation.statistics.bootstrap import (
    Draws,
    Units,
    between_subjects,
    design_effect,
    drawn,
    within_subjects,
)
from regard.evaluation.statistics.comparisons import Pairs, genuine, impostors
from regard.evaluation.statistics.people import pairs_of_people, shares
from regard.evaluation.statistics.rates import Rate

Ints = NDArray[np.int64]
Floats = NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class ByPeople:
    """FMR and FNMR at a score. `errors` of a rate are the pairs of people, or people, some of whose pictures err."""

    false_match: Rate
    false_non_match: Rate


def rates_by_people(sample: Sample, scores: Sequence[float], seed: int = 0) -> list[ByPeople]:
    """The rates of the enrolled pictures at each of `scores`, in their order.

    Without an error the bound supposes that comparisons share people as they do at the nearest laxer score.
    """
    work = _Work.of(sample.of(sample.enrolled), min(scores), seed)
    found: dict[float, ByPeople] = {}
    effect = None
    for score in sorted(scores):
        matched, effect = work.false_match(score, effect)
        found[score] = ByPeople(matched, work.false_non_match(score))
    return [found[score] for score in scores]


@dataclass(frozen=True, slots=True)
class _Work:
    """`units` are the people, each one unit of the weight of one picture; `apart` those that are not compared."""

    subjects: Ints
    units: Units
    apart: Ints
    draws: Draws
    strangers: Pairs
    own: Pairs

    @classmethod
    def of(cls, sample: Sample, least: float, seed: int) -> _Work:
        subjects = sample.subjects
        return cls(
            subjects,
            Units.of(subjects, np.zeros(len(subjects), np.int64), 1).counted_once(),
            sample.apart,
            drawn(int(subjects.max(initial=-1)) + 1, seed=seed),
            impostors(sample.embeddings, subjects, least, sample.apart),
            genuine(sample.embeddings, subjects),
        )

    def false_match(self, score: float, effect: float | None) -> tuple[Rate, float | None]:
        """The rate, and the design effect there: `effect`, that of the laxer scores, where no error tells."""
        matches, share = self.strangers.above(score), shares(self.subjects)
        counting = share[matches.first] * share[matches.second]
        found = between_subjects(self.units, matches.first, matches.second, self.draws, counting)
        people, trials = len(self.units.subject), pairs_of_people(self.subjects, self.apart)
        variance = float(found.variance[0, 0])
        effect = design_effect(float(found.rates[0, 0]), trials, variance) or effect
        apart = people // 2
        without = max(trials / effect, apart) if effect else apart
        two = np.sort(self.subjects[np.stack([matches.first, matches.second])], axis=0)
        seen = len(np.unique(two, axis=1).T)
        errors, carriers = float(found.errors[0, 0]) / 2, float(found.carriers[0, 0])
        return Rate.of(errors, trials, people, variance, carriers, min(without, trials), seen), effect

    def false_non_match(self, score: float) -> Rate:
        """The mean over the people who have two pictures of the share of their pairs that are missed."""
        whose, people = self.subjects[self.own.first], len(self.units.subject)
        pairs = np.bincount(whose, minlength=people)
        missed = np.bincount(whose, self.own.scores < score, people)
        tried = (pairs > 0).astype(np.float64)
        share = missed / np.maximum(pairs, 1)
        found = within_subjects(self.units, share, tried, self.draws)
        persons = int(tried.sum())
        errors, variance = float(found.errors[0]), float(found.variance[0])
        return Rate.of(errors, persons, persons, variance, persons - 1, persons, int((missed > 0).sum()))
