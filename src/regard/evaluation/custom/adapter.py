"""An adapter: what a head adds to the base scores of moderation, for pictures as one's own.

The head does not answer by itself: it adds log odds to those of the base, and starts from adding none. So it moves
what labelled pictures speak for, and where they say nothing, the base holds.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.special import expit, logit

from regard.evaluation.custom.cross import FOLDS, Lesson
from regard.evaluation.custom.errors import TooFew
from regard.evaluation.custom.head_files import adapter_file
from regard.evaluation.custom.logistic import Bools, Floats, fitted, odds
from regard.evaluation.custom.manifest import manifest_of
from regard.evaluation.custom.results import LabelReport, Summary, Trained
from regard.evaluation.custom.worth import interval_of_f1, rates

# The base gives no label below a confidence of 1 and none is certain: what it does not tell stands at this.
LEAST = 0.005
# How much pictures count against the base; 0 is the base as it is, and is taken where nothing is better.
STRENGTHS = (0.0, 0.3, 3.0, 30.0)
# Where DetectModerationLabels tells a label, unless it is asked otherwise.
TOLD_FROM = 0.5
LEVELS = tuple(range(5, 101, 5))
# What AWS advises to train with, and at least one of either in a message.
ADVISED_FALSE, ADVISED_MISSED = 20, 50
Features = NDArray[np.floating]


@dataclass(frozen=True, slots=True)
class Adapted(Trained):
    """An adapter. Its `scores` take features and, after them, the base scores, 0 to 1: (n, d + k)."""

    def scores(self, features: NDArray[np.floating]) -> NDArray[np.float32]:
        """How sure each label is, 0 to 1: (n, k)."""
        both = np.atleast_2d(np.asarray(features, np.float32))
        width = len(self.weights)
        added = both[:, :width] @ self.weights + self.offsets
        return np.asarray(expit(added + logit(np.clip(both[:, width:], LEAST, 1 - LEAST))), np.float32)


@dataclass(frozen=True, slots=True)
class Counts:
    """How often one label is rightly told, rightly not told, wrongly told and missed, from a confidence on."""

    right: int
    rightly_not: int
    wrong: int
    missed: int

    @classmethod
    def of(cls, told: Bools, yes: Bools) -> Counts:
        """Of answers that were told and those that are right, of any shape."""
        return cls(*(int(each.sum()) for each in (told & yes, ~told & ~yes, told & ~yes, ~told & yes)))


@dataclass(frozen=True, slots=True)
class Compared:
    """The base and the adapter from a confidence on, 5 to 100: in all, and by the name of each label."""

    confidence: int
    base: Counts
    adapter: Counts
    labels: dict[str, tuple[Counts, Counts]]


def compared(base: Features, adapted: Features, labels: Bools, names: Sequence[str]) -> list[Compared]:
    """Base and adapter side by side, at 5 to 100 by 5, for scores 0 to 1 (n, k) and what is right (n, k)."""
    found = []
    for level in LEVELS:
        told, better = 100 * np.asarray(base, np.float64) >= level, 100 * np.asarray(adapted, np.float64) >= level
        each = {
            name: (Counts.of(told[:, place], labels[:, place]), Counts.of(better[:, place], labels[:, place]))
            for place, name in enumerate(names)
        }
        found.append(Compared(level, Counts.of(told, labels), Counts.of(better, labels), each))
    return found


def train_adapter(
    features: Features,
    base: Features,
    labels: Bools,
    names: Sequence[str],
    *,
    seed: int = 0,
    test: tuple[Features, Features, Bools] | None = None,
    of: Mapping[str, str] | None = None,
    progress: Callable[[float], None] = lambda _: None,
) -> Adapted:
    """The adapter of labels of moderation, for features (n, d), base scores (n, k) 0 to 1, and what is right (n, k).

    `test` are features, base scores and what is right of pictures that it is measured on; else it is on those of the
    training, each by an adapter without it. `of` says what the features are of. Raises TooFew below a picture a fold.
    """
    inputs, yes = np.asarray(features, np.float64), np.asarray(labels, bool)
    ahead = logit(np.clip(np.asarray(base, np.float64), LEAST, 1 - LEAST))
    if len(inputs) < FOLDS:
        raise TooFew(
            "INSUFFICIENT_IMAGES_PER_LABEL_FOR_AUTOSPLIT",
            f"There are {len(inputs)} pictures, and it takes {FOLDS} at the least. Add pictures that the base tells "
            f"wrongly: {ADVISED_FALSE} that it labels wrongly, or {ADVISED_MISSED} that it misses.",
        )
    mean, spread = inputs.mean(axis=0), max(float(np.sqrt(inputs.var(axis=0).sum())), 1e-9)
    lesson = Lesson.dealt((inputs - mean) / spread, yes, len(yes), seed)
    strength, across = _chosen(lesson, ahead, progress)
    fit = np.zeros((inputs.shape[1] + 1, len(names)))
    if strength:
        fit = lesson.whole(fitted(lesson.inputs, yes, strength, given=ahead))
    plain = fit[:-1] / spread
    weights, offsets = plain.astype(np.float32), (fit[-1] - mean @ plain).astype(np.float32)
    file = adapter_file(weights, offsets, LEAST)
    limits = np.full(len(names), TOLD_FROM)
    made = {"pictures": len(yes), "seed": seed, "strength": strength}
    manifest = manifest_of("adapter", file, names, limits, of or {}, made)
    crossed = expit(across) >= TOLD_FROM
    given, shown = crossed, yes
    if test is not None:
        seen = np.concatenate([np.asarray(test[0], np.float32), np.asarray(test[1], np.float32)], axis=1)
        blank = Adapted(file, manifest, [], _summary((crossed, yes), crossed, yes, ahead, seed), weights, offsets)
        given, shown = blank.scores(seen) >= TOLD_FROM, np.asarray(test[2], bool)
    reports = [
        LabelReport(name, TOLD_FROM, f1, precision, recall, int(shown[:, k].sum()), int(yes[:, k].sum()))
        for k, (name, (f1, precision, recall)) in enumerate(zip(names, rates(given, shown).tolist(), strict=True))
    ]
    progress(1.0)
    return Adapted(file, manifest, reports, _summary((given, shown), crossed, yes, ahead, seed), weights, offsets)


def _chosen(lesson: Lesson, ahead: Floats, progress: Callable[[float], None]) -> tuple[float, Floats]:
    """The strength that is likeliest on pictures left out, 0 among them, and the log odds of these."""
    best = (np.inf, 0.0, ahead)
    for number, strength in enumerate(STRENGTHS):
        found = ahead.copy()
        for each in range(FOLDS if strength else 0):
            kept = lesson.fold != each
            fit = fitted(lesson.inputs[kept], lesson.answers[kept], strength, given=ahead[kept])
            found[~kept] += odds(lesson.inputs[~kept], fit)
        loss = float(np.logaddexp(0, np.where(lesson.answers, -found, found)).mean())
        if loss < best[0]:
            best = loss, strength, found
        progress(0.9 * (number + 1) / len(STRENGTHS))
    return best[1], best[2]


def _summary(measured: tuple[Bools, Bools], crossed: Bools, yes: Bools, ahead: Floats, seed: int) -> Summary:
    shown = measured[1].any(axis=0)
    f1, precision, recall = (rates(*measured)[shown].mean(axis=0) if shown.any() else np.zeros(3)).tolist()
    told = expit(ahead) >= TOLD_FROM
    false, missed = int((told & ~yes).sum()), int((~told & yes).sum())
    message = "The model is ready to run."
    if false < ADVISED_FALSE and missed < ADVISED_MISSED:
        message += (
            f" It was taught by {false} labels that the base tells wrongly and {missed} that it misses; "
            f"{ADVISED_FALSE} or {ADVISED_MISSED} are advised. Add pictures of such."
        )
    across = rates(crossed, yes)[yes.any(axis=0), 0]
    return Summary(
        f1=f1,
        precision=precision,
        recall=recall,
        interval=interval_of_f1(*measured, seed),
        cross_validated=float(across.mean()) if len(across) else 0.0,
        false_labels=None,
        curve=(),
        with_more=None,
        confusion=None,
        message=message,
    )
