"""A classifier of one's own labels: one against the rest on frozen features, with what it is worth.

Whatever is told of it comes from pictures that the head in question was not made of: strength, calibration and
thresholds from five folds, figures from test pictures where there are any. AWS takes thresholds from the test set,
which flatters F1.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

import numpy as np
from numpy.typing import NDArray

from regard.evaluation.custom.cross import SHARES, Lesson, chosen, left_out
from regard.evaluation.custom.errors import TooFew, Weak
from regard.evaluation.custom.head_files import head_file
from regard.evaluation.custom.logistic import Bools, Floats
from regard.evaluation.custom.manifest import manifest_of
from regard.evaluation.custom.results import LabelReport, Learnt, Summary, Trained
from regard.evaluation.custom.thresholds import Curves, thresholds, told_across
from regard.evaluation.custom.worth import confusion, interval_of_f1, rates

LEAST_LABELS, MOST_LABELS = 2, 250
# Two standard errors above an even chance: below it a label is not told apart from the rest.
_APART = 2.0
# A label with an F1 below this on pictures left out is weak, as is one of fewer pictures than this, which is judgement,
# and one that is not told apart: telling it always may have an F1 above.
WEAK_F1, WEAK_PICTURES = 0.7, 10
MORE = 50
READY = "The model is ready to run."
# Of the time that a training takes: choosing the strength, then the curve, then the head.
_CHOSEN, _LEARNT = 0.55, 0.9
Features = NDArray[np.floating]
Test = tuple[Features, Bools]


def train_classifier(
    features: Features,
    labels: Bools,
    names: Sequence[str],
    *,
    background: Features,
    seed: int = 0,
    test: Test | None = None,
    base: Mapping[str, str] | None = None,
    progress: Callable[[float], None] = lambda _: None,
) -> Trained:
    """The classifier of `names` (k), for features (n, d) and which labels each picture shows (n, k).

    `background` (m, d) are unrelated pictures, which show none; `test` are pictures it is measured on, else it is on
    those of the training, each by a head without it. `base` says what the features are of, for the manifest.
    `progress` is told the share that is done, 0 to 1. Raises TooFew and Weak, with the contract's code and what would
    help.
    """
    yes = np.asarray(labels, bool)
    _require_labels(yes, names, test)
    mean, spread = _scale(np.asarray(features, np.float64))
    lesson = _lesson(features, background, yes, (mean, spread), seed)
    strength, scores = chosen(lesson, lambda done: progress(_CHOSEN * done))
    apart = _require_apart(scores[: lesson.own], yes, names)
    told = told_across(scores, lesson.answers, lesson.own, lesson.fold)
    curve = _curve(lesson, strength, told, seed, lambda done: progress(_CHOSEN + (_LEARNT - _CHOSEN) * done))
    curves = Curves.of(scores[: lesson.own], yes)
    limits = np.round(thresholds(curves(scores), lesson.answers, lesson.own), 6)
    fit = lesson.whole(lesson.fitted(np.ones(len(lesson.answers), bool), strength))
    weights, offsets = _folded(fit, curves, mean, spread)
    file = head_file(weights, offsets)
    made = {"pictures": lesson.own, "unrelated": len(lesson.answers) - lesson.own, "seed": seed}
    manifest = manifest_of("classifier", file, names, limits, base or {}, {**made, "strength": strength})
    sure, shown, given = curves(scores)[: lesson.own], yes, told[: lesson.own]
    if test is not None:
        odds = np.asarray(test[0], np.float32) @ weights + offsets
        sure, shown = 1 / (1 + np.exp(-np.clip(np.asarray(odds, np.float64), -60, 60))), np.asarray(test[1], bool)
        given = sure >= limits
    across = rates(told[: lesson.own], yes)[:, 0]
    matrix = confusion(sure, shown)
    weak = ~np.array(apart) | (across < WEAK_F1) | (yes.sum(axis=0) < WEAK_PICTURES)
    reports = _reports(names, limits, (given, shown), yes, across, weak, matrix)
    summary = _summary(reports, (given, shown), lesson, told, across, curve, matrix, seed)
    progress(1.0)
    return Trained(file, manifest, reports, summary, weights, offsets)


def _require_labels(yes: Bools, names: Sequence[str], test: Test | None) -> None:
    shown = np.asarray(yes.any(axis=0), bool)
    told = [name for name, each in zip(names, shown.tolist(), strict=True) if each]
    if len(told) < LEAST_LABELS:
        raise TooFew(
            "MANIFEST_TOO_FEW_LABELS",
            f"{len(told)} labels have pictures ({', '.join(told) or 'none'}), and it takes two. Add pictures that "
            "show something else, labelled as such.",
            tuple(told),
        )
    if len(told) > MOST_LABELS:
        raise TooFew("MANIFEST_TOO_MANY_LABELS", f"There are {len(told)} labels, and {MOST_LABELS} are the most.")
    lacking = [name for name, each in zip(names, shown.tolist(), strict=True) if not each]
    if lacking:
        raise TooFew(
            "MANIFEST_TOO_FEW_USABLE_LABELS",
            f"{', '.join(lacking)}: no picture shows it. Add some, or take the label out.",
            tuple(lacking),
        )
    if test is not None:
        tested = np.asarray(np.asarray(test[1], bool).any(axis=0), bool)
        if 2 * (tested & shown).sum() < len(names):
            untested = tuple(name for name, each in zip(names, tested.tolist(), strict=True) if not each)
            raise TooFew(
                "INSUFFICIENT_LABEL_OVERLAP",
                f"Under half of the labels are in the test pictures. Add test pictures of {', '.join(untested)}.",
                untested,
            )


def _require_apart(scores: Floats, yes: Bools, names: Sequence[str]) -> list[bool]:
    """Of each label whether it scores higher on pictures that show it than chance would have it.

    Raises Weak where fewer than two do.
    """
    apart = [_distance(score, each) > _APART for score, each in zip(scores.T, yes.T, strict=True)]
    if sum(apart) >= LEAST_LABELS:
        return apart
    weak = tuple(name for name, each in zip(names, apart, strict=True) if not each)
    counts = ", ".join(f"{name} ({count})" for name, count in zip(names, yes.sum(axis=0), strict=True) if name in weak)
    raise Weak(
        "MANIFEST_TOO_FEW_USABLE_LABELS",
        f"On pictures left out, these labels are told no better than by chance (pictures that show them): {counts}. "
        f"Add pictures, to {2 * WEAK_PICTURES} of each label at least, that differ in what the label is about and in "
        "nothing else; or look whether some are labelled wrongly.",
        weak,
    )


def _distance(scores: Floats, yes: Bools) -> float:
    """By how many standard errors pictures that show the label rank above the others (Mann and Whitney, 1947)."""
    shown, others = int(yes.sum()), int((~yes).sum())
    if not shown or not others:
        return 0.0
    order = np.sort(scores[~yes])
    below = np.searchsorted(order, scores[yes], "left") + np.searchsorted(order, scores[yes], "right")
    area = float(below.mean()) / 2 / others
    return (area - 0.5) / float(np.sqrt((shown + others + 1) / (12 * shown * others)))


def _scale(inputs: Floats) -> tuple[Floats, float]:
    """The mean of features, and one spread for all: numbers that are seldom seen are not to be loud."""
    return inputs.mean(axis=0), max(float(np.sqrt(inputs.var(axis=0).sum())), 1e-9)


def _lesson(features: Features, background: Features, yes: Bools, scale: tuple[Floats, float], seed: int) -> Lesson:
    unrelated = np.asarray(background, np.float64).reshape(-1, len(scale[0]))
    inputs = (np.concatenate([np.asarray(features, np.float64), unrelated]) - scale[0]) / scale[1]
    answers = np.concatenate([yes, np.zeros((len(unrelated), yes.shape[1]), bool)])
    return Lesson.dealt(inputs, answers, len(yes), seed)


def _folded(
    fit: Floats, curves: Curves, mean: Floats, spread: float
) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    """Weights (d, k) and offsets (k) for features as they are, with the calibration in them."""
    plain = fit[:-1] / spread
    weights, offsets = plain * curves.slopes, (fit[-1] - mean @ plain) * curves.slopes + curves.offsets
    return weights.astype(np.float32), offsets.astype(np.float32)


def _curve(
    lesson: Lesson, strength: float, told: Bools, seed: int, progress: Callable[[float], None]
) -> tuple[Learnt, ...]:
    """The mean F1 on pictures left out, by how many a head is made of; the last point is of what the folds leave."""
    points = []
    yes = lesson.answers[: lesson.own]
    for number, share in enumerate(SHARES):
        among = lesson.fewer(share, seed)
        if (lesson.answers[among].sum(axis=0) < 2).any():
            continue
        scores = left_out(lesson, strength, among)
        across = told_across(scores, lesson.answers, lesson.own, lesson.fold)[: lesson.own]
        made_of = round(float(among[: lesson.own].sum()) * 0.8)
        points.append(Learnt(made_of, float(rates(across, yes)[:, 0].mean())))
        progress((number + 1) / len(SHARES))
    return (*points, Learnt(round(lesson.own * 0.8), float(rates(told[: lesson.own], yes)[:, 0].mean())))


def with_more(curve: Sequence[Learnt], own: int, more: int = MORE) -> float | None:
    """The F1 to expect with `more` pictures than the `own`: what is wrong falls by a power of their number.

    None of a curve of fewer than two points.
    """
    if len(curve) < 2:
        return None
    wrong = np.log([max(1 - each.f1, 1e-3) for each in curve])
    power = min(float(np.polyfit(np.log([each.pictures for each in curve]), wrong, 1)[0]), 0.0)
    return float(1 - (1 - curve[-1].f1) * ((own + more) / curve[-1].pictures) ** power)


def _reports(
    names: Sequence[str],
    limits: Floats,
    measured: tuple[Bools, Bools],
    yes: Bools,
    across: Floats,
    weak: Bools,
    matrix: NDArray[np.int64] | None,
) -> list[LabelReport]:
    found = []
    for place, (name, each) in enumerate(zip(names, rates(*measured).tolist(), strict=True)):
        f1, precision, recall = each
        counts = int(measured[1][:, place].sum()), int(yes[:, place].sum())
        advice = _advice(names, place, float(across[place]), counts[1], matrix) if weak[place] else ""
        found.append(LabelReport(name, float(limits[place]), f1, precision, recall, *counts, advice))
    return found


def _advice(names: Sequence[str], place: int, across: float, pictures: int, matrix: NDArray[np.int64] | None) -> str:
    """What would help a weak label."""
    told = f"{names[place]}: F1 {across:.2f} on pictures left out, from {pictures} pictures."
    if matrix is not None:
        others = matrix[place].copy()
        others[place] = 0
        if others.max() > 0:
            other = names[int(others.argmax())]
            return f"{told} It is taken for {other} most: add pictures of both that show what differs."
    return f"{told} Add pictures that show it, {max(2 * pictures, 2 * WEAK_PICTURES)} in all or more."


def _summary(
    reports: Sequence[LabelReport],
    measured: tuple[Bools, Bools],
    lesson: Lesson,
    told: Bools,
    across: Floats,
    curve: tuple[Learnt, ...],
    matrix: NDArray[np.int64] | None,
    seed: int,
) -> Summary:
    tested = [each for each in reports if each.n]
    weak = [each.advice for each in reports if each.advice]
    return Summary(
        f1=float(np.mean([each.f1 for each in tested])),
        precision=float(np.mean([each.precision for each in tested])),
        recall=float(np.mean([each.recall for each in tested])),
        interval=interval_of_f1(*measured, seed),
        cross_validated=float(across.mean()),
        false_labels=float(told[lesson.own :].any(axis=1).mean()) if len(told) > lesson.own else None,
        curve=curve,
        with_more=with_more(curve, lesson.own),
        confusion=matrix,
        message=" ".join([READY, *(["Weak labels:", *weak] if weak else [])]),
    )
