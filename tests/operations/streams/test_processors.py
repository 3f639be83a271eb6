"""The seven operations on stream processors, as AWS's clients know them, and what is refused by which words."""

from __future__ import annotations

from copy import deepcopy
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import text

from regard.jobs.sns import TopicRefused
from regard.stores.errors import BucketRefused
from regard.streams.kinesis import StreamRefused
from tests.helpers.fakes import ORGANIZATION, Client
from tests.helpers.streaming import FACES, HOME, NOW, RECORDS, STREAM, TOPIC, Den, Scripted


@pytest.fixture
def den(tmp_path: Path) -> Den:
    return Den(tmp_path)


def _made(den: Den, name: str = "door", **given: Any) -> str:
    return str(den.client("CreateStreamProcessor", Name=name, **{**HOME, **given})["StreamProcessorArn"])


def test_a_processor_is_told_as_it_was_made(den: Den) -> None:
    more: dict[str, Any] = {
        "KmsKeyId": "alias/frames",
        "RegionsOfInterest": [{"Polygon": [{"X": 0.0, "Y": 0.0}, {"X": 1.0, "Y": 0.0}, {"X": 0.0, "Y": 1.0}]}],
        "DataSharingPreference": {"OptIn": False},
    }
    arn = _made(den, Tags={"place": "door"}, **more)
    assert arn == f"arn:aws:rekognition:eu-central-1:{ORGANIZATION}:streamprocessor/door"
    told = den.client("DescribeStreamProcessor", Name="door")
    assert told.pop("CreationTimestamp").timestamp() == told.pop("LastUpdateTimestamp").timestamp() == den.clock.now
    assert told == {"Name": "door", "StreamProcessorArn": arn, "Status": "STOPPED", **HOME, **more}


def test_nothing_of_it_is_in_clear_in_the_database(den: Den) -> None:
    _made(den, Tags={"place": "door"})
    den.start()
    engine = den.streams.processors.engine
    with engine.connect() as connection:
        for table in ("stream_processors", "stream_sources"):
            (row,) = connection.execute(text(f"SELECT * FROM {table}")).all()
            clear = b"".join(bytes(each) for each in row if isinstance(each, bytes | memoryview))
            for word in (b"door", b"frames", b"secret", b"camera.example.org", b"PERSON"):
                assert word not in clear


def test_ten_is_the_most_and_the_eleventh_is_refused_in_awss_words(den: Den) -> None:
    for number in range(10):
        _made(den, f"door-{number}")
    assert den.client.refusal("CreateStreamProcessor", Name="one-more", **HOME) == (
        "LimitExceededException",
        "Stream processor limit exceeded for account, limit - 10",
    )
    den.client("DeleteStreamProcessor", Name="door-3")
    _made(den, "one-more")
    pages, token = [], ""
    while True:
        told = den.client("ListStreamProcessors", MaxResults=4, **({"NextToken": token} if token else {}))
        pages.append([each["Name"] for each in told["StreamProcessors"]])
        token = told.get("NextToken", "")
        if not token:
            break
    assert [len(each) for each in pages] == [4, 4, 2]
    assert pages[-1] == ["door-9", "one-more"]
    assert den.client.refusal("ListStreamProcessors", NextToken="nonsense")[0] == "InvalidPaginationTokenException"


def test_names_are_an_organizations_own(den: Den) -> None:
    _made(den)
    assert den.client.refusal("CreateStreamProcessor", Name="door", **HOME)[0] == "ResourceInUseException"
    other = Client(den.rooms, "444455556666")
    for name in ("Describe", "Delete", "Stop", "Update"):
        assert other.refusal(f"{name}StreamProcessor", Name="door")[0] == "ResourceNotFoundException"
    assert other.refusal("StartStreamProcessor", Name="door", StartSelector=NOW)[0] == "ResourceNotFoundException"
    assert other("ListStreamProcessors")["StreamProcessors"] == []
    code, told = other.refusal("CreateStreamProcessor", Name="door", **HOME)
    assert (code, "not a stream of the account 444455556666" in told) == ("InvalidParameterException", True)


