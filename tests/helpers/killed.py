"""Processes that work until they are killed, and say over a pipe what they were answered."""

from __future__ import annotations

import multiprocessing
import sys
from collections.abc import Callable, Iterator
from contextlib import suppress
from functools import cache
from multiprocessing.connection import Connection
from multiprocessing.process import BaseProcess
from typing import Any


def started(work: Callable[..., None], *given: Any) -> tuple[BaseProcess, Connection]:
    """A process that does `work(*given, pipe)`, a function of a module, and the end of the pipe that hears it."""
    context = multiprocessing.get_context("forkserver")
    context.set_forkserver_preload(_wanted(work.__module__))
    ours, theirs = context.Pipe(duplex=False)
    process = context.Process(target=work, args=(*given, theirs))
    process.start()
    theirs.close()
    return process, ours


@cache
def _wanted(first: str) -> list[str]:
    """What the processes would else import, each for itself: the server that they are forked from is one for all tests
    of a run, and takes no more once it is there.
    """
    tests = {name: vars(module) for name, module in sys.modules.items() if name.startswith("tests.")}
    users = [name for name, told in tests.items() if told.get("started") is started]
    return [first, *users, "tests.helpers.warmed"]


def rest(pipe: Connection) -> Iterator[Any]:
    """What the pipe of a process that was killed still holds: it was said before the end."""
    with suppress(EOFError), pipe:
        while True:
            yield pipe.recv()
