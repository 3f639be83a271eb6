"""A file is there whole, or not at all."""

from __future__ import annotations

from pathlib import Path

import pytest

from regard.files import write_whole


def test_a_write_that_fails_leaves_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(_file: int) -> None:
        raise OSError("the disk is full")

    monkeypatch.setattr("os.fsync", broken)
    with pytest.raises(OSError, match="full"):
        write_whole(tmp_path / "out" / "picture.png", b"data")
    assert list((tmp_path / "out").iterdir()) == []
