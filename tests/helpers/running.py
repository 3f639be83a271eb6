"""A service of its own for tests: `regard serve` in a process, as a user starts it."""

from __future__ import annotations

from contextlib import AbstractContextManager
from typing import Any

from regard.commands.pictures.demo import OwnService as Running
from regard.commands.pictures.demo import own_service

__all__ = ["Running", "running"]


def running(*args: Any, **settings: Any) -> AbstractContextManager[Running]:
    """What :func:`own_service` starts. Models load when first asked for: most tests ask for few, or for none."""
    return own_service(*args, **{"REGARD_WARM": "none"} | settings)
