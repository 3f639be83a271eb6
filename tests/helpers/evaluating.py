"""Samples with known rates, for the tests of the bias audit."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from regard.evaluation.bias.disparity import Groups
from regard.evaluation.samples.sample import Attribute, Sample
from regard.evaluation.statistics.bootstrap import Counted, Units, between_subjects, drawn, within_subjects
from regard.evaluation.statistics.lots import Dealt, dealt_between, dealt_within, lots
from regard.evaluation.statistics.rates import Rate

PICTURES = 3


class Trial:
    """People in groups, three pictures each, whose errors have known rates and depend on who is compared.

    `false_match` and `false_non_match` are the true rates of each group; groups take turns with the people. False
    matches have a threshold of their own on scores to which both people add, false non-matches a tendency a person.
    """

    def __init__(
        self, seed: int, people: int, false_match: list[float], false_non_match: list[float], persons: float = 0.1
    ) -> None:
        rng = np.random.default_rng(seed)
        groups = len(false_match)
        subjects = np.repeat(np.arange(people), PICTURES)
        labels = subjects % groups
        self.units = Units.of(subjects, labels, groups)
        self.draws = drawn(people, seed=seed)
        first, second = np.triu_indices(len(subjects), 1)
        own = subjects[first] != subjects[second]
        first, second = first[own], second[own]
        liking = rng.standard_normal(people) * np.sqrt(persons)
        scores = liking[subjects[first]] + liking[subjects[second]]
        scores += rng.standard_normal(len(first)) * np.sqrt(1 - 2 * persons)
        higher = np.maximum(labels[first], labels[second])
        matched = scores >= _normal_tail(np.array(false_match))[higher]
        self.impostors = between_subjects(self.units, first[matched], second[matched], self.draws)
        dealing = lots(self.units, seed=seed)
        self.dealt_matches = dealt_between(self.units, first[matched], second[matched], dealing)
        tendency = np.array(false_non_match)[self.units.group]
        missed = rng.binomial(PICTURES, rng.beta(5 * tendency, 5 * (1 - tendency)))
        tried = np.full(people, float(PICTURES))
        self.genuine = within_subjects(self.units, missed.astype(np.float64), tried, self.draws)
        self.dealt_misses = dealt_within(self.units, missed.astype(np.float64), tried, dealing)

    def false_matches(self) -> Groups:
        own = np.arange(self.units.groups)
        found = self.impostors
        errors, trials = found.errors[own, own] / 2, found.trials[own, own] / 2
        replicates = found.replicates[own, own]
        return self._groups(
            Counted(errors, trials, found.variance[own, own], found.carriers[own, own], replicates),
            self.dealt_matches,
        )

    def false_non_matches(self) -> Groups:
        return self._groups(self.genuine._replace(carriers=self.genuine.carriers - 1), self.dealt_misses)

    def _groups(self, counted: Counted, dealt: Dealt) -> Groups:
        people = np.bincount(self.units.group)
        rates = [
            Rate.of(float(errors), float(trials), int(number), float(variance), float(free), float(number))
            for errors, trials, variance, free, number in zip(*counted[:4], people, strict=True)
        ]
        return Groups([f"group {place}" for place in range(len(rates))], rates, counted.replicates, dealt)


def portraits(seed: int, women: list[int], men: list[int]) -> list[Groups]:
    """False non-matches of 122 pairs of women's portraits and 484 of men's, at thresholds that miss so many of each.

    People have one to three pairs; some are harder than others, at every threshold.
    """
    rng = np.random.default_rng(seed)
    parts = [_hardness(rng, pairs) for pairs in (122, 484)]
    trials = np.concatenate([np.bincount(who) for who, _ in parts]).astype(np.float64)
    labels = np.repeat([0, 1], [int(who.max()) + 1 for who, _ in parts])
    units = Units.of(np.arange(len(trials)), labels, 2)
    draws, people = drawn(len(trials), seed=seed), np.bincount(labels)
    found = []
    for missed in zip(women, men, strict=True):
        errors = [
            np.bincount(who, np.argsort(np.argsort(hard)) < number)
            for (who, hard), number in zip(parts, missed, strict=True)
        ]
        counted = within_subjects(units, np.concatenate(errors), trials, draws)
        rates = [
            Rate.of(float(failed), float(tried), int(number), float(variance), int(number) - 1, float(number))
            for failed, tried, variance, number in zip(*counted[:3], people, strict=True)
        ]
        dealt = dealt_within(units, np.concatenate(errors).astype(np.float64), trials, lots(units))
        found.append(Groups(["women", "men"], rates, counted.replicates, dealt))
    return found


def _hardness(rng: np.random.Generator, pairs: int) -> tuple[NDArray[np.int64], NDArray[np.float64]]:
    """Whose each pair is, and how hard it is, from low to high."""
    who = np.repeat(np.arange(pairs), rng.choice([1, 1, 1, 2, 3], pairs))[:pairs]
    return who, 0.6 * rng.standard_normal(pairs)[who] + 0.8 * rng.standard_normal(pairs)


def degraded(seed: int, people: int, noise: list[float], pictures: int = 3, size: int = 64) -> Sample:
    """Embeddings of people in groups: each picture is off its person by so much `noise`, more in degraded groups."""
    rng = np.random.default_rng(seed)
    subjects = np.repeat(np.arange(people), pictures)
    labels = subjects % len(noise)
    vectors = rng.standard_normal((people, size))[subjects]
    vectors += np.array(noise)[labels][:, None] * rng.standard_normal((len(subjects), size))
    vectors /= np.linalg.norm(vectors, axis=1)[:, None]
    attribute = Attribute.of("group", [f"group {label}" for label in labels])
    return Sample(subjects, (attribute,), np.ones(len(subjects), bool), vectors.astype(np.float32), {})


def _normal_tail(rates: NDArray[np.float64]) -> NDArray[np.float64]:
    from scipy.special import ndtri

    found: NDArray[np.float64] = -ndtri(rates)
    return found
