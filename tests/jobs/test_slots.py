"""Slots: names that one process has at a time, and the next one has again."""

from __future__ import annotations

from pathlib import Path

from regard.jobs.slots import is_free, slot


def test_two_workers_have_two_names_and_the_next_has_the_one_that_is_free(tmp_path: Path) -> None:
    with slot(tmp_path) as first, slot(tmp_path) as second:
        assert first != second
    with slot(tmp_path) as again:
        assert again == first


def test_two_machines_share_no_name(tmp_path: Path) -> None:
    with slot(tmp_path / "here") as here, slot(tmp_path / "there") as there:
        assert here != there


def test_a_name_is_free_once_nobody_holds_it_and_those_of_other_machines_are_never_said_to_be(tmp_path: Path) -> None:
    with slot(tmp_path / "here") as here, slot(tmp_path / "there") as there:
        assert not is_free(tmp_path / "here", here)
        assert not is_free(tmp_path / "here", there)
    assert is_free(tmp_path / "here", here)
    assert not is_free(tmp_path / "here", there)
    assert not is_free(tmp_path / "here", f"{here}7")
