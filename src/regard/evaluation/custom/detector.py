"""A detector of one's own things: linear answers on candidates, by the better of two ways to come by candidates.

Which way, how strongly a head is held back, how scores are calibrated and from where labels are told comes from
pictures that the heads were not made of; figures come from test pictures, where there are any.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np

from regard.evaluation.custom.assigning import NOTHING, Assigned, assigned
from regard.evaluation.custom.classifier import READY, WEAK_F1, WEAK_PICTURES, with_more
from regard.evaluation.custom.detections import Detections, Truth, across, interval_of_f1, rates
from regard.evaluation.custom.detector_file import detector_file
from regard.evaluation.custom.errors import TooFew, Weak
from regard.evaluation.custom.logistic import Floats, fitted
from regard.evaluation.custom.manifest import manifest_of
from regard.evaluation.custom.results import LabelReport, Learnt, Summary
from regard.evaluation.training.regression import calibrated
from regard.vision.heads.box_head import BoxHead, Candidates, Framed

FOLDS, MOST_LABELS = 5, 250
# scikit-learn's C for features whose spread is 1 in all.
STRENGTHS = (0.3, 1.0, 5.0)
# Candidates of nothing that a picture teaches: so many that were drawn, and so many that a first head took for things.
_DRAWN, _HARD = 40, 20
# Of more pictures than this each teaches fewer of them: a gigabyte is enough then.
_PICTURES = 300
# How strongly shifts are held back: as so many more pictures that shift nothing.
_HELD = 3.0
# What a way has to be told of a candidate, at least, to be looked at while a head is measured.
_FAINT = 0.01


@dataclass(frozen=True, slots=True)
class Pictured:
    """A picture: its candidates by each way, and what it shows: boxes (m, 4) and the numbers of their labels (m,)."""

    seen: dict[str, Candidates]
    truth: Truth


@dataclass(frozen=True, slots=True)
class TrainedDetector:
    """A detector that was trained. `onnx` is its file, and `manifest` what it was made of and on; both are the same
    bytes for the same pictures, seed and libraries. `precision`, `recall` are AWS's AveragePrecision and AverageRecall:
    means over labels, of the area under the curve and of the boxes found at all.
    """

    onnx: bytes = field(repr=False)
    manifest: dict[str, Any]
    labels: list[LabelReport]
    summary: Summary
    precision: float
    recall: float
    way: str
    head: BoxHead

    def find(self, seen: dict[str, Candidates]) -> Framed:
        """What is told of a picture with these candidates, from each label's threshold on."""
        return self.head(seen[self.way], np.array([each.threshold for each in self.labels], np.float32))


