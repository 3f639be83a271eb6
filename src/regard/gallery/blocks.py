"""Vectors in memory, each beside an 8-bit code of it that a search reads in its stead."""

from __future__ import annotations

import mmap
from collections.abc import Iterator
from dataclasses import dataclass
from typing import TypeVar

import numpy as np
from numpy.typing import NDArray

from regard.gallery.kernel import HEAVIEST, LINE, WIDTH, products

BLOCK_ROWS = 1 << 16
SMALLEST = LINE
_HIGHEST = 127
# Cosines of strangers spread by 1/√d. So many times that is what leaving out a probe's least coordinates may change:
# a seventh of 512, a fifth of 128, where they are as even as a random rotation makes them.
_LEFT_OUT = 1.0
# Rows of codes a power of two apart would have the same few places in a cache: many are kept so much further apart.
_APART, _MANY = 5 * LINE, 1 << 12
_LARGE = 1 << 20
# So many probes are multiplied at once: each takes four bytes for each vector of a block meanwhile.
_AT_ONCE = 1 << 4

_Number = TypeVar("_Number", np.float32, np.int8)


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
    """Probes, float32 (q, d), rounded to whole multiples of a unit of their own, without the coordinates in which all
    of them have least.

    `dimensions` are those that are left, `weights` int16 (q, k) the probes in them, `units` float32 (q,); `error` is
    the largest length of what rounding and leaving out took away.
    """

    def __init__(self, vectors: NDArray[np.float32]) -> None:
        count = vectors.shape[1]
        lightest = np.abs(vectors).max(axis=0).argsort()
        lost = np.sqrt(np.square(vectors[:, lightest]).cumsum(axis=1)).max(axis=0)
        out = int(np.searchsorted(lost, _LEFT_OUT / np.sqrt(count))) // WIDTH * WIDTH
        kept = np.sort(lightest[out:])
        peaks = np.abs(vectors).max(axis=1)
        self.units = np.where(peaks > 0, peaks / HEAVIEST, 1).astype(np.float32)
        weights = np.rint(vectors[:, kept] / self.units[:, None])
        rest = vectors.copy()
        rest[:, kept] -= weights * self.units[:, None]
        self.error = longest(rest) * 1.0001 + 1e-6
        # The kernel takes whole groups of dimensions: what is added weighs nothing.
        more = -len(kept) % WIDTH
        self.dimensions = np.pad(kept, (0, more))
        self.weights = np.pad(weights.astype(np.int16, order="C"), ((0, 0), (0, more)))


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
        return self.rows.nbytes + self._codes.nbytes + self.steps.nbytes

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
            some = slice(start, start + _AT_ONCE)
            weights, units = probes.weights[some], probes.units[some]
            for found in products(weights, units, probes.dimensions, self.codes, self.steps[:rows]):
                yield found[: self.used]

    def _grow(self, wanted: int) -> None:
        rows, codes, steps = self.rows, self.codes, self.steps
        # By a third to a half, not to the double: all that is set aside is read by every search.
        quarter = max((1 << (wanted - 1).bit_length()) // 4, SMALLEST)
        self._make(rows.shape[1], -(-wanted // quarter) * quarter)
        used = slice(self.used)
        self.rows[used], self.codes[:, used], self.steps[used] = rows[used], codes[:, used], steps[used]

    def _make(self, dimensions: int, capacity: int) -> None:
        self.rows = _zeros((capacity, dimensions), np.float32)
        self._codes = _zeros((dimensions, capacity + (_APART if capacity >= _MANY else 0)), np.int8)
        self.codes = self._codes[:, :capacity]
        self.steps = np.full(capacity, np.nan, np.float32)


def longest(vectors: NDArray[np.float32]) -> float:
    """The greatest length of the vectors, (n, d)."""
    return float(np.sqrt(np.einsum("ij,ij->i", vectors, vectors).max(initial=0)))


def _zeros(shape: tuple[int, int], kind: type[_Number]) -> NDArray[_Number]:
    """Zeros; many of them go back to the system with their array, where the allocator would keep holes."""
    count = shape[0] * shape[1]
    size = count * np.dtype(kind).itemsize
    if size < _LARGE:
        return np.zeros(shape, kind)
    memory = mmap.mmap(-1, size, flags=mmap.MAP_PRIVATE | mmap.MAP_ANONYMOUS)
    if hasattr(mmap, "MADV_HUGEPAGE"):
        memory.madvise(mmap.MADV_HUGEPAGE)
    return np.frombuffer(memory, kind, count).reshape(shape)
