"""Scratch files: their owner's alone, without a name, and no larger than there is room for."""

from __future__ import annotations

from pathlib import Path

import pytest

from regard.jobs.scratch import NoRoom, Scratch


def test_a_file_can_be_read_by_its_path_and_stands_in_no_folder(tmp_path: Path) -> None:
    folder = tmp_path / "tmp"
    with Scratch(folder, 1 << 20).file() as (file, path):
        file.write(b"a film")
        file.flush()
        assert path.read_bytes() == b"a film"
        assert list(folder.iterdir()) == []
        assert path.stat().st_mode & 0o077 == 0
    assert not path.exists()
    assert folder.stat().st_mode & 0o077 == 0


def test_what_does_not_fit_is_refused_with_the_setting(tmp_path: Path) -> None:
    scratch = Scratch(tmp_path, 3 << 20)
    scratch.require(3 << 20)
    with pytest.raises(NoRoom, match="REGARD_JOBS_DISK"):
        scratch.require(4 << 20)
    with pytest.raises(NoRoom, match="MiB are free"):
        Scratch(tmp_path, 1 << 62).require(1 << 60)
