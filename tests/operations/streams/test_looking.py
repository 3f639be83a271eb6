"""Looking: as long as whoever started a processor might start it now, and with the models that there are."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any, cast

import pytest

from regard.operations.streams.looking import Eyes
from regard.stewardship.policy.denied import Denied
from regard.vision.models.manifest import WeightsError
from regard.vision.pictures.findings import Box
from regard.vision.pictures.images import Picture
from regard.vision.things.objects import FoundObject
from regard.vision.things.taxonomy import of_coco
from tests.helpers.streaming import HOME, NOW, Den, Scripted


class Standing:
    """Stands in for the gate, which says no once it was told to."""

    def __init__(self) -> None:
        self.stopped, self.asked = False, list[tuple[str, str]]()

    def require(self, started: Any) -> None:
        self.asked.append((started.operation, started.access_key))
        if self.stopped:
            raise Denied("suspended", "The council stopped it.")


class Labels:
    """Finds a dog and a chair."""

    def objects(self, _picture: Picture) -> list[FoundObject]:
        kinds = {name: kind for kind, name in of_coco().items()}
        return [FoundObject(kinds[name], Box(0.1, 0.1, 0.5, 0.5), 0.9) for name in ("Dog", "Chair")]


@pytest.fixture
def standing() -> Standing:
    return Standing()


@pytest.fixture
def den(tmp_path: Path, standing: Standing) -> Den:
    den = Den(tmp_path)
    den.rooms = replace(den.rooms, standing=cast(Any, standing), labels=cast(Any, Labels()))
    den.client("CreateStreamProcessor", Name="door", **HOME)
    den.client("StartStreamProcessor", Name="door", StartSelector=NOW)
    return den


def test_the_object_detector_says_what_is_a_pet(den: Den) -> None:
    den.run(Scripted(den.clock, [0.2]), looking=Eyes(den.rooms))
    den.send()
    assert [each["name"] for each in den.topic.words()[0]["labels"]] == ["PET"]
    assert den.status() == ("STOPPED", "")


def test_a_stop_by_the_council_counts_within_a_second(den: Den, standing: Standing) -> None:
    def script() -> Iterator[float]:
        yield 0.2
        standing.stopped = True
        for _ in range(6):
            yield 0.2
        raise AssertionError("looked on")

    den.run(Scripted(den.clock, script()), looking=Eyes(den.rooms))
    assert den.status()[0] == "FAILED"
    assert "[suspended] The council stopped it." in den.status()[1]
    assert set(standing.asked) == {("StartStreamProcessor", "AKIA")}


def test_a_model_that_is_not_there_is_the_cause_of_the_failure(den: Den) -> None:
    class Without(Labels):
        def objects(self, _picture: Picture) -> list[FoundObject]:
            raise WeightsError("object-detector is not there: `regard weights pull`")

    den.rooms = replace(den.rooms, labels=cast(Any, Without()))
    den.run(Scripted(den.clock, [0.2]), looking=Eyes(den.rooms))
    assert den.status() == ("FAILED", "object-detector is not there: `regard weights pull`")
