"""Faces in live video: only while it is allowed, only who is known, and of everybody else nothing at all."""

from __future__ import annotations

import json
import re
from collections.abc import Generator, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any, cast

import pytest
from sqlalchemy import text

from regard.database import metadata
from regard.operations.streams.looking import Eyes
from regard.stewardship.policy.call import Call
from regard.stewardship.policy.denied import Denied
from regard.streams import messages
from regard.streams.errors import CameraLost
from regard.streams.messages import KINESIS, WEBHOOK
from regard.streams.processor import Processor
from regard.vision.pictures.images import Picture, decode
from tests.helpers.fakes import ORGANIZATION, picture_of
from tests.helpers.streaming import FACES, HOME, RECORDS, STREAM, Den, Scripted

ALICE, BOB, PASSER = 1, 2, 9


class Search:
    """Stands in for the policy: allows searches until told otherwise, and remembers what it was asked."""

    def __init__(self) -> None:
        self.allowed, self.asked = True, list[str]()

    def __call__(self, processor: Processor, call: Call | None) -> None:
        assert processor.organization == ORGANIZATION
        assert (call is not None) == (processor.status == "STOPPED")
        self.asked.append(processor.status)
        if not self.allowed:
            raise Denied("live-face-search", "The motion has lapsed.")


@pytest.fixture
def search() -> Search:
    return Search()


@pytest.fixture
def den(tmp_path: Path, search: Search) -> Den:
    den = Den(tmp_path)
    den.rooms = den.client.rooms = replace(den.rooms, live_search=search)
    den.client("CreateCollection", CollectionId="staff")
    den.client.index("staff", ALICE, ExternalImageId="alice")
    den.client.index("staff", BOB, ExternalImageId="bob")
    den.client("CreateStreamProcessor", Name="gate", **FACES)
    return den


def _run(den: Den, *script: Any) -> None:
    """Start the processor, and work on it as a script says, or as one that is a generator does."""
    den.client("StartStreamProcessor", Name="gate")
    what = script[0] if script and isinstance(script[0], Generator) else script
    den.run(Scripted(den.clock, what), looking=Eyes(den.rooms))


def _frame(*persons: int) -> tuple[float, Picture]:
    return 0.2, decode(picture_of(*persons))


def test_a_record_says_who_is_seen_in_awss_words(den: Den) -> None:
    _run(den, _frame(ALICE), EOFError())
    den.send()
    ((_, stream, key, (record,)),) = den.records.taken
    assert (stream, key) == (RECORDS, "gate")
    told = json.loads(record)
    assert told["StreamProcessorInformation"] == {"Status": "RUNNING"}
    assert told["InputInformation"]["KinesisVideo"]["StreamArn"].endswith(":stream/door/1")
    (face,) = told["FaceSearchResponse"]
    assert face["DetectedFace"].keys() >= {"BoundingBox", "Confidence", "Landmarks", "Pose", "Quality"}
    (match,) = face["MatchedFaces"]
    assert match["Face"]["ExternalImageId"] == "alice"
    assert match["Similarity"] >= 80
    assert b'"Index"' not in record


def test_the_webhook_is_told_of_who_is_seen_and_of_nobody_else(den: Den) -> None:
    _run(den, _frame(ALICE, PASSER), *[_frame(PASSER)] * 6, EOFError())
    den.send()
    ((_, words, _),) = den.hook.taken
    told = json.loads(words)
    assert told["type"] == "stream.face"
    (record,) = (each for each in den.records.words() if each["FaceSearchResponse"])
    about = {name: value for name, value in told["data"].items() if name in record}
    assert about == record


