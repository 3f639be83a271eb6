"""A head: a linear answer to one question, read off an inner layer of a model that runs anyway.

The layer is looked at at points of the face mesh. A head knows the digest of the model it was made on: over another one
its numbers mean nothing.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from pathlib import Path

import msgspec
import numpy as np
from numpy.typing import NDArray

# Weights are whole numbers of this size at most. So few steps that a processor which rounds otherwise makes the same.
LARGEST = 127


class DamagedHead(ValueError):
    """A file that is no head, or one whose numbers do not fit together; the text says which and what to do."""


class Base(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What a head reads: the model by name and SHA-256 as weights.toml lists it, and the layer as a tap of it."""

    model: str
    sha256: str
    layer: str


class Data(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What a head was made of, by source: its terms, how many people, and how many faces answer yes and no; `drawn` of
    them are pictures that something was drawn on.
    """

    source: str
    terms: str
    people: int
    yes: int
    no: int
    drawn: int = 0


class Measured(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """How right the head was on people it was not made with, folds by person: 0 to 1 each.

    `auc` is the chance that a face that answers yes scores above one that answers no, over pictures that nothing was
    drawn on where there are both, else over all (`drawn`). `right_at_80` is the share of right answers among those told
    with a confidence of 80 and more, each class counted by `share`.
    """

    folds: int
    auc: float
    right: float
    right_at_80: float
    told_at_80: float
    drawn: bool


class Head(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """One head, as its file holds it.

    `points` are of the mesh; `weights` are int8 of shape (points, channels), and `exponents` one a channel. With the
    layer x at the points, the odds are slope · Σ weights · 2^exponent · x + offset; `slope` and `offset` are the
    calibration, for faces of which `share` answer yes.
    """

    name: str
    asks: str
    base: Base
    points: tuple[int, ...]
    exponents: tuple[int, ...]
    weights: bytes
    slope: float
    offset: float
    share: float
    data: tuple[Data, ...]
    measured: Measured

    @classmethod
    def read(cls, file: Path) -> Head:
        """The head in a file. Raises DamagedHead, OSError."""
        try:
            head = msgspec.json.decode(file.read_bytes(), type=cls)
        except msgspec.MsgspecError as error:
            raise DamagedHead(f"{file} is no head: {error}. Make it again with `regard train head`.") from None
        if len(head.weights) != len(head.points) * len(head.exponents) or not head.points or min(head.points) < 0:
            raise DamagedHead(f"{file}: its weights do not fit its points. Make it again with `regard train head`.")
        return head

    def written(self) -> bytes:
        """The bytes of its file, the same for the same head."""
        return msgspec.json.format(msgspec.json.encode(self), indent=1) + b"\n"

    def matrix(self) -> NDArray[np.float32]:
        """What the layer at the points is weighed with: float32 (points, channels), calibrated."""
        steps = np.frombuffer(self.weights, np.int8).reshape(len(self.points), -1)
        scaled = self.slope * steps * np.exp2(np.array(self.exponents, np.float64))
        return scaled.astype(np.float32)


def sampled(layer: NDArray[np.floating], places: NDArray[np.floating]) -> NDArray[np.float32]:
    """The layer (channels, rows, columns) at n places, bilinear: float32 (n, channels).

    `places` are (n, 2), across and down, as ratios of the crop; outside of it, its edge is seen.
    """
    channels, rows, columns = layer.shape
    flat = np.asarray(layer, np.float32).reshape(channels, -1)
    spots = places.astype(np.float64) * (columns, rows) - 0.5
    across, down = (np.clip(spots[:, axis], 0, side - 1) for axis, side in ((0, columns), (1, rows)))
    left, top = (
        np.minimum(np.floor(each).astype(np.intp), side - 2) for each, side in ((across, columns), (down, rows))
    )
    right, bottom = (across - left).astype(np.float32), (down - top).astype(np.float32)
    start = top * columns + left
    upper = flat[:, start] * (1 - right) + flat[:, start + 1] * right
    lower = flat[:, start + columns] * (1 - right) + flat[:, start + columns + 1] * right
    found: NDArray[np.float32] = (upper * (1 - bottom) + lower * bottom).T
    return found


def chance(odds: float) -> float:
    """The probability of log odds."""
    return 1 / (1 + math.exp(-max(-60.0, min(60.0, odds))))


def union(heads: Sequence[Head]) -> list[int]:
    """Every point that some head looks at, in order."""
    return sorted({point for head in heads for point in head.points})
