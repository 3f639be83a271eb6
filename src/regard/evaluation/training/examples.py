"""Faces with answers, from a CSV file or from two folders."""

from __future__ import annotations

import csv
from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from regard.evaluation.samples.pictures_on_disk import NotLabelled, pictures_in

YES, NO = "yes", "no"
_ANSWERS = {"1": True, "0": False}
OWN = "own pictures"


@dataclass(frozen=True, slots=True)
class Example:
    """A picture whose largest face answers yes or no. All pictures of a person share `person`; `labels` are what else
    the file of labels says.
    """

    picture: Path
    person: str
    yes: bool
    source: str = OWN
    terms: str = "own"
    labels: Mapping[str, str] = field(default_factory=dict)


def examples_in(place: Path, column: str, unless: str = "", without: Collection[str] = ()) -> list[Example]:
    """The faces of a folder with `yes/` and `no/` in it, or of a CSV file, or of a folder with `labels.csv`.

    In a CSV file `image` or `file` is a path from the file's folder (or from `pictures/` there), `person` or `subject`
    whom it shows (each picture another, where there is no such column), `column` 1 or 0; rows with anything else in it,
    with 1 in the column `unless`, or from a source in `without` are left out. Raises NotLabelled.
    """
    file = place / "labels.csv" if place.is_dir() else place
    return _listed(file, column, unless, without) if file.is_file() else _parted(place)


def _parted(folder: Path) -> list[Example]:
    if not all((folder / answer).is_dir() for answer in (YES, NO)):
        raise NotLabelled(
            f"{folder} has neither labels.csv nor the folders {YES} and {NO}. Put the faces into these two."
        )
    found = []
    for answer in (YES, NO):
        for file in pictures_in(folder / answer):
            # Pictures of one person lie in a folder of their own, on both sides.
            person = file.stem if file.parent == folder / answer else str(file.parent.relative_to(folder / answer))
            found.append(Example(file, person, answer == YES))
    return found


def _listed(file: Path, column: str, unless: str, without: Collection[str]) -> list[Example]:
    with file.open(newline="", encoding="utf-8-sig") as lines:
        rows = csv.DictReader(lines)
        names = set(rows.fieldnames or ())
        image = next((each for each in ("image", "file") if each in names), None)
        if image is None or column not in names:
            raise NotLabelled(f"{file.name} has no columns named image and {column} in its first line.")
        subject = next((each for each in ("person", "subject") if each in names), image)
        return [
            Example(_path(file, row[image]), row[subject], _ANSWERS[row[column]], *_origin(row), row)
            for row in rows
            if row[column] in _ANSWERS and row.get(unless) != "1" and row.get("source", "") not in without
        ]


def _origin(row: dict[str, str]) -> tuple[str, str]:
    return row.get("source") or OWN, row.get("terms") or "own"


def _path(file: Path, image: str) -> Path:
    found = file.parent / image
    return found if found.exists() else file.parent / "pictures" / image