@dataclass(frozen=True, slots=True)
class _Lesson:
    way: str
    pictures: Sequence[Pictured]
    found: Sequence[Assigned]
    labels: int
    seed: int

    def head(self, among: Sequence[int], strength: float) -> BoxHead:
        """The head of these pictures."""
        chosen = [self._drawn(place) for place in among]
        plain = self._fitted(among, chosen, strength)
        return self._fitted(among, [self._harder(*each, plain) for each in zip(among, chosen, strict=True)], strength)

    def _seen(self, place: int) -> Candidates:
        return self.pictures[place].seen[self.way]

    def _most(self, each: int) -> int:
        """Of so many candidates of nothing that a picture teaches those that memory has room for."""
        return min(each, 1 + each * _PICTURES // len(self.pictures))

    def _drawn(self, place: int) -> np.ndarray[Any, Any]:
        kinds = self.found[place].kinds
        nothing = np.flatnonzero(kinds == NOTHING)
        draw = np.random.default_rng((self.seed, place)).permutation(nothing)[: self._most(_DRAWN)]
        return np.concatenate([np.flatnonzero(kinds >= 0), draw])

    def _harder(self, place: int, chosen: np.ndarray[Any, Any], head: BoxHead) -> np.ndarray[Any, Any]:
        seen, kinds = self._seen(place), self.found[place].kinds
        best = (seen.features.astype(np.float32) @ head.weights + head.offsets).max(axis=1)
        best[kinds != NOTHING] = -np.inf
        hard = np.argsort(-best, kind="stable")[: min(self._most(_HARD), int((kinds == NOTHING).sum()))]
        return np.union1d(chosen, hard)

    def _fitted(self, among: Sequence[int], chosen: Sequence[np.ndarray[Any, Any]], strength: float) -> BoxHead:
        picked = list(zip(among, chosen, strict=True))
        inputs = np.concatenate([self._seen(place).features[each] for place, each in picked]).astype(np.float64)
        kinds = np.concatenate([self.found[place].kinds[each] for place, each in picked])
        shifts = np.concatenate([self.found[place].shifts[each] for place, each in picked])
        mean, spread = inputs.mean(axis=0), max(float(np.sqrt(inputs.var(axis=0).sum())), 1e-9)
        inputs = (inputs - mean) / spread
        fit = fitted(inputs, kinds[:, None] == np.arange(self.labels), strength)
        own = inputs[kinds >= 0]
        middle = shifts[kinds >= 0].mean(axis=0) if len(own) else np.zeros(4)
        square = own.T @ own + _HELD / strength * np.eye(inputs.shape[1])
        moves = np.linalg.solve(square, own.T @ (shifts[kinds >= 0] - middle)) / spread
        weights = fit[:-1] / spread
        parts = weights, fit[-1] - mean @ weights, moves, middle - mean @ moves
        return BoxHead(*(each.astype(np.float32) for each in parts))


def train_detector(
    pictures: Sequence[Pictured],
    names: Sequence[str],
    *,
    seed: int = 0,
    test: Sequence[Pictured] | None = None,
    base: Mapping[str, str] | None = None,
    progress: Callable[[float], None] = lambda _: None,
) -> TrainedDetector:
    """The detector of `names` (k), whose numbers the truths of pictures have.

    `test` are pictures it is measured on, else it is on those left out. `base` says what candidates are of, for the
    manifest. `progress` is told the share that is done, 0 to 1. Raises TooFew and Weak, with the contract's code and
    what would help.
    """
    shown = _shown(pictures, len(names))
    _require_labels(shown, names)
    fold = _folds(shown, seed)
    tries = [(way, strength) for way in pictures[0].seen for strength in STRENGTHS]
    lessons = {way: _lesson(way, pictures, len(names), seed) for way in pictures[0].seen}
    best: tuple[float, str, float, Detections] | None = None
    ways = dict.fromkeys(lessons, 0.0)
    for number, (way, strength) in enumerate(tries):
        told = _left_out(lessons[way], fold, strength)
        precision = float(np.mean([told.average_precision(label) for label in range(len(names))]))
        ways[way] = max(ways[way], round(precision, 6))
        if best is None or precision > best[0]:
            best = precision, way, strength, told
        progress((number + 1) / (len(tries) + 2))
    assert best is not None
    _, way, strength, told = best
    curves = [_curve(told, label) for label in range(len(names))]
    told = replace(told, scores=_sure(told, curves))
    limits = np.array([round(told.threshold(label), 6) for label in range(len(names))])
    _require_told(told, shown, names)
    left_out = across(told, fold)
    half = across(_left_out(lessons[way], fold, strength, 0.5), fold)
    curve = tuple(
        Learnt(round(len(pictures) * share), float(rates(each)[:, 0].mean()))
        for share, each in ((0.4, half), (0.8, left_out))
    )
    progress((len(tries) + 1) / (len(tries) + 2))
    head = _calibrated(lessons[way].head(range(len(pictures)), strength), curves)
    file = detector_file(head)
    measured = told if test is None else _measured(head, way, test, len(names))
    counts = left_out if test is None else measured.counts(limits)
    reports = _reports(names, limits, counts, left_out, shown)
    summary = _summary(reports, counts, left_out, curve, len(pictures), seed)
    made = {"way": way, "ways": ways, "strength": strength, "pictures": len(pictures), "seed": seed}
    manifest = manifest_of("detector", file, names, limits, base or {}, made)
    there = [label for label in range(len(names)) if measured.there[:, label].any()]
    precision = float(np.mean([measured.average_precision(label) for label in there])) if there else 0.0
    recall = float(rates(measured.counts(np.zeros(len(names))))[there, 2].mean()) if there else 0.0
    progress(1.0)
    return TrainedDetector(file, manifest, reports, summary, precision, recall, way, head)


def _shown(pictures: Sequence[Pictured], labels: int) -> np.ndarray[Any, Any]:
    """How many boxes of each label each picture shows: (n, k)."""
    return np.array([np.bincount(each.truth[1], minlength=labels) for each in pictures]).reshape(-1, labels)


def _require_labels(shown: np.ndarray[Any, Any], names: Sequence[str]) -> None:
    if not names or not shown.any():
        raise TooFew("MANIFEST_TOO_FEW_LABELS", "No picture has a box. Draw boxes around what is to be found.")
    if len(names) > MOST_LABELS:
        raise TooFew("MANIFEST_TOO_MANY_LABELS", f"There are {len(names)} labels, and {MOST_LABELS} are the most.")
    # Of fewer than two pictures none can be left out.
    if (shown > 0).sum(axis=0).max() < 2:
        raise TooFew(
            "MANIFEST_TOO_FEW_USABLE_LABELS",
            f"{', '.join(names)}: no label has two pictures to train with. "
            f"Add some, to {WEAK_PICTURES} of each at least.",
            tuple(names),
        )


def _folds(shown: np.ndarray[Any, Any], seed: int) -> np.ndarray[Any, Any]:
    """The fold of each picture: those of the rarest label that they show are dealt out evenly."""
    rare = (shown > 0).sum(axis=0)
    kinds = np.where(shown > 0, rare, len(shown) + 1).argmin(axis=1)
    order = np.lexsort((np.random.default_rng(seed).permutation(len(shown)), kinds))
    fold = np.empty(len(shown), np.int64)
    fold[order] = np.arange(len(shown)) % FOLDS
    return fold


def _lesson(way: str, pictures: Sequence[Pictured], labels: int, seed: int) -> _Lesson:
    return _Lesson(way, pictures, [assigned(way, each.seen[way], each.truth) for each in pictures], labels, seed)


def _left_out(lesson: _Lesson, fold: np.ndarray[Any, Any], strength: float, share: float = 1.0) -> Detections:
    """What is told of each picture by heads that were made without its fold, and of a share of the others."""
    told: list[Framed | None] = [None] * len(fold)
    faint = np.full(lesson.labels, _FAINT, np.float32)
    for each in range(FOLDS):
        kept = np.flatnonzero(fold != each)
        kept = kept[: max(1, round(len(kept) * share))] if share == 1 else kept[:: round(1 / share)]
        head = lesson.head(kept.tolist(), strength)
        for place in np.flatnonzero(fold == each).tolist():
            told[place] = head(lesson.pictures[place].seen[lesson.way], faint)
    truths = [each.truth for each in lesson.pictures]
    return Detections.of([each for each in told if each is not None], truths, lesson.labels)


def _measured(head: BoxHead, way: str, test: Sequence[Pictured], labels: int) -> Detections:
    told = [head(each.seen[way], np.full(labels, _FAINT, np.float32)) for each in test]
    return Detections.of(told, [each.truth for each in test], labels)


def _curve(told: Detections, label: int) -> tuple[float, float]:
    """Slope and offset of Platt's curve, by which the scores of a label are how often its boxes are right.

    Labels of which few boxes are right have the curve of all labels together.
    """
    of = told.kinds == label
    if told.right[of].sum() < WEAK_PICTURES:
        of = np.ones(len(told.kinds), bool)
    scores, right = told.scores[of], told.right[of]
    if not 0 < right.sum() < len(right):
        return 1.0, 0.0
    slope, offset = calibrated(_odds(scores), right, float(right.mean()))
    return max(slope, 0.05), offset


def _odds(scores: Floats) -> Floats:
    inside = np.clip(scores, 1e-7, 1 - 1e-7)
    return np.asarray(np.log(inside / (1 - inside)))


def _sure(told: Detections, curves: Sequence[tuple[float, float]]) -> Floats:
    slopes, offsets = np.array(curves).T
    return np.asarray(1 / (1 + np.exp(-(_odds(told.scores) * slopes[told.kinds] + offsets[told.kinds]))))


def _calibrated(head: BoxHead, curves: Sequence[tuple[float, float]]) -> BoxHead:
    slopes, offsets = np.array(curves, np.float32).T
    return replace(head, weights=head.weights * slopes, offsets=head.offsets * slopes + offsets)


def _require_told(told: Detections, shown: np.ndarray[Any, Any], names: Sequence[str]) -> None:
    if told.right.any():
        return
    counts = ", ".join(f"{name} ({count})" for name, count in zip(names, (shown > 0).sum(axis=0), strict=True))
    raise Weak(
        "MANIFEST_TOO_FEW_USABLE_LABELS",
        f"On pictures left out, nothing of these is found (pictures that show them): {counts}. Add pictures, to "
        f"{2 * WEAK_PICTURES} of each label at least, with boxes drawn close; or cut them so that things are larger.",
        tuple(names),
    )


def _reports(
    names: Sequence[str], limits: Floats, counts: Floats, left_out: Floats, shown: np.ndarray[Any, Any]
) -> list[LabelReport]:
    crossed, found, there = rates(left_out)[:, 0], rates(counts), (counts[..., 2] > 0).sum(axis=0)
    reports = []
    for label, name in enumerate(names):
        trained, advice = int((shown[:, label] > 0).sum()), ""
        if crossed[label] < WEAK_F1 or trained < WEAK_PICTURES:
            advice = (
                f"{name}: F1 {crossed[label]:.2f} on pictures left out, from {trained} pictures. "
                f"Add pictures that show it, {max(2 * trained, 2 * WEAK_PICTURES)} in all or more."
            )
        f1, precision, recall = found[label].tolist()
        reports.append(
            LabelReport(name, float(limits[label]), f1, precision, recall, int(there[label]), trained, advice)
        )
    return reports


def _summary(
    reports: Sequence[LabelReport],
    counts: Floats,
    left_out: Floats,
    curve: tuple[Learnt, ...],
    pictures: int,
    seed: int,
) -> Summary:
    tested = [each for each in reports if each.n]
    weak = [each.advice for each in reports if each.advice]
    message = " ".join([READY, *(["Weak labels:", *weak] if weak else [])])
    return Summary(
        f1=float(np.mean([each.f1 for each in tested])) if tested else 0.0,
        precision=float(np.mean([each.precision for each in tested])) if tested else 0.0,
        recall=float(np.mean([each.recall for each in tested])) if tested else 0.0,
        interval=interval_of_f1(counts, seed),
        cross_validated=float(rates(left_out)[:, 0].mean()),
        false_labels=None,
        curve=curve,
        with_more=with_more(curve, pictures),
        confusion=None,
        message=message,
    )
