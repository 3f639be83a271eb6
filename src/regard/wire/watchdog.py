"""The watchdog: tells of a worker that does not come to an end, and leaves its stack in the service's log."""

from __future__ import annotations

import faulthandler
import logging
import re
import tempfile
import time
from collections.abc import Callable
from threading import Event, Thread

from regard.wire.pool import Pool

_log = logging.getLogger("regard.wire")
_LOOK = 5.0
# The head of a thread in what faulthandler writes.
_THREAD = re.compile(r"^(?:Current thread|Thread) 0x([0-9a-f]+) .*\n", re.MULTILINE)


class Watchdog:
    """Looks after the workers of `pool`. One is stuck when it is at the same work for `after` seconds; 0: never.

    `clock` is the pool's own. A thread that keeps the interpreter lock stops everything that Python could do of it, the
    event loop and this watchdog included. So each look asks `arm` for the stacks of all threads after `after` seconds,
    in place of what was asked before: without a further look they are written by a thread that needs no lock.
    """

    def __init__(
        self,
        pool: Pool,
        after: float,
        clock: Callable[[], float] = time.monotonic,
        arm: Callable[[float], None] = faulthandler.dump_traceback_later,
    ) -> None:
        self._pool = pool
        self._after = after
        self._clock = clock
        self._arm = arm
        self._told: set[tuple[int, float]] = set()
        self._closing = Event()

    @property
    def trouble(self) -> str | None:
        """That workers are stuck, in a sentence; None when none is."""
        stuck = len(self._stuck())
        if not stuck:
            return None
        calls = "1 call has" if stuck == 1 else f"{stuck} calls have"
        return f"{calls} been worked on for over {self._after:.0f} seconds: the service's log has the stack"

    def look(self) -> None:
        """Write the stack of each worker that is stuck, once."""
        self._arm(self._after)
        stuck = self._stuck()
        if new := stuck - self._told:
            stacks = _stacks()
            for thread, _ in new:
                # It may have come to its end since. Where code is is no secret; values are not in a stack.
                if stack := stacks.get(thread):
                    _log.error("a call has been worked on for over %.0f seconds, and is at:\n%s", self._after, stack)
        self._told = stuck

    def start(self) -> None:
        """Begin to look from time to time."""
        if self._after:
            Thread(target=self._work, name="watchdog", daemon=True).start()

    def close(self) -> None:
        """Look no more."""
        self._closing.set()
        faulthandler.cancel_dump_traceback_later()

    def _stuck(self) -> set[tuple[int, float]]:
        if not self._after:
            return set()
        now = self._clock()
        return {each for each in self._pool.begun.items() if now - each[1] >= self._after}

    def _work(self) -> None:
        self.look()
        while not self._closing.wait(min(_LOOK, self._after / 4)):
            self.look()


def _stacks() -> dict[int, str]:
    """Where each thread is, by its identity, the innermost call first.

    Not by `sys._current_frames`: it keeps all other threads from starting and ending while it makes objects, and where
    that starts a garbage collection that lets one of them run, both wait for ever.
    """
    with tempfile.TemporaryFile("w+") as file:
        faulthandler.dump_traceback(file)
        file.seek(0)
        told = _THREAD.split(file.read())
    return {int(thread, 16): stack.strip("\n") for thread, stack in zip(told[1::2], told[2::2], strict=True)}
