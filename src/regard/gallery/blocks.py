"""Vectors in memory, each beside an 8-bit code of it that a search reads in its stead."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numkong
import numpy as np
from numpy.typing import NDArray

BLOCK_ROWS = 1 << 16
# Codes and scores of so many rows stay in a core's own cache between the kernel and the comparison.
_AT_ONCE = 1 << 14
_SMALLEST = 1 << 8
# The kernel multiplies a row with four probes in the time that one takes.
_PROBES_AT_ONCE = 4
_HIGHEST = 127


@dataclass(frozen=True, slots=True)
class Codes:
    """Vectors rounded to whole multiples, -127 to 127, of a step of their own.

    `values` int8 (n, d), `steps` float32 (n,), `error` the largest length, over the n, of what rounding took away.
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
        values = rounded.astype(np.int8)
        rounded *= steps[:, None]
        rounded -= vectors
        # The rest stands for the rounding of this computation itself.
        return cls(values, steps, longest(rounded) * 1.0001 + 1e-6)

    def __getitem__(self, some: slice) -> Codes:
        return Codes(self.values[some], self.steps[some], self.error)


class Probes:
    """Probes, float32 (q, d), as the kernel takes them.

    One or two probes fill the kernel's four places by looking at as many rows at once: the rows of a block are read
    as fewer, longer rows, and each place sees its own part of them.
    """

    def __init__(self, vectors: NDArray[np.float32]) -> None:
        count, dimensions = vectors.shape
        self.codes = Codes.of(vectors)
        self.count = count
        self.fold = 1 << max(_PROBES_AT_ONCE // count, 1).bit_length() - 1
        folded = np.zeros((self.fold, count, self.fold, dimensions), np.int8)
        for part in range(self.fold):
            folded[part, :, part] = self.codes.values
        self.packed = numkong.dots_pack(folded.reshape(self.fold * count, self.fold * dimensions))


class Block:
    """At most BLOCK_ROWS vectors of one dimension, in the order they came; a row may be blanked, never moved.

    A blank row and one that was never written have no step (NaN), so that no comparison finds them.
    """

    def __init__(self, dimensions: int) -> None:
        self.used = 0
        self._make(dimensions, _SMALLEST)

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
        self.rows[places], self.codes[places], self.steps[places] = vectors, codes.values, codes.steps

    def blank(self, place: int) -> None:
        """Forget the vector of a place."""
        self.rows[place], self.codes[place], self.steps[place] = 0, 0, np.nan

    def scan(self, probes: Probes) -> Iterator[tuple[int, NDArray[np.float32]]]:
        """Pieces of the block, each with its first place and the products of its rows with the codes of the probes.

        The products, (q, n), are in units of each probe's step; those of rows without a vector are NaN. They lie in
        memory that the next piece takes again.
        """
        rows = min(_AT_ONCE, len(self.rows))
        dots = numkong.empty((rows // probes.fold, probes.fold * probes.count), dtype="int32")
        read = np.asarray(dots).reshape(rows, probes.count).T
        products = np.empty((probes.count, rows), np.float32)
        folded = self.codes.reshape(len(self.rows) // probes.fold, -1)
        for start in range(0, self.used, rows):
            numkong.dots_packed(folded[start // probes.fold :][: len(dots)], probes.packed, out=dots)
            np.copyto(products, read, casting="unsafe")
            products *= self.steps[start : start + rows]
            yield start, products

    def _grow(self, wanted: int) -> None:
        rows, codes, steps = self.rows, self.codes, self.steps
        self._make(rows.shape[1], 1 << (wanted - 1).bit_length())
        self.rows[: self.used], self.codes[: self.used] = rows[: self.used], codes[: self.used]
        self.steps[: self.used] = steps[: self.used]

    def _make(self, dimensions: int, capacity: int) -> None:
        self.rows = np.zeros((capacity, dimensions), np.float32)
        self.codes = np.zeros((capacity, dimensions), np.int8)
        self.steps = np.full(capacity, np.nan, np.float32)


def longest(vectors: NDArray[np.float32]) -> float:
    """The greatest length of the vectors, (n, d)."""
    return float(np.sqrt(np.einsum("ij,ij->i", vectors, vectors).max(initial=0)))
