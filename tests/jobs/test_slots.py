"""Slots: names that one process has at a time, and the next one has again."""

from __future__ import annotations

from pathlib import Path

from regard.jobs.slots import slot


def test_two_workers_have_two_names_and_the_next_has_the_one_that_is_free(tmp_path: Path) -> None:
    with slot(tmp_path) as first, slot(tmp_path) as second:
        assert first != second
    with slot(tmp_path) as again:
        assert again == first


def test_two_machines_share_no_name(tmp_path: Path) -> None:
    with slot(tmp_path / "here") as here, slot(tmp_path / "there") as there:
        assert here != there
