"""Blocks, of which an index is made: vectors in memory, each beside a code of 4 or 5 bits a dimension that a search
reads in its stead.
"""

from __future__ import annotations

import mmap
from collections.abc import Iterator
from contextlib import suppress
from typing import TypeVar

import numpy as np
from numpy.typing import NDArray

from regard.gallery.index.codes import ABREAST, FOUR, HEAVIEST, THREE, WORDS, Codes, Rounded

BLOCK_ROWS = 1 << 16
SMALLEST = ABREAST
# Cosines of strangers spread by 1/√d, and what a code may be wrong about does not depend on d: the more dimensions,
# the more vectors are looked at again. From so many on, codes of 5 bits are read in less time than is then lost.
_MANY_DIMENSIONS = 3 << 7
# From so many bytes on memory is the system's own.
_LARGE = 1 << 20

_Number = TypeVar("_Number", np.float32, np.uint16)


class Probes:
    """Probes, float32 (q, d), rounded to whole multiples of a unit of their own.

    `error` is the largest length of what rounding took away.
    """

    def __init__(self, vectors: NDArray[np.float32]) -> None:
        count, dimensions = vectors.shape
        peaks = np.abs(vectors).max(axis=1)
        units = np.where(peaks > 0, peaks / HEAVIEST, 1).astype(np.float32)
        multiples = np.rint(vectors / units[:, None])
        weights = np.zeros((count, _words(dimensions) * _many(dimensions)), np.int16)
        weights[:, :dimensions] = multiples
        self.rounded = Rounded(weights, units, (np.linalg.norm(vectors, axis=1) * 1.0001).astype(np.float32))
        self.error = longest(vectors - multiples * units[:, None]) * 1.0001 + 1e-6


class Block:
    """At most BLOCK_ROWS vectors of one dimension, in the order they came; a row may be blanked, never moved.

    A blank row and one that was never written have no step (NaN), so that no comparison finds them.
    """

    def __init__(self, dimensions: int, capacity: int) -> None:
        self.used = 0
        self._make(dimensions, capacity)

    @property
    def nbytes(self) -> int:
        """Bytes of memory set aside."""
        words, steps, errors, _ = self._codes
        return self.rows.nbytes + words.nbytes + steps.nbytes + errors.nbytes

    def append(self, vectors: NDArray[np.float32]) -> float:
        """Add vectors, no more than there is room for. The largest error of their codes."""
        wanted = self.used + len(vectors)
        if wanted > len(self.rows):
            self._grow(wanted)
        error = self.write(self.used, vectors)
        self.used = wanted
        return error

    def write(self, start: int, vectors: NDArray[np.float32]) -> float:
        """Put vectors in the places from `start` on. The largest error of their codes."""
        places = slice(start, start + len(vectors))
        self.rows[places] = vectors
        from regard.gallery.index.kernel import encode

        encode(self.rows[places], self._codes, start)
        return float(self._codes.errors[places].max(initial=0))

    def blank(self, place: int) -> None:
        """Forget the vector of a place."""
        self.rows[place], self._codes.steps[place] = 0, np.nan
        self._codes.words[place // ABREAST, :, place % ABREAST] = 0

    def scan(self, probes: Probes) -> Iterator[NDArray[np.float32]]:
        """For each probe an upper bound of its product with each row, float32 (used,); NaN of blank rows.

        What rounding the probe took away comes on top: at most `probes.error` times the length of the row.
        """
        from regard.gallery.index.kernel import ceilings

        used = self._codes._replace(words=self._codes.words[: -(-self.used // ABREAST)])
        for most in ceilings(probes.rounded, used):
            yield most[: self.used]

    def _grow(self, wanted: int) -> None:
        rows, codes = self.rows, self._codes
        # By a third to a half, not to the double.
        quarter = max((1 << (wanted - 1).bit_length()) // 4, SMALLEST)
        self._make(rows.shape[1], -(-wanted // quarter) * quarter)
        used = slice(self.used)
        self.rows[used], self._codes.words[: len(codes.words)] = rows[used], codes.words
        self._codes.steps[used], self._codes.errors[used] = codes.steps[used], codes.errors[used]

    def _make(self, dimensions: int, capacity: int) -> None:
        self.rows = _zeros((capacity, dimensions), np.float32)
        words = _zeros((capacity // ABREAST, _words(dimensions), ABREAST), np.uint16)
        steps, errors = np.full(capacity, np.nan, np.float32), np.zeros(capacity, np.float32)
        self._codes = Codes(words, steps, errors, _many(dimensions))


def longest(vectors: NDArray[np.float32]) -> float:
    """The greatest length of the vectors, (n, d), that are finite."""
    squares = np.einsum("ij,ij->i", vectors, vectors)
    return float(np.sqrt(squares.max(initial=0, where=np.isfinite(squares))))


def _many(dimensions: int) -> int:
    return FOUR if dimensions < _MANY_DIMENSIONS else THREE


def _words(dimensions: int) -> int:
    # The kernel takes so many words at a time: codes that are added weigh nothing.
    return -(-dimensions // (_many(dimensions) * WORDS)) * WORDS


def _zeros(shape: tuple[int, ...], kind: type[_Number]) -> NDArray[_Number]:
    """Zeros; many of them go back to the system with their array, where the allocator would keep holes."""
    count = int(np.prod(shape))
    size = count * np.dtype(kind).itemsize
    if size < _LARGE:
        return np.zeros(shape, kind)
    memory = mmap.mmap(-1, size, flags=mmap.MAP_PRIVATE | mmap.MAP_ANONYMOUS)
    # Some systems know no huge pages, and some kernels were built without.
    with suppress(AttributeError, OSError):
        memory.madvise(mmap.MADV_HUGEPAGE)
    return np.frombuffer(memory, kind, count).reshape(shape)
