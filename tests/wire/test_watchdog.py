"""The watchdog tells of a worker that is stuck, also where the interpreter lock is."""

from __future__ import annotations

import asyncio
import logging
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from threading import Event, Thread

import pytest

from regard.wire.pool import Pool
from regard.wire.watchdog import Watchdog
from tests.helpers.fakes import Clock


async def _staying() -> None:
    await asyncio.Event().wait()


def _waits_in_vain(begun: Event, free: Event) -> None:
    begun.set()
    free.wait()


@contextmanager
def _at_work(pool: Pool) -> Iterator[Event]:
    """One worker of the pool at work until the event, or the end of the block."""
    begun, free = Event(), Event()
    loop = Thread(target=lambda: asyncio.run(pool.run(lambda: _waits_in_vain(begun, free), _staying())))
    loop.start()
    begun.wait()
    try:
        yield free
    finally:
        free.set()
        loop.join()
        pool.close()


@pytest.mark.long
def test_a_worker_is_stuck_once_it_takes_too_long_and_no_more_when_it_ends(caplog: pytest.LogCaptureFixture) -> None:
    clock, armed = Clock(), list[float]()
    pool = Pool(1, 0, clock)
    watchdog = Watchdog(pool, 60, clock, armed.append)

    def trouble() -> str | None:
        return watchdog.trouble

    assert trouble() is None
    with _at_work(pool), caplog.at_level(logging.ERROR, "regard.wire"):
        clock.now += 59
        watchdog.look()
        assert (trouble(), caplog.records) == (None, [])
        clock.now += 1
        assert trouble() == "1 call has been worked on for over 60 seconds: the service's log has the stack"
        watchdog.look()
        watchdog.look()
        [told] = caplog.messages
        assert "in _waits_in_vain" in told
    assert trouble() is None
    assert pool.begun == {}
    assert armed == [60, 60, 60]


def test_each_incident_is_told(caplog: pytest.LogCaptureFixture) -> None:
    clock = Clock()
    pools = [Pool(1, 0, clock), Pool(1, 0, clock)]
    for pool in pools:
        watchdog = Watchdog(pool, 60, clock, lambda _: None)
        with _at_work(pool), caplog.at_level(logging.ERROR, "regard.wire"):
            clock.now += 60
            watchdog.look()
    assert len(caplog.messages) == 2


# Whatever a look calls begins with a garbage collection that lets other threads run, which start and end all the time.
_COLLECTS_ALWAYS = """
import gc, sys, threading, time
from regard.wire.pool import Pool
from regard.wire.watchdog import Watchdog

class Garbage:
    def __init__(self):
        self.itself = self
    def __del__(self):
        time.sleep(0.001)

def come_and_go():
    while True:
        thread = threading.Thread(target=int)
        thread.start()
        thread.join()

def litter(frame, event, called):
    if event == "c_call":
        Garbage()

threading.Thread(target=come_and_go, daemon=True).start()
pool = Pool(1, 0, lambda: 0.0)
pool._begun[threading.get_ident()] = 0.0
gc.set_threshold(1, 1, 1)
sys.setprofile(litter)
for now in range(60, 70):
    Watchdog(pool, 60, lambda: now, lambda _: None).look()
sys.setprofile(None)
print("looked", flush=True)
"""


@pytest.mark.long
def test_a_look_waits_for_no_lock_that_it_holds_itself() -> None:
    done = subprocess.run([sys.executable, "-c", _COLLECTS_ALWAYS], capture_output=True, text=True, timeout=60)
    assert (done.stdout, done.returncode) == ("looked\n", 0)
    assert done.stderr.count("and is at:") == 10


@pytest.mark.long
def test_with_no_bound_nothing_is_ever_stuck() -> None:
    clock = Clock()
    pool = Pool(1, 0, clock)
    watchdog = Watchdog(pool, 0, clock)
    watchdog.start()
    with _at_work(pool):
        clock.now += 1e9
        assert watchdog.trouble is None


_HOLDS_THE_LOCK = """
import ctypes
from regard.wire.pool import Pool
from regard.wire.watchdog import Watchdog

Watchdog(Pool(1, 0), 0.5).start()

def keeps_the_interpreter_lock():
    ctypes.PyDLL(None).sleep(2)

keeps_the_interpreter_lock()
"""


@pytest.mark.long
def test_a_thread_that_keeps_the_interpreter_lock_is_told_too() -> None:
    done = subprocess.run([sys.executable, "-c", _HOLDS_THE_LOCK], capture_output=True, text=True, timeout=60)
    assert done.stderr.count("in keeps_the_interpreter_lock") == 1
    assert done.returncode == 0
