"""Slots: what a worker is called. Whoever holds the lock of a name knows that the last one of that name is gone."""

from __future__ import annotations

import fcntl
import os
import secrets
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from regard.files import make_private

_MOST = 1024
_MOMENT = 0.01


@contextmanager
def slot(folder: Path) -> Iterator[str]:
    """The name of a free slot of this machine, held to the end of the block, or of the process however it ends."""
    folder.mkdir(parents=True, exist_ok=True, mode=0o700)
    machine = _machine(folder / "machine")
    for number in range(_MOST):
        file = os.open(folder / f"{number}.lock", os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        if not _locked(file):
            os.close(file)
            continue
        try:
            yield f"{machine}-{number}"
        finally:
            os.close(file)
        return
    raise RuntimeError(f"{_MOST} workers run in {folder} already")


def is_free(folder: Path, name: str) -> bool:
    """Whether a name is one of this machine's that nobody holds: whoever had it ended, however that was."""
    machine, _, number = name.rpartition("-")
    if machine != _machine(folder / "machine"):
        return False
    try:
        file = os.open(folder / f"{number}.lock", os.O_RDWR | os.O_CLOEXEC)
    except FileNotFoundError:
        return False
    try:
        return _locked(file, tries=1)
    finally:
        os.close(file)


def _locked(file: int, tries: int = 2) -> bool:
    """Whether a lock could be had. It is tried again after a moment, in which somebody may only have asked of it."""
    for left in reversed(range(tries)):
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            if left:
                time.sleep(_MOMENT)
        else:
            return True
    return False


def _machine(path: Path) -> str:
    """A name of this data folder that no other has."""
    make_private(path, secrets.token_hex(8).encode())
    return path.read_text().strip()
