"""The probe of a people project: how well the group that somebody is in shows in what a model says of their picture.

Neutral names can stand for groups: a model of "A" to "E" may tell five of them apart. So its predictions on an audit
set, whose groups are labelled, are asked for the group: by a linear answer on what is told and how surely, learnt on
four fifths of the people and tried on the last fifth. What is found is compared with what shuffled groups give.

The effect is Cohen's w of groups against guesses, all groups weighing the same, less what chance alone adds (Bergsma,
"A bias-correction for Cramér's V and Tschuprow's T", 2013); with as many guesses as groups it is Cramér's V times the
root of the groups less one. Its interval inverts the noncentral chi-squared distribution (Smithson, "Confidence
intervals", 2003), and is of what can be guessed after so many people: more of them may show more. What the probe cannot
see is in docs/threat-model.md.
"""

from __future__ import annotations

from collections.abc import Sequence

import msgspec
import numpy as np
from numpy.typing import NDArray

from regard.evaluation.samples.pictures_on_disk import Labelled
from regard.evaluation.statistics.intervals import Interval
from regard.evaluation.training.regression import FOLDS, folds

NONE, UNCLEAR, APART, PASSED = "none", "unclear", "apart", "passed"
# A medium effect, "likely to be visible to the naked eye of a careful observer": Cohen, "Statistical power analysis for
# the behavioral sciences" (1988), 7.2.3. Five groups whose group is guessed at .37 in place of .20 come to .43.
LIMIT = 0.3
LEVEL = 0.95
# Among so many shuffles one in twenty by chance is one to be sure of; more say little more.
SHUFFLES = 199
_STEPS = 10
# How much a simple answer is preferred, in parts of the mean square of what is told.
_RIDGE = 0.01

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]


class Association(msgspec.Struct, frozen=True):
    """What the probe found for an `attribute` of the audit set, the worst of them where there are several.

    `effect` is Cohen's w from 0 on and `interval` its 95 % interval; `guessed` the mean share of a group whose group is
    guessed rightly, 0 to 1, against `chance`; `by_chance` how often shuffled groups are guessed as well.
    """

    attribute: str
    groups: int
    people: int
    effect: float
    interval: Interval
    guessed: float
    chance: float
    by_chance: float

    @property
    def outcome(self) -> str:
        """`apart` where a medium effect was found, `passed` where one is excluded, else `unclear`."""
        if self.effect >= LIMIT and self.by_chance <= 1 - LEVEL:
            return APART
        return PASSED if self.interval.high < LIMIT else UNCLEAR

    @property
    def told(self) -> str:
        """What was found, in a sentence."""
        more = " Name an audit set of more people." if self.outcome == UNCLEAR else ""
        return (
            f"The group ({self.attribute}) is guessed from the predictions in {self.guessed:.0%} of {self.people} "
            f"people, by chance in {self.chance:.0%}: w is {self.effect:.2f} ({self.interval.low:.2f} to "
            f"{self.interval.high:.2f}), and {LIMIT} or more is not let start without a motion.{more}"
        )


def probe(scores: Floats, thresholds: Floats, pictures: Sequence[Labelled], *, seed: int = 0) -> Association | None:
    """The strongest association of predictions with any attribute of the audit set; None where it has no two groups.

    `scores` (pictures, labels) and `thresholds` (labels) are from 0 to 1.
    """
    found = []
    for attribute in sorted({name for each in pictures for name in each.groups}):
        groups = [each.groups.get(attribute, "") for each in pictures]
        labelled = np.array([bool(each) for each in groups])
        if len({each for each in groups if each}) > 1:
            people = [each.subject for each, kept in zip(pictures, labelled, strict=True) if kept]
            there = [each for each in groups if each]
            found.append(association(attribute, scores[labelled], thresholds, there, people, seed=seed))
    return max(found, key=lambda each: (each.outcome == APART, each.outcome == UNCLEAR, each.effect), default=None)


