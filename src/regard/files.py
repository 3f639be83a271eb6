"""Files that are there whole or not at all, for whoever may find them half written otherwise."""

from __future__ import annotations

import os
import shutil
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path


@contextmanager
def beside(path: Path) -> Iterator[Path]:
    """An empty file of its owner's alone (0600) in the folder of `path`, to take its place; gone afterwards if not."""
    handle, name = tempfile.mkstemp(dir=path.parent, prefix=".writing-")
    os.close(handle)
    try:
        yield Path(name)
    finally:
        Path(name).unlink(missing_ok=True)


def sync(path: Path) -> None:
    """Wait until a file, or the names in a folder, are on the disk. Raises OSError."""
    handle = os.open(path, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


def write_whole(path: Path, data: bytes) -> None:
    """Write a file in one step, readable by all. Folders above it are made. Raises OSError, and then leaves nothing."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with beside(path) as file:
        _write(file, data)
        file.chmod(0o644)
        file.replace(path)


def write_folder(path: Path, files: Mapping[str, bytes]) -> None:
    """Make a folder of files in one step, for its owner alone (0700); folders above it are made.

    Raises FileExistsError where something is there that is no empty folder, and OSError, and then leaves nothing.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    made = Path(tempfile.mkdtemp(dir=path.parent, prefix=".writing-"))
    try:
        for name, data in files.items():
            _write(made / name, data)
        sync(made)
        try:
            made.rename(path)
        except OSError as error:
            if not path.exists():
                raise
            raise FileExistsError(f"{path} is there already. Name another folder, or take it away.") from error
        sync(path.parent)
    finally:
        shutil.rmtree(made, ignore_errors=True)


def make_private(path: Path, data: bytes) -> bool:
    """Make a file that only its owner may read (0600), unless there is one; whether it was made.

    Whoever is killed meanwhile, or looks at it at the same time, finds none or the whole. Raises OSError.
    """
    with beside(path) as file:
        _write(file, data)
        try:
            path.hardlink_to(file)
        except FileExistsError:
            return False
    sync(path.parent)
    return True


def replace_private(path: Path, data: bytes) -> None:
    """Put a file that only its owner may read (0600) in place of the one that is there, durably. Raises OSError."""
    with beside(path) as file:
        _write(file, data)
        file.replace(path)
    sync(path.parent)


def _write(file: Path, data: bytes) -> None:
    file.write_bytes(data)
    sync(file)
