"""The bias audit: error rates by group at one threshold for all, and which differences may be called found. The
transparency log is audited in :mod:`regard.ledger.witnesses.audit`.

Groups are those that the labels of the sample name; none is ever inferred. Only rates leave this room, never who.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import NamedTuple

import msgspec
import numpy as np
from numpy.typing import NDArray

from regard.evaluation.bias import disparity
from regard.evaluation.bias.disparity import Disparity, Groups, Spread, spread
from regard.evaluation.samples.sample import Attribute, Sample, SampleError, crossed
from regard.evaluation.statistics.bootstrap import (
    Counted,
    Draws,
    Units,
    between_subjects,
    design_effect,
    drawn,
    within_subjects,
)
from regard.evaluation.statistics.comparisons import Pairs, genuine, impostors, score_at
from regard.evaluation.statistics.identification import Identification, identification
from regard.evaluation.statistics.lots import Lots, dealt_between, dealt_within, lots
from regard.evaluation.statistics.rates import Rate

FALSE_MATCH, FALSE_NON_MATCH, FAILURE_TO_ENROL = "false match", "false non-match", "failure to enrol"
GALLERIES = (1_000, 25_000, 1_000_000)

Ints = NDArray[np.int64]
Floats = NDArray[np.float64]
Progress = Callable[[str], None]


class Threshold(msgspec.Struct, frozen=True):
    """One threshold for everybody: its name and the lowest score (cosine) that matches."""

    name: str
    score: float


class Measure(msgspec.Struct, frozen=True):
    """One error rate in every group, how far the groups lie apart, and what was compared."""

    rates: list[Rate]
    spread: Spread | None
    disparities: list[Disparity]


class AtThreshold(msgspec.Struct, frozen=True):
    """What happens to an attribute's groups at a threshold.

    `false_match` is within each group; `pairs` has a row a group with its rate against every group, `everybody` against
    all. `mixed` counts genuine pairs whose pictures stand in two groups: they are in no group's rate.
    `identification` has a list a group, one entry a gallery size.
    """

    threshold: Threshold
    false_match: Measure
    pairs: list[list[Rate]]
    everybody: list[Rate]
    false_non_match: Measure
    mixed: int
    identification: list[list[Identification]]


class ByAttribute(msgspec.Struct, frozen=True):
    """One way to group the people: names of the groups, how many pictures and people each has, and their rates."""

    name: str
    groups: tuple[str, ...]
    pictures: list[int]
    people: list[int]
    failure_to_enrol: Measure
    thresholds: list[AtThreshold]


class Findings(msgspec.Struct, frozen=True):
    """What an audit measured. `asked` is how many comparisons of groups it made, by which chances are reckoned."""

    pictures: int
    people: int
    asked: int
    notes: list[str]
    attributes: list[ByAttribute]

    def found(self) -> Iterator[tuple[str, str, Threshold | None, Disparity]]:
        """The disparities that were found: attribute, measure, threshold where there is one, and which."""
        for each in self.attributes:
            for measure, at, told in each_measure(each):
                yield from ((each.name, measure, at, one) for one in told.disparities if one.found)


def each_measure(of: ByAttribute) -> Iterator[tuple[str, Threshold | None, Measure]]:
    """Every measure of an attribute, with its name and threshold."""
    yield FAILURE_TO_ENROL, None, of.failure_to_enrol
    for at in of.thresholds:
        yield FALSE_MATCH, at.threshold, at.false_match
        yield FALSE_NON_MATCH, at.threshold, at.false_non_match


def at_rate(sample: Sample, rate: float) -> float:
    """The score at which the whole sample has this false match rate, for samples in which strict ones see no error."""
    on = sample.enrolled
    return score_at(sample.embeddings[on], sample.subjects[on], rate)


def findings(
    sample: Sample,
    thresholds: Sequence[Threshold],
    galleries: Sequence[int] = GALLERIES,
    seed: int = 0,
    progress: Progress = lambda _: None,
) -> Findings:
    """Measure every attribute of the sample, and all of them crossed. The same seed gives the same findings.

    Raises SampleError when there is no group, or nothing enrolled to compare.
    """
    if not sample.attributes:
        raise SampleError("the sample has no column of groups; there is nothing to compare")
    if len(np.unique(sample.subjects[sample.enrolled])) < 2:
        raise SampleError("fewer than two people could be enrolled; there is nothing to compare")
    work = _Work.of(sample, thresholds, galleries, seed)
    measured = []
    for attribute in crossed(sample.attributes):
        progress(attribute.name)
        measured.append(_Measured.of(work, attribute))
    asked = sum(each.asked for each in measured)
    told = [each.told(len(measured)) for each in measured]
    return Findings(len(sample), len(np.unique(sample.subjects)), asked, _notes(work), told)


class _Effects(NamedTuple):
    """By how much the sharing of people inflates the variance of a sample's rates; None where no error tells."""

    false_match: float | None
    false_non_match: float | None


