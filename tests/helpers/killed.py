"""Processes that work until they are killed, and say over a pipe what they were answered."""

from __future__ import annotations

import multiprocessing
from collections.abc import Callable, Iterator
from contextlib import suppress
from multiprocessing.connection import Connection
from multiprocessing.process import BaseProcess
from typing import Any


def started(work: Callable[..., None], *given: Any) -> tuple[BaseProcess, Connection]:
    """A process that does `work(*given, pipe)`, a function of a module, and the end of the pipe that hears it."""
    context = multiprocessing.get_context("forkserver")
    # What each process would else import when it first searches.
    context.set_forkserver_preload([work.__module__, "regard.gallery.index.kernel"])
    ours, theirs = context.Pipe(duplex=False)
    process = context.Process(target=work, args=(*given, theirs))
    process.start()
    theirs.close()
    return process, ours


def rest(pipe: Connection) -> Iterator[Any]:
    """What the pipe of a process that was killed still holds: it was said before the end."""
    with suppress(EOFError), pipe:
        while True:
            yield pipe.recv()
