"""Labelled pictures: four layouts, and what is wrong with a file is told."""

from __future__ import annotations

import pickle
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from regard.evaluation.samples.pictures_on_disk import (
    NotLabelled,
    numbered,
    read_bin,
    read_csv,
    read_folder,
    read_pairs,
)


def _touched(folder: Path, *names: str) -> Path:
    for name in names:
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_bytes(b"")
    return folder


def test_a_folder_a_person_says_whom_a_picture_shows(tmp_path: Path) -> None:
    found = read_folder(_touched(tmp_path, "ann/1.jpg", "ann/2.PNG", "bob/1.jpeg", "bob/notes.txt"))
    assert [(each.subject, Path(str(each.picture)).name) for each in found] == [
        ("ann", "1.jpg"),
        ("ann", "2.PNG"),
        ("bob", "1.jpeg"),
    ]


def test_a_picture_in_nobodys_folder_is_refused(tmp_path: Path) -> None:
    with pytest.raises(NotLabelled, match="no person's folder"):
        read_folder(_touched(tmp_path, "ann/1.jpg", "stray.jpg"))


def test_a_folder_without_pictures_is_refused(tmp_path: Path) -> None:
    with pytest.raises(NotLabelled, match="no JPEG or PNG"):
        read_folder(tmp_path)


def test_columns_of_a_csv_file_beyond_subject_and_image_are_groups(tmp_path: Path) -> None:
    (tmp_path / "all.csv").write_text("subject,image,sex,age\nann,a/1.jpg,f,30\n")
    (found,) = read_csv(tmp_path / "all.csv")
    assert (found.subject, found.picture, found.groups) == ("ann", tmp_path / "a/1.jpg", {"sex": "f", "age": "30"})


@pytest.mark.parametrize(
    "text", ["name,image\nann,1.jpg\n", "subject,image\nann,\n", "subject,image\nann,1.jpg,more\n"]
)
def test_a_csv_file_that_lacks_a_label_is_refused(tmp_path: Path, text: str) -> None:
    (tmp_path / "all.csv").write_text(text)
    with pytest.raises(NotLabelled):
        read_csv(tmp_path / "all.csv")


def test_a_pairs_file_says_its_folds(tmp_path: Path) -> None:
    (tmp_path / "pairs.txt").write_text("2 1\nann 1 2\nann 1 bob 1\ncyd 1 2\ncyd 1 bob 2\n")
    pictures, pairs = read_pairs(tmp_path / "pairs.txt", _touched(tmp_path, "ann/ann_0001.png"))
    assert pairs.same.tolist() == [True, False, True, False]
    assert pairs.fold.tolist() == [0, 0, 1, 1]
    names = [Path(str(each.picture)).name for each in pictures]
    assert names == ["ann_0001.png", "ann_0002.jpg", "bob_0001.jpg", "cyd_0001.jpg", "cyd_0002.jpg", "bob_0002.jpg"]
    assert [names[place] for place in pairs.second] == [names[1], names[2], names[4], names[5]]


def test_a_pairs_file_may_name_paths(tmp_path: Path) -> None:
    (tmp_path / "pairs.txt").write_text("ann/x.jpg ann/y.jpg 1\nann/x.jpg bob/z.jpg 0\n")
    pictures, pairs = read_pairs(tmp_path / "pairs.txt", tmp_path)
    assert [each.subject for each in pictures] == ["ann", "ann", "bob"]
    assert pairs.same.tolist() == [True, False]


def test_a_line_that_is_no_pair_is_named(tmp_path: Path) -> None:
    (tmp_path / "pairs.txt").write_text("ann 1 2\nann one two\n")
    with pytest.raises(NotLabelled, match="line 2"):
        read_pairs(tmp_path / "pairs.txt", tmp_path)


@pytest.mark.parametrize("protocol", range(6))
@pytest.mark.parametrize("labels", [[True, False], [1, 0], list(np.array([True, False]))])
def test_a_bin_file_gives_its_pictures_and_pairs(tmp_path: Path, protocol: int, labels: list[Any]) -> None:
    pictures = [b"\xff\xd81", b"2", b"3", b"4"]
    (tmp_path / "x.bin").write_bytes(pickle.dumps((pictures, labels), protocol))
    samples, pairs = read_bin(tmp_path / "x.bin")
    assert [each.read() for each in samples] == pictures
    assert (pairs.first.tolist(), pairs.second.tolist(), pairs.same.tolist()) == ([0, 2], [1, 3], [True, False])


def test_a_bin_file_of_arrays_is_read(tmp_path: Path) -> None:
    arrays = [np.frombuffer(b"12", np.uint8), np.frombuffer(b"34", np.uint8)]
    (tmp_path / "x.bin").write_bytes(pickle.dumps((arrays, [True])))
    assert [each.read() for each in read_bin(tmp_path / "x.bin")[0]] == [b"12", b"34"]


class _Attack:
    def __init__(self, path: Path) -> None:
        self.path = path

    def __reduce__(self) -> tuple[Any, ...]:
        return open, (str(self.path), "w")


def test_a_bin_file_cannot_run_code(tmp_path: Path) -> None:
    target = tmp_path / "written"
    (tmp_path / "x.bin").write_bytes(pickle.dumps(([_Attack(target), b""], [True])))
    with pytest.raises(NotLabelled, match="neither a picture nor a label"):
        read_bin(tmp_path / "x.bin")
    assert not target.exists()


@pytest.mark.parametrize(
    "content", [b"", b"junk", pickle.dumps(3), pickle.dumps(([b""], [True])), pickle.dumps(([], []))]
)
def test_what_is_no_verification_set_is_refused(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "x.bin").write_bytes(content)
    with pytest.raises(NotLabelled):
        read_bin(tmp_path / "x.bin")


def test_labels_become_numbers_from_zero() -> None:
    assert numbered(["b", "a", "b"]).tolist() == [1, 0, 1]
