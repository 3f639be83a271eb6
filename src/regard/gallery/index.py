"""Exact search among vectors in memory."""

from __future__ import annotations

from collections.abc import Collection, Iterable, KeysView, Sequence

import numpy as np
from numpy.typing import NDArray

Hit = tuple[str, float]

# Scores are told to so many decimals: templates carry no more, and a face equals itself.
_DECIMALS = 6


class Index:
    """Vectors of length 1, by id. Not thread-safe: its owner lets one caller in at a time.

    The rows are float32 in one array that grows by half; a removed row is filled with the last one.
    """

    def __init__(self) -> None:
        self._ids: list[str] = []
        self._places: dict[str, int] = {}
        self._rows: NDArray[np.float32] = np.empty((0, 0), np.float32)

    def __len__(self) -> int:
        return len(self._ids)

    @property
    def ids(self) -> KeysView[str]:
        """The ids of all vectors."""
        return self._places.keys()

    def vector(self, name: str) -> NDArray[np.float32] | None:
        """The vector of this id, or None."""
        place = self._places.get(name)
        return None if place is None else self._rows[place].copy()

    def add(self, ids: Sequence[str], vectors: Sequence[NDArray[np.float32]]) -> None:
        """Add vectors; one whose id is there already takes the place of the old one."""
        if not ids:
            return
        self._make_room(len(self._ids) + len(ids), len(vectors[0]))
        for name, vector in zip(ids, vectors, strict=True):
            place = self._places.setdefault(name, len(self._ids))
            if place == len(self._ids):
                self._ids.append(name)
            self._rows[place] = vector

    def remove(self, ids: Iterable[str]) -> None:
        """Remove the vectors of these ids; unknown ids are passed over."""
        for name in ids:
            place = self._places.pop(name, None)
            if place is None:
                continue
            last = self._ids.pop()
            if last != name:
                self._ids[place], self._places[last] = last, place
                self._rows[place] = self._rows[len(self._ids)]

    def search(
        self, query: NDArray[np.float32], most: int, at_least: float, without: Collection[str] = ()
    ) -> list[Hit]:
        """The `most` ids with the highest cosine of at least `at_least`, highest first, equal ones by id.

        The result is that of a search in float64: the product in float32 only narrows down. It errs by n·2⁻²⁴ at
        most for vectors of length 1 and dimension n (Higham, Accuracy and Stability of Numerical Algorithms,
        3.5), so that what lies twice as far behind the last one to be kept cannot come before it.
        """
        if not self._ids:
            return []
        scores = self._rows[: len(self._ids)] @ query
        for name in without:
            if name in self._places:
                scores[self._places[name]] = -np.inf
        slack = len(query) * 2.0**-23 + 10**-_DECIMALS
        near = np.flatnonzero(scores >= at_least - slack)
        if len(near) > most:
            last = len(near) - most
            near = near[scores[near] >= np.partition(scores[near], last)[last] - 2 * slack]
        exact = (self._rows[near].astype(np.float64) * query).sum(axis=1).round(_DECIMALS)
        hits = [(self._ids[place], float(score)) for place, score in zip(near, exact, strict=True) if score >= at_least]
        return sorted(hits, key=lambda hit: (-hit[1], hit[0]))[:most]

    def _make_room(self, rows: int, dimensions: int) -> None:
        if rows > len(self._rows):
            grown = np.empty((max(rows, len(self._rows) * 3 // 2), dimensions), np.float32)
            grown[: len(self._ids)] = self._rows[: len(self._ids)].reshape(-1, dimensions)
            self._rows = grown