def test_a_processor_goes_from_state_to_state_and_what_does_not_fit_one_is_refused(den: Den) -> None:
    _made(den)
    assert den.client.refusal("StopStreamProcessor", Name="door")[0] == "ResourceInUseException"
    den.start()
    more: dict[str, dict[str, Any]] = {"Delete": {}, "Update": {}, "Start": {"StartSelector": NOW}}
    for name, given in more.items():
        assert den.client.refusal(f"{name}StreamProcessor", Name="door", **given)[0] == "ResourceInUseException"
    den.client("StopStreamProcessor", Name="door")
    assert den.client("ListStreamProcessors")["StreamProcessors"] == [{"Name": "door", "Status": "STOPPING"}]
    den.run(Scripted(den.clock, []))
    assert den.status() == ("STOPPED", "")
    den.client("DeleteStreamProcessor", Name="door")
    assert den.client.refusal("DescribeStreamProcessor", Name="door")[0] == "ResourceNotFoundException"


def test_an_update_changes_what_it_names_and_deletes_what_it_says(den: Den) -> None:
    region = {"BoundingBox": {"Left": 0.0, "Top": 0.0, "Width": 0.5, "Height": 0.5}}
    _made(den, RegionsOfInterest=[region])
    den.client(
        "UpdateStreamProcessor",
        Name="door",
        SettingsForUpdate={"ConnectedHomeForUpdate": {"Labels": ["PET"], "MinConfidence": 80.0}},
        DataSharingPreferenceForUpdate={"OptIn": True},
    )
    told = den.client("DescribeStreamProcessor", Name="door")
    assert told["Settings"] == {"ConnectedHome": {"Labels": ["PET"], "MinConfidence": 80.0}}
    assert (told["RegionsOfInterest"], told["DataSharingPreference"]) == ([region], {"OptIn": True})
    deleted = ["ConnectedHomeMinConfidence", "RegionsOfInterest"]
    den.client("UpdateStreamProcessor", Name="door", ParametersToDelete=deleted)
    told = den.client("DescribeStreamProcessor", Name="door")
    assert told["Settings"] == {"ConnectedHome": {"Labels": ["PET"]}}
    assert "RegionsOfInterest" not in told
    both = {"ConnectedHomeForUpdate": {"MinConfidence": 1.0}}
    for given in ({"SettingsForUpdate": both}, {"RegionsOfInterestForUpdate": [region]}):
        refused = den.client.refusal("UpdateStreamProcessor", Name="door", ParametersToDelete=deleted, **given)
        assert "at once" in refused[1]


def test_its_tags_are_those_of_any_resource_and_are_told_in_its_messages(den: Den) -> None:
    arn = _made(den, Tags={"place": "door", "floor": "1"})
    den.client("TagResource", ResourceArn=arn, Tags={"floor": "2", "wing": "north"})
    den.client("UntagResource", ResourceArn=arn, TagKeys=["place", "none"])
    tags = {"floor": "2", "wing": "north"}
    assert den.client("ListTagsForResource", ResourceArn=arn)["Tags"] == tags
    den.start(seconds=1)
    den.run(Scripted(den.clock, [0.2]))
    den.send()
    assert den.topic.words()[0]["tags"] == tags
    other = arn.replace(ORGANIZATION, "444455556666")
    for name in ("UntagResource", "ListTagsForResource"):
        assert den.client.refusal(name, ResourceArn=other, TagKeys=[])[0] == "ResourceNotFoundException"
    assert den.client.refusal("ListTagsForResource", ResourceArn=f"{arn}2")[0] == "ResourceNotFoundException"
    many = {f"key-{number}": "" for number in range(200)}
    assert den.client.refusal("TagResource", ResourceArn=arn, Tags=many)[0] == "InvalidParameterException"


def _with(place: str, value: Any) -> dict[str, Any]:
    """HOME with a member, by its path, that is another; or none, where the value is None."""
    given = deepcopy(HOME)
    *path, last = place.split(".")
    inner = given
    for each in path:
        inner = inner[each]
    inner[last] = value
    if value is None:
        del inner[last]
    return given


