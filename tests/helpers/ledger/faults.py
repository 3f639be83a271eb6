"""Disks that fail at a chosen moment, for the tests of the log."""

from __future__ import annotations

import errno
import os
from collections.abc import Iterable
from pathlib import Path

from regard.ledger.log.disk import Disk
from regard.ledger.log.log import Log
from regard.ledger.tree.tiles import Tree, tiles_of


class QuickDisk(Disk):
    """Does not wait for the platter: what a process that dies leaves behind is the same."""

    def append(self, file: int, data: bytes) -> None:
        os.write(file, data)

    def settle(self, folders: Iterable[Path]) -> None:
        pass


class DyingDisk(QuickDisk):
    """Dies before write number `last`, or in the midst of it when it appends, and writes no more."""

    def __init__(self, last: int) -> None:
        self.left = last
        self.written: dict[Path, bytes] = {}

    @property
    def dead(self) -> bool:
        return self.left < 0

    def _live(self) -> None:
        self.left -= 1
        if self.dead:
            raise OSError(errno.EIO, "the power went")

    def append(self, file: int, data: bytes) -> None:
        if self.left == 0:
            os.write(file, data[: len(data) * 2 // 3])
        self._live()
        super().append(file, data)

    def write_once(self, path: Path, data: bytes) -> None:
        assert self.written.setdefault(path, data) == data, f"{path} was written with other bytes"
        super().write_once(path, data)

    def _rename(self, unfinished: Path, path: Path) -> None:
        self._live()
        super()._rename(unfinished, path)

    def folder(self, path: Path) -> set[Path]:
        if not path.is_dir():
            self._live()
        return super().folder(path)

    def remove(self, path: Path) -> None:
        self._live()
        super().remove(path)


def assert_equals_a_rebuild(log: Log) -> list[bytes]:
    """Every tile of the public log is what its entries give from nothing; the entries."""
    size = log.publish().checkpoint.size
    entries = [log.entry(index) for index in range(size)]
    tree, rebuilt = Tree(), {}
    for entry in entries:
        rebuilt.update({tile.path: data for tile, data in tree.add(entry)})
    rebuilt.update({tile.path: data for tile, data in tree.begun()})
    assert {path: log.fetch(path) for path in rebuilt} == rebuilt
    assert set(rebuilt) == {tile.path for tile in tiles_of(size)}
    assert tree.root == log.published.checkpoint.root
    return entries
