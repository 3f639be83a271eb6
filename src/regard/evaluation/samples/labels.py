"""The labels of a sample: who is in which group, from folders or the columns of a CSV file, never from the pictures.
What a picture shows is in :mod:`regard.vision.things.labels`.
"""

from __future__ import annotations

import csv
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path

from regard.evaluation.samples.pictures_on_disk import Labelled, NotLabelled, pictures_in, read_labelled

# The column that a folder of folders makes.
GROUP = "group"

Groups = Mapping[str, Mapping[str, str]]


def sample_in(path: Path, groups: Groups | None = None) -> list[Labelled]:
    """The pictures of a CSV file, or of a folder, with their groups.

    A CSV file has the columns `subject`, `image` and one a way to group. A folder holds a folder a person when
    `groups` says where each belongs, and else a folder a group, in it a folder a person. Raises NotLabelled.
    """
    pictures = read_labelled(path)
    if groups is not None:
        return grouped(pictures, groups)
    if path.is_dir():
        return [_in_folder(each) for each in pictures]
    if not any(each.groups for each in pictures):
        raise NotLabelled(f"{path.name} has no column beside subject and image: there is no group to tell apart.")
    return pictures


def people_in(folder: Path) -> list[Labelled]:
    """The pictures under a folder: each file a person of its own, or a folder a person. Raises NotLabelled."""
    return [
        Labelled(file, file.stem if file.parent == folder else str(file.parent.relative_to(folder)))
        for file in pictures_in(folder)
    ]


def groups_in(file: Path) -> Groups:
    """The groups of each subject: a CSV file with a column `subject`, every other one a group. Raises NotLabelled."""
    with file.open(newline="", encoding="utf-8-sig") as lines:
        rows = csv.DictReader(lines)
        if "subject" not in (rows.fieldnames or ()):
            raise NotLabelled(f"{file.name} has no column named subject in its first line.")
        return {row.pop("subject"): {name: value or "" for name, value in row.items()} for row in rows}


def same_in(file: Path, pictures: Sequence[Labelled]) -> list[tuple[str, str]]:
    """Pairs of subjects that are one person under two names: a line `one,other` each, as CSV.

    Pairs of which one is not in the pictures are passed over. Raises NotLabelled for a line that is no pair, and where
    none is in the pictures.
    """
    known = {each.subject for each in pictures}
    with file.open(newline="", encoding="utf-8-sig") as lines:
        rows = [(number, [name.strip() for name in row]) for number, row in enumerate(csv.reader(lines), 1) if row]
    for number, names in rows:
        if len(names) != 2 or not all(names) or names[0] == names[1]:
            raise NotLabelled(f"{file.name}, line {number}: give two names that are one person, with a comma between.")
    found = [(names[0], names[1]) for _, names in rows if known.issuperset(names)]
    if not found:
        raise NotLabelled(
            f"None of the {len(rows):,} pairs of names in {file.name} is among the {len(known):,} people of the "
            "pictures. Write names as folders or the column subject have them."
        )
    return found


def grouped(pictures: Sequence[Labelled], groups: Groups) -> list[Labelled]:
    """The pictures with the groups of their subjects. Raises NotLabelled for subjects without."""
    unknown = {each.subject for each in pictures} - set(groups)
    if unknown:
        raise NotLabelled(f"{len(unknown)} people are in no group: the file of groups does not name them.")
    return [replace(each, groups=groups[each.subject]) for each in pictures]


def _in_folder(picture: Labelled) -> Labelled:
    group, slash, _ = picture.subject.partition("/")
    if not slash:
        raise NotLabelled(
            "The folder holds pictures or people, not groups. Give a folder a group and in it a folder a person, a CSV "
            "file with subject, image and groups, or the groups of the people with --groups."
        )
    return replace(picture, groups={GROUP: group})
