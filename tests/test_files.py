"""A file is there whole, or not at all."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from regard.files import make_private, replace_private, write_folder, write_whole


def test_a_write_that_fails_leaves_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(_file: int) -> None:
        raise OSError("the disk is full")

    monkeypatch.setattr("os.fsync", broken)
    with pytest.raises(OSError, match="full"):
        write_whole(tmp_path / "out" / "picture.png", b"data")
    assert list((tmp_path / "out").iterdir()) == []


def test_of_many_who_make_a_private_file_at_once_one_does_and_all_find_it_whole(tmp_path: Path) -> None:
    path = tmp_path / "key"

    def make(number: int) -> tuple[bool, bytes]:
        return make_private(path, bytes([number]) * 32), path.read_bytes()

    with ThreadPoolExecutor(16) as pool:
        made = list(pool.map(make, range(64)))
    assert sum(done for done, _ in made) == 1
    assert {found for _, found in made} == {path.read_bytes()}
    assert path.stat().st_mode & 0o777 == 0o600
    assert [each.name for each in tmp_path.iterdir()] == ["key"]


def test_a_private_file_is_replaced_whole_or_stays(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "key"
    make_private(path, b"old")
    replace_private(path, b"new")
    assert (path.read_bytes(), path.stat().st_mode & 0o777) == (b"new", 0o600)

    def broken(_file: int) -> None:
        raise OSError("the disk is full")

    monkeypatch.setattr("os.fsync", broken)
    with pytest.raises(OSError, match="full"):
        replace_private(path, b"newer")
    assert [(each.name, each.read_bytes()) for each in tmp_path.iterdir()] == [("key", b"new")]


def test_a_folder_is_written_whole_and_never_over_another(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    write_folder(tmp_path / "out" / "model", {"a": b"1", "b": b"2"})
    assert {each.name: each.read_bytes() for each in (tmp_path / "out" / "model").iterdir()} == {"a": b"1", "b": b"2"}
    with pytest.raises(FileExistsError, match="is there already"):
        write_folder(tmp_path / "out" / "model", {"a": b"3"})

    def broken(_file: int) -> None:
        raise OSError("the disk is full")

    monkeypatch.setattr("os.fsync", broken)
    with pytest.raises(OSError, match="full"):
        write_folder(tmp_path / "out" / "other", {"a": b"3"})
    assert [each.name for each in (tmp_path / "out").iterdir()] == ["model"]
    assert (tmp_path / "out" / "model" / "a").read_bytes() == b"1"
