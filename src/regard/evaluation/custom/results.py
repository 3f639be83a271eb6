"""What a training comes to: the head, and what it is worth."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from regard.evaluation.statistics.intervals import Interval


@dataclass(frozen=True, slots=True)
class LabelReport:
    """How well one label is told, 0 to 1 each; `n` is how many test pictures show it, `trained` of the training's.

    `f1`, `precision` and `recall` are on the test pictures, or on pictures left out where there are none. The
    `threshold` was chosen on pictures left out of the training. `advice` says what would help, where the label is weak.
    """

    name: str
    threshold: float
    f1: float
    precision: float
    recall: float
    n: int
    trained: int
    advice: str = ""


@dataclass(frozen=True, slots=True)
class Learnt:
    """The mean F1 on pictures left out, of heads made of so many pictures."""

    pictures: int
    f1: float


@dataclass(frozen=True, slots=True)
class Summary:
    """What a head is worth, 0 to 1 each.

    `f1`, `precision` and `recall` are plain means over labels on the test pictures, and `interval` holds the F1 of
    another set of as many pictures 95 times in 100. `cross_validated` is the mean F1 on pictures left out.
    `false_labels` is the share of unrelated pictures, left out too, that any label is given to; None without any.
    `with_more` is the F1 to expect with 50 pictures more, by the `curve`; None where it cannot be told.
    """

    f1: float
    precision: float
    recall: float
    interval: Interval
    cross_validated: float
    false_labels: float | None
    curve: tuple[Learnt, ...]
    with_more: float | None
    # Counts: [true, told], the label a picture shows and the one it is given; only where pictures show one label each.
    confusion: NDArray[np.int64] | None
    message: str


@dataclass(frozen=True, slots=True)
class Trained:
    """A head that was trained. `onnx` is its file, and `manifest` what it was made of and on; both are the same bytes
    for the same pictures, seed and libraries.
    """

    onnx: bytes = field(repr=False)
    manifest: dict[str, Any]
    labels: list[LabelReport]
    summary: Summary
    weights: NDArray[np.float32] = field(repr=False)
    offsets: NDArray[np.float32] = field(repr=False)

    def scores(self, features: NDArray[np.floating]) -> NDArray[np.float32]:
        """How sure each label is, calibrated, 0 to 1: (n, labels), for features (n, d) or of one picture (d,)."""
        odds = np.atleast_2d(np.asarray(features, np.float32)) @ self.weights + self.offsets
        return np.asarray(1 / (1 + np.exp(-np.clip(odds, -60, 60))), np.float32)
