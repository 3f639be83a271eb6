"""Which faces of two frames after another are one: by where they are, inside one shot. Nobody is known again after it.

What is kept of a frame is its boxes and a copy of 32×18 pixels, in memory; nothing of what faces look like.
"""

from __future__ import annotations

from collections.abc import Sequence

import cv2
import numpy as np
from numpy.typing import NDArray

from regard.vision.pictures.findings import Box, overlap
from regard.vision.pictures.images import Picture

# Two boxes are of one face where they share so much of both (intersection over union): half a second lies between them.
SAME = 0.3
# A frame that differs by more, in a mean of 0 to 255 over its cells, begins another shot. Where it does not, and a face
# only moved, a number is lost and nobody is confused. Hard cuts of the clips differ by 30 and more, a camera that pans
# by 5 to 20.
CUT = 22.0
_CELLS = (32, 18)
Numbered = tuple[int, Box]


class Tracks:
    """Numbers the faces of a film, frame after frame, from 0 on. A number is never given twice.

    `last` are the numbers and boxes of the frame `after`, the one before the next; `first` is the next new number.
    """

    def __init__(self, after: Picture | None = None, last: Sequence[Numbered] = (), first: int = 0) -> None:
        self._seen = None if after is None else _cells(after)
        self._last = list(last)
        self._next = first

    def numbered(self, picture: Picture, boxes: Sequence[Box]) -> list[int]:
        """The number of each box, as in the frame before where it is the same face."""
        cells = _cells(picture)
        if self._seen is None or float(np.abs(cells - self._seen).mean()) > CUT:
            self._last = []
        numbers = [-1] * len(boxes)
        pairs = [
            (overlap(box, of), at, number)
            for at, box in enumerate(boxes)
            for number, of in self._last
            if overlap(box, of) >= SAME
        ]
        for _, at, number in sorted(pairs, key=lambda pair: (-pair[0], pair[1], pair[2])):
            if numbers[at] < 0 and number not in numbers:
                numbers[at] = number
        for at, number in enumerate(numbers):
            if number < 0:
                numbers[at], self._next = self._next, self._next + 1
        self._seen, self._last = cells, list(zip(numbers, boxes, strict=True))
        return numbers


def _cells(picture: Picture) -> NDArray[np.float32]:
    small = cv2.resize(picture.pixels, _CELLS, interpolation=cv2.INTER_AREA)
    return np.asarray(small, np.float32)
