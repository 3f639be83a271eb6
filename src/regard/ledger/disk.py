"""Files that are whole or not there at all, whenever the power goes. Every change goes through here."""

from __future__ import annotations

import os
from collections.abc import Iterable
from contextlib import suppress
from pathlib import Path


class WrittenTwice(ValueError):
    """A file that must never change was to be written with other bytes."""


class Disk:
    """Writes files so that a reader sees all of one or nothing, and says so only when they are durable."""

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
