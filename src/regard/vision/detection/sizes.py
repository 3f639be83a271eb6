"""One network for pictures of any size, and networks of their own for the small sizes that come again and again."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

from regard.vision.models.runtime import Model

# A network for any size loses 2 to 3 ms whenever the size changes, and a picture is looked at in up to five. To make
# one of a single size takes 0.13 s, so the size has to have come so often; and up to 20 MB, so that few are made, and
# none for larger pictures: there looking takes ten times as long as changing, and memory grows.
OFTEN, MOST, LARGEST = 16, 8, 640 * 640


class Sizes:
    """A network (1, 3, H, W), called as a Model is. Which one answers changes nothing of what it says, to the bit."""

    def __init__(self, any_size: Model, load: Callable[[tuple[int, ...]], Model]) -> None:
        """`load` gives the network of one shape."""
        self._any_size = any_size
        self._load = load
        self._came: Counter[tuple[int, ...]] = Counter()
        self._own: dict[tuple[int, ...], Model] = {}

    def __call__(self, canvas: NDArray[np.float32]) -> list[NDArray[np.float32]]:
        """The outputs of the network."""
        return self._of(canvas.shape)(canvas)

    def _of(self, shape: tuple[int, ...]) -> Model:
        if shape in self._own:
            return self._own[shape]
        if shape[2] * shape[3] > LARGEST or len(self._own) >= MOST:
            return self._any_size
        self._came[shape] += 1
        if self._came[shape] < OFTEN:
            return self._any_size
        return self._own.setdefault(shape, self._load(shape))
