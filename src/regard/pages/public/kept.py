"""What anyone may ask for, made at most once a second, however many ask."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from typing import Generic, TypeVar

# Nobody has to sign for these pages: however often they are asked for, what is in force is looked at once a second.
KEPT_SECONDS = 1.0

T = TypeVar("T")


class Kept(Generic[T]):
    """What `make` made, at most `seconds` old. Thread-safe; what `make` raises, it raises to each who asks."""

    def __init__(
        self, make: Callable[[], T], clock: Callable[[], float] = time.monotonic, seconds: float = KEPT_SECONDS
    ) -> None:
        self._make = make
        self._clock = clock
        self._seconds = seconds
        self._turn = threading.Lock()
        self._made: tuple[float, T] | None = None

    def __call__(self) -> T:
        """What is kept, made anew where it is older."""
        with self._turn:
            if self._made is None or self._clock() >= self._made[0]:
                made = self._make()
                self._made = (self._clock() + self._seconds, made)
            return self._made[1]
