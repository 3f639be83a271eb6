"""What the settings name is warm before the service is ready."""

from __future__ import annotations

import logging
from pathlib import Path
from typing import Any, cast

import pytest

from regard.operations.common.rooms import Rooms
from regard.operations.common.warming import Warming
from regard.settings import CAPABILITIES, SettingError, Settings, from_environment


class Asked:
    """A room that writes down what it was asked, and may refuse."""

    def __init__(self, name: str, asked: list[str], refused: str = "") -> None:
        self._name, self._asked, self._refused = name, asked, refused

    def __call__(self, *_: Any) -> list[Any]:
        self._asked.append(self._name)
        if self._refused:
            raise LookupError(self._refused)
        return []

    def __getattr__(self, part: str) -> Asked:
        return Asked(f"{self._name}.{part}", self._asked, self._refused)


def _rooms(asked: list[str], **refused: str) -> Rooms:
    names = ("faces", "labels", "text", "moderator", "equipment")
    return cast(Rooms, type("Asking", (), {name: Asked(name, asked, refused.get(name, "")) for name in names}))


def test_everything_that_is_wanted_runs_once_and_in_order() -> None:
    asked: list[str] = []
    warming = Warming(_rooms(asked), tuple(reversed(CAPABILITIES)))
    assert warming.trouble == "not warm yet: faces, labels, text, moderation, equipment"
    warming.run()
    assert asked == [
        *("faces.detect", "faces.describe", "faces.embed"),
        *("labels", "text", "moderator", "equipment", "equipment.cover"),
    ]
    assert warming.trouble is None


def test_nothing_else_is_loaded() -> None:
    asked: list[str] = []
    Warming(_rooms(asked), ("moderation",)).run()
    assert asked == ["moderator"]


def test_what_cannot_be_warmed_is_told_and_keeps_nothing_from_being_ready(caplog: pytest.LogCaptureFixture) -> None:
    asked: list[str] = []
    warming = Warming(_rooms(asked, labels="weights are missing"), ("labels", "text"))
    with caplog.at_level(logging.WARNING):
        warming.run()
    assert caplog.messages == ["labels could not be made ready: weights are missing"]
    assert asked == ["labels", "text"]
    assert warming.trouble is None


def test_a_stop_begins_nothing_more() -> None:
    asked: list[str] = []
    warming = Warming(_rooms(asked), CAPABILITIES)
    warming.close()
    warming.run()
    assert asked == []


def test_the_setting_names_what_there_is() -> None:
    assert Settings(data_dir=Path()).warm == ("faces",)
    assert from_environment({"REGARD_WARM": "text, labels"}).warm == ("text", "labels")
    with pytest.raises(SettingError, match=r"REGARD_WARM: .*faces.*equipment"):
        from_environment({"REGARD_WARM": "faces,smells"})
