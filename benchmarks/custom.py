"""How well labels of one's own are learnt: beside a linear probe, with intervals, on unrelated pictures, and how fast.

Not among the benchmarks that run by default: `python -m benchmarks custom`.
"""

from __future__ import annotations

import csv
import time
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import minimize
from scipy.special import logsumexp

from benchmarks.measuring import markdown
from benchmarks.pictures import SHARED
from regard.evaluation.custom.background import background
from regard.evaluation.custom.classifier import train_classifier
from regard.evaluation.custom.logistic import fitted, odds
from regard.evaluation.custom.results import Trained
from regard.evaluation.custom.worth import rates
from regard.settings import from_environment
from regard.vision.pictures.images import ImageError, decode
from regard.vision.things.features import Features

RUNS = 10
ATTRIBUTES = ("eyeglasses", "beard", "mustache", "mouth_open", "smile")
# WordNet's numbers of ImageNet's animals are below this one.
_ANIMALS = 2_600_000
Seen = NDArray[np.float32]
Bools = NDArray[np.bool_]
Floats = NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Set:
    """Pictures as features with their labels, how many heads are made of, and pictures that show no label, if any."""

    name: str
    features: Seen
    labels: Bools
    names: Sequence[str]
    trained: Sequence[int]
    unrelated: Seen | None


def run() -> str:
    """The tables."""
    if not SHARED.is_dir():
        return markdown("Labels of one's own", ("not measured",), [("the pictures are not on this machine",)])
    features = Features.opened(from_environment())
    begun = time.process_time()
    sets = sets_of(features)
    looked = sum(len(each.features) for each in sets)
    looked += 0 if sets[0].unrelated is None else len(sets[0].unrelated)
    each_picture = (time.process_time() - begun) / looked
    rows = [_row(one, number) for one in sets for number in one.trained]
    columns = (
        "set", "made of", "linear probe", "ours", "F1", "of them in the interval", "unrelated labelled",
        "told at 70 to 90: right", "a run",
    )  # fmt: skip
    table = markdown(f"Labels of one's own, {RUNS} heads each on other pictures", columns, rows)
    return f"{table}\n\n{_thousand(sets, each_picture)}"


def sets_of(features: Features) -> list[Set]:
    """Masks, attributes of faces, and animals: what is there to measure on."""
    photographs = _seen(features, [*_in("imagenet"), *_in("coco20"), *_in("voc100")])
    masks = _in("facemask/with_mask"), _in("facemask/without_mask")
    seen = _seen(features, masks[0]), _seen(features, masks[1])
    of = np.repeat([0, 1], [len(each) for each in seen])
    found = [Set("mask or not", np.concatenate(seen), np.eye(2, dtype=bool)[of], ("mask", "no mask"), (20, 100, 250),
                 photographs)]  # fmt: skip
    with (SHARED / "attributes" / "labels.csv").open(newline="") as lines:
        rows = [row for row in csv.DictReader(lines) if all(row[each] in {"0", "1"} for each in ATTRIBUTES)]
    faces = _seen(features, [SHARED / "attributes" / "pictures" / row["file"] for row in rows])
    truth = np.array([[row[each] == "1" for each in ATTRIBUTES] for row in rows])
    found.append(Set("five attributes of faces", faces, truth, ATTRIBUTES, (400,), photographs))
    files = _in("imagenet")
    animal = np.array([int(each.name[1:9]) < _ANIMALS for each in files])
    found.append(
        Set(
            "animal or thing",
            _seen(features, files),
            np.stack([animal, ~animal], 1),
            ("animal", "thing"),
            (60,),
            # Whatever there is is one of the two.
            None,
        )
    )
    return found


def _in(folder: str) -> list[Path]:
    return sorted(each for each in (SHARED / folder).rglob("*") if each.suffix.lower() in {".jpg", ".jpeg", ".png"})


def _seen(features: Features, files: Iterable[Path]) -> Seen:
    found = []
    for file in files:
        try:
            found.append(features.features_of(decode(file.read_bytes())))
        except ImageError:
            continue
    return np.stack(found)


def _row(one: Set, number: int) -> tuple[str, ...]:
    probed, ours, f1, inside, labelled, right, told, took = [], [], [], 0, [], 0, 0, []
    for seed in range(RUNS):
        made_of, test, fresh = _split(one.labels, number, seed)
        begun = time.perf_counter()
        trained = _trained(one, made_of, test, seed)
        took.append(time.perf_counter() - begun)
        limits = np.array([each.threshold for each in trained.labels])
        sure, shown = trained.scores(one.features[fresh]), one.labels[fresh]
        probe = _probe(one.features[made_of], one.labels[made_of], seed)(one.features[fresh])
        probed.append(_right(probe, shown))
        ours.append(_right(np.log(sure / (1 - sure)), shown))
        f1.append(float(rates(sure >= limits, shown)[shown.any(axis=0), 0].mean()))
        inside += trained.summary.interval.holds(f1[-1])
        if one.unrelated is not None:
            labelled.append(float((trained.scores(one.unrelated) >= limits).any(axis=1).mean()))
        near = (sure >= 0.7) & (sure < 0.9)
        right, told = right + int(shown[near].sum()), told + int(near.sum())
    return (
        one.name, str(number), f"{np.mean(probed):.3f}", f"{np.mean(ours):.3f}", f"{np.mean(f1):.3f}",
        f"{inside} of {RUNS}", f"{np.mean(labelled):.3f}" if labelled else "–",
        f"{right} of {told}: {right / max(told, 1):.2f}",
        f"{np.median(took):.1f} s",
    )  # fmt: skip