@dataclass(frozen=True, slots=True)
class _Work:
    """What every attribute is measured on: the comparisons of the enrolled pictures, and the draws of people."""

    sample: Sample
    subjects: Ints
    thresholds: Sequence[Threshold]
    galleries: Sequence[int]
    draws: Draws
    impostors: Pairs
    genuine: Pairs
    effects: dict[Threshold, _Effects]

    @classmethod
    def of(cls, sample: Sample, thresholds: Sequence[Threshold], galleries: Sequence[int], seed: int) -> _Work:
        on = sample.enrolled
        embeddings, subjects = sample.embeddings[on], sample.subjects[on]
        least = min(each.score for each in thresholds)
        draws = drawn(int(sample.subjects.max()) + 1, seed=seed)
        strangers, own = impostors(embeddings, subjects, least), genuine(embeddings, subjects)
        effects = _effects(subjects, thresholds, strangers, own, draws)
        return cls(sample, subjects, thresholds, galleries, draws, strangers, own, effects)


@dataclass(frozen=True, slots=True)
class _Threshold:
    """An attribute at a threshold, before disparities are asked for."""

    threshold: Threshold
    false_match: Groups
    pairs: list[list[Rate]]
    everybody: list[Rate]
    false_non_match: Groups
    mixed: int
    identification: list[list[Identification]]

    @property
    def measures(self) -> tuple[Groups, Groups]:
        """What is compared by group."""
        return self.false_match, self.false_non_match

    def told(self, matched: list[Disparity], missed: list[Disparity]) -> AtThreshold:
        return AtThreshold(
            self.threshold,
            _measure(self.false_match, matched),
            self.pairs,
            self.everybody,
            _measure(self.false_non_match, missed),
            self.mixed,
            self.identification,
        )


@dataclass(frozen=True, slots=True)
class _Measured:
    attribute: Attribute
    pictures: list[int]
    people: list[int]
    failure_to_enrol: Groups
    thresholds: list[_Threshold]

    @classmethod
    def of(cls, work: _Work, attribute: Attribute) -> _Measured:
        sample, groups = work.sample, len(attribute.names)
        every = Units.of(sample.subjects, attribute.codes, groups)
        enrolled = Units.of(work.subjects, attribute.codes[sample.enrolled], groups)
        failed = _summed(every, every.of_picture, ~sample.enrolled)
        failures = _within(attribute, every, failed, every.pictures.astype(np.float64), work.draws, lots(every))
        drawn_lots = lots(enrolled)
        return cls(
            attribute,
            np.bincount(attribute.codes, minlength=groups).tolist(),
            np.bincount(every.group, minlength=groups).tolist(),
            failures,
            [_at(work, attribute, enrolled, threshold, drawn_lots) for threshold in work.thresholds],
        )

    @property
    def measures(self) -> list[Groups]:
        """Everything that is compared by group: failures to enrol, and what each threshold has."""
        return [self.failure_to_enrol, *(groups for each in self.thresholds for groups in each.measures)]

    @property
    def asked(self) -> int:
        """How many comparisons of groups are made."""
        return sum(len(disparity.comparable(groups)) for groups in self.measures)

    def told(self, ways: int) -> ByAttribute:
        enrolling, *others = disparity.disparities(self.measures, ways)
        return ByAttribute(
            self.attribute.name,
            self.attribute.names,
            self.pictures,
            self.people,
            _measure(self.failure_to_enrol, enrolling),
            [
                at.told(*two)
                for at, two in zip(self.thresholds, zip(others[::2], others[1::2], strict=True), strict=True)
            ],
        )


def _measure(groups: Groups, told: list[Disparity]) -> Measure:
    return Measure(list(groups.rates), spread(groups), told)


def _at(work: _Work, attribute: Attribute, units: Units, threshold: Threshold, dealing: Lots) -> _Threshold:
    matches = work.impostors.above(threshold.score)
    counted = between_subjects(units, matches.first, matches.second, work.draws)
    rates = _between(units, counted, work.effects[threshold].false_match)
    own = np.arange(units.groups)
    everybody = [row[-1] for row in rates]
    misses, mixed = _misses(work, attribute, units, threshold, dealing)
    return _Threshold(
        threshold,
        Groups(
            attribute.names,
            [rates[group][group] for group in own],
            counted.replicates[own, own],
            dealt_between(units, matches.first, matches.second, dealing),
        ),
        [row[:-1] for row in rates],
        everybody,
        misses,
        mixed,
        _identified(work, units, matches, everybody),
    )


