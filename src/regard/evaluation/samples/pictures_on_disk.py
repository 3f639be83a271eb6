"""Labelled pictures on disk: whom each shows, and the groups that person is counted in; files are found here, decoded
in :mod:`regard.vision.pictures.images`.

Four layouts are read: a folder a person, a CSV file, a pairs file as of Labeled Faces in the Wild (Huang, Ramesh, Berg,
Learned-Miller, 2007), and the pickled .bin files in which verification sets are handed round with InsightFace.
"""

from __future__ import annotations

import csv
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from regard.evaluation.samples import pickled_pairs

SUFFIXES = frozenset({".jpg", ".jpeg", ".png"})
# A pairs file that does not say its folds is cut into as many as LFW has.
FOLDS = 10


class NotLabelled(ValueError):
    """The pictures do not say whom they show, in a layout that is known; the text says what is wrong where."""


@dataclass(frozen=True, slots=True)
class Labelled:
    """A picture, as a path or as the bytes of a file, and its labels."""

    picture: Path | bytes
    subject: str
    groups: Mapping[str, str] = field(default_factory=dict)

    def read(self) -> bytes:
        """The bytes of the picture's file. Raises OSError."""
        return self.picture if isinstance(self.picture, bytes) else self.picture.read_bytes()


class ListedPairs(NamedTuple):
    """Pairs of pictures by their places, whether both show one person, and the fold of each; arrays of one length."""

    first: NDArray[np.int64]
    second: NDArray[np.int64]
    same: NDArray[np.bool_]
    fold: NDArray[np.int64]


def read_labelled(path: Path) -> list[Labelled]:
    """The pictures of a folder a person, or of a CSV file. Raises NotLabelled."""
    return read_folder(path) if path.is_dir() else read_csv(path)


def read_folder(folder: Path) -> list[Labelled]:
    """One sample a picture under `folder`, in a fixed order; the folder it lies in says whom it shows."""
    files = pictures_in(folder)
    if flat := next((file for file in files if file.parent == folder), None):
        raise NotLabelled(
            f"{flat.name} lies in no person's folder. Give each person a folder, or a CSV file with subject and image."
        )
    return [Labelled(file, str(file.parent.relative_to(folder))) for file in files]


def read_csv(file: Path) -> list[Labelled]:
    """One sample a row. The columns `subject` and `image` must be there; every other column is a group.

    An image is a path, taken from the folder of the CSV file when it is relative.
    """
    with file.open(newline="", encoding="utf-8-sig") as lines:
        rows = csv.DictReader(lines)
        if not {"subject", "image"} <= set(rows.fieldnames or ()):
            raise NotLabelled(f"{file.name} has no columns named subject and image in its first line.")
        return [_labelled(row, file, number) for number, row in enumerate(rows, 2)]


def read_pairs(file: Path, folder: Path) -> tuple[list[Labelled], ListedPairs]:
    """The pictures that a pairs file names and its pairs.

    A line is `name n m` for two pictures of one person, `name n other m` for two persons' — picture n of name is
    `name/name_000n.jpg` under `folder` — or `path path 1` and `path path 0`. A first line `folds pairs` or `pairs`
    says how many folds follow and how many pairs of each kind one has.
    """
    lines = [line.split() for line in file.read_text(encoding="utf-8").splitlines() if line.strip()]
    head = [int(word) for word in lines[0]] if lines and all(word.isdigit() for word in lines[0]) else []
    places: dict[Path, int] = {}
    subjects: list[str] = []
    read: list[tuple[int, int, bool]] = []
    for number, words in enumerate(lines[1:] if head else lines, 2 if head else 1):
        (one, other), same = _pair(words, folder, f"{file.name}, line {number}")
        for path, subject in (one, other):
            if path not in places:
                places[path] = len(places)
                subjects.append(subject)
        read.append((places[one[0]], places[other[0]], same))
    if not read:
        raise NotLabelled(f"{file.name} holds no pairs.")
    first, second, same_array = (np.array(column) for column in zip(*read, strict=True))
    pairs = ListedPairs(first, second, same_array.astype(np.bool_), _folds(same_array, 2 * head[-1] if head else None))
    return [Labelled(path, subject) for path, subject in zip(places, subjects, strict=True)], pairs


