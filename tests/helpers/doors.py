"""A door with a camera, for tests of whether faces may be looked for live there."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from regard.gallery.collections import tables
from regard.stewardship.council.live_search import Processor
from regard.stewardship.council.motions import Kind
from regard.stewardship.gate.gate import Denied
from regard.stewardship.gate.matters import Search
from regard.streams.cameras.places import camera_of
from tests.helpers.stewarding import Stewardship

DAY = 86_400
NOTICE = "At this door faces are compared with those of staff who agreed. There is another door without a camera."
CAMERA = camera_of("rtsp://user:secret@Door.example/1", b"k" * 32)


class Door:
    """A door whose camera a motion lets look for those of one collection, for a day."""

    def __init__(self, room: Stewardship) -> None:
        self.room = room
        self.caller = room.caller(purpose="access-control")
        own = self.caller.organization
        self.processor = Processor(
            f"arn:aws:rekognition:us-east-1:{own}:streamprocessor/door", "arn:aws:kinesisvideo:a", CAMERA, "staff"
        )
        room.gallery.kept["staff"] = {"regard:basis": "consent", "regard:purpose": "access-control"}
        room.gallery.kept["others"] = dict(room.gallery.kept["staff"])
        self.search = Search(self.caller, self.processor, "staff", 99.0)
        with room.engine.begin() as connection:
            for name in ("staff", "others"):
                keep(connection, own, name, "consent")

    def leave(self, **other: Any) -> dict[str, Any]:
        payload = {
            "allowed": True,
            "organization": self.caller.organization,
            "processor": self.processor.arn,
            "source": self.processor.source,
            "camera": self.processor.camera,
            "collection": "staff",
            "place": "The staff door of the works in Example Street",
            "notice": NOTICE,
            "ends": int(self.room.now) + DAY,
        }
        return payload | other

    def carry(self, **other: Any) -> None:
        self.room.carry(Kind.LIVE_SEARCH, **self.leave(**other))

    def rule(self, **other: Any) -> str:
        """What the next frame comes to: the rule that stops it, or "goes on"."""
        try:
            self.room.gate.matters.live_search(replace(self.search, **other))
        except Denied as denied:
            return denied.rule
        return "goes on"


def keep(connection: Any, organization: str, name: str, basis: str) -> None:
    row = {"organization": organization, "collection_id": name, "face_model": "1.0", "version": 1, "removed": 0}
    row |= {"faces": 0, "users": 0, "created_at": 0.0}
    (number,) = connection.execute(tables.collections.insert().values(row)).inserted_primary_key
    connection.execute(tables.tags.insert().values(collection=number, key="regard:basis", value=basis))