def test_while_nobody_takes_them_records_of_people_do_not_pile_up(den: Den, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(messages, "MOST_FOUND", {KINESIS: 4, WEBHOOK: 3})
    _run(den, _frame(ALICE, BOB), _frame(ALICE, BOB), _frame(BOB), EOFError())
    owed = den.streams.messages.owed
    assert (owed(ORGANIZATION, WEBHOOK), owed(ORGANIZATION, KINESIS), owed("another")) == (3, 4, 0)
    den.send()
    told = [each for each in den.records.words() if each["FaceSearchResponse"]]
    names = [each["FaceSearchResponse"][0]["MatchedFaces"][0]["Face"]["ExternalImageId"] for each in told]
    # Of five the newest four.
    assert sorted(names) == ["alice", "bob", "bob", "bob"]
    assert (len(den.hook.taken), den.streams.messages.dropped()) == (3, 1 + 2)


def test_two_who_are_known_have_a_record_each_so_that_one_can_be_erased_without_the_other(den: Den) -> None:
    _run(den, _frame(ALICE, BOB), EOFError())
    den.streams.messages.forget(den.client.organization, "external/alice")
    den.send()
    names = [
        match["Face"]["ExternalImageId"]
        for told in den.records.words()
        for face in told["FaceSearchResponse"]
        for match in face["MatchedFaces"]
    ]
    assert names == ["bob"]
    assert len(den.hook.taken) == 1


def test_a_threshold_below_80_becomes_80(den: Den) -> None:
    settings = {"FaceSearch": {"CollectionId": "staff", "FaceMatchThreshold": 30.0}}
    den.client("CreateStreamProcessor", Name="other", **FACES | {"Settings": settings})
    told = den.client("DescribeStreamProcessor", Name="other")["Settings"]["FaceSearch"]
    assert told == {"CollectionId": "staff", "FaceMatchThreshold": 80.0}
    # Where none is given it is AWS's default.
    assert den.client("DescribeStreamProcessor", Name="gate")["Settings"]["FaceSearch"] == told


def _left(den: Den) -> list[tuple[str, int]]:
    """How many rows each table has."""
    with den.streams.processors.engine.connect() as connection:
        return [
            (each, connection.execute(text(f"SELECT count(*) FROM {each}")).scalar_one())
            for each in sorted(metadata.tables)
        ]


@pytest.mark.long
def test_frames_with_strangers_leave_what_frames_with_nobody_leave(den: Den) -> None:
    kept: list[Any] = []
    for persons in ((), (PASSER,), (PASSER, PASSER + 1, PASSER + 2)):
        den.told.clear()
        den.records.taken.clear()
        before = dict(_left(den))
        _run(den, *[_frame(*persons)] * 12, EOFError())
        after = {name: count - before[name] for name, count in _left(den)}
        den.send()
        records = [{**each, "InputInformation": ""} for each in den.records.words()]
        kept.append((after, records, [what for _, what, _ in den.told]))
    assert kept[0] == kept[1] == kept[2]
    assert (
        kept[0][1]
        == [{"InputInformation": "", "StreamProcessorInformation": {"Status": "RUNNING"}, "FaceSearchResponse": []}]
        * 10
    )
    assert kept[0][2] == ["ended"]


def test_a_stranger_beside_somebody_known_is_not_in_the_record(den: Den) -> None:
    _run(den, _frame(ALICE, PASSER), EOFError())
    den.send()
    (told,) = den.records.words()
    assert len(told["FaceSearchResponse"]) == 1


def test_somebody_before_two_cameras_has_nothing_in_common_there_but_the_name_they_were_enrolled_by(den: Den) -> None:
    den.client("CreateCollection", CollectionId="guests")
    den.client.index("guests", ALICE, ExternalImageId="alice")
    stream = STREAM.replace("stream/door", "stream/yard")
    den.streams.sources.put(stream, "rtsp://yard.example.org/live")
    yard = {"KinesisVideoStream": {"Arn": stream}}, {"FaceSearch": {"CollectionId": "guests"}}
    den.client("CreateStreamProcessor", Name="yard", **FACES | dict(zip(("Input", "Settings"), yard, strict=True)))
    found: list[set[str]] = []
    for name in ("gate", "gate", "yard"):
        den.client("StartStreamProcessor", Name=name)
        den.run(Scripted(den.clock, [_frame(ALICE, PASSER), EOFError()]), looking=Eyes(den.rooms))
        den.send()
        ((_, _, _, (record,)),) = den.records.taken
        den.records.taken.clear()
        (face,) = json.loads(record)["FaceSearchResponse"]
        (match,) = face["MatchedFaces"]
        assert (face.keys(), match.keys()) == ({"DetectedFace", "MatchedFaces"}, {"Similarity", "Face"})
        found.append(set(re.findall(r"[0-9a-f-]{32,36}", record.decode())))
        assert match["Face"]["ExternalImageId"] == "alice"
    # From one session to the next, and from one frame to the next, it is her face in the collection that is the same.
    assert found[0] == found[1] != set()
    assert not found[0] & found[2]


def test_every_match_is_entered_with_who_it_was(den: Den) -> None:
    _run(den, _frame(ALICE), _frame(), _frame(ALICE, BOB), EOFError())
    assert [what for _, what, _ in den.told] == ["matched", "matched", "ended"]
    assert [[whose for whose, _ in people] for _, _, people in den.told] == [
        ["staff/external/alice"],
        ["staff/external/alice", "staff/external/bob"],
        [],
    ]


def test_whoever_was_found_is_to_be_told_where_the_collection_says_so(den: Den) -> None:
    heard: list[tuple[str, ...]] = []

    class Owing:
        def owe(self, call: Call) -> int:
            heard.append(tuple(whose for whose, _ in call.people))
            return 1

    den.rooms = replace(den.rooms, found_notices=cast(Any, Owing()))
    _run(den, _frame(ALICE), _frame(PASSER), EOFError())
    assert heard == [("external/alice",)]
    ((_, details),) = den.told[0][2]
    assert (details["operation"], details["collection"]) == ("StartStreamProcessor", "staff")


def test_it_runs_from_the_first_frame_until_it_is_stopped(den: Den) -> None:
    def script() -> Iterator[Any]:
        assert den.status("gate")[0] == "STARTING"
        yield _frame()
        assert den.status("gate")[0] == "RUNNING"
        den.clock.now += 3600
        yield _frame()
        den.client("StopStreamProcessor", Name="gate")
        yield _frame(ALICE)

    _run(den, script())
    assert den.status("gate") == ("STOPPED", "")
    assert [what for _, what, _ in den.told] == ["ended"]


@pytest.mark.parametrize("way", ["lapsed", "deleted", "swapped"])
def test_what_is_not_allowed_any_more_ends_within_one_frame(den: Den, search: Search, way: str) -> None:
    def script() -> Iterator[Any]:
        yield _frame(ALICE)
        if way == "lapsed":
            search.allowed = False
        elif way == "deleted":
            den.client("DeleteCollection", CollectionId="staff")
        else:
            den.client("DeleteCollection", CollectionId="staff")
            den.client("CreateCollection", CollectionId="staff")
            den.client.index("staff", ALICE)
        yield _frame(ALICE)
        yield EOFError()

    _run(den, script())
    assert den.status("gate")[0] == "FAILED"
    assert [what for _, what, _ in den.told].count("matched") == 1
    if way == "lapsed":
        assert "[live-face-search] The motion has lapsed." in den.status("gate")[1]


def test_a_start_is_asked_about_too_and_each_frame(den: Den, search: Search) -> None:
    search.asked.clear()
    _run(den, _frame(), _frame(), EOFError())
    assert search.asked == ["STOPPED", "STARTING", "RUNNING"]
    search.allowed = False
    assert den.client.refusal("StartStreamProcessor", Name="gate")[0] == "AccessDeniedException"


def test_a_stream_that_comes_from_another_camera_meanwhile_is_not_searched(den: Den) -> None:
    def script() -> Iterator[Any]:
        yield _frame()
        den.clock.now += 1
        den.streams.sources.put(STREAM, "rtsp://square.example.org/live")
        yield CameraLost("away")
        yield _frame(ALICE)

    _run(den, script())
    assert den.status("gate")[0] == "FAILED"
    assert "another one than when it was started" in den.status("gate")[1]
    assert [what for _, what, _ in den.told] == ["failed"]


@pytest.mark.parametrize(
    ("given", "told"),
    [
        ({"Output": HOME["Output"]}, "Output.KinesisDataStream"),
        ({"NotificationChannel": HOME["NotificationChannel"]}, "NotificationChannel is of use only with ConnectedHome"),
        ({"Settings": {"FaceSearch": {"CollectionId": "guests"}}}, "guests"),
        ({"Settings": {"FaceSearch": {}}}, "CollectionId"),
    ],
)
def test_what_cannot_be_searched_is_refused_when_it_is_made(den: Den, given: dict[str, Any], told: str) -> None:
    code, words = den.client.refusal("CreateStreamProcessor", Name="other", **{**FACES, **given})
    assert (code, told in words) == ("InvalidParameterException", True)


def test_one_that_searches_is_neither_updated_nor_given_selectors(den: Den) -> None:
    assert "make another" in den.client.refusal("UpdateStreamProcessor", Name="gate")[1]
    stop = {"MaxDurationInSeconds": 5}
    assert "ConnectedHome" in den.client.refusal("StartStreamProcessor", Name="gate", StopSelector=stop)[1]