def read_bin(file: Path) -> tuple[list[Labelled], ListedPairs]:
    """The pictures and pairs of an InsightFace .bin file; nobody's name is in it, so each picture is its own subject.

    Such a file is a pickle, which could run code and ask for any memory: :mod:`.pickled_pairs` reads it elsewhere.
    """
    try:
        files, same = pickled_pairs.read_pairs(file)
    except pickled_pairs.NotPairs as error:
        raise NotLabelled(f"{file.name} is not a list of pictures and one of labels: {error}") from None
    labels = np.array(same, np.bool_)
    if len(files) != 2 * len(labels) or not files:
        raise NotLabelled(f"{file.name} has {len(files)} pictures for {len(labels)} pairs; it must have two a pair.")
    first = np.arange(0, len(files), 2)
    pictures = [Labelled(picture, str(place)) for place, picture in enumerate(files)]
    return pictures, ListedPairs(first, first + 1, labels, _folds(labels, None))


def pictures_in(folder: Path) -> list[Path]:
    """The JPEG and PNG files under `folder`, in a fixed order. Raises NotLabelled where there is none."""
    files = sorted(file for file in folder.rglob("*") if file.suffix.lower() in SUFFIXES)
    if not files:
        raise NotLabelled(f"There is no JPEG or PNG file under {folder}.")
    return files


def require_there(pictures: Sequence[Labelled], source: Path) -> None:
    """Refuse labels of pictures that are not there, or none at all: it would be counted as the model's failure.

    `source` is the file or folder that named them, for the text of NotLabelled.
    """
    if not pictures:
        raise NotLabelled(f"{source} names no picture. Give a line a picture, or a folder that holds some.")
    lacking = [each.picture for each in pictures if isinstance(each.picture, Path) and not each.picture.is_file()]
    if lacking:
        raise NotLabelled(
            f"{len(lacking):,} of the {len(pictures):,} pictures that {source} names are not there: the first was "
            f"looked for as {lacking[0]}. Give the folder that the names start from, or take those lines out."
        )


def numbered(labels: list[str]) -> NDArray[np.int64]:
    """Labels as numbers from 0, equal where the labels are."""
    return np.unique(np.array(labels), return_inverse=True)[1].astype(np.int64)


def _labelled(row: dict[str, str | None], file: Path, number: int) -> Labelled:
    subject, image = row.pop("subject"), row.pop("image")
    if not subject or not image or None in row.values() or None in row:
        raise NotLabelled(f"{file.name}, line {number}: a column is empty or one too many.")
    return Labelled(file.parent / image, subject, {group: str(value) for group, value in row.items()})


def _pair(words: list[str], folder: Path, where: str) -> tuple[tuple[tuple[Path, str], tuple[Path, str]], bool]:
    match words:
        case [name, one, other] if one.isdigit() and other.isdigit():
            return (_numbered(folder, name, one), _numbered(folder, name, other)), True
        case [name, one, stranger, other] if one.isdigit() and other.isdigit():
            return (_numbered(folder, name, one), _numbered(folder, stranger, other)), False
        case [one, other, "0" | "1" as same]:
            return ((folder / one, str(Path(one).parent)), (folder / other, str(Path(other).parent))), same == "1"
    raise NotLabelled(f"{where}: {' '.join(words)!r} is no pair. See `regard evaluate verify --help`.")


def _numbered(folder: Path, name: str, number: str) -> tuple[Path, str]:
    stem = folder / name / f"{name}_{int(number):04}"
    found = (stem.with_name(stem.name + suffix) for suffix in sorted(SUFFIXES))
    return next((path for path in found if path.exists()), stem.with_name(stem.name + ".jpg")), name


def _folds(same: NDArray[Any], size: int | None) -> NDArray[np.int64]:
    """By their order, where the file says how many pairs a fold has; else every tenth of a kind to each."""
    order = np.arange(len(same))
    if size:
        return order // size
    folds = np.empty(len(same), np.int64)
    for kind in (True, False):
        of = np.flatnonzero(same == kind)
        folds[of] = np.arange(len(of)) % FOLDS
    return folds
