"""Every way round the rule against live face search, in a house with its policy, council, consents and log: what was
allowed a frame ago ends before the next one.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any, cast
from uuid import uuid4

import pytest

from regard.operations.common.errors import ApiError
from regard.operations.common.registry import answered
from regard.operations.streams.looking import Eyes
from regard.stewardship.council.member_keys import read_signer
from regard.stewardship.council.motions import Kind, Vote
from regard.stewardship.parties.organization import Standing
from regard.stewardship.people.consent import NewConsent
from regard.stewardship.policy.call import Call, Caller
from regard.stewardship.staff.staff import Role
from regard.streams.messages import KINESIS, Records
from regard.streams.running import Runner, Tools
from regard.vision.pictures.images import Picture, decode
from tests.helpers.consoled import Console
from tests.helpers.doors import DAY, NOTICE
from tests.helpers.fakes import FakeAnalyzer, picture_of
from tests.helpers.peopled import NOTICE as CONSENT
from tests.helpers.streaming import Scripted, Still

pytestmark = pytest.mark.sqlite("each table behind it is tested on both databases where it is")
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

    def collect(self) -> None:
        self.ask("CreateCollection", CollectionId="staff", Tags={"regard:basis": "consent"})
        drawn = self.consents.draw_up(self.organization, NewConsent("alice", "staff", "access-control", CONSENT, 30))
        self.consents.attest(self.caller, drawn)
        self.ask("IndexFaces", CollectionId="staff", Image={"Bytes": picture_of(1)}, ExternalImageId="alice")

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


def _lapse(works: Works, _name: str) -> Callable[[], None]:
    clock, works.matters._clock = works.matters._clock, lambda: time.time() + DAY + 1
    return lambda: setattr(works.matters, "_clock", clock)


def _voted_down(works: Works, name: str) -> None:
    works.carry(Kind.LIVE_SEARCH, allowed=False, processor=works.arn(name))


def _suspend(works: Works, capability: str) -> Callable[[], None]:
    works.council.suspend(capability, "it looked at the street", works.signer)
    return lambda: works.carry(Kind.SUSPENSION, capability=capability, suspended=False)


def _suspend_by_motion(works: Works) -> Callable[[], None]:
    works.carry(Kind.SUSPENSION, capability="search-live", suspended=True)
    return lambda: works.carry(Kind.SUSPENSION, capability="search-live", suspended=False)


def _lead_to(works: Works, address: str) -> Callable[[], None]:
    works.streams.sources.put(works.stream, address)
    return lambda: works.streams.sources.put(works.stream, ADDRESS)


def _remove_source(works: Works) -> Callable[[], None]:
    works.streams.sources.remove(works.stream)
    return lambda: works.streams.sources.put(works.stream, ADDRESS)


def _revoke(works: Works, _name: str) -> Callable[[], None]:
    works.keys.revoke(works.caller.access_key_id)
    works.caller = works.key()
    return lambda: None


def _swap(works: Works, _name: str) -> None:
    works.ask("DeleteCollection", CollectionId="staff")
    works.collect()


def _refuse(works: Works, _name: str) -> Callable[[], None]:
    works.admission.decide(works.organization, Standing.REFUSED, "operator", "a complaint")
    return lambda: works.admission.decide(works.organization, Standing.ADMITTED, "operator", "it was heard")


def _erase(works: Works) -> Callable[[], None]:
    works.house.holdings.erasure.erase(works.organization, "external/alice")
    return lambda: _swap(works, "")


def _take_back(works: Works) -> Callable[[], None]:
    for receipt in works.consents.all(works.organization):
        works.consents.withdraw(works.organization, receipt.consent.receipt_id)
    return lambda: _swap(works, "")


def _stopped_by_a_member(works: Works, name: str) -> None:
    member = works.console.somebody(f"may-{name}", Role.COUNCIL)
    assert member.post("/console/streams/stopped", {"processor": works.arn(name)}).status_code == 303


# What is done after the first frame, and what the processor has come to before the second.
WAYS: dict[str, tuple[Callable[[Works, str], Any], str, str]] = {
    "nothing": (lambda _works, _name: None, "STOPPED", ""),
    "the motion lapsed": (_lapse, "FAILED", "no-live-face-search"),
    "the motion was ended by another": (_voted_down, "FAILED", "no-live-face-search"),
    "a member suspended live search": (lambda works, _: _suspend(works, "search-live"), "FAILED", "suspended"),
    "a member suspended identification": (lambda works, _: _suspend(works, "identify"), "FAILED", "suspended"),
    "another camera": (lambda works, _: _lead_to(works, "rtsp://square.example/1"), "FAILED", "no-live-face-search"),
    "a pipe instead": (lambda works, _: _lead_to(works, "-"), "FAILED", "no-live-face-search"),
    "no camera": (lambda works, _: _remove_source(works), "FAILED", "no-live-face-search"),
    "the collection swapped": (_swap, "FAILED", "another collection than when it was started"),
    "the key revoked": (_revoke, "FAILED", "revoked-key"),
    "the organization refused": (_refuse, "FAILED", "no-refused-organization"),
    "stopped": (lambda works, name: works.ask("StopStreamProcessor", Name=name), "STOPPED", ""),
    "stopped by a member of the council in the console": (_stopped_by_a_member, "STOPPED", ""),
}


@pytest.fixture(scope="module")
def works(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Works]:
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("REGARD_KINESIS_ALLOWED", "*=arn:aws:kinesis:")
        made = Works(tmp_path_factory.mktemp("works"))
        yield made
        made.console.close()


def test_every_way_round_ends_it_before_the_next_frame(works: Works) -> None:
    for way, (act, status, told) in WAYS.items():
        name = works.started()
        undo: list[Any] = []

        def frames(name: str = name, act: Callable[[Works, str], Any] = act, undo: list[Any] = undo) -> Iterator[Any]:
            yield 0.0, WHO
            undo.append(act(works, name))
            yield 0.0, WHO
            yield EOFError()

        looked = works.run(frames())
        for each in undo:
            if each is not None and callable(each):
                each()
        found, cause = works.status(name)
        assert (way, found, told in cause, looked) == (way, status, True, 2 if way == "nothing" else 1), cause


def test_whoever_takes_their_consent_back_is_not_looked_for_in_the_next_frame(works: Works) -> None:
    name = works.started()

    def frames() -> Iterator[Any]:
        yield 0.0, WHO
        _take_back(works)
        yield 0.0, WHO
        yield EOFError()

    looked = works.run(frames())
    terms = works.matters._collections.terms(works.organization, "staff")
    _swap(works, "")
    # Their faces are let go of at once: where that was quicker than the frame, there was nobody to be looked for.
    assert terms is not None
    status, cause = works.status(name)
    ended = (status, looked, "live-search-needs-consent" in cause) == ("FAILED", 1, True)
    assert ended or (status, looked, terms.faces) == ("STOPPED", 2, 0)


# What is done while nobody takes what a search found, after which nobody shall.
ENDS: dict[str, Callable[[Works, str], Any]] = {
    "the motion lapsed": _lapse,
    "the motion was ended by another": _voted_down,
    "another motion, for another place": lambda works, name: works.allow(name, place="The canteen of the works"),
    "the council suspended live search": lambda works, _: _suspend_by_motion(works),
    "the organization refused": _refuse,
    "somebody erased": lambda works, _: _erase(works),
    "somebody took their consent back": lambda works, _: _take_back(works),
}


@pytest.mark.parametrize("end", list(ENDS))
def test_what_was_found_is_owed_to_nobody_once_nothing_allows_it(works: Works, end: str) -> None:
    name, messages = works.started(), works.streams.messages
    records = Records("arn:aws:kinesis:us-east-1:111122223333:stream/AmazonRekognitionDoor", name, [b"alice"])
    with works.streams.processors.engine.begin() as connection:
        messages.owe(connection, works.organization, records, KINESIS, whose="external/alice", search=works.arn(name))
    works.house.holdings.retention.sweep()
    assert messages.owed() == 1
    undo = ENDS[end](works, name)
    try:
        works.house.holdings.retention.sweep()
        assert messages.owed() == 0
    finally:
        if undo is not None:
            undo()
        works.run(iter([EOFError()]))


def test_what_would_make_another_search_of_one_that_runs_is_refused(works: Works) -> None:
    name = works.started()
    updates: list[dict[str, Any]] = [
        {"SettingsForUpdate": {"ConnectedHomeForUpdate": {"Labels": ["PERSON"]}}},
        {"ParametersToDelete": ["RegionsOfInterest"]},
    ]
    refused: dict[str, str] = {}

    def frames() -> Iterator[Any]:
        yield 0.0, WHO
        for number, update in enumerate(updates):
            refused[f"update {number}"] = works.refusal("UpdateStreamProcessor", Name=name, **update)
        refused["delete"] = works.refusal("DeleteStreamProcessor", Name=name)
        refused["make again"] = works.refusal("CreateStreamProcessor", **works.given(name))
        refused["start again"] = works.refusal("StartStreamProcessor", Name=name)
        refused["another name"] = works.refusal("CreateStreamProcessor", **works.given("gate"))
        refused["another region"] = works.refusal("CreateStreamProcessor", "eu-west-1", **works.given("gate"))
        yield 0.0, WHO
        yield EOFError()

    assert works.run(frames()) == 2
    assert refused == {
        "update 0": "InvalidParameterException",
        "update 1": "InvalidParameterException",
        "delete": "ResourceInUseException",
        "make again": "ResourceInUseException",
        "start again": "ResourceInUseException",
        "another name": "AccessDeniedException no-live-face-search",
        "another region": "AccessDeniedException no-live-face-search",
    }


def test_a_processor_made_again_in_another_region_is_another_than_the_motion_names(works: Works) -> None:
    name = works.started()
    works.run(iter([EOFError()]))
    works.ask("DeleteStreamProcessor", Name=name)
    assert works.refusal("CreateStreamProcessor", "eu-west-1", **works.given(name)) == (
        "AccessDeniedException no-live-face-search"
    )
    works.ask("CreateStreamProcessor", **works.given(name))


def test_a_film_and_a_pipe_are_no_cameras_that_a_motion_could_name(works: Works, tmp_path: Path) -> None:
    film = tmp_path / "door.mp4"
    film.touch()
    for address in ("-", str(film), f"file://{film}"):
        undo = _lead_to(works, address)
        assert works.streams.sources.camera(works.stream) == ""
        undo()
    assert works.streams.sources.camera(works.stream) != ""
