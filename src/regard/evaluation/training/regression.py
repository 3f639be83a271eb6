"""Logistic regression on few faces with many numbers each, and what it is worth on people left out.

Newton's steps to convergence in float64, in the space of the faces (there are fewer of them than numbers): no chance,
no order and no learning rate, so that the same faces give the same answer.
"""

from __future__ import annotations

from collections.abc import Sequence
from hashlib import sha256

import numpy as np
from numpy.typing import NDArray

FOLDS = 5
# How much a simple answer is preferred. Over 0.001 to 0.1 the areas of the heads that ship differ by 0.003 at most.
RIDGE = 0.01
_STEPS, _ENOUGH = 100, 1e-10

Floats = NDArray[np.float64]


class NotFitted(ValueError):
    """Labelled faces of which no head can be made; the text says what they lack."""


def alike(inputs: Floats) -> Floats:
    """How alike faces are to the regression: (n, n), for `inputs` (n, d) that are about of one size."""
    return np.asarray(inputs @ inputs.T / inputs.shape[1])


def fitted(near: Floats, yes: NDArray[np.bool_], ridge: float = RIDGE) -> tuple[Floats, float]:
    """Duals (n) and start of the log odds, for faces alike by `near` (n, n); both answers weigh the same.

    The log odds of a face are the sum of duals times how alike it is to each, and the start. A larger `ridge` asks
    for a simpler answer. Raises NotFitted where there is one answer only.
    """
    # What takes a quarter of a second to import, a service that fits nothing need not wait for.
    from scipy.linalg import cho_factor, cho_solve

    weights = balanced(yes, 0.5)
    duals, start, ones = np.zeros(len(yes)), 0.0, np.ones(len(yes))
    for _ in range(_STEPS):
        odds = np.clip(near @ duals + start, -50, 50)
        chance = 1 / (1 + np.exp(-odds))
        bend = np.maximum(weights * chance * (1 - chance), 1e-12)
        # The duals add up to 0: with one right side more, what is solved stays positive definite.
        # In the order of LAPACK, which would else have another copy made.
        system = near.copy(order="F")
        np.fill_diagonal(system, near.diagonal() + ridge / bend)
        factor = cho_factor(system, overwrite_a=True, check_finite=False)
        right = np.column_stack([odds + weights * (yes - chance) / bend, ones])
        free, each = cho_solve(factor, right, check_finite=False).T
        start = float(free.sum() / each.sum())
        found = free - start * each
        moved, duals = float(np.abs(found - duals).max()), found
        if moved < _ENOUGH * max(1.0, float(np.abs(duals).max())):
            break
    return duals, start


def linear(inputs: Floats, yes: NDArray[np.bool_], ridge: float = RIDGE) -> tuple[Floats, float]:
    """What :func:`fitted` finds as weights (d) of the numbers themselves, and the start, for `inputs` (n, d)."""
    duals, start = fitted(alike(inputs), yes, ridge)
    return np.asarray(inputs.T @ duals / inputs.shape[1]), start


def balanced(yes: NDArray[np.bool_], share: float) -> Floats:
    """Weights (n) of mean 1 with which `share` of the faces answer yes. Raises NotFitted."""
    part = float(yes.mean())
    if not 0 < part < 1:
        raise NotFitted("All faces have the same answer. A head needs faces that answer yes, and faces that answer no.")
    return np.where(yes, share / part, (1 - share) / (1 - part))


def calibrated(scores: Floats, yes: NDArray[np.bool_], share: float, prior: float = 1.0) -> tuple[float, float]:
    """Slope and offset that make log odds of `scores`, for faces of which `share` answer yes.

    Platt, "Probabilistic outputs for support vector machines" (1999), with its targets a little off 0 and 1: as if of
    each answer there were `prior` faces more that it is wrong of, and as many that it is right of. His 1 is Laplace's
    rule; 0.5 is Jeffreys's.
    """
    weights = balanced(yes, share)
    target = np.where(yes, (yes.sum() + prior) / (yes.sum() + 2 * prior), prior / ((~yes).sum() + 2 * prior))
    inputs = np.column_stack([scores, np.ones(len(scores))])
    found = np.zeros(2)
    for _ in range(_STEPS):
        chance = 1 / (1 + np.exp(-np.clip(inputs @ found, -50, 50)))
        bend = inputs.T @ (inputs * (weights * np.maximum(chance * (1 - chance), 1e-9))[:, None])
        moved = np.linalg.solve(bend + 1e-9 * np.eye(2), inputs.T @ (weights * (target - chance)))
        found += moved
        if np.abs(moved).max() < _ENOUGH:
            break
    return float(found[0]), float(found[1])


def folds(people: Sequence[str]) -> NDArray[np.int64]:
    """The fold of each face, 0 to FOLDS − 1: all pictures of a person are in one, whatever else there is."""
    return np.array([int.from_bytes(sha256(each.encode()).digest()[:4]) % FOLDS for each in people], np.int64)


def area(scores: Floats, yes: NDArray[np.bool_]) -> float:
    """The area under the ROC curve: how often a face that answers yes scores above one that answers no; ties half."""
    order = np.sort(scores[~yes])
    below = np.searchsorted(order, scores[yes], "left") + np.searchsorted(order, scores[yes], "right")
    return float(below.mean() / 2 / len(order))
