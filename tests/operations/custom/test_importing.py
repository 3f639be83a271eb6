"""Imports that are broken off at any moment: the dataset comes out as if undisturbed, and no line twice."""

from __future__ import annotations

import random
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any
from unittest.mock import patch

import pytest
from sqlalchemy import Engine, event

from regard.jobs.working import queue_again, waiting
from regard.operations.common.rooms import Rooms
from regard.operations.custom import importing
from tests.helpers.customs import Line, Workshop, box, boxed, manifest, picture, place
from tests.helpers.fakes import Clock, open_rooms
from tests.helpers.working import with_jobs, work_off

LINES: list[Line | str] = [
    *(picture("Sea", "Sun", key=f"{number}") for number in range(9)),
    *(picture(), boxed(box(), box(left=-1), key="b"), picture("Sea", key="0"), ""),
]
POINTS = 50


class Killed(BaseException):
    """What a test breaks work off with: nothing that catches errors sees it."""


@contextmanager
def killed_at(engine: Engine, number: int) -> Iterator[list[int]]:
    """Break off at the so-manieth statement, as a process that is killed there: its transaction is rolled back.

    Yields a list with the number of statements so far.
    """
    seen = [0]

    def count(*_given: Any) -> None:
        seen[0] += 1
        if seen[0] == number:
            raise Killed

    event.listen(engine, "before_cursor_execute", count)
    event.listen(engine, "commit", count)
    try:
        yield seen
    finally:
        event.remove(engine, "before_cursor_execute", count)
        event.remove(engine, "commit", count)


def _shop(folder: Path) -> Workshop:
    clock = Clock()
    return Workshop(with_jobs(open_rooms(folder, clock), folder, clock), folder)


def _work(rooms: Rooms, number: int) -> int:
    """Work until broken off at a statement, and once it is put into the queue again to the end; how many statements."""
    with patch.object(importing, "LINES", 3):
        with killed_at(rooms.gallery._engine, number) as seen, suppress(Killed):
            work_off(rooms)
        if rooms.jobs is not None and not waiting(rooms.jobs):
            # Whoever was killed holds the lease until it is over.
            for job in rooms.jobs.all():
                queue_again(rooms.jobs, job.id, job.round)
        work_off(rooms)
    return seen[0]


@pytest.mark.sqlite
@pytest.mark.parametrize("copied", [False, True], ids=["imported", "copied"])
def test_a_worker_that_is_killed_leaves_nothing_half_there_and_nothing_twice(
    tmp_path: Path, scale: float, copied: bool
) -> None:
    shop = _shop(tmp_path)
    (shop.folder / "list.manifest").write_bytes(manifest(LINES))
    first = shop.dataset(shop.project("first"), DatasetSource=place())
    source = {"DatasetArn": first} if copied else place()
    statements = _work(shop.rooms, 0)
    expected = shop.entries(first), shop.labels(first), shop.described(first)["DatasetStats"]
    assert shop.told(first)[0] == "CREATE_COMPLETE"
    chance, broken = random.Random(25), 0
    for number in range(int(POINTS * scale)):
        arn = shop.dataset(shop.project(f"p{number}"), DatasetSource=source)
        at = chance.randint(1, statements)
        broken += _work(shop.rooms, at) == at
        assert shop.told(arn)[0] == "CREATE_COMPLETE", at
        assert (shop.entries(arn), shop.labels(arn), shop.described(arn)["DatasetStats"]) == expected, at
    assert broken
