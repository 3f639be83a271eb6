"""A head for scenes: what its numbers come to, and which files are refused."""

from __future__ import annotations

from pathlib import Path

import msgspec
import numpy as np
import pytest

from regard.vision.heads.head import Base, DamagedHead
from regard.vision.heads.scenes import MODEL, SceneHead, Scenes, Source, Word, numbers

BASE = Base(MODEL, "ab" * 32, "inner + last")
# Two channels in nine cells, and three numbers of the last layer.
WIDTH = 2 * 9 + 3


def _word(name: str, at: int, least: float = 50.0) -> Word:
    weights = np.zeros(WIDTH, np.int8)
    weights[at] = 2
    return Word(name, weights.tobytes(), 0.5, -1.0, least, 0.9, 0.7, 20, 30)


def _head(*words: Word) -> SceneHead:
    exponents = [0] * WIDTH
    exponents[0] = 3
    return SceneHead("ours", BASE, tuple(exponents), words, (Source("ours", "own", 50),))


def _layers() -> list[np.ndarray]:
    inner, last = np.zeros((1, 2, 18, 18), np.float32), np.zeros((1, 3), np.float32)
    return [inner, last]


def test_the_picture_is_looked_at_in_nine_cells_and_as_a_whole() -> None:
    inner, last = _layers()
    inner[0, 1, :6, 12:] = 4.0
    last[0, 2] = 7.0
    found = numbers([inner, last])
    assert found.shape == (WIDTH,)
    # The upper right cell is the third, and has two channels.
    assert np.flatnonzero(found).tolist() == [5, WIDTH - 1]
    assert found[[5, WIDTH - 1]].tolist() == [4.0, 7.0]


def test_the_confidence_is_that_of_the_log_odds() -> None:
    inner, last = _layers()
    inner[0, 0, :6, :6] = 0.25
    # Slope 0.5, weight 2, exponent 3, and 1 less.
    assert Scenes(_head(_word("Sky", 0)))([inner, last]) == {"Sky": pytest.approx(100 / (1 + np.exp(-1)))}


def test_a_word_is_told_from_its_least_confidence_on() -> None:
    inner, last = _layers()
    inner[0, 0, :6, :6] = 0.25
    told = Scenes(_head(_word("Sky", 0, 74.0), _word("Grass", 0, 73.0), _word("Beach", 1)))([inner, last])
    assert [*told] == ["Grass"]


def test_what_is_written_is_read_as_it_was(tmp_path: Path) -> None:
    head = _head(_word("Sky", 0))
    (tmp_path / "scenes.json").write_bytes(head.written())
    assert SceneHead.read(tmp_path / "scenes.json") == head
    assert head.version.startswith("ours-")
    assert head.version != _head(_word("Grass", 0)).version


@pytest.mark.parametrize(
    ("content", "text"),
    [
        (b"{}", "is no head for scenes"),
        (_head().written(), "do not fit"),
        (msgspec.structs.replace(_head(_word("Sky", 0)), exponents=(1,)).written(), "do not fit"),
        (_head(_word("Sky", 0)).written(), "another classifier"),
    ],
)
def test_a_file_that_means_nothing_here_is_refused(tmp_path: Path, content: bytes, text: str) -> None:
    (tmp_path / "scenes.json").write_bytes(content)
    with pytest.raises(DamagedHead, match=f"{text}.*regard train scenes"):
        Scenes.opened(tmp_path / "scenes.json", "cd" * 32)
