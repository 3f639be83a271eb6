"""How well labels of one's own are learnt: beside a linear probe, with intervals, on unrelated pictures, and how fast.

Not among the benchmarks that run by default: `python -m benchmarks custom`. Its end is what `versions` measures alone.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import minimize
from scipy.special import logsumexp

from benchmarks.labelled import Bools, Seen, Set, sets_of
from benchmarks.measuring import markdown
from benchmarks.pictures import SHARED
from regard.evaluation.custom.background import background
from regard.evaluation.custom.classifier import train_classifier
from regard.evaluation.custom.errors import Weak
from regard.evaluation.custom.logistic import fitted, odds
from regard.evaluation.custom.results import Trained
from regard.evaluation.custom.worth import rates
from regard.settings import from_environment
from regard.vision.things.features import Features

RUNS = 10
# Values of C that the probe chooses from.
PROBED = (1e-4, 1e-3, 1e-2, 1e-1, 1.0)
Floats = NDArray[np.float64]


def run() -> str:
    """The tables."""
    if not SHARED.is_dir():
        return markdown("Labels of one's own", ("not measured",), [("the pictures are not on this machine",)])
    sets = sets_of(Features.opened(from_environment()))
    unrelated = max(len(each.unrelated) for each in sets if each.unrelated is not None)
    rows = [measured(one, number).row() for one in sets for number in one.trained]
    columns = (
        "set", "made of", "right: probe", "right: ours", "F1", "F1 in the interval", "unrelated labelled",
        "told at 70 to 90: right", "told on average", "a run",
    )  # fmt: skip
    from benchmarks import versions

    table = markdown(
        f"Labels of one's own, {RUNS} heads each",
        columns,
        rows,
        "Each head is of other pictures, measured on half of the rest and asked of the other half. The probe is a "
        "linear one on the same features, as scikit-learn makes it. Unrelated are "
        f"{unrelated} photographs of ImageNet, COCO and VOC in which no face is found. A run is seconds of training, "
        "with folds and learning curve. `python -m benchmarks custom`",
    )
    return f"{table}\n\n{versions.run()}"


@dataclass(slots=True)
class Measured:
    """What heads of a set came to, each made of so many other pictures: a figure a head, 0 to 1.

    `inside` counts heads whose F1 on fresh pictures was in the interval that they told, `refused` those that were not
    made since too few labels were told apart. `near` are scores of 0.7 to 0.9, and whether each was right.
    """

    name: str
    number: int
    probed: list[float] = field(default_factory=list)
    ours: list[float] = field(default_factory=list)
    f1: list[float] = field(default_factory=list)
    unrelated: list[float] = field(default_factory=list)
    near: list[tuple[float, bool]] = field(default_factory=list)
    seconds: list[float] = field(default_factory=list)
    inside: int = 0
    refused: int = 0

    def row(self) -> tuple[str, ...]:
        """The row of the table."""
        told, right = np.array(self.near, np.float64).reshape(-1, 2).T
        each = [
            f"{np.mean(values):.3f}" if values else "–" for values in (self.probed, self.ours, self.f1, self.unrelated)
        ]
        return (
            self.name,
            f"{self.number}; {self.refused} refused as weak" if self.refused else str(self.number),
            *each[:3],
            f"{self.inside} of {len(self.f1)}",
            each[3],
            f"{right.sum():.0f} of {len(right)}: {right.mean():.2f}" if self.near else "none",
            f"{told.mean():.2f}" if self.near else "–",
            f"{np.median(self.seconds):.1f} s",
        )


def measured(one: Set, number: int, runs: int = RUNS) -> Measured:
    """Heads of a set, each made of `number` pictures that a seed draws."""
    found = Measured(one.name, number)
    for seed in range(runs):
        made_of, test, fresh = _split(one.labels, number, seed)
        begun = time.perf_counter()
        try:
            trained = _trained(one, made_of, test, seed)
        except Weak:
            found.refused += 1
            continue
        found.seconds.append(time.perf_counter() - begun)
        limits = np.array([each.threshold for each in trained.labels])
        sure, shown = trained.scores(one.features[fresh]), one.labels[fresh]
        probe = probed(one.features[made_of], one.labels[made_of], seed)(one.features[fresh])
        found.probed.append(_right(probe, shown))
        found.ours.append(_right(np.log(sure / (1 - sure)), shown))
        found.f1.append(float(rates(sure >= limits, shown)[shown.any(axis=0), 0].mean()))
        found.inside += trained.summary.interval.holds(found.f1[-1])
        if one.unrelated is not None:
            found.unrelated.append(float((trained.scores(one.unrelated) >= limits).any(axis=1).mean()))
        within = (sure >= 0.7) & (sure < 0.9)
        found.near += zip(sure[within].tolist(), shown[within].tolist(), strict=True)
    return found


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


def probed(inputs: Seen, yes: Bools, seed: int) -> Callable[[Seen], Floats]:
    """scikit-learn's recipe, written out: features at mean 0 and spread 1, logistic regression, C by five folds.

    Softmax where pictures show one label each, else a regression a label; no unrelated pictures.
    """
    mean, spread = inputs.mean(axis=0), np.maximum(inputs.std(axis=0), 1e-6)
    whole = (inputs.astype(np.float64) - mean) / spread
    # A weight off the sums of the pictures is pulled at by none of them: where there are few, it is quicker so.
    basis = np.linalg.qr(whole.T)[0] if len(whole) < whole.shape[1] else np.eye(whole.shape[1])
    scaled = whole @ basis
    fit = _softmax if (yes.sum(axis=1) == 1).all() else fitted
    fold = np.random.default_rng(seed).permutation(len(yes)) % 5

    def right(strength: float, each: int) -> float:
        found = fit(scaled[fold != each], yes[fold != each], strength)
        return _right(odds(scaled[fold == each], found), yes[fold == each])

    best = max(PROBED, key=lambda strength: np.mean([right(strength, each) for each in range(5)]))
    found = fit(scaled, yes, best)
    return lambda others: odds((others.astype(np.float64) - mean) / spread @ basis, found)


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
