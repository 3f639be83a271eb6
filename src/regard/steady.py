"""Clocks for what must not hang on a machine's clock alone: a steady one for what cannot be undone, so that a clock
which is wrong for an hour undoes nothing; and one for what ends, which is not put off by setting a clock back.
"""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable

_DAY = 86_400.0
_log = logging.getLogger(__name__)


def _passed() -> float:
    """Seconds that passed on this machine, asleep or awake, whatever its clock was set to."""
    # Where there is no such clock, one that stands still while the machine sleeps: then a day is waited in vain.
    return time.clock_gettime(getattr(time, "CLOCK_BOOTTIME", time.CLOCK_MONOTONIC))


class SteadyClock:
    """Tells the time in seconds since 1970. Thread-safe.

    A clock that is set ahead by more than a day is followed once a day has passed, and until then told as it would be
    without that. One that is set back is followed at once: whatever waits for a time then waits longer. Of a clock that
    was wrong when the process began nothing is known.
    """

    def __init__(self, clock: Callable[[], float] = time.time, passed: Callable[[], float] = _passed) -> None:
        self._clock, self._passed = clock, passed
        self._lock = threading.Lock()
        self._at, self._then = clock(), passed()
        self._ahead_since: float | None = None

    def __call__(self) -> float:
        """The time."""
        with self._lock:
            now, passed = self._clock(), self._passed()
            steady = self._at + (passed - self._then)
            if now - steady <= _DAY or self._lasted(passed, now - steady):
                self._at, self._then, self._ahead_since = now, passed, None
                return now
            return steady

    def _lasted(self, passed: float, ahead: float) -> bool:
        if self._ahead_since is None:
            self._ahead_since = passed
            _log.warning(
                "the clock was set ahead by %.1f days: for a day nothing is let go because of that. Set it right if it "
                "is wrong.",
                ahead / _DAY,
            )
        return passed - self._ahead_since >= _DAY


class OnwardClock:
    """Tells the time in seconds since 1970, never an earlier one than before. Thread-safe.

    One that is set back is not followed: the time goes on by what passed on this machine.
    """

    def __init__(self, clock: Callable[[], float] = time.time, passed: Callable[[], float] = _passed) -> None:
        self._clock, self._passed = clock, passed
        self._lock = threading.Lock()
        self._at, self._then = clock(), passed()

    def __call__(self) -> float:
        """The time."""
        with self._lock:
            passed = self._passed()
            self._at = max(self._clock(), self._at + passed - self._then)
            self._then = passed
            return self._at
