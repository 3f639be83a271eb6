"""SQL that is compiled once a process: tests open thousands of engines, and each would compile its statements anew.

That is a fifth of the time of what asks a service in the test's own process.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any
from unittest.mock import patch

from sqlalchemy import Engine
from sqlalchemy.engine.default import DefaultDialect
from sqlalchemy.util import LRUCache


@contextmanager
def compiled_once() -> Iterator[None]:
    """Until the end of the block, what one engine compiled another of its kind finds."""
    compiled: LRUCache[Any, Any] = LRUCache(5_000)
    plain = Engine.__init__

    def opened(engine: Engine, *given: Any, **more: Any) -> None:
        plain(engine, *given, **more)
        engine._compiled_cache = compiled

    # What is compiled is kept by dialect. Of one kind there is one version here, of one server.
    with (
        patch.object(Engine, "__init__", opened),
        patch.object(DefaultDialect, "__eq__", lambda one, other: type(one) is type(other)),
        patch.object(DefaultDialect, "__hash__", lambda one: hash(type(one))),
    ):
        yield
