"""The index: exact search among vectors in memory; codes of a few bits narrow down, the vectors themselves decide. It
knows numbers, not faces: :mod:`.mirror` fills it.

A product of codes tells what that of the vectors may be at most. Whatever may be among the best is looked at again in
float64: what comes out is what a search of every vector in float64 finds, in the same order.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from regard.gallery.index.blocks import BLOCK_ROWS, SMALLEST, Block, Probes, longest

Hit = tuple[int, float]

# Scores are told to so many decimals: templates carry no more, and a face equals itself.
_DECIMALS = 6
# Room in a block that comes after a full one: growing from less copies more often.
_NEXT = BLOCK_ROWS // 4
# The best of the first so many rule out most others of a block before they are counted.
_FIRST = 1 << 12
# So many blocks are taken at once, or fewer for several queries: their ceilings wait in a cache until the best are
# known.
_TAKEN = 1 << 4
# Blank rows are read by every search. When a quarter of all is blank, and more than a few, the rest moves together.
_MOST_BLANK = 0.25
_FEW_BLANK = 1 << 12
_BLANK = -1


class Part(NamedTuple):
    """Vectors, (n, d), by id."""

    ids: NDArray[np.int64]
    vectors: NDArray[np.float32]


class _Scanned(NamedTuple):
    """A block, with its ceilings for one query (:meth:`Block.scan`); rows where they are NaN are not looked at."""

    ids: NDArray[np.int64]
    vectors: NDArray[np.float32]
    ceilings: NDArray[np.float32]


class Index:
    """Vectors of length 1, by id: a whole number, 0 or more. Searches may run at the same time; a change runs alone.

    Each vector takes 4 bytes a dimension, its code half of one or two thirds, and both 24: 1.17 times the vectors at
    128 dimensions.
    """

    def __init__(self) -> None:
        self._blocks: list[Block] = []
        self._error = 0.0
        self._longest = 0.0
        # Places follow each other as vectors came, mostly with rising ids. `_reach` is the highest id up to each
        # place, so that bisection finds every id but the strays: those that came after a higher one.
        self._rows = 0
        self._live = 0
        self._ids = np.empty(0, np.int64)
        self._reach = np.empty(0, np.int64)
        self._strays: dict[int, int] = {}

    def __len__(self) -> int:
        return self._live

    @property
    def ids(self) -> NDArray[np.int64]:
        """The ids of all vectors, in no order."""
        taken = self._ids[: self._rows]
        return taken.compress(taken != _BLANK)

    @property
    def nbytes(self) -> int:
        """Bytes of memory set aside for vectors, codes and ids."""
        return sum(block.nbytes for block in self._blocks) + self._ids.nbytes + self._reach.nbytes

    def vector(self, name: int) -> NDArray[np.float32] | None:
        """The vector of this id, or None."""
        place = self._place(name)
        return None if place is None else self._blocks[place // BLOCK_ROWS].rows[place % BLOCK_ROWS].copy()

    def add(self, ids: Sequence[int] | NDArray[np.int64], vectors: NDArray[np.float32]) -> None:
        """Add vectors, (n, d), under ids that differ; one whose id is there already takes the place of the old one."""
        numbers = np.asarray(ids, np.int64)
        if self._rows and len(numbers) and numbers.min() <= self._reach[self._rows - 1]:
            places = [self._place(name) for name in numbers.tolist()]
            for place, vector in zip(places, vectors, strict=True):
                if place is not None:
                    self._write(place, vector)
            new = np.array([place is None for place in places])
            numbers, vectors = numbers[new], vectors[new]
        self.put(Part(numbers, vectors))

    def parts(self) -> Iterator[Part]:
        """All vectors, as :meth:`put` takes them."""
        for number, block in enumerate(self._blocks):
            yield self._part(block, self._ids[number * BLOCK_ROWS :][: block.used])

    def put(self, part: Part) -> None:
        """Add a part of another index, whose ids are not in this one."""
        taken = 0
        while taken < len(part.ids):
            if self._rows == len(self._blocks) * BLOCK_ROWS:
                self._blocks.append(Block(part.vectors.shape[1], _NEXT if self._blocks else SMALLEST))
            block = self._blocks[-1]
            some = slice(taken, taken + BLOCK_ROWS - block.used)
            self._bound(part.vectors[some], block.append(part.vectors[some]))
            self._name(part.ids[some])
            taken += len(part.ids[some])

    def remove(self, ids: Iterable[int]) -> None:
        """Remove the vectors of these ids; unknown ids are passed over."""
        for name in ids:
            place = self._place(name)
            if place is None:
                continue
            self._blocks[place // BLOCK_ROWS].blank(place % BLOCK_ROWS)
            self._ids[place] = _BLANK
            self._strays.pop(name, None)
            self._live -= 1
        if self._rows - self._live > max(self._rows * _MOST_BLANK, _FEW_BLANK):
            self._close_ranks()

    def search(
        self, query: NDArray[np.float32], most: int, at_least: float, without: Collection[int] = ()
    ) -> list[Hit]:
        """The `most` ids with the highest cosine of at least `at_least`, highest first, equal ones by id."""
        return self.search_all(query[None], most, at_least, without)[0]

    def search_all(
        self, queries: NDArray[np.float32], most: int, at_least: float, without: Collection[int] = ()
    ) -> list[list[Hit]]:
        """What each of the queries, (q, d), finds; up to 16 of them share one pass over the codes.

        Let x and y be a vector and a query, x' and y' what the codes of both stand for. Then
        x·y = x'·y' + (x - x')·y + x'·(y - y'), which is x'·y' + |x - x'||y| + |x'||y - y'| at most (Cauchy-Schwarz):
        where that lies behind the last one to be kept, the vector cannot come before it.
        """
        if len(queries) > _TAKEN:
            few = (queries[start : start + _TAKEN] for start in range(0, len(queries), _TAKEN))
            return [hits for each in few for hits in self.search_all(each, most, at_least, without)]
        if not self._live or not len(queries):
            return [[] for _ in queries]
        probes = Probes(queries)
        reach = self._longest + self._error
        # Scores are rounded to their decimals, and the kernel's sums when steps and units are multiplied with them.
        rounding = 2 * 10**-_DECIMALS + 8 * float(np.finfo(np.float32).eps * probes.rounded.lengths.max()) * reach
        slack = reach * probes.error + rounding
        barred = [place for name in without if (place := self._place(name)) is not None]
        found = [_Best(query, most, at_least, slack) for query in queries]
        together = _TAKEN // len(queries)
        for start in range(0, len(self._blocks), together):
            some = range(start, min(start + together, len(self._blocks)))
            scanned = [self._scanned(number, probes, barred) for number in some]
            for best, *blocks in zip(found, *scanned, strict=True):
                best.take(blocks)
        return [best.hits() for best in found]

    def _scanned(self, number: int, probes: Probes, barred: list[int]) -> list[_Scanned]:
        block, start = self._blocks[number], number * BLOCK_ROWS
        here = [place - start for place in barred if start <= place < start + block.used]
        scanned = [_Scanned(self._ids[start:], block.rows, ceilings) for ceilings in block.scan(probes)]
        for each in scanned:
            each.ceilings[here] = np.nan
        return scanned

    def _place(self, name: int) -> int | None:
        if name in self._strays:
            return self._strays[name]
        place = int(np.searchsorted(self._reach[: self._rows], name))
        return place if place < self._rows and self._ids[place] == name else None

    def _write(self, place: int, vector: NDArray[np.float32]) -> None:
        self._bound(vector[None], self._blocks[place // BLOCK_ROWS].write(place % BLOCK_ROWS, vector[None]))

    def _bound(self, vectors: NDArray[np.float32], error: float) -> None:
        self._error, self._longest = max(self._error, error), max(self._longest, longest(vectors) * 1.0001)

    def _name(self, ids: NDArray[np.int64]) -> None:
        rows = self._rows + len(ids)
        self._ids, self._reach = _with_room(self._ids, rows), _with_room(self._reach, rows)
        before = self._reach[self._rows - 1] if self._rows else _BLANK
        reach = np.maximum.accumulate(np.maximum(ids, before))
        self._ids[self._rows : rows], self._reach[self._rows : rows] = ids, reach
        stray = (reach != ids) | (ids == before)
        for offset in np.flatnonzero(stray).tolist():
            self._strays[int(ids[offset])] = self._rows + offset
        self._rows = rows
        self._live += len(ids)

    def _close_ranks(self) -> None:
        # Blocks go one by one: two copies of a great collection may not fit.
        ids, blocks = self._ids[: self._rows].copy(), self._blocks.copy()
        self._blocks.clear()
        self._strays.clear()
        self._rows, self._live = 0, 0
        while blocks:
            part = self._part(blocks.pop(0), ids[:BLOCK_ROWS])
            ids = ids[BLOCK_ROWS:]
            self.put(part)

    def _part(self, block: Block, ids: NDArray[np.int64]) -> Part:
        live = slice(None) if (ids != _BLANK).all() else ids != _BLANK
        used = slice(block.used)
        return Part(ids[live], block.rows[used][live])


class _Best:
    """The best of one query, as far as blocks were taken."""

    def __init__(self, query: NDArray[np.float32], most: int, at_least: float, slack: float) -> None:
        self._query = query.astype(np.float64)
        self._most = most
        self._last = at_least
        self._slack = slack
        self._ids = np.empty(0, np.int64)
        self._scores = np.empty(0)

    def take(self, blocks: Sequence[_Scanned]) -> None:
        """Take blocks. The most promising of each come first: once their scores are known, few others reach them."""
        left = []
        for block in blocks:
            cuts = [0] if len(self._ids) == self._most else [0, _FIRST]
            for start, end in zip(cuts, [*cuts[1:], None], strict=True):
                first = near = start + self._near(block.ceilings[start:end])
                if len(near) > self._most:
                    first = near[np.argpartition(block.ceilings[near], -self._most)[-self._most :]]
                    left.append((block, near))
                self._score(block, first)
                block.ceilings[first] = np.nan
        for block, near in left:
            self._score(block, near[self._near(block.ceilings[near])])

    def hits(self) -> list[Hit]:
        """Ids and scores, the highest first, equal ones by id."""
        return list(zip(self._ids.tolist(), self._scores.tolist(), strict=True))

    def _near(self, ceilings: NDArray[np.float32]) -> NDArray[np.int64]:
        return (ceilings >= self._last - self._slack).nonzero()[0]

    def _score(self, block: _Scanned, places: NDArray[np.int64]) -> None:
        if not len(places):
            return
        from regard.gallery.index.kernel import cosines

        scores = cosines(self._query, block.vectors, places).round(_DECIMALS)
        enough = (scores >= self._last).nonzero()[0]
        if not len(enough):
            return
        ids, scores = np.append(self._ids, block.ids[places[enough]]), np.append(self._scores, scores[enough])
        order = np.lexsort((ids, -scores))[: self._most]
        self._ids, self._scores = ids[order], scores[order]
        if len(order) == self._most:
            self._last = float(self._scores[-1])


def _with_room(array: NDArray[np.int64], rows: int) -> NDArray[np.int64]:
    if rows <= len(array):
        return array
    grown = np.empty(max(rows, len(array) * 9 // 8), np.int64)
    grown[: len(array)] = array
    return grown
