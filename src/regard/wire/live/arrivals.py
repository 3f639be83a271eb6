"""When a session's challenge went out and its film came in, by the clock of this service: the client's is its word."""

from __future__ import annotations

from collections.abc import Callable

# AWS's client and the page here show the person a button once they have the challenge, so that there is time to read.
WAIT_SECONDS = 60.0
# Clients send what they recorded second by second: a film spans a second more than its parts come apart, and a network
# takes one part longer than another.
OFF_SECONDS = 3.0


class Arrivals:
    """Of one session. `clock` gives seconds that never go back; made when the challenge went out."""

    def __init__(self, clock: Callable[[], float]) -> None:
        self._clock = clock
        self._posed = clock()
        self._first: float | None = None
        self._last = self._posed

    def came(self) -> bool:
        """Take note that a part of the film came; whether that is in time for what it was asked to show."""
        self._last = self._clock()
        if self._first is None:
            self._first = self._last
        return self._first - self._posed <= WAIT_SECONDS

    def off(self, milliseconds: float) -> float:
        """By how many seconds the film took longer or shorter to come than the client told that it lasts."""
        took = self._last - (self._posed if self._first is None else self._first)
        return abs(milliseconds / 1000 - took)