def _trained(one: Set, made_of: NDArray[np.int64], test: NDArray[np.int64], seed: int) -> Trained:
    return train_classifier(
        one.features[made_of],
        one.labels[made_of],
        one.names,
        background=background(),
        seed=seed,
        test=(one.features[test], one.labels[test]),
    )


def _split(labels: Bools, number: int, seed: int) -> tuple[NDArray[np.int64], NDArray[np.int64], NDArray[np.int64]]:
    """Pictures to make a head of, the label sets in their shares; of the others half to test and half to ask after."""
    rng = np.random.default_rng(seed)
    kinds = np.unique(labels, axis=0, return_inverse=True)[1].ravel()
    order = np.lexsort((rng.permutation(len(labels)), kinds))
    places = np.arange(len(labels))
    taken = np.floor((places + 1) * number / len(labels)) > np.floor(places * number / len(labels))
    made_of, rest = order[taken], rng.permutation(order[~taken])
    return made_of, rest[::2], rest[1::2]


def _right(scores: Floats, shown: Bools) -> float:
    """The share of surest labels that are right, where pictures show one each; else of all answers."""
    if (shown.sum(axis=1) == 1).all():
        return float((scores.argmax(axis=1) == shown.argmax(axis=1)).mean())
    return float(((scores > 0) == shown).mean())


def _probe(inputs: Seen, yes: Bools, seed: int) -> Callable[[Seen], Floats]:
    """scikit-learn's recipe, written out: features at mean 0 and spread 1, logistic regression, C by five folds.

    Softmax where pictures show one label each, else a regression a label; no unrelated pictures.
    """
    mean, spread = inputs.mean(axis=0), np.maximum(inputs.std(axis=0), 1e-6)
    scaled = (inputs.astype(np.float64) - mean) / spread
    fit = _softmax if (yes.sum(axis=1) == 1).all() else fitted
    fold = np.random.default_rng(seed).permutation(len(yes)) % 5
    best = max(
        (1e-4, 1e-3, 1e-2, 1e-1, 1.0),
        key=lambda strength: np.mean(
            [
                _right(odds(scaled[fold == each], fit(scaled[fold != each], yes[fold != each], strength)),
                       yes[fold == each])
                for each in range(5)
            ]
        ),
    )  # fmt: skip
    found = fit(scaled, yes, best)
    return lambda others: odds((others.astype(np.float64) - mean) / spread, found)


def _softmax(inputs: Floats, yes: Bools, strength: float) -> Floats:
    shape = (inputs.shape[1] + 1, yes.shape[1])

    def loss(at: Floats) -> tuple[float, Floats]:
        fit = at.reshape(shape)
        scores = odds(inputs, fit)
        sums = logsumexp(scores, axis=1, keepdims=True)
        pull = strength * (np.exp(scores - sums) - yes)
        weights = np.vstack([fit[:-1], np.zeros(shape[1])])
        value = strength * float((sums - scores)[yes].sum()) + float((weights * weights).sum()) / 2
        return value, (np.vstack([inputs.T @ pull, pull.sum(axis=0)]) + weights).ravel()

    found = minimize(loss, np.zeros(shape[0] * shape[1]), jac=True, method="L-BFGS-B", options={"maxiter": 500})
    return np.asarray(found.x.reshape(shape))


def _thousand(sets: Sequence[Set], each_picture: float) -> str:
    """What a thousand pictures of seven labels cost."""
    masks, faces = sets[0], sets[1]
    number = 1000 - len(masks.features)
    features = np.concatenate([masks.features, faces.features[:number]])
    labels = np.zeros((len(features), 7), bool)
    labels[: len(masks.features), :2] = masks.labels
    labels[len(masks.features) :, 2:] = faces.labels[:number]
    begun = time.process_time()
    train_classifier(features, labels, [*masks.names, *faces.names], background=background(), seed=0)
    took = time.process_time() - begun
    rows = [
        ("features of a picture", f"{1000 * each_picture:.0f} ms"),
        (f"the head of {len(features)} pictures with 7 labels, folds and curve with it", f"{took:.1f} s"),
        (f"both, of {len(features)} pictures", f"{took + len(features) * each_picture:.0f} s"),
    ]
    return markdown("What it costs", ("what", "takes, of a core"), rows)
