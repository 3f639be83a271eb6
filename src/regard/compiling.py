"""Loops that numba compiles for the processor at hand when they first run."""

from __future__ import annotations

from collections.abc import Callable, Collection
from contextlib import suppress
from typing import ParamSpec, TypeVar

from numba import njit

_P = ParamSpec("_P")
_R = TypeVar("_R")


def compiled(loop: Callable[_P, _R], fastmath: Collection[str] = ()) -> Callable[_P, _R]:
    """The loop as machine code, kept for later processes, that other threads run beside.

    `fastmath` names what LLVM may take for granted of floating-point numbers.
    """
    made = njit(nogil=True, fastmath=set(fastmath))(loop)
    # Where no folder may be written to, each process compiles anew.
    with suppress(RuntimeError):
        made.enable_caching()
    return made
