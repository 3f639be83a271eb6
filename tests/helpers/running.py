"""A service of its own for tests: `regard serve` in a process, as a user starts it."""

from __future__ import annotations

from contextlib import AbstractContextManager
from pathlib import Path
from typing import Any

from regard.commands.pictures.demo import OwnService as Running
from regard.commands.pictures.demo import own_service
from tests.helpers.migrated import migrated_in

__all__ = ["Running", "running"]


def running(data_dir: Path, *more: Any, **settings: Any) -> AbstractContextManager[Running]:
    """What :func:`own_service` starts. Models load when first asked for: most tests ask for few, or for none. Nor are
    tables made anew, where they are in a file: `tests/commands/test_serve.py` starts with nothing.
    """
    if "REGARD_DATABASE_URL" not in settings:
        migrated_in(data_dir)
    return own_service(data_dir, *more, **{"REGARD_WARM": "none"} | settings)
