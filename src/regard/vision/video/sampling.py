"""Which frames of a film are looked at: of each multiple of an interval the last frame at or before it.

Undocumented at AWS, but what its answers show: two a second, 467 and 967 ms at 29.97 frames a second, 8480 and 9000 at
25. A frame that stands for longer than the interval is looked at once.
"""

from __future__ import annotations

from collections.abc import Iterator
from fractions import Fraction
from typing import Generic, NamedTuple, TypeVar

Kept = TypeVar("Kept")


class Sampled(NamedTuple, Generic[Kept]):
    """A frame that was chosen: its number from 0 on, its time in whole milliseconds, floored, and the frame."""

    number: int
    milliseconds: int
    frame: Kept


class Sampler(Generic[Kept]):
    """Chooses among frames as they come. Times are exact seconds from the film's first frame on.

    An `interval` of 0 milliseconds chooses every frame.
    """

    def __init__(self, interval: int) -> None:
        self._step = Fraction(interval, 1000)
        self._due = Fraction(0)
        self._last: Sampled[Kept] | None = None
        self.frames = 0
        self.time = Fraction(0)

    def add(self, time: Fraction, frame: Kept) -> Iterator[Sampled[Kept]]:
        """The frame before this one, where it is chosen. A time before the last one counts as the last one."""
        self.time = max(self.time, time)
        yield from self._chosen(before=self.time)
        self._last = Sampled(self.frames, int(self.time * 1000), frame)
        self.frames += 1

    def end(self, lasting: Fraction) -> Iterator[Sampled[Kept]]:
        """The last frame, where it is chosen; it lasts for so many seconds."""
        self.time += lasting
        yield from self._chosen(before=self.time)
        self._last = None

    def _chosen(self, before: Fraction) -> Iterator[Sampled[Kept]]:
        if self._last is None:
            return
        if not self._step:
            yield self._last
        elif self._due < before:
            yield self._last
            self._due = (before / self._step).__ceil__() * self._step
