"""Tries: how often somebody may ask within a time, counted in memory, by whatever names them."""

from __future__ import annotations

import threading
from collections import Counter
from collections.abc import Callable

# Beyond so many at once the rest share one count, so that no flood of addresses takes memory.
MOST_NAMES = 10_000
_OTHERS = ""


class TooMany(RuntimeError):
    """As often was asked as may be; `seconds` until there is room again."""

    def __init__(self, most: int, seconds: int) -> None:
        super().__init__(f"{most} were taken from you lately, and no more are. Try again in {seconds} seconds.")
        self.seconds = seconds


class Tries:
    """Counts in windows of `seconds`, each name `most` times. Thread-safe."""

    def __init__(self, most: int, seconds: int, clock: Callable[[], float]) -> None:
        self._most = most
        self._seconds = seconds
        self._clock = clock
        self._counted: Counter[str] = Counter()
        self._window = 0
        self._turn = threading.Lock()

    def check(self, name: str) -> None:
        """Whether one more of a name has room. Raises TooMany."""
        with self._turn:
            self._counting(name)

    def count(self, name: str) -> None:
        """Count one more of a name. Raises TooMany."""
        with self._turn:
            self._counted[self._counting(name)] += 1

    def _counting(self, name: str) -> str:
        """The name that this one is counted by, if there is room."""
        now = self._clock()
        if (window := int(now // self._seconds)) != self._window:
            self._window = window
            self._counted.clear()
        if name not in self._counted and len(self._counted) >= MOST_NAMES:
            name = _OTHERS
        if self._counted.get(name, 0) >= self._most:
            raise TooMany(self._most, self._seconds - int(now % self._seconds))
        return name
