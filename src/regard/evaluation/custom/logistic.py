"""One-against-rest logistic regression on frozen features, by L-BFGS."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import minimize

Floats = NDArray[np.float64]
Bools = NDArray[np.bool_]


def fitted(inputs: Floats, yes: Bools, strength: float, start: Floats | None = None) -> Floats:
    """Weights and, in the last row, offsets: (d + 1, k), for `inputs` (n, d) and the answers `yes` (n, k).

    `strength` is scikit-learn's C: the sum of the pictures' losses weighs so much against half the squared weights.
    Each label is its own regression: none knows of the others.
    """
    found = np.zeros((inputs.shape[1] + 1, yes.shape[1])) if start is None else start.copy()
    signs = np.where(yes, 1.0, -1.0)
    for label in range(yes.shape[1]):
        sign = signs[:, label]

        def loss(at: Floats, sign: Floats = sign) -> tuple[float, Floats]:
            weights, offset = at[:-1], at[-1]
            margin = sign * (inputs @ weights + offset)
            slope = -strength * sign / (1 + np.exp(np.clip(margin, -50, 50)))
            value = strength * float(np.logaddexp(0, -margin).sum()) + float(weights @ weights) / 2
            return value, np.append(inputs.T @ slope + weights, slope.sum())

        found[:, label] = minimize(loss, found[:, label], jac=True, method="L-BFGS-B", options={"maxiter": 200}).x
    return found


def odds(inputs: Floats, fit: Floats) -> Floats:
    """The log odds of each label: (n, k)."""
    return np.asarray(inputs @ fit[:-1] + fit[-1])