def _between(units: Units, counted: Counted, effect: float | None) -> list[list[Rate]]:
    members = [set(units.subject[units.group == group].tolist()) for group in range(units.groups)]
    members.append(set(units.subject.tolist()))
    rates = []
    for probe, other in np.ndindex(units.groups, units.groups + 1):
        # Within a group a comparison is met twice, either picture being the probe.
        times = 2 if probe == other else 1
        errors, trials = float(counted.errors[probe, other]) / times, float(counted.trials[probe, other]) / times
        people = len(members[probe] | members[other])
        # Comparisons that share nobody are independent.
        apart = min(len(members[probe]), len(members[other]), people // 2)
        effective = max(trials / effect, apart) if effect else apart
        variance, carriers = float(counted.variance[probe, other]), float(counted.carriers[probe, other])
        rates.append(Rate.of(errors, trials, people, variance, carriers, min(effective, trials)))
    width = units.groups + 1
    return [rates[row : row + width] for row in range(0, len(rates), width)]


def _within(
    attribute: Attribute,
    units: Units,
    errors: Floats,
    trials: Floats,
    draws: Draws,
    dealing: Lots,
    effect: float | None = None,
) -> Groups:
    counted = within_subjects(units, errors, trials, draws)
    people = np.bincount(units.group[trials > 0], minlength=units.groups).tolist()
    rates = []
    for group, persons in enumerate(people):
        failed, tried, variance = (float(sums[group]) for sums in counted[:3])
        effective = min(max(tried / effect, persons), tried) if effect else persons
        rates.append(Rate.of(failed, tried, persons, variance, persons - 1, effective))
    return Groups(attribute.names, rates, counted.replicates, dealt_within(units, errors, trials, dealing))


def _effects(
    subjects: Ints, thresholds: Sequence[Threshold], strangers: Pairs, own: Pairs, draws: Draws
) -> dict[Threshold, _Effects]:
    """At each threshold, on the sample as a whole.

    Where no error tells, what holds at the nearest threshold where one does is taken: errors that are rarer are less
    shared, so that this errs on the careful side.
    """
    whole = Units.of(subjects, np.zeros(len(subjects), np.int64), 1)
    unit = whole.of_picture[own.first]
    trials = _summed(whole, unit, np.ones(len(unit), np.bool_))
    matching, missing = {}, {}
    for each in thresholds:
        matches = strangers.above(each.score)
        found = between_subjects(whole, matches.first, matches.second, draws)
        matching[each] = design_effect(found.rates[0, 0], found.trials[0, 0] / 2, found.variance[0, 0])
        counted = within_subjects(whole, _summed(whole, unit, own.scores < each.score), trials, draws)
        missing[each] = design_effect(counted.rates[0], counted.trials[0], counted.variance[0])
    ordered = sorted(thresholds, key=lambda each: each.score)
    return {
        each: _Effects(_nearest(matching, ordered, each), _nearest(missing, ordered[::-1], each)) for each in ordered
    }


def _nearest(effects: dict[Threshold, float | None], ordered: list[Threshold], at: Threshold) -> float | None:
    """The effect there, or the one known last before it."""
    known = (effects[each] for each in reversed(ordered[: ordered.index(at) + 1]))
    return next((effect for effect in known if effect is not None), None)


def _misses(work: _Work, attribute: Attribute, units: Units, threshold: Threshold, dealing: Lots) -> tuple[Groups, int]:
    unit = units.of_picture[work.genuine.first]
    same = unit == units.of_picture[work.genuine.second]
    missed = work.genuine.scores < threshold.score
    trials, errors = _summed(units, unit[same], same[same]), _summed(units, unit[same], missed[same])
    effect = work.effects[threshold].false_non_match
    groups = _within(attribute, units, errors, trials, work.draws, dealing, effect)
    return groups, int((~same).sum())


def _summed(units: Units, unit: Ints, counted: NDArray[np.bool_]) -> Floats:
    found: Floats = np.bincount(unit, counted, len(units.subject)).astype(np.float64)
    return found


def _identified(work: _Work, units: Units, matches: Pairs, everybody: list[Rate]) -> list[list[Identification]]:
    size = len(work.subjects)
    hits = np.bincount(matches.first, minlength=size) + np.bincount(matches.second, minlength=size)
    others = size - np.bincount(work.subjects)[work.subjects]
    group = units.group[units.of_picture]
    return [
        [identification(rate, gallery, hits[group == place], others[group == place]) for gallery in work.galleries]
        if rate.trials
        else []
        for place, rate in enumerate(everybody)
    ]


def _notes(work: _Work) -> list[str]:
    notes = []
    if not len(work.genuine.first):
        notes.append(
            "No person of this sample has two pictures that could be enrolled: false non-match rates cannot be "
            "measured on it. If some people appear under several names, their pairs count as false matches."
        )
    return notes
