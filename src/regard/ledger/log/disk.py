"""The disk: files that are whole or not there at all, whenever the power goes. Every change goes through here, or
through :mod:`.shared_disk`.
"""

from __future__ import annotations

import fcntl
import os
from collections.abc import Callable, Iterable
from contextlib import suppress
from pathlib import Path


class WrittenTwice(ValueError):
    """A file that must never change was to be written with other bytes."""


class HeldElsewhere(OSError):
    """Another process holds the folder, and is the one that writes."""


class Disk:
    """Writes files so that a reader sees all of one or nothing, and says so only when they are durable."""

    def hold(self, folder: Path) -> Callable[[], None]:
        """Keep other processes from writing in a folder, until what comes back is called. Raises HeldElsewhere."""
        self.settle(self.folder(folder))
        lock = os.open(folder / "lock", os.O_RDWR | os.O_CREAT, 0o600)
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            os.close(lock)
            raise HeldElsewhere(f"another process holds the log in {folder}; stop it first") from None

        def release() -> None:
            # Closed alone, it would be held as long as a process that was just forked has it, until that runs another.
            fcntl.flock(lock, fcntl.LOCK_UN)
            os.close(lock)

        return release

    def read(self, path: Path) -> bytes:
        """The bytes of a file. Raises FileNotFoundError."""
        return path.read_bytes()

    def names(self, folder: Path) -> list[str]:
        """What is in a folder, in order; nothing in one that is not there."""
        return sorted(path.name for path in folder.iterdir()) if folder.is_dir() else []

    def is_folder(self, path: Path) -> bool:
        """Whether there is a folder."""
        return path.is_dir()

    def open(self, path: Path) -> int:
        """An open file, to :meth:`append` to and to :meth:`close`."""
        return os.open(path, os.O_WRONLY | os.O_APPEND)

    def close(self, file: int) -> None:
        """Close a file that was opened."""
        os.close(file)

    def write_once(self, path: Path, data: bytes) -> None:
        """Make the file `path`, for ever. The same bytes again are nothing new; raises WrittenTwice for others.

        The folder is not synced: call `settle` with all the folders that one change touched.
        """
        with suppress(FileNotFoundError):
            if path.read_bytes() == data:
                return
            raise WrittenTwice(f"{path} exists with other bytes")
        self._write(path, data)

    def replace(self, path: Path, data: bytes) -> None:
        """Make or replace the file `path`, durably."""
        self._write(path, data)
        self.settle([path.parent])

    def append(self, file: int, data: bytes) -> None:
        """Append to an open file, durably."""
        rest = memoryview(data)
        while rest:
            rest = rest[os.write(file, rest) :]
        os.fdatasync(file)

    def settle(self, folders: Iterable[Path]) -> None:
        """Make the names in `folders` durable."""
        for folder in folders:
            _sync(folder)

    def folder(self, path: Path) -> set[Path]:
        """Make a folder and those above it. Answers the folders to settle, none when it was there."""
        if path.is_dir():
            return set()
        touched = self.folder(path.parent)
        path.mkdir(exist_ok=True)
        return touched | {path.parent}

    def remove(self, path: Path) -> None:
        """Remove a file if it is there."""
        path.unlink(missing_ok=True)

    def remove_folder(self, path: Path) -> None:
        """Remove an empty folder."""
        path.rmdir()

    def _write(self, path: Path, data: bytes) -> None:
        # One name for the unfinished file: what a crash leaves behind, the next attempt overwrites.
        unfinished = path.with_name(f".{path.name}.new")
        file = os.open(unfinished, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o644)
        try:
            self.append(file, data)
        finally:
            os.close(file)
        self._rename(unfinished, path)

    def _rename(self, unfinished: Path, path: Path) -> None:
        unfinished.rename(path)


def _sync(folder: Path) -> None:
    file = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(file)
    finally:
        os.close(file)
