"""Secret rotations: the same face has another template in each collection, and scores within one stay what they are.

A rotation keeps every cosine, so that a collection is searched as before; templates of two collections have nothing in
common that could be compared. It is renewable and does not hide a template from whoever has its rotation, or as many
known pairs as there are dimensions: a second line behind the sealing (ISO/IEC 24745 calls it unlinkability).
"""

from __future__ import annotations

import hashlib
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

SEED_BYTES = 32


@lru_cache(maxsize=64)
def rotation(seed: bytes, dimensions: int) -> NDArray[np.float32]:
    """The rotation of a seed, orthogonal, of shape (dimensions, dimensions); evenly drawn from all of them.

    The Q of a Gaussian matrix, with the signs of R's diagonal taken into it (Mezzadri, How to generate random matrices
    from the classical compact groups, 2007). The numbers come from SHAKE-256 of the seed and not from a generator of
    numpy's, whose streams may change with its version.
    """
    count = dimensions * dimensions
    stream = hashlib.shake_256(b"regard rotation" + seed).digest(count * 16)
    # 53 bits each, in (0, 1]: a logarithm is taken of the first of each pair.
    uniform = ((np.frombuffer(stream, "<u8") >> np.uint64(11)).astype(np.float64) + 1.0) * 2.0**-53
    radius, angle = np.sqrt(-2.0 * np.log(uniform[:count])), 2.0 * np.pi * uniform[count:]
    factor, upper = np.linalg.qr((radius * np.cos(angle)).reshape(dimensions, dimensions))
    return np.asarray(factor * np.sign(np.diag(upper)), np.float32)
