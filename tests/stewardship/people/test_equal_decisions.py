"""Ten equal decisions at once are one decision: nine are told that it was made, and no fault of ours comes of it."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from threading import Barrier

from regard.stewardship.people.review import NoSuchCandidate
from tests.helpers.fakes import Clock
from tests.stewardship.people.test_review import Door, enrolled

MANY = 10


def _at_once(decide: Callable[[], None]) -> int:
    """How many of so many that begin together get through."""
    begin = Barrier(MANY)

    def one(_: int) -> int:
        begin.wait()
        try:
            decide()
        except NoSuchCandidate:
            return 0
        return 1

    with ThreadPoolExecutor(MANY) as pool:
        return sum(pool.map(one, range(MANY)))


def test_of_ten_equal_decisions_at_once_one_counts(tmp_path: Path) -> None:
    door = enrolled(Door(tmp_path / "data", Clock()))
    ada, ben = door.appointed("ada"), door.appointed("ben")
    door.asked()
    (candidate,) = door.reviews.pending(ada)
    for number, reviewer in enumerate((ada, ben)):
        assert _at_once(lambda who=reviewer: door.reviews.decide(who, candidate.id, same=True)) == 1  # type: ignore[misc]
        # One who said so ten times is still one person.
        assert door.asked()[0] == number
