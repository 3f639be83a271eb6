"""Room on the disk for what jobs fetch: sealed files without a name, gone with the process that has them open."""

from __future__ import annotations

import os
import shutil
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import BinaryIO, cast

from regard.vision.video.sealed import SealedFilm, Sealing

# What is left free of a disk, whatever is fetched.
_LEFT_FREE = 256 << 20


class NoRoom(OSError):
    """The disk, or what jobs may take of it, has no room for a file; the text says which."""


class Scratch:
    """Files of a worker below `folder`, `most` bytes in all. No other process finds them, and none outlives it."""

    def __init__(self, folder: Path, most: int) -> None:
        self._folder = folder
        self._most = most

    def require(self, size: int) -> None:
        """Raise NoRoom where a file of so many bytes does not fit."""
        if size > self._most:
            raise NoRoom(f"{size >> 20:,} MiB are more than jobs may take ({self._most >> 20:,}, REGARD_JOBS_DISK).")
        self._folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        free = shutil.disk_usage(self._folder).free
        if size > free - _LEFT_FREE:
            raise NoRoom(f"{size >> 20:,} MiB do not fit on the disk, of which {free >> 20:,} MiB are free.")

    @contextmanager
    def film(self, fetch: Callable[[BinaryIO], None]) -> Iterator[SealedFilm]:
        """What `fetch` writes, sealed in a file of its owner's alone, to be read by this process and its children."""
        self._folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        # It has no name from the beginning where the file system can do that (O_TMPFILE), or loses it at once.
        with tempfile.TemporaryFile(dir=self._folder) as file:
            with Sealing(cast(BinaryIO, file)) as sealing:
                fetch(cast(BinaryIO, sealing))
            yield SealedFilm(Path(f"/proc/{os.getpid()}/fd/{file.fileno()}"), sealing.key)
