"""The steady clock: a clock that is wrong for an hour undoes nothing that cannot be done again."""

from __future__ import annotations

import logging
from pathlib import Path

import pytest

from regard.steady import OnwardClock, SteadyClock
from regard.stewardship.people.retention import Retention
from tests.helpers.fakes import Clock
from tests.helpers.peopled import House

DAY, YEAR = 86_400.0, 365 * 86_400.0


class Machine:
    """A clock that tests set, and the time that passes meanwhile."""

    def __init__(self) -> None:
        self.now, self.passed = 1_800_000_000.0, 100.0
        self.steady = SteadyClock(lambda: self.now, lambda: self.passed)

    def pass_by(self, seconds: float) -> float:
        self.now += seconds
        self.passed += seconds
        return self.steady()


def test_it_goes_as_the_clock_does_also_when_that_is_corrected() -> None:
    machine = Machine()
    assert machine.pass_by(40 * DAY) == machine.now
    for step in (3_600.0, -3_600.0, DAY, -YEAR):
        machine.now += step
        assert machine.steady() == machine.now


def test_a_clock_that_is_set_ahead_counts_once_a_day_has_passed(caplog: pytest.LogCaptureFixture) -> None:
    machine = Machine()
    begun = machine.pass_by(1.0)
    machine.now += YEAR
    with caplog.at_level(logging.WARNING):
        assert machine.pass_by(3_600.0) == begun + 3_600.0
        assert machine.pass_by(3_600.0) == begun + 7_200.0
    assert len(caplog.records) == 1
    assert machine.pass_by(DAY) == machine.now


def test_a_clock_that_is_right_again_within_the_day_has_undone_nothing() -> None:
    machine = Machine()
    machine.pass_by(1.0)
    machine.now += YEAR
    machine.pass_by(0.9 * DAY)
    machine.now -= YEAR
    assert machine.pass_by(1.0) == machine.now
    machine.now += YEAR
    assert machine.pass_by(0.9 * DAY) < machine.now


def test_no_face_goes_because_a_clock_was_a_year_ahead_for_an_hour(tmp_path: Path) -> None:
    machine, house = Machine(), House(tmp_path / "data", Clock())
    house.collection("a", **{"regard:retention-days": "30"})
    machine.now = house.clock.now
    machine.steady = SteadyClock(lambda: machine.now, lambda: machine.passed)
    retention = Retention(house.engine, house.gallery, house.logbook, machine.steady)
    house.index("a", 1, name="alice")
    machine.now += YEAR
    machine.passed += 3_600.0
    assert retention.sweep() == []
    machine.now -= YEAR
    assert retention.sweep() == []
    assert len(house.faces("a")) == 1
    machine.pass_by(31 * DAY)
    assert [swept.reason for swept in retention.sweep()] == ["term"]
    retention.close()


def test_the_onward_clock_is_not_set_back_and_goes_on_by_what_passed() -> None:
    machine = Machine()
    onward = OnwardClock(lambda: machine.now, lambda: machine.passed)
    begun = onward()
    machine.pass_by(60.0)
    assert onward() == begun + 60.0
    machine.now -= DAY
    assert onward() == begun + 60.0
    machine.pass_by(60.0)
    assert onward() == begun + 120.0
    machine.now += 2 * DAY
    assert onward() == machine.now