def association(
    attribute: str, scores: Floats, thresholds: Floats, groups: Sequence[str], people: Sequence[str], *, seed: int = 0
) -> Association:
    """How predictions hang together with `groups`, one a picture; each of `people` is held out with all their pictures.

    `scores` and `thresholds` are as :func:`probe` has them. The same pictures give the same answer.
    """
    names, group = np.unique(np.array(groups), return_inverse=True)
    guess = _Guesses(_told(scores, thresholds), folds(people))
    persons, person = np.unique(np.array(people), return_inverse=True)
    found = _square(group, guess.of(group, len(names)), len(names))
    chance = np.random.default_rng(seed)
    own = group[np.unique(person, return_index=True)[1]]
    shuffled = []
    for _ in range(SHUFFLES):
        other = chance.permutation(own)[person]
        shuffled.append(_square(other, guess.of(other, len(names)), len(names)))
    counted = len(names) ** 2 / float((1 / np.bincount(own, minlength=len(names))).sum())
    freedom = (len(names) - 1) ** 2
    hits = guess.of(group, len(names)) == group
    return Association(
        attribute=attribute,
        groups=len(names),
        people=len(persons),
        effect=float(np.sqrt(max(0.0, found - freedom / counted))),
        interval=_interval(found * counted, freedom, counted),
        guessed=float(np.mean([hits[group == each].mean() for each in range(len(names))])),
        chance=1 / len(names),
        by_chance=(1 + sum(each >= found for each in shuffled)) / (1 + SHUFFLES),
    )


class _Guesses:
    """Guesses of groups held out: what does not depend on the groups is worked out once, for all shuffles."""

    def __init__(self, told: Floats, fold: Ints) -> None:
        ridge = _RIDGE * float((told**2).sum(1).mean())
        self._parts = []
        for held in range(FOLDS):
            out, rest = np.flatnonzero(fold == held), np.flatnonzero(fold != held)
            if not len(out) or not len(rest):
                continue
            inside = told[rest]
            square = inside.T @ inside / len(rest) + ridge * np.eye(told.shape[1])
            self._parts.append((told[out] @ np.linalg.inv(square) / len(rest), inside.T, out, rest))
        self._number = len(told)

    def of(self, group: Ints, groups: int) -> Ints:
        """The group guessed for each picture, from pictures of other people."""
        guesses = np.zeros(self._number, np.int64)
        for asked, inside, out, rest in self._parts:
            shares = np.maximum(np.bincount(group[rest], minlength=groups), 1) / len(rest)
            guesses[out] = (asked @ (inside @ np.eye(groups)[group[rest]]) / shares).argmax(1)
        return guesses


def _told(scores: Floats, thresholds: Floats) -> Floats:
    """What a caller is told: which labels, the surest of them, and how surely in tenths; and that there is a picture.

    In tenths: a score that is a hundredth higher for one group says nothing to whoever reads labels.
    """
    surest = np.eye(scores.shape[1])[scores.argmax(1)] * (scores.max(1) >= 1 / _STEPS)[:, None]
    rounded = np.floor(np.clip(scores, 0, 1) * _STEPS) / _STEPS
    return np.column_stack([scores >= thresholds, surest, rounded, np.ones(len(scores))]).astype(np.float64)


def _square(group: Ints, guesses: Ints, groups: int) -> float:
    """Cohen's w, squared, of groups that weigh the same against guesses."""
    table = np.zeros((groups, groups))
    np.add.at(table, (group, guesses), 1.0)
    table /= np.maximum(table.sum(1, keepdims=True), 1) * groups
    expected = np.outer(table.sum(1), table.sum(0))
    there = expected > 0
    return float(((table[there] - expected[there]) ** 2 / expected[there]).sum())


def _interval(chi: float, freedom: int, counted: float) -> Interval:
    """The interval of w, from the chi-squared statistic over `counted` people."""
    # What takes a quarter of a second to import, a service that probes nothing need not wait for.
    from scipy.special import chndtr, chndtrinc

    tail = (1 - LEVEL) / 2
    # A noncentrality of 0 is the least there is: where even that makes so little unlikely, the limit is 0.
    likely = float(chndtr(chi, freedom, 0.0))
    bounds = [float(chndtrinc(chi, freedom, share)) if likely > share else 0.0 for share in (1 - tail, tail)]
    low, high = np.sqrt(np.array(bounds) / counted)
    return Interval(float(low), float(high))
