"""Slots: what a worker is called. Whoever holds the lock of a name knows that the last one of that name is gone."""

from __future__ import annotations

import fcntl
import os
import secrets
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from regard.files import make_private

_MOST = 1024


@contextmanager
def slot(folder: Path) -> Iterator[str]:
    """The name of a free slot of this machine, held to the end of the block, or of the process however it ends."""
    folder.mkdir(parents=True, exist_ok=True, mode=0o700)
    machine = _machine(folder / "machine")
    for number in range(_MOST):
        file = os.open(folder / f"{number}.lock", os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            os.close(file)
            continue
        try:
            yield f"{machine}-{number}"
        finally:
            os.close(file)
        return
    raise RuntimeError(f"{_MOST} workers run in {folder} already")


def _machine(path: Path) -> str:
    """A name of this data folder that no other has."""
    make_private(path, secrets.token_hex(8).encode())
    return path.read_text().strip()
