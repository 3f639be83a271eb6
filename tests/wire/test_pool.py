from __future__ import annotations

import asyncio
import gc
import threading
import time
import weakref
from collections.abc import Callable, Coroutine
from contextlib import ExitStack
from functools import partial
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from regard.wire.pool import ClientGone, Full, Pool


async def staying() -> None:
    await asyncio.Event().wait()


async def left() -> None:
    return


def run(work: Coroutine[Any, Any, Any]) -> Any:
    return asyncio.run(work)


def test_work_runs_in_a_thread_and_its_result_comes_back() -> None:
    name = run(Pool(1, 0).run(lambda: threading.current_thread().name, staying()))
    assert name.startswith("worker")


def test_an_error_of_the_work_comes_back() -> None:
    with pytest.raises(ZeroDivisionError):
        run(Pool(1, 0).run(lambda: 1 // 0, staying()))


def test_an_error_keeps_nothing_of_the_work_in_memory() -> None:
    class Held:
        pass

    async def fail(pool: Pool, work: Callable[[], None]) -> None:
        with pytest.raises(ValueError):
            await pool.run(work, staying())

    async def fail_at_once_and_after_waiting() -> None:
        pool = Pool(1, 2)
        with pool.place(), pool.place():
            await asyncio.gather(fail(pool, work), fail(pool, work))
        # A worker that has told of its error lets go of it a moment later.
        pool.close()

    held: list[weakref.ref[Held]] = []

    def work() -> None:
        mine = Held()
        held.append(weakref.ref(mine))
        raise ValueError

    gc.disable()
    try:
        run(fail_at_once_and_after_waiting())
        assert [each() for each in held] == [None, None]
    finally:
        gc.enable()


@given(workers=st.integers(1, 4), queue=st.integers(0, 4))
def test_as_many_are_let_in_as_there_are_workers_and_places(workers: int, queue: int) -> None:
    pool = Pool(workers, queue)
    with ExitStack() as places:
        for taken in range(1, workers + queue + 1):
            places.enter_context(pool.place())
            assert pool.waiting == max(0, taken - workers)
        with pytest.raises(Full), pool.place():
            pass
    assert pool.waiting == 0
    with pool.place():
        pass


def test_a_place_is_given_back_after_an_error() -> None:
    pool = Pool(1, 0)
    for _ in range(3):
        with pytest.raises(ValueError), pool.place():
            raise ValueError
    with pool.place():
        pass


def test_who_left_before_a_worker_began_is_not_worked_for() -> None:
    pool = Pool(1, 1)
    free, done = threading.Event(), []

    async def both() -> None:
        first = asyncio.create_task(pool.run(lambda: free.wait(10), staying()))
        await asyncio.sleep(0)
        with pytest.raises(ClientGone):
            await pool.run(lambda: done.append(1), left())
        free.set()
        assert await first
        await pool.run(lambda: None, staying())

    run(both())
    assert done == []


def test_work_that_began_is_finished_for_who_left() -> None:
    pool = Pool(1, 1)
    first, begun, free = threading.Event(), threading.Event(), threading.Event()

    def work() -> str:
        begun.set()
        assert free.wait(10)
        return "done"

    async def leaving() -> None:
        await asyncio.to_thread(begun.wait, 10)
        asyncio.get_running_loop().call_soon(free.set)

    async def both() -> str:
        ahead = asyncio.create_task(pool.run(lambda: first.wait(10), staying()))
        await asyncio.sleep(0)
        queued = asyncio.create_task(pool.run(work, leaving()))
        await asyncio.sleep(0)
        first.set()
        assert await ahead
        return await queued

    assert run(both()) == "done"


def test_who_only_waits_lets_other_work_begin() -> None:
    pool, other = Pool(1, 1), threading.Event()

    def waiting() -> bool:
        pool.hand_on()
        return other.wait(10)

    async def both() -> tuple[bool, None]:
        first, second = await asyncio.gather(pool.run(waiting, staying()), pool.run(other.set, staying()))
        return first, second

    assert run(both()) == (True, None)


@given(workers=st.integers(1, 3), handed_on=st.lists(st.integers(0, 2), max_size=12))
def test_no_more_work_at_once_than_there_are_workers(workers: int, handed_on: list[int]) -> None:
    pool, working, lock = Pool(workers, len(handed_on)), 0, threading.Lock()

    def work(times: int) -> bool:
        nonlocal working
        with lock:
            working += 1
            within = working <= workers
        time.sleep(0.0005)
        with lock:
            working -= 1
        for _ in range(times):
            pool.hand_on()
        return within

    async def all_of_it() -> list[bool]:
        return await asyncio.gather(*(pool.run(partial(work, times), staying()) for times in handed_on))

    pool.hand_on()
    assert all(run(all_of_it()))
    pool.close()


def test_closing_finishes_what_was_accepted_and_lets_nothing_in() -> None:
    pool = Pool(1, 3)
    free, done = threading.Event(), []

    def work(number: int) -> None:
        assert free.wait(10)
        done.append(number)

    async def accepted() -> None:
        tasks = [asyncio.create_task(pool.run(partial(work, n), staying())) for n in range(3)]
        await asyncio.sleep(0)
        closing = asyncio.create_task(asyncio.to_thread(pool.close))
        while pool.open:
            await asyncio.sleep(0)
        with pytest.raises(Full), pool.place():
            pass
        free.set()
        await asyncio.gather(*tasks, closing)

    run(accepted())
    assert done == [0, 1, 2]


def test_work_brought_to_a_closed_pool_is_told_that_it_is_full() -> None:
    pool = Pool(1, 0)
    with pool.place():
        pool.close()
        with pytest.raises(Full):
            run(pool.run(lambda: None, staying()))