@pytest.mark.parametrize(
    ("place", "value", "told"),
    [
        ("Settings.ConnectedHome.Labels", ["PACKAGE"], "PACKAGE: no model here tells packages"),
        ("Settings.ConnectedHome.Labels", ["PERSON", "PACKAGE"], "PACKAGE: no model here tells packages"),
        ("Settings.ConnectedHome.Labels", ["CAR"], "CAR is no label of ConnectedHome"),
        ("Settings", {}, "either FaceSearch or ConnectedHome"),
        ("Input", {}, "KinesisVideoStream"),
        ("Input.KinesisVideoStream.Arn", STREAM.replace("door", "yard"), "regard streams source"),
        ("Output", {"KinesisDataStream": {"Arn": RECORDS}}, "S3Destination with a Bucket"),
        ("Output", {}, "S3Destination with a Bucket"),
        ("NotificationChannel", None, "NotificationChannel"),
        ("RegionsOfInterest", [{}], "region 1"),
    ],
)
def test_what_cannot_be_done_is_refused_when_it_is_made(den: Den, place: str, value: Any, told: str) -> None:
    code, words = den.client.refusal("CreateStreamProcessor", Name="door", **_with(place, value))
    assert code == "InvalidParameterException"
    assert told in words


def test_a_bucket_or_a_topic_that_the_operator_did_not_allow_is_refused(den: Den) -> None:
    den.s3.refused = BucketRefused("may not write; REGARD_S3_WRITABLE=")
    assert "REGARD_S3_WRITABLE" in den.client.refusal("CreateStreamProcessor", Name="door", **HOME)[1]
    den.s3.refused, den.topic.refused = None, TopicRefused(f"{TOPIC}: REGARD_SNS_ALLOWED=")
    assert "REGARD_SNS_ALLOWED" in den.client.refusal("CreateStreamProcessor", Name="door", **HOME)[1]


@pytest.mark.parametrize(
    ("given", "told"),
    [
        ({}, "needs a StartSelector"),
        ({"StartSelector": {"KVSStreamStartSelector": {"FragmentNumber": "12"}}}, "sources have no fragments"),
    ],
)
def test_a_start_says_from_when_on(den: Den, given: dict[str, Any], told: str) -> None:
    _made(den)
    code, words = den.client.refusal("StartStreamProcessor", Name="door", **given)
    assert (code, told in words) == ("InvalidParameterException", True)


def test_ten_seconds_are_looked_at_where_no_other_number_is_given(den: Den) -> None:
    _made(den)
    den.client("StartStreamProcessor", Name="door", StartSelector=NOW)
    begun = den.clock.now
    den.run(Scripted(den.clock, [0.2]))
    assert 10 <= den.clock.now - begun < 11


def test_a_processor_that_was_changed_in_the_database_is_not_worked_on(den: Den) -> None:
    _made(den)
    den.start()
    with den.streams.processors.engine.begin() as connection:
        connection.execute(text("UPDATE stream_processors SET status = 'RUNNING'"))
    camera = Scripted(den.clock, [0.2])
    den.run(camera)
    assert camera.connected == []
    assert den.client.refusal("DescribeStreamProcessor", Name="door")[0] == "InternalServerError"


def test_faces_in_live_video_are_refused_by_a_rule_before_anything_is_looked_at(den: Den) -> None:
    code, words = den.client.refusal("CreateStreamProcessor", Name="gate", **FACES)
    assert code == "AccessDeniedException"
    assert "[no-live-face-search]" in words
    assert den.client("ListStreamProcessors")["StreamProcessors"] == []


def test_a_data_stream_that_the_operator_did_not_allow_is_refused(den: Den) -> None:
    den.rooms = den.client.rooms = replace(den.rooms, live_search=lambda *_of: None)
    den.client("CreateCollection", CollectionId="staff")
    den.records.refused = StreamRefused("REGARD_KINESIS_ALLOWED=")
    assert "REGARD_KINESIS_ALLOWED" in den.client.refusal("CreateStreamProcessor", Name="gate", **FACES)[1]
