"""DetectModerationLabels: what is answered, and what is refused with the errors of the model."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any, cast

import pytest

from regard.operations.common.errors import ApiError
from regard.stewardship.policy.service_model import service_model
from regard.vision.things.moderation import VERSION, Moderator, chain
from tests.helpers.fakes import Client, FakeModerator, open_rooms, picture_of
from tests.helpers.running import Running

IMAGE = {"Bytes": picture_of(1)}


@pytest.fixture
def client(tmp_path: Path) -> Client:
    return Client(replace(open_rooms(tmp_path), moderator=cast(Moderator, FakeModerator(70.0))))


def test_the_whole_chain_is_answered_with_its_levels(client: Client) -> None:
    answer = client("DetectModerationLabels", Image=IMAGE)
    assert [(label["Name"], label["ParentName"], label["TaxonomyLevel"]) for label in answer["ModerationLabels"]] == [
        ("Explicit", "", 1),
        ("Explicit Nudity", "Explicit", 2),
    ]
    assert answer["ModerationModelVersion"] == "7.0"
    assert answer["ContentTypes"] == []


@pytest.mark.sqlite("asks the service, whose tables are in a file")
def test_what_is_drunk_is_answered_of_a_picture_of_bottles(service: Running, shared_data: Path) -> None:
    picture = (shared_data / "imagenet" / "n02823428_beer_bottle.JPEG").read_bytes()
    found = service.client().detect_moderation_labels(Image={"Bytes": picture})["ModerationLabels"]
    assert [(label["Name"], label["ParentName"], label["TaxonomyLevel"]) for label in found] == [
        ("Alcohol", "", 1),
        ("Alcoholic Beverages", "Alcohol", 2),
    ]


@pytest.mark.parametrize(("asked", "count"), [({}, 2), ({"MinConfidence": 70.0}, 2), ({"MinConfidence": 70.1}, 0)])
def test_what_is_less_sure_than_asked_for_is_left_out(client: Client, asked: dict[str, Any], count: int) -> None:
    assert len(client("DetectModerationLabels", Image=IMAGE, **asked)["ModerationLabels"]) == count


def test_half_sure_is_enough_where_nothing_is_asked(tmp_path: Path) -> None:
    for confidence, count in ((50.0, 2), (49.9, 0)):
        moderator = cast(Moderator, FakeModerator(confidence))
        client = Client(replace(open_rooms(tmp_path), moderator=moderator))
        assert len(client("DetectModerationLabels", Image=IMAGE)["ModerationLabels"]) == count


@pytest.mark.parametrize(
    ("given", "code"),
    [
        (
            {"HumanLoopConfig": {"HumanLoopName": "loop", "FlowDefinitionArn": "arn"}},
            "HumanLoopQuotaExceededException",
        ),
        (
            {"ProjectVersion": "arn:aws:rekognition:us-east-1:111122223333:project/p/version/v/1"},
            "ResourceNotFoundException",
        ),
        ({"Image": {"Bytes": b"no picture"}}, "InvalidImageFormatException"),
    ],
)
def test_what_cannot_be_done_answers_with_an_error_of_the_model(
    client: Client, given: dict[str, Any], code: str
) -> None:
    with pytest.raises(ApiError) as error:
        client("DetectModerationLabels", **({"Image": IMAGE} | given))
    assert error.value.code == code
    assert code in {shape.name for shape in service_model().operation_model("DetectModerationLabels").error_shapes}


@pytest.mark.sqlite("asks the service, whose tables are in a file")
def test_boto3_gets_its_answer(service: Running, portrait: bytes) -> None:
    answer = service.client().detect_moderation_labels(Image={"Bytes": portrait}, MinConfidence=0)
    assert answer["ModerationModelVersion"] == VERSION
    for label in answer["ModerationLabels"]:
        above = chain(label["Name"])
        assert (above[-1].parent, len(above)) == (label["ParentName"], label["TaxonomyLevel"])
        assert label["Confidence"] < 50
    assert service.client().detect_moderation_labels(Image={"Bytes": portrait})["ModerationLabels"] == []
