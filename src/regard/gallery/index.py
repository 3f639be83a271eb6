"""Exact search among vectors in memory: 8-bit codes narrow down, the vectors themselves decide.

A product of codes differs from the product of the vectors by a bound that is known before the search. Whatever may,
within that bound, be among the best is looked at again in float64: what comes out is what a search of every vector
in float64 finds, in the same order.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from regard.gallery.blocks import BLOCK_ROWS, SMALLEST, Block, Codes, Probes, longest

Hit = tuple[int, float]

# Scores are told to so many decimals: templates carry no more, and a face equals itself.
_DECIMALS = 6
# Room in a block that comes after a full one: growing from less leaves holes in the memory behind.
_NEXT = BLOCK_ROWS // 4
# So many candidates are gathered before the search looks which of them can still win.
_GATHERED = 1 << 12
_CODED = 1 << 9
# Blank rows are read by every search. When a quarter of all is blank, the rest moves together.
_MOST_BLANK = 0.25
_BLANK = -1


class Part(NamedTuple):
    """Vectors, (n, d), by id, with their codes; `length` is the greatest that one of them has."""

    ids: NDArray[np.int64]
    vectors: NDArray[np.float32]
    codes: Codes
    length: float


class Index:
    """Vectors of length 1, by id: a whole number, 0 or more. Searches may run at the same time; a change runs alone.

    Each vector takes 4 bytes a dimension, its code 1, and both 24: 1.30 times the vectors at 128 dimensions.
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
        # A few rows at a time stay in a core's own cache while they are looked at again and again.
        for start in range(0, len(numbers), _CODED):
            some = vectors[start : start + _CODED]
            self.put(Part(numbers[start : start + _CODED], some, Codes.of(some), longest(some) * 1.0001))

    def parts(self) -> Iterator[Part]:
        """All vectors with their codes, as :meth:`put` takes them."""
        for number, block in enumerate(self._blocks):
            yield self._part(block, self._ids[number * BLOCK_ROWS :][: block.used])

    def put(self, part: Part) -> None:
        """Add a part of another index, whose ids are not in this one."""
        self._error, self._longest = max(self._error, part.codes.error), max(self._longest, part.length)
        taken = 0
        while taken < len(part.ids):
            if self._rows == len(self._blocks) * BLOCK_ROWS:
                self._blocks.append(Block(part.vectors.shape[1], _NEXT if self._blocks else SMALLEST))
            block = self._blocks[-1]
            some = slice(taken, taken + BLOCK_ROWS - block.used)
            block.append(part.vectors[some], part.codes[some])
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
        if self._rows - self._live > max(self._rows * _MOST_BLANK, _GATHERED):
            self._close_ranks()

    def search(
        self, query: NDArray[np.float32], most: int, at_least: float, without: Collection[int] = ()
    ) -> list[Hit]:
        """The `most` ids with the highest cosine of at least `at_least`, highest first, equal ones by id."""
        return self.search_all(query[None], most, at_least, without)[0]

    def search_all(
        self, queries: NDArray[np.float32], most: int, at_least: float, without: Collection[int] = ()
    ) -> list[list[Hit]]:
        """What each of the queries, (q, d), finds; all of them share one pass over the codes.

        Let x and y be a vector and a query, x' and y' what their codes stand for. Then x·y - x'·y' =
        (x - x')·y + x'·(y - y'), so that the two products differ by |x - x'||y| + (|x| + |x - x'|)|y - y'| at most
        (Cauchy-Schwarz): what lies twice as far behind the last one to be kept cannot come before it.
        """
        if not self._live:
            return [[] for _ in queries]
        probes = Probes(queries)
        length = float(np.linalg.norm(queries, axis=1).max()) * 1.0001
        # Scores are rounded, here and in the kernel's float32.
        slack = self._error * length + (self._longest + self._error) * probes.codes.error + 2 * 10**-_DECIMALS
        barred = [place for name in without if (place := self._place(name)) is not None]
        kept = [_Candidates(most, at_least, slack, float(step), barred) for step in probes.codes.steps]
        for number, block in enumerate(self._blocks):
            for candidates, products in zip(kept, block.scan(probes), strict=True):
                candidates.consider(number * BLOCK_ROWS, products)
        return [
            self._ranked(query, candidates, most, at_least) for query, candidates in zip(queries, kept, strict=True)
        ]

    def _ranked(self, query: NDArray[np.float32], candidates: _Candidates, most: int, at_least: float) -> list[Hit]:
        best_ids, best_scores = np.empty(0, np.int64), np.empty(0)
        places, done, last = candidates.places(), 0, at_least
        # The most promising come first: once their scores are known, few of the others can still reach them.
        while done < (reach := candidates.reaching(last)):
            some = np.sort(places[done : min(reach, done + (_GATHERED if done else most))])
            done += len(some)
            scores = (self._gathered(some).astype(np.float64) * query).sum(axis=1).round(_DECIMALS)
            enough = scores >= last
            ids = np.concatenate([best_ids, self._ids[some[enough]]])
            scores = np.concatenate([best_scores, scores[enough]])
            order = np.lexsort((ids, -scores))[:most]
            best_ids, best_scores = ids[order], scores[order]
            if len(order) == most:
                last = float(best_scores[-1])
        return list(zip(best_ids.tolist(), best_scores.tolist(), strict=True))

    def _gathered(self, places: NDArray[np.int64]) -> NDArray[np.float32]:
        # Places rise, so that those of one block lie together.
        numbers = places // BLOCK_ROWS
        cuts = np.flatnonzero(np.diff(numbers)) + 1
        return np.concatenate(
            [self._blocks[some[0] // BLOCK_ROWS].rows[some % BLOCK_ROWS] for some in np.split(places, cuts)]
        )

    def _place(self, name: int) -> int | None:
        if name in self._strays:
            return self._strays[name]
        place = int(np.searchsorted(self._reach[: self._rows], name))
        return place if place < self._rows and self._ids[place] == name else None

    def _write(self, place: int, vector: NDArray[np.float32]) -> None:
        row, codes = place % BLOCK_ROWS, Codes.of(vector[None])
        self._blocks[place // BLOCK_ROWS].write(slice(row, row + 1), vector[None], codes)
        self._error, self._longest = max(self._error, codes.error), max(self._longest, longest(vector[None]) * 1.0001)

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
        codes = Codes(block.codes[:, used][:, live], block.steps[used][live], self._error)
        return Part(ids[live], block.rows[used][live], codes, self._longest)


class _Candidates:
    """The places that may be among the best of one query, as far as the codes have been read.

    Products and their slack are in units of the query's step.
    """

    def __init__(self, most: int, at_least: float, slack: float, step: float, barred: Sequence[int]) -> None:
        self._most = most
        self._step = step
        self._slack = slack / step
        self._cut = at_least / step - self._slack
        self._barred = barred
        self._places: list[NDArray[np.int64]] = []
        self._products: list[NDArray[np.float32]] = []
        self._gathered = 0
        self._enough = _GATHERED

    def consider(self, start: int, products: NDArray[np.float32]) -> None:
        """Take up the places, from `start` on, whose products can still win."""
        if not self._gathered and len(products) > _GATHERED:
            # The best of the first few rule out most of the others before they are taken up.
            self.consider(start, products[:_GATHERED])
            start, products = start + _GATHERED, products[_GATHERED:]
        near = np.flatnonzero(products >= self._cut)
        if len(near):
            self._places.append(near + start)
            self._products.append(products[near])
            self._gathered += len(near)
            if self._gathered >= self._enough:
                self._tighten()

    def places(self) -> NDArray[np.int64]:
        """The places that can win, those with the highest products first."""
        self._tighten()
        order = np.argsort(-self._products[0])
        self._places, self._products = [self._places[0][order]], [self._products[0][order]]
        return self._places[0]

    def reaching(self, score: float) -> int:
        """How many of `places`, from the first, may have at least this score."""
        return int(np.searchsorted(-self._products[0], self._slack - score / self._step, side="right"))

    def _tighten(self) -> None:
        places = np.concatenate([np.empty(0, np.int64), *self._places])
        products = np.concatenate([np.empty(0, np.float32), *self._products])
        allowed = ~np.isin(places, self._barred)
        if (behind := np.count_nonzero(allowed) - self._most) > 0:
            last = float(np.partition(products[allowed], behind)[behind])
            self._cut = max(self._cut, last - 2 * self._slack)
            allowed &= products >= self._cut
        self._places, self._products = [places[allowed]], [products[allowed]]
        self._gathered = len(self._places[0])
        self._enough = 2 * self._gathered + _GATHERED


def _with_room(array: NDArray[np.int64], rows: int) -> NDArray[np.int64]:
    if rows <= len(array):
        return array
    grown = np.empty(max(rows, len(array) * 9 // 8), np.int64)
    grown[: len(array)] = array
    return grown
