"""Sealed films: any part opens, by the key alone, and a byte that was changed is noticed."""

from __future__ import annotations

import io
import os
import random
from pathlib import Path
from typing import BinaryIO, cast

import pytest

from regard.vision.video.film import Film, VideoError
from regard.vision.video.sealed import BLOCK, SealedFilm, Sealing, Unsealing
from tests.helpers.films import LIMITS, film_of, numbered


def sealed(path: Path, clear: bytes, pieces: int = 1) -> SealedFilm:
    """These bytes, sealed at a path, written in so many pieces."""
    with path.open("wb") as file, Sealing(cast(BinaryIO, file)) as sealing:
        size = len(clear) // pieces + 1
        for at in range(0, len(clear), size):
            sealing.write(clear[at : at + size])
    return SealedFilm(path, sealing.key)


@pytest.mark.parametrize("size", [0, 1, BLOCK - 1, BLOCK, BLOCK + 1, 3 * BLOCK + 77])
@pytest.mark.parametrize("pieces", [1, 7])
def test_any_part_of_a_film_opens(tmp_path: Path, size: int, pieces: int) -> None:
    chance = random.Random(size)
    clear = chance.randbytes(size)
    film = sealed(tmp_path / "film", clear, pieces)
    with film.path.open("rb") as file:
        opened = io.BufferedReader(Unsealing(file.fileno(), film.key))
        assert opened.read() == clear
        assert opened.seek(0, os.SEEK_END) == size
        for _ in range(20):
            at, many = chance.randrange(size + 1), chance.randrange(2 * BLOCK)
            opened.seek(at)
            assert opened.read(many) == clear[at : at + many]


def test_a_byte_that_was_changed_ends_the_film(tmp_path: Path) -> None:
    clear = film_of(tmp_path / "film.mp4", numbered(50, (96, 96), grain=64))
    film = sealed(tmp_path / "sealed", clear.read_bytes())
    data = bytearray(film.path.read_bytes())
    data[len(data) // 2] ^= 1
    film.path.write_bytes(bytes(data))
    with pytest.raises(VideoError), Film(film, 0, LIMITS) as opened:
        list(opened)
    other = SealedFilm(tmp_path / "sealed", bytes(32))
    with pytest.raises(VideoError), Film(other, 0, LIMITS) as opened:
        list(opened)
