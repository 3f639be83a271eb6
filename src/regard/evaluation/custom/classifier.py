"""A classifier of one's own labels: one-against-rest on frozen features, measured on pictures it was not made of."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from hashlib import sha256
from typing import Any

import numpy as np
import onnx
import scipy
from numpy.typing import NDArray

from regard.evaluation.custom.errors import TooFew, Weak
from regard.evaluation.custom.head_files import head_file
from regard.evaluation.custom.logistic import Bools, Floats, fitted, odds
from regard.evaluation.custom.results import LabelReport, Summary, Trained
from regard.evaluation.statistics.intervals import Interval, interval

FOLDS = 5
STRENGTHS = (0.001, 0.01, 0.1)
LEAST_LABELS, MOST_LABELS = 2, 250
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
    progress: Callable[[float], None] = lambda _: None,
) -> Trained:
    """The classifier of `names` (k), for features (n, d) and which labels each picture shows (n, k).

    `background` (m, d) are unrelated pictures, which show none. `progress` is told the share that is done, 0 to 1.
    Raises TooFew and Weak, with the contract's code and what would help.
    """
    inputs, yes = np.asarray(features, np.float64), np.asarray(labels, bool)
    unrelated = np.asarray(background, np.float64).reshape(-1, inputs.shape[1])
    _require_labels(yes, names)
    mean, spread = inputs.mean(axis=0), np.maximum(inputs.std(axis=0), 1e-6)
    both = (np.concatenate([inputs, unrelated]) - mean) / spread
    answers = np.concatenate([yes, np.zeros((len(unrelated), yes.shape[1]), bool)])
    fold = _folds(answers, len(inputs), seed)
    best = max(STRENGTHS, key=lambda strength: -_loss(left_out(both, answers, fold, strength), answers))
    progress(0.5)
    scores = left_out(both, answers, fold, best)
    curves = [_platt(scores[: len(inputs), k], yes[:, k]) for k in range(len(names))]
    sure = _chances(scores, curves)
    thresholds = np.array([_threshold(sure[:, k], answers[:, k]) for k in range(len(names))])
    fit = fitted(both, answers, best)
    slopes = np.array([slope for slope, _ in curves])
    weights = (fit[:-1] / spread[:, None] * slopes).astype(np.float32)
    offsets = (slopes * (fit[-1] - (mean / spread) @ fit[:-1]) + [offset for _, offset in curves]).astype(np.float32)
    file = head_file(weights, offsets)
    told = sure[: len(inputs)] >= thresholds
    crossed = _rates(told, yes)
    if (crossed[:, 0] > 0).sum() < LEAST_LABELS:
        raise Weak(
            "MANIFEST_TOO_FEW_USABLE_LABELS",
            f"{', '.join(names)} are not told apart on pictures left out. Add pictures that show the difference.",
            tuple(names),
        )
    shown, given = yes, told
    if test is not None:
        made = Trained(file, {}, [], _nothing(), weights, offsets)
        shown, given = np.asarray(test[1], bool), made.scores(test[0]) >= thresholds
    rates = _rates(given, shown)
    reports = [
        LabelReport(name, float(thresholds[k]), *map(float, rates[k]), int(shown[:, k].sum()), int(yes[:, k].sum()))
        for k, name in enumerate(names)
    ]
    f1, precision, recall = rates.mean(axis=0).tolist()
    false = float((sure[len(inputs) :] >= thresholds).any(axis=1).mean()) if len(unrelated) else None
    summary = Summary(
        f1, precision, recall, interval(max(f1, 1e-9), len(shown), 0.95), float(crossed[:, 0].mean()), false, (), None,
        None, "The model is ready to run.",
    )  # fmt: skip
    manifest = _manifest(names, thresholds, seed, best, file, len(inputs), len(unrelated))
    progress(1.0)
    return Trained(file, manifest, reports, summary, weights, offsets)


def _require_labels(yes: Bools, names: Sequence[str]) -> None:
    shown = [name for name, each in zip(names, yes.sum(axis=0), strict=True) if each]
    if len(shown) < LEAST_LABELS:
        raise TooFew(
            "MANIFEST_TOO_FEW_LABELS",
            f"{len(shown)} labels have pictures ({', '.join(shown) or 'none'}), and it takes two. Add pictures that "
            "show something else, labelled as such.",
            tuple(shown),
        )
    if len(shown) > MOST_LABELS:
        raise TooFew("MANIFEST_TOO_MANY_LABELS", f"There are {len(shown)} labels, and {MOST_LABELS} are the most.")


def _folds(answers: Bools, own: int, seed: int) -> NDArray[np.int64]:
    """The fold of each picture: those of one set of labels, and the unrelated, are dealt out evenly."""
    kinds = np.unique(np.column_stack([answers, np.arange(len(answers)) >= own]), axis=0, return_inverse=True)[1]
    order = np.lexsort((np.random.default_rng(seed).permutation(len(answers)), kinds.ravel()))
    fold = np.empty(len(answers), np.int64)
    fold[order] = np.arange(len(answers)) % FOLDS
    return fold


def left_out(inputs: Floats, answers: Bools, fold: NDArray[np.int64], strength: float) -> Floats:
    """The log odds (n, k) of each picture by heads that were made without its fold."""
    found = np.zeros(answers.shape)
    for each in range(FOLDS):
        kept = fold != each
        found[~kept] = odds(inputs[~kept], fitted(inputs[kept], answers[kept], strength))
    return found


def _loss(scores: Floats, answers: Bools) -> float:
    return float(np.logaddexp(0, np.where(answers, -scores, scores)).mean())


def _platt(scores: Floats, yes: Bools) -> tuple[float, float]:
    from regard.evaluation.training.regression import calibrated

    return calibrated(scores, yes, float(yes.mean())) if 0 < yes.sum() < len(yes) else (1.0, 0.0)


def _chances(scores: Floats, curves: Sequence[tuple[float, float]]) -> Floats:
    slopes, offsets = np.array(curves).T
    return np.asarray(1 / (1 + np.exp(-np.clip(scores * slopes + offsets, -60, 60))))


def _threshold(sure: Floats, yes: Bools) -> float:
    """The chance from which on a label is told: where F1 is best on pictures left out, half way to the next below."""
    order = np.argsort(-sure, kind="stable")
    right = np.cumsum(yes[order])
    f1 = 2 * right / (np.arange(1, len(sure) + 1) + max(yes.sum(), 1))
    place = int(np.argmax(f1))
    below = sure[order[place + 1]] if place + 1 < len(sure) else 0.0
    return float((sure[order[place]] + below) / 2)


def _rates(told: Bools, yes: Bools) -> Floats:
    """F1, precision and recall of each label: (k, 3); 0 where nothing is told or shown."""
    right, given, shown = (told & yes).sum(axis=0), told.sum(axis=0), yes.sum(axis=0)
    parts = [2 * right / np.maximum(given + shown, 1), right / np.maximum(given, 1), right / np.maximum(shown, 1)]
    return np.stack(parts, axis=1)


def _nothing() -> Summary:
    return Summary(0, 0, 0, Interval(0, 1), 0, None, (), None, None, "")


def _manifest(
    names: Sequence[str], thresholds: Floats, seed: int, strength: float, file: bytes, own: int, unrelated: int
) -> dict[str, Any]:
    return {
        "version": 1,
        "kind": "classifier",
        "head": sha256(file).hexdigest(),
        "labels": [
            {"name": name, "threshold": round(float(each), 6)} for name, each in zip(names, thresholds, strict=True)
        ],
        "seed": seed,
        "strength": strength,
        "pictures": own,
        "unrelated": unrelated,
        "libraries": {"numpy": np.__version__, "scipy": scipy.__version__, "onnx": onnx.__version__},
    }
