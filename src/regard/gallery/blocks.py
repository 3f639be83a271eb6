"""Vectors in memory, each beside an 8-bit code of it that a search reads in its stead."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from regard.gallery.kernel import LINE, WIDTH, products

BLOCK_ROWS = 1 << 16
SMALLEST = LINE
_HIGHEST = 127
# Cosines of strangers spread by 1/√d. So many times that is what leaving out a probe's least coordinates may change:
# a seventh of 512, a fifth of 128, where they are as even as a random rotation makes them.
_LEFT_OUT = 1.0
# So many probes are multiplied at once: each takes four bytes for each vector of a block meanwhile.
_AT_ONCE = 1 << 4


@dataclass(frozen=True, slots=True)
class Codes:
    """Vectors rounded to whole multiples of a step of their own.

    `values` int8 (d, n), as the kernel reads them: a dimension of all, then the next; `steps` float32 (n,); `error`
    the largest length, over the n, of what rounding took away.
    """

    values: NDArray[np.int8]
    steps: NDArray[np.float32]
    error: float

    @classmethod
    def of(cls, vectors: NDArray[np.float32]) -> Codes:
        """The codes of vectors, (n, d)."""
        peaks = np.abs(vectors).max(axis=1, initial=0)
        steps = np.where(peaks > 0, peaks / _HIGHEST, 1).astype(np.float32)
        rounded = np.rint(vectors / steps[:, None])
        values = rounded.T.astype(np.int8, order="C")
        rounded *= steps[:, None]
        rounded -= vectors
        # The rest stands for the rounding of this computation itself.
        return cls(values, steps, longest(rounded) * 1.0001 + 1e-6)

    def __getitem__(self, some: slice) -> Codes:
        return Codes(self.values[:, some], self.steps[some], self.error)


class Probes:
    """Probes, float32 (q, d), without the coordinates in which all of them have least.

    `dimensions` are those that are left, `weights` the probes in them; `error` is the largest length of what was left
    out.
    """

    def __init__(self, vectors: NDArray[np.float32]) -> None:
        count = vectors.shape[1]
        lightest = np.abs(vectors).max(axis=0).argsort()
        lost = np.sqrt(np.square(vectors[:, lightest]).cumsum(axis=1)).max(axis=0)
        out = int(np.searchsorted(lost, _LEFT_OUT / np.sqrt(count))) // WIDTH * WIDTH
        kept = np.sort(lightest[out:])
        # The kernel takes whole groups of dimensions: what is added weighs nothing.
        self.dimensions = np.pad(kept, (0, -len(kept) % WIDTH))
        self.weights = np.pad(vectors[:, kept], ((0, 0), (0, -len(kept) % WIDTH)))
        self.error = float(lost[out - 1]) * 1.0001 if out else 0.0


class Block:
    """At most BLOCK_ROWS vectors of one dimension, in the order they came; a row may be blanked, never moved.

    A blank row and one that was never written have no step (NaN), so that no comparison finds them.
    """

    def __init__(self, dimensions: int, capacity: int) -> None:
        self.used = 0
        self._make(dimensions, capacity)

    @property
    def nbytes(self) -> int:
        """Bytes set aside."""
        return self.rows.nbytes + self.codes.nbytes + self.steps.nbytes

    def append(self, vectors: NDArray[np.float32], codes: Codes) -> None:
        """Add vectors with their codes, no more than there is room for."""
        wanted = self.used + len(vectors)
        if wanted > len(self.rows):
            self._grow(wanted)
        self.write(slice(self.used, wanted), vectors, codes)
        self.used = wanted

    def write(self, places: slice, vectors: NDArray[np.float32], codes: Codes) -> None:
        """Put vectors with their codes in these places."""
        self.rows[places], self.codes[:, places], self.steps[places] = vectors, codes.values, codes.steps

    def blank(self, place: int) -> None:
        """Forget the vector of a place."""
        self.rows[place], self.codes[:, place], self.steps[place] = 0, 0, np.nan

    def scan(self, probes: Probes) -> Iterator[NDArray[np.float32]]:
        """For each probe the products, (used,), of what is left of it with what the codes of all rows stand for.

        Those of rows without a vector are NaN.
        """
        rows = self.used + -self.used % LINE
        for start in range(0, len(probes.weights), _AT_ONCE):
            some = probes.weights[start : start + _AT_ONCE]
            for found in products(some, probes.dimensions, self.codes, self.steps[:rows]):
                yield found[: self.used]

    def _grow(self, wanted: int) -> None:
        rows, codes, steps = self.rows, self.codes, self.steps
        # By a third to a half, not to the double: all that is set aside is read by every search.
        quarter = max((1 << (wanted - 1).bit_length()) // 4, SMALLEST)
        self._make(rows.shape[1], -(-wanted // quarter) * quarter)
        used = slice(self.used)
        self.rows[used], self.codes[:, used], self.steps[used] = rows[used], codes[:, used], steps[used]

    def _make(self, dimensions: int, capacity: int) -> None:
        self.rows = np.zeros((capacity, dimensions), np.float32)
        self.codes = np.zeros((dimensions, capacity), np.int8)
        self.steps = np.full(capacity, np.nan, np.float32)


def longest(vectors: NDArray[np.float32]) -> float:
    """The greatest length of the vectors, (n, d)."""
    return float(np.sqrt(np.einsum("ij,ij->i", vectors, vectors).max(initial=0)))
