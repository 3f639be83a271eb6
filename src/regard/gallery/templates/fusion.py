"""Fusion: the vector of a user, from the templates of the faces associated with it."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray


def fused(templates: Sequence[NDArray[np.float32]]) -> NDArray[np.float32]:
    """The mean of the templates, each of length 1, brought to length 1 again.

    The mean direction is the maximum-likelihood centre of directions that scatter evenly around one (von
    Mises–Fisher), and does not depend on the order in which faces came and went. It is never stored: it is made
    from the faces that are there, so that a face that is gone leaves nothing behind in its user.
    """
    total = np.sum(np.stack(templates), axis=0, dtype=np.float64)
    length = np.linalg.norm(total)
    # Opposite faces cancel out; the first then stands for them.
    if length < 1e-6:
        return templates[0]
    return np.asarray(total / length, np.float32)
