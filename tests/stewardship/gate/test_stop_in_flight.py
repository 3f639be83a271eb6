"""A stop counts for the calls that are under way: nothing is told or kept after it."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from pathlib import Path
from threading import Event
from typing import Any

import pytest

from regard.operations.common.errors import ApiError
from regard.stewardship.council.member_keys import operator_key
from tests.helpers.fakes import Clock, FakeAnalyzer
from tests.helpers.peopled import House


@pytest.fixture
def house(tmp_path: Path) -> House:
    house = House(tmp_path / "data", Clock())
    house.collection("a")
    house.index("a", 1, name="alice")
    return house


@pytest.fixture
def held(monkeypatch: pytest.MonkeyPatch) -> Iterator[tuple[Event, Event]]:
    """Says that a call looks at its picture, and lets it go on."""
    inside, go, detect = Event(), Event(), FakeAnalyzer.detect

    def slow(self: FakeAnalyzer, picture: Any) -> Any:
        inside.set()
        assert go.wait(30)
        return detect(self, picture)

    monkeypatch.setattr(FakeAnalyzer, "detect", slow)
    yield inside, go
    go.set()


def _stopped_meanwhile(
    house: House, held: tuple[Event, Event], capability: str, call: Callable[[], Any]
) -> Future[Any]:
    inside, go = held
    with ThreadPoolExecutor(1) as pool:
        under_way = pool.submit(call)
        assert inside.wait(30)
        house.service.gate.council.suspend(capability, "an incident", operator_key(house.folder / "council.key"))
        go.set()
    return under_way


def test_a_search_that_is_stopped_while_it_runs_tells_nothing(house: House, held: tuple[Event, Event]) -> None:
    under_way = _stopped_meanwhile(house, held, "identify", lambda: house.search("a", 1))
    with pytest.raises(ApiError, match=r"\[suspended\]"):
        under_way.result()
    told = [entry for entry in house.entries() if entry.get("operation") == "SearchFacesByImage"]
    assert [(entry["decision"], entry["rules"]) for entry in told] == [("denied", ["suspended"])]


def test_an_enrolment_that_is_stopped_while_it_runs_keeps_nobody(house: House, held: tuple[Event, Event]) -> None:
    under_way = _stopped_meanwhile(house, held, "enrol", lambda: house.index("a", 2, name="bob"))
    with pytest.raises(ApiError, match=r"\[suspended\]"):
        under_way.result()
    assert len(house.faces("a")) == 1


def test_what_is_not_stopped_goes_on(house: House, held: tuple[Event, Event]) -> None:
    assert len(_stopped_meanwhile(house, held, "enrol", lambda: house.search("a", 1)).result()) == 1
