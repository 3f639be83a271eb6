from __future__ import annotations

from regard.vision.models.idle import Idle
from tests.helpers.fakes import Clock


def test_models_leave_once_none_of_a_room_was_used_for_long_enough() -> None:
    clock, gone = Clock(), list[str]()
    idle = Idle(60, clock)
    idle.watch(("object-detector", "things-and-scenes"), lambda: gone.append("labels"))
    idle.watch(("pornography",), lambda: gone.append("moderation"))
    idle.ran("object-detector-49f0", 0.1)
    clock.now += 30
    idle.ran("things-and-scenes-9486", 0.1)
    clock.now += 59
    idle.sweep()
    assert gone == []
    clock.now += 1
    idle.sweep()
    assert gone == ["labels"]


def test_what_left_leaves_again_only_after_it_was_used_again() -> None:
    clock, gone = Clock(), list[str]()
    idle = Idle(60, clock)
    idle.watch(("pornography",), lambda: gone.append("moderation"))
    for times in (1, 2):
        idle.ran("pornography-fb29", 0.1)
        clock.now += 60
        idle.sweep()
        idle.sweep()
        assert len(gone) == times


def test_models_that_nobody_watches_stay() -> None:
    clock = Clock()
    idle = Idle(60, clock)
    idle.ran("face-detector-49f0", 0.1)
    clock.now += 3600
    idle.sweep()
