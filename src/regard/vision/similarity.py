"""Similarity: the raw cosine score of two embeddings on the API's scale of 0 to 100. The one place for it.

The curve goes straight from point to point. Two of its points are fixed by agreement until it is calibrated: 80,
the API's usual threshold, stands at a cosine of 0.50 and 99 at 0.62. It rises everywhere, so that no order is
lost, and its inverse is exact up to rounding.
"""

from __future__ import annotations

import numpy as np

_SCORES = (-1.0, 0.0, 0.5, 0.62, 1.0)
_SIMILARITIES = (0.0, 1.0, 80.0, 99.0, 100.0)


def similarity(score: float) -> float:
    """The similarity, 0 to 100, of a cosine score; rounding beyond −1 and 1 is cut off."""
    return float(np.interp(score, _SCORES, _SIMILARITIES))


def score(similarity: float) -> float:
    """The cosine score, −1 to 1, that has this similarity; the inverse of :func:`similarity`."""
    return float(np.interp(similarity, _SIMILARITIES, _SCORES))
