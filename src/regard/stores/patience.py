"""Waiting for a store only so long."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from concurrent.futures import Future
from concurrent.futures import TimeoutError as FutureTimeout
from typing import TypeVar

from regard.stores.errors import StoreFaltered

Given = TypeVar("Given")

# Seconds before what a store faltered at is tried again.
PAUSES = (1.0, 2.0, 4.0, 8.0)


def persist(work: Callable[[], Given], sleep: Callable[[float], None] = time.sleep) -> Given:
    """What `work` gives or raises, tried again four times where the store falters, after pauses that grow."""
    for pause in PAUSES:
        try:
            return work()
        except StoreFaltered:
            sleep(pause)
    return work()


class Patience:
    """Waits for work only so long, and for no more than `most` at once that was given up. Thread-safe."""

    def __init__(self, seconds: float, most: int) -> None:
        self._seconds = seconds
        self._free = threading.BoundedSemaphore(most)

    def of(self, work: Callable[[], Given], seconds: float | None = None) -> Given:
        """What `work` gives or raises, in a thread of its own. Raises StoreFaltered where it takes too long."""
        if not self._free.acquire(blocking=False):
            raise StoreFaltered("too many reads from the store have not come to an end: look after the store")
        seconds = self._seconds if seconds is None else seconds
        done: Future[Given] = Future()

        def run() -> None:
            try:
                done.set_result(work())
            except BaseException as error:
                done.set_exception(error)
            finally:
                self._free.release()

        # One that hangs keeps no process from ending.
        threading.Thread(target=run, name="store", daemon=True).start()
        try:
            return done.result(seconds)
        except FutureTimeout:
            raise StoreFaltered(f"the store did not come to an end within {seconds:.0f} seconds") from None
