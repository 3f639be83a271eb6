"""One-against-rest logistic regression on frozen features, by L-BFGS (Liu and Nocedal, 1989)."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import minimize
from scipy.special import expit

Floats = NDArray[np.float64]
Bools = NDArray[np.bool_]
# Looser, and two runs on processors that round otherwise come to other heads; tighter changes no score by 0.001.
_STEPS, _ENOUGH = 500, 1e-5


def fitted(
    inputs: Floats,
    yes: Bools,
    strength: float,
    start: Floats | None = None,
    given: Floats | None = None,
    counts: Floats | None = None,
) -> Floats:
    """Weights and, in the last row, offsets: (d + 1, k), for `inputs` (n, d) and the answers `yes` (n, k).

    `strength` is scikit-learn's C: the sum of the pictures' losses weighs so much against half the squared weights.
    Each label is its own regression, and none knows of the others; they are solved side by side because one product
    of matrices is quicker than many of vectors. `start` is where to begin, such as the answer of another strength.
    `given` are log odds (n, k) to begin from: what is found then is what to add to them, and the offsets count as
    weights do, so that pictures that teach nothing change nothing. `counts` (n) is how much each picture counts, 1
    unless it is said.
    """
    shape = (inputs.shape[1] + 1, yes.shape[1])
    signs = np.where(yes, 1.0, -1.0)
    # Without given odds an offset is free: it is how often a label is shown.
    held = np.ones(shape) if given is not None else np.vstack([np.ones((shape[0] - 1, shape[1])), np.zeros(shape[1])])
    much = strength * (np.ones((len(inputs), 1)) if counts is None else counts[:, None])
    ahead = np.zeros(yes.shape) if given is None else given

    def loss(at: Floats) -> tuple[float, Floats]:
        fit = at.reshape(shape)
        margin = signs * (odds(inputs, fit) + ahead)
        pull = -much * signs * expit(-margin)
        value = float((much * np.logaddexp(0, -margin)).sum()) + float((held * fit * fit).sum()) / 2
        return value, (np.vstack([inputs.T @ pull, pull.sum(axis=0)]) + held * fit).ravel()

    begin = np.zeros(shape) if start is None else start
    found = minimize(
        loss,
        begin.ravel(),
        jac=True,
        method="L-BFGS-B",
        options={"maxiter": _STEPS, "maxfun": 2 * _STEPS, "gtol": _ENOUGH * strength * len(inputs), "ftol": 0.0},
    )
    return np.asarray(found.x.reshape(shape))


def odds(inputs: Floats, fit: Floats) -> Floats:
    """The log odds of each label: (n, k)."""
    return np.asarray(inputs @ fit[:-1] + fit[-1])
