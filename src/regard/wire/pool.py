"""The pool of workers: a fixed number, a queue of a fixed length, and a clear no when both are full.

A worker that only waits for the disk hands its turn on, so that no core rests while somebody waits for it.
"""

from __future__ import annotations

import asyncio
import os
import threading
import time
from collections import deque
from collections.abc import Callable, Coroutine, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager
from typing import Any, TypeVar

from regard.settings import Settings

Result = TypeVar("Result")


class Full(RuntimeError):
    """Every worker is busy and every place in the queue is taken, or the pool takes nothing more."""


class ClientGone(ConnectionError):
    """Whoever asked hung up before a worker began; nobody waits for the answer."""


class Pool:
    """Runs work in threads. Used from one event loop.

    A place is taken once the body of a request is in: who sends slowly keeps nobody from a worker.
    """

    def __init__(self, workers: int, queue: int, clock: Callable[[], float] = time.monotonic) -> None:
        # So many work at once, and as many more may wait for the disk.
        self._threads = ThreadPoolExecutor(2 * workers, thread_name_prefix="worker")
        self._turns = threading.Semaphore(workers)
        self._mine = threading.local()
        self._queued: deque[tuple[Future[Any], Callable[[], Any]]] = deque()
        self._workers = workers
        self._places = workers + queue
        self._taken = 0
        self._busy = 0
        self._clock = clock
        self._begun: dict[int, float] = {}

    @property
    def begun(self) -> dict[int, float]:
        """When each worker that is at work began it, in seconds of the clock, by the identifier of its thread."""
        return self._begun.copy()

    @property
    def waiting(self) -> int:
        """How many that were let in have no worker yet."""
        return max(0, self._taken - self._workers)

    @property
    def open(self) -> bool:
        """Whether anything more is let in."""
        return self._places > 0

    @contextmanager
    def place(self) -> Iterator[None]:
        """A place from here to the end of the block. Raises Full."""
        if self._taken >= self._places:
            raise Full
        self._taken += 1
        try:
            yield
        finally:
            self._taken -= 1

    async def run(self, work: Callable[[], Result], gone: Coroutine[Any, Any, None]) -> Result:
        """The result of `work`. When `gone` completes before a worker began, raises ClientGone.

        Raises Full when the pool was closed since the place was taken.
        """
        if not self.open:
            gone.close()
            raise Full
        self._busy += 1
        try:
            future: Future[Result] = Future()
            self._queued.append((future, work))
            self._threads.submit(self._work)
            done = asyncio.wrap_future(future)
            # A worker is free: the work begins now, and whether somebody leaves makes no difference any more.
            if self._busy <= self._workers:
                gone.close()
            else:
                await _unless_gone(future, done, gone)
            return await done
        finally:
            self._busy -= 1
            # An error of the work holds this frame, which would hold the future that holds the error: what was refused
            # would stay in memory until the collector of cycles comes by.
            del future, done

    def hand_on(self) -> None:
        """Let other work begin: what is left to the worker that calls this is to wait, and little after that."""
        if getattr(self._mine, "turn", False):
            self._mine.turn = False
            self._turns.release()

    def close(self) -> None:
        """Let nothing more in, and finish what was accepted."""
        self._places = 0
        self._threads.shutdown(wait=True)

    def _work(self) -> None:
        """Do what was queued first and was not called off, once there is a turn."""
        self._turns.acquire()
        self._mine.turn = True
        self._begun[threading.get_ident()] = self._clock()
        future, work = self._queued.popleft()
        try:
            if future.set_running_or_notify_cancel():
                future.set_result(work())
        except BaseException as error:
            future.set_exception(error)
        finally:
            del self._begun[threading.get_ident()]
            self.hand_on()
            # An error holds this frame: see `run`.
            del future, work


async def _unless_gone(future: Future[Any], done: asyncio.Future[Any], gone: Coroutine[Any, Any, None]) -> None:
    """Wait for the work to be done, or to be past calling off. Raises ClientGone when it was called off."""
    leaving = asyncio.create_task(gone)
    try:
        await asyncio.wait((done, leaving), return_when=asyncio.FIRST_COMPLETED)
        if not done.done() and future.cancel():
            raise ClientGone
    finally:
        leaving.cancel()


def open_pool(settings: Settings) -> Pool:
    """The pool of these settings: as many workers as cores that this process may use, unless they say how many."""
    return Pool(settings.workers or len(os.sched_getaffinity(0)), settings.queue)
