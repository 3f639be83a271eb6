"""Features that tell labels apart as much as is wished: clouds of points, one a label, and points of none."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

WIDTH = 16


def clouds(
    each: int = 30, labels: int = 3, apart: float = 4.0, seed: int = 0
) -> tuple[NDArray[np.float32], NDArray[np.bool_]]:
    """Features (each · labels, WIDTH), and which label each shows."""
    of = np.repeat(np.arange(labels), each)
    drawn = np.random.default_rng(seed).normal(size=(len(of), WIDTH))
    return (apart * np.eye(labels, WIDTH)[of] + drawn).astype(np.float32), np.eye(labels, dtype=bool)[of]


def unrelated(number: int = 60, seed: int = 9) -> NDArray[np.float32]:
    """Features (number, WIDTH) of pictures that show no label, but something else."""
    drawn = np.random.default_rng(seed).normal(size=(number, WIDTH))
    return np.asarray(drawn + 4.0 * np.eye(WIDTH)[-1], np.float32)
