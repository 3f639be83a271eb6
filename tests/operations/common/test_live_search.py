"""A live search is asked about with the camera that the processor's stream leads to, and with whoever started it."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from regard.operations.common.live_search import LiveSearches
from regard.stewardship.policy.denied import Denied
from regard.streams.processor import Processor, Session, Status
from regard.streams.sources import Sources
from tests.helpers.doors import Door
from tests.helpers.stewarding import Stewardship

ADDRESS = "rtsp://user:secret@door.example/1"


class Place:
    """The door, the source of its stream, a processor before it, and the keys that there are."""

    def __init__(self, room: Stewardship) -> None:
        self.door = Door(room)
        own = self.door.caller.organization
        self.stream = f"arn:aws:kinesisvideo:us-east-1:{own}:stream/door/1"
        self.sources = Sources(room.engine, room.key, lambda: room.now)
        self.sources.put(self.stream, ADDRESS)
        self.keys: dict[str, Any] = {"AKIA": SimpleNamespace(caller=self.door.caller)}
        self.asks = LiveSearches(room.gate.matters, self.sources, self.keys.get)
        self.door.carry(source=self.stream, camera=self.sources.camera(self.stream))

    def rule(self, collection: str = "staff", key: str = "AKIA") -> str:
        """What the next frame comes to."""
        given = {
            "Input": {"KinesisVideoStream": {"Arn": self.stream}},
            "Settings": {"FaceSearch": {"CollectionId": collection, "FaceMatchThreshold": 99.0}},
        }
        session = Session("a-session", key, "access-control", "StartStreamProcessor", {})
        own = self.door.caller.organization
        looked = Processor(1, own, "door", "us-east-1", given, {}, "", Status.RUNNING, session, 1, 0.0, 0.0)
        try:
            self.asks(looked, None)
        except Denied as denied:
            return denied.rule
        return "goes on"


@pytest.fixture
def place(tmp_path: Path) -> Iterator[Place]:
    room = Stewardship(tmp_path)
    yield Place(room)
    room.logbook.close()


def test_what_the_motion_names_is_looked_for_and_a_call_is_asked_about_as_its_callers(place: Place) -> None:
    assert place.rule() == "goes on"
    call = place.door.room.call(place.door.room.caller(), "StartStreamProcessor")
    given = {
        "Input": {"KinesisVideoStream": {"Arn": place.stream}},
        "Settings": {"FaceSearch": {"CollectionId": "staff", "FaceMatchThreshold": 99.0}},
    }
    mine = Processor(1, "0" * 12, "door", "us-east-1", given, {}, "", Status.STOPPED, None, 0, 0.0, 0.0)
    with pytest.raises(Denied, match="no-live-face-search"):
        place.asks(mine, call)


def test_another_camera_behind_the_stream_or_none_is_another_search(place: Place) -> None:
    place.sources.put(place.stream, "rtsp://square.example/1")
    assert place.rule() == "no-live-face-search"
    place.sources.remove(place.stream)
    assert place.rule() == "no-live-face-search"
    # Who logs in there is not which camera it is.
    place.sources.put(place.stream, ADDRESS.replace("secret", "other"))
    assert place.rule() == "goes on"


def test_another_collection_is_another_search_and_a_key_that_is_gone_searches_nothing(place: Place) -> None:
    assert place.rule(collection="others") == "no-live-face-search"
    place.keys.clear()
    assert place.rule() == "revoked-key"


def test_a_motion_names_a_camera_by_a_digest_that_only_this_house_makes(place: Place, tmp_path: Path) -> None:
    room = Stewardship(tmp_path / "other")
    elsewhere = Sources(room.engine, room.key)
    stream = place.stream.replace(place.door.caller.organization, room.caller().organization)
    elsewhere.put(stream, ADDRESS)
    assert elsewhere.camera(stream) != place.sources.camera(place.stream)
    room.logbook.close()
