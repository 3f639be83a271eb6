"""Labels: who is in which group, from folders and CSV files."""

from __future__ import annotations

from pathlib import Path

import pytest

from regard.evaluation.samples.labels import groups_in, people_in, sample_in
from regard.evaluation.samples.pictures_on_disk import NotLabelled


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    for name in ("old/p1/1.jpg", "old/p1/2.jpg", "young/p2/1.png"):
        (tmp_path / "sample" / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / "sample" / name).write_bytes(b"x")
    return tmp_path / "sample"


def test_a_folder_of_groups_of_people(folder: Path) -> None:
    assert [(each.subject, dict(each.groups)) for each in sample_in(folder)] == [
        ("old/p1", {"group": "old"}),
        ("old/p1", {"group": "old"}),
        ("young/p2", {"group": "young"}),
    ]


def test_a_folder_of_people_needs_to_be_told_their_groups(folder: Path, tmp_path: Path) -> None:
    with pytest.raises(NotLabelled, match="--groups"):
        sample_in(folder / "old")
    file = tmp_path / "groups.csv"
    file.write_text("subject,town\np1,north\n")
    assert {tuple(each.groups.items()) for each in sample_in(folder / "old", groups_in(file))} == {(("town", "north"),)}
    with pytest.raises(NotLabelled, match="1 people are in no group"):
        sample_in(folder / "young", groups_in(file))


def test_a_csv_file_without_a_group_has_nothing_to_compare(tmp_path: Path) -> None:
    file = tmp_path / "sample.csv"
    file.write_text("subject,image\np1,1.jpg\n")
    with pytest.raises(NotLabelled, match="no column beside"):
        sample_in(file)
    wrong = tmp_path / "groups.csv"
    wrong.write_text("name,town\n")
    with pytest.raises(NotLabelled, match="no column named subject"):
        groups_in(wrong)


def test_loose_pictures_are_people_of_their_own(folder: Path) -> None:
    (folder / "p3.jpg").write_bytes(b"x")
    assert [each.subject for each in people_in(folder)] == ["old/p1", "old/p1", "p3", "young/p2"]
