"""Scratch films: sealed, without a name, their owner's alone, and no larger than there is room for."""

from __future__ import annotations

from pathlib import Path
from typing import BinaryIO

import pytest

from regard.jobs.scratch import NoRoom, Scratch
from regard.vision.video.film import Film
from tests.helpers.films import LIMITS, film_of, numbered


def test_a_film_is_read_sealed_and_stands_in_no_folder(tmp_path: Path) -> None:
    clear = film_of(tmp_path / "film.mp4", numbered(20, (96, 96), grain=64))
    folder = tmp_path / "tmp"

    def fetch(file: BinaryIO) -> None:
        file.write(clear.read_bytes())

    with Scratch(folder, 1 << 20).film(fetch) as sealed:
        assert list(folder.iterdir()) == []
        assert sealed.path.stat().st_mode & 0o077 == 0
        assert b"ftyp" not in sealed.path.read_bytes()
        assert sealed.key.hex() not in repr(sealed)
        with Film(sealed, 0, LIMITS) as film, Film(clear, 0, LIMITS) as as_it_was:
            for one, other in zip(film, as_it_was, strict=True):
                assert one.milliseconds == other.milliseconds
                assert (one.picture.pixels == other.picture.pixels).all()
    assert not sealed.path.exists()
    assert folder.stat().st_mode & 0o077 == 0


def test_what_does_not_fit_is_refused_with_the_setting(tmp_path: Path) -> None:
    scratch = Scratch(tmp_path, 3 << 20)
    scratch.require(3 << 20)
    with pytest.raises(NoRoom, match="REGARD_JOBS_DISK"):
        scratch.require(4 << 20)
    with pytest.raises(NoRoom, match="MiB are free"):
        Scratch(tmp_path, 1 << 62).require(1 << 60)
