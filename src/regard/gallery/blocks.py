"""Vectors in memory, each beside an 8-bit code of it that a search reads in its stead."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from regard.gallery.kernel import HIGHEST_BYTE, product

BLOCK_ROWS = 1 << 16
SMALLEST = 1 << 6
_HIGHEST = 127
# A probe's bytes are its code plus this, so that none is negative, and none above the kernel's highest.
_ZERO = 64
_HIGHEST_OF_PROBES = HIGHEST_BYTE - _ZERO
# So many probes are multiplied one by one, in the time that the kernel takes to lay out a block for more.
_ONE_BY_ONE = 4
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
    def of(cls, vectors: NDArray[np.float32], highest: int = _HIGHEST) -> Codes:
        """The codes of vectors, (n, d), from -highest to highest."""
        peaks = np.abs(vectors).max(axis=1, initial=0)
        steps = np.where(peaks > 0, peaks / highest, 1).astype(np.float32)
        rounded = np.rint(vectors / steps[:, None])
        values = rounded.T.astype(np.int8, order="C")
        rounded *= steps[:, None]
        rounded -= vectors
        # The rest stands for the rounding of this computation itself.
        return cls(values, steps, longest(rounded) * 1.0001 + 1e-6)

    def __getitem__(self, some: slice) -> Codes:
        return Codes(self.values[:, some], self.steps[some], self.error)


class Probes:
    """Probes, float32 (q, d), and their bytes, uint8, in groups that the kernel takes at once."""

    def __init__(self, vectors: NDArray[np.float32]) -> None:
        self.codes = Codes.of(vectors, _HIGHEST_OF_PROBES)
        read = (self.codes.values.T + _ZERO).astype(np.uint8, order="C")
        size = 1 if len(read) <= _ONE_BY_ONE else _AT_ONCE
        self.groups = [read[start : start + size] for start in range(0, len(read), size)]


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
        return self.rows.nbytes + self.codes.nbytes + self.steps.nbytes + self._excess.nbytes

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
        self._excess[places] = _ZERO * codes.values.sum(axis=0, dtype=np.int32)

    def blank(self, place: int) -> None:
        """Forget the vector of a place."""
        self.rows[place], self.codes[:, place], self.steps[place], self._excess[place] = 0, 0, np.nan, 0

    def scan(self, probes: Probes) -> Iterator[NDArray[np.float32]]:
        """For each probe the products, (used,), of the codes of all rows with its own, in units of the probe's step.

        Those of rows without a vector are NaN.
        """
        for group in probes.groups:
            for sums in product(group, self.codes):
                sums -= self._excess
                products = sums[: self.used].astype(np.float32)
                products *= self.steps[: self.used]
                yield products

    def _grow(self, wanted: int) -> None:
        rows, codes, steps, excess = self.rows, self.codes, self.steps, self._excess
        # By a third to a half, not to the double: all that is set aside is read by every search.
        quarter = max((1 << (wanted - 1).bit_length()) // 4, SMALLEST)
        self._make(rows.shape[1], -(-wanted // quarter) * quarter)
        used = slice(self.used)
        self.rows[used], self.codes[:, used], self.steps[used] = rows[used], codes[:, used], steps[used]
        self._excess[used] = excess[used]

    def _make(self, dimensions: int, capacity: int) -> None:
        self.rows = np.zeros((capacity, dimensions), np.float32)
        self.codes = np.zeros((dimensions, capacity), np.int8)
        self.steps = np.full(capacity, np.nan, np.float32)
        # What the kernel finds too much, since a probe's bytes are its code and _ZERO.
        self._excess = np.zeros(capacity, np.int32)


def longest(vectors: NDArray[np.float32]) -> float:
    """The greatest length of the vectors, (n, d)."""
    return float(np.sqrt(np.einsum("ij,ij->i", vectors, vectors).max(initial=0)))
