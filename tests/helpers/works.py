"""A house with its policy, council, consents and log, in which a motion lets faces be searched before one door."""

from __future__ import annotations

import time
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any, cast
from uuid import uuid4

import pytest

from regard.operations.common.errors import ApiError
from regard.operations.common.registry import answered, function_of
from regard.operations.streams.looking import Eyes
from regard.stewardship.council.member_keys import read_signer
from regard.stewardship.council.motions import Kind, Vote
from regard.stewardship.people.consent import NewConsent
from regard.stewardship.policy.call import Call, Caller
from regard.streams.running import Runner, Tools
from regard.vision.pictures.images import Picture, decode
from tests.helpers.consoled import Console
from tests.helpers.doors import DAY, NOTICE
from tests.helpers.fakes import FakeAnalyzer, picture_of
from tests.helpers.peopled import NOTICE as CONSENT
from tests.helpers.streaming import Scripted, Still

ADDRESS = "rtsp://user:secret@door.example/1"


class Watched(FakeAnalyzer):
    """Looks for faces, and counts the frames that it is shown."""

    looked = 0

    def detect(self, picture: Picture) -> list[Any]:
        self.looked += picture.width == WHO.width
        return super().detect(picture)


WHO = decode(picture_of(1))


class Works:
    """A door, a collection of somebody who consented, and processors that motions let look there."""

    def __init__(self, folder: Path) -> None:
        self.console = Console(folder)
        self.analyzer = Watched()
        self.house, office = self.console.house, self.console.office
        house = self.house
        self.rooms = replace(house.service.rooms, faces=cast(Any, self.analyzer))
        self.streams, self.matters, self.council = (
            house.holdings.streams,
            house.service.gate.matters,
            self.console.council,
        )
        self.organization, self.signer = self.console.organization, read_signer("operator", folder / "council.key")
        self.stream = f"arn:aws:kinesisvideo:us-east-1:{self.organization}:stream/door/1"
        self.streams.sources.put(self.stream, ADDRESS)
        self.consents, self.keys = office.consents, office.organizations.keys
        self.admission = office.organizations.admission
        self.caller = self.key()
        self.collect()
        self.number = 0

    def key(self) -> Caller:
        return self.console.office.organizations.issue_key(self.organization, "access-control").caller

    def collect(self, name: str = "staff") -> None:
        """A collection on consent, with somebody who consented."""
        self.ask("CreateCollection", CollectionId=name, Tags={"regard:basis": "consent"})
        drawn = self.consents.draw_up(self.organization, NewConsent("alice", name, "access-control", CONSENT, 30))
        self.consents.attest(self.caller, drawn)
        self.ask("IndexFaces", CollectionId=name, Image={"Bytes": picture_of(1)}, ExternalImageId="alice")

    def index_behind_the_gate(self, number: int, name: str) -> None:
        """Enrol somebody whom nobody asked, as whoever has the database could."""
        given = {"CollectionId": "staff", "Image": {"Bytes": picture_of(number)}, "ExternalImageId": name}
        call = Call(self.caller, answered()["IndexFaces"], given, "us-east-1", str(uuid4()), loopback=True)
        function_of("IndexFaces")(call, replace(self.rooms, faces=cast(Any, FakeAnalyzer()), record=lambda *_: None))

    def ask(self, name: str, region: str = "us-east-1", **given: Any) -> dict[str, Any]:
        call = Call(self.caller, answered()[name], given, region, str(uuid4()), loopback=True)
        return self.console.house.service.answer(call)

    def refusal(self, name: str, region: str = "us-east-1", **given: Any) -> str:
        """The code with which a call is refused, with the rule, where one refuses it."""
        with pytest.raises(ApiError) as refused:
            self.ask(name, region, **given)
        rule = str(refused.value.message).partition("[")[2].partition("]")[0]
        return f"{refused.value.code} {rule}".strip()

    def carry(self, kind: Kind, **payload: Any) -> None:
        motion = self.council.draft(kind, "a change", payload, "operator")
        self.council.propose(motion.signed(self.signer))
        self.council.vote(motion, Vote.APPROVE, "", self.signer)

    def allow(self, name: str, **other: Any) -> None:
        """Have a motion let this processor look, for a day."""
        leave = {
            "allowed": True,
            "organization": self.organization,
            "processor": self.arn(name),
            "source": self.stream,
            "camera": self.streams.sources.camera(self.stream),
            "collection": "staff",
            "place": "The staff door of the works in Example Street",
            "notice": NOTICE,
            "ends": int(time.time()) + DAY,
        }
        self.carry(Kind.LIVE_SEARCH, **leave | other)

    def arn(self, name: str) -> str:
        return f"arn:aws:rekognition:us-east-1:{self.organization}:streamprocessor/{name}"

    def given(self, name: str) -> dict[str, Any]:
        records = f"arn:aws:kinesis:us-east-1:{self.organization}:stream/AmazonRekognitionDoor"
        return {
            "Name": name,
            "Input": {"KinesisVideoStream": {"Arn": self.stream}},
            "Output": {"KinesisDataStream": {"Arn": records}},
            "Settings": {"FaceSearch": {"CollectionId": "staff", "FaceMatchThreshold": 99.9}},
            "RoleArn": f"arn:aws:iam::{self.organization}:role/any",
        }

    def started(self) -> str:
        """A new processor that a motion allows, started; those before it are deleted."""
        for each in self.ask("ListStreamProcessors")["StreamProcessors"]:
            self.ask("DeleteStreamProcessor", Name=each["Name"])
        self.number += 1
        name = f"door-{self.number}"
        self.allow(name)
        self.ask("CreateStreamProcessor", **self.given(name))
        self.ask("StartStreamProcessor", Name=name)
        return name

    def run(self, script: Iterator[Any]) -> int:
        """Work on what is started as a worker does, with a camera of this script; how many frames were looked at."""
        camera, looked = Scripted(Still(), script), self.analyzer.looked
        of = self.streams
        tools = Tools(of.processors, of.sources, camera.watch, Eyes(self.rooms), 300.0)
        for number in of.processors.alone():
            Runner(tools, "one", lambda _seconds: False).run(number)
        return self.analyzer.looked - looked

    def status(self, name: str) -> tuple[str, str]:
        told = self.ask("DescribeStreamProcessor", Name=name)
        return told["Status"], told.get("StatusMessage", "")
