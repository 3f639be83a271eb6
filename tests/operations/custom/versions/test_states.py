"""Versions from state to state: what follows what, who hears of them, and that a stop or a kill changes nothing."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
from sqlalchemy import update

from regard.custom.projects import Feature
from regard.custom.versions import tables
from regard.custom.versions.states import State
from regard.operations.common.rooms import Rooms
from tests.helpers.custom import coloured, custom_rooms, described, project_of
from tests.helpers.fakes import Client, Clock
from tests.helpers.working import work_off
from tests.operations.custom.versions.conftest import Shop
from tests.operations.custom.versions.test_training import OUTPUT, begin

STRANGER = "999999999999"
PICTURE = {"Bytes": coloured("green", 700)}


def trained(client: Client, rooms: Rooms, shop: Shop, project: str, name: str = "one") -> str:
    arn = begin(client, shop, project, name)
    work_off(rooms)
    return arn


def test_versions_are_listed_the_newest_first_a_page_at_a_time(client: Client, rooms: Rooms, shop: Shop) -> None:
    project = project_of(rooms, "listed")
    made = [begin(client, shop, project, name) for name in ("a", "b", "c")]
    first = client("DescribeProjectVersions", ProjectArn=project, MaxResults=2, NextToken="")
    second = client("DescribeProjectVersions", ProjectArn=project, MaxResults=2, NextToken=first["NextToken"])
    assert "NextToken" not in second
    told = [each["ProjectVersionArn"] for page in (first, second) for each in page["ProjectVersionDescriptions"]]
    assert told == made[::-1]
    assert described(client, project, "b", "none")["ProjectVersionArn"] == made[1]
    assert client("DescribeProjectVersions", ProjectArn=project, VersionNames=["none"]) == {
        "ProjectVersionDescriptions": []
    }
    assert client.refusal("DescribeProjectVersions", ProjectArn=project, NextToken="x")[0] == (
        "InvalidPaginationTokenException"
    )


def test_what_does_not_follow_is_refused(client: Client, rooms: Rooms, shop: Shop) -> None:
    project = project_of(rooms, "states")
    arn = begin(client, shop, project)
    assert client.refusal("CreateProjectVersion", ProjectArn=project, VersionName="one", **_given(shop))[0] == (
        "ResourceInUseException"
    )
    for name in ("StartProjectVersion", "StopProjectVersion", "DeleteProjectVersion"):
        more = {"MinInferenceUnits": 1} if name.startswith("Start") else {}
        code, said = client.refusal(name, ProjectVersionArn=arn, **more)
        assert (code, "TRAINING_IN_PROGRESS" in said) == ("ResourceInUseException", True)
    work_off(rooms)
    assert client.refusal("StopProjectVersion", ProjectVersionArn=arn)[0] == "ResourceInUseException"
    assert client.refusal("StartProjectVersion", ProjectVersionArn=arn, MinInferenceUnits=2, MaxInferenceUnits=1)[
        0
    ] == ("InvalidParameterException")
    client("StartProjectVersion", ProjectVersionArn=arn, MinInferenceUnits=1, MaxInferenceUnits=3)
    running = described(client, project)
    assert (running["Status"], running["MinInferenceUnits"], running["MaxInferenceUnits"]) == ("RUNNING", 1, 3)
    assert running["EvaluationResult"]["F1Score"] == 1.0
    assert client.refusal("StartProjectVersion", ProjectVersionArn=arn, MinInferenceUnits=1)[0] == (
        "ResourceInUseException"
    )
    assert client.refusal("DeleteProjectVersion", ProjectVersionArn=arn)[0] == "ResourceInUseException"
    client("StopProjectVersion", ProjectVersionArn=arn)
    client("StartProjectVersion", ProjectVersionArn=arn, MinInferenceUnits=1)
    client("StopProjectVersion", ProjectVersionArn=arn)
    client("DeleteProjectVersion", ProjectVersionArn=arn)
    assert client.refusal("DeleteProjectVersion", ProjectVersionArn=arn)[0] == "ResourceNotFoundException"


def _given(shop: Shop, **more: Any) -> dict[str, Any]:
    data = {"TrainingData": {"Assets": [shop.training]}, "TestingData": {"AutoCreate": True}}
    return data | {"OutputConfig": OUTPUT} | more


@pytest.mark.parametrize(
    ("given", "said"),
    [
        ({"TestingData": None}, "both TrainingData and TestingData"),
        ({"TestingData": {}}, "either Assets or AutoCreate"),
        ({"TrainingData": {"Assets": []}}, "GroundTruthManifest"),
        ({"TrainingData": {"Assets": [{}]}}, "Bucket and Name"),
        ({"TrainingData": None, "TestingData": None}, "no TRAIN dataset"),
        ({"OutputConfig": {"S3Bucket": "pictures"}}, "REGARD_S3_WRITABLE"),
        ({"OutputConfig": {"S3KeyPrefix": "x"}}, "S3Bucket"),
        ({"KmsKeyId": "alias/mine"}, "KmsKeyId"),
        ({"FeatureConfig": {"ContentModeration": {"ConfidenceThreshold": 50}}}, "CONTENT_MODERATION"),
    ],
)
def test_what_cannot_be_trained_is_refused_at_once(
    client: Client, rooms: Rooms, shop: Shop, given: dict[str, Any], said: str
) -> None:
    project = project_of(rooms, "refused")
    asked = {name: value for name, value in _given(shop, **given).items() if value is not None}
    code, text_ = client.refusal("CreateProjectVersion", ProjectArn=project, VersionName="one", **asked)
    assert (code, said in text_) == ("InvalidParameterException", True)
    assert client("DescribeProjectVersions", ProjectArn=project) == {"ProjectVersionDescriptions": []}


def test_nobody_else_hears_of_a_version(client: Client, rooms: Rooms, shop: Shop) -> None:
    project = project_of(rooms, "own")
    arn = trained(client, rooms, shop, project)
    client("StartProjectVersion", ProjectVersionArn=arn, MinInferenceUnits=1)
    other = Client(rooms, STRANGER)
    for name, more in (
        ("StartProjectVersion", {"MinInferenceUnits": 1}),
        ("StopProjectVersion", {}),
        ("DeleteProjectVersion", {}),
        ("DetectCustomLabels", {"Image": PICTURE}),
    ):
        for named in (arn, arn.replace("111122223333", STRANGER)):
            assert other.refusal(name, ProjectVersionArn=named, **more)[0] == "ResourceNotFoundException"
    assert other.refusal("DescribeProjectVersions", ProjectArn=project)[0] == "ResourceNotFoundException"


def test_another_process_has_a_started_version_answer(
    client: Client, rooms: Rooms, shop: Shop, clock: Clock, tmp_path: Any
) -> None:
    project = project_of(rooms, "shared")
    arn = trained(client, rooms, shop, project)
    client("StartProjectVersion", ProjectVersionArn=arn, MinInferenceUnits=1)
    other = Client(custom_rooms(tmp_path, clock, shop.endpoint))
    asked = {"ProjectVersionArn": arn, "Image": PICTURE, "MinConfidence": 0}
    assert other("DetectCustomLabels", **asked) == client("DetectCustomLabels", **asked)
    other("StopProjectVersion", ProjectVersionArn=arn)
    assert client.refusal("DetectCustomLabels", **asked)[0] == "ResourceNotReadyException"


@pytest.mark.parametrize(("left", "comes_to"), [(State.STARTING, "RUNNING"), (State.STOPPING, "STOPPED")])
def test_what_a_killed_process_left_is_done_by_who_looks_next(
    client: Client, rooms: Rooms, shop: Shop, left: State, comes_to: str
) -> None:
    project = project_of(rooms, "left")
    arn = trained(client, rooms, shop, project)
    assert rooms.workshop is not None
    versions = rooms.workshop.versions
    if left is State.STOPPING:
        client("StartProjectVersion", ProjectVersionArn=arn, MinInferenceUnits=1)
    with rooms.gallery.writing() as connection:
        versions.move(connection, versions.find(connection, "111122223333", arn), left)
    assert described(client, project)["Status"] == comes_to


def test_a_version_that_was_edited_in_the_database_answers_nobody(client: Client, rooms: Rooms, shop: Shop) -> None:
    project = project_of(rooms, "edited")
    arn = trained(client, rooms, shop, project)
    with rooms.gallery.writing() as connection:
        connection.execute(update(tables.models).values(sealed=b"edited"))
    client("StartProjectVersion", ProjectVersionArn=arn, MinInferenceUnits=1)
    told = described(client, project)
    assert (told["Status"], "not the one that was trained" in told["StatusMessage"]) == ("FAILED", True)
    with rooms.gallery.writing() as connection:
        connection.execute(update(tables.versions).values(state="RUNNING"))
    code, said = client.refusal("DescribeProjectVersions", ProjectArn=project)
    assert (code, "changed in the database" in said) == ("InternalServerError", True)


def test_a_version_that_is_edited_once_it_answered_answers_no_more(client: Client, rooms: Rooms, shop: Shop) -> None:
    arn = trained(client, rooms, shop, project_of(rooms, "answering"))
    client("StartProjectVersion", ProjectVersionArn=arn, MinInferenceUnits=1)
    asked = {"ProjectVersionArn": arn, "Image": PICTURE, "MinConfidence": 0}
    told = client("DetectCustomLabels", **asked)
    with rooms.gallery.writing() as connection:
        connection.execute(update(tables.versions).values(least=2))
    code, said = client.refusal("DetectCustomLabels", **asked)
    assert (code, "changed in the database" in said) == ("InternalServerError", True)
    with rooms.gallery.writing() as connection:
        connection.execute(update(tables.versions).values(least=1))
    assert client("DetectCustomLabels", **asked) == told


def test_one_whose_job_is_gone_has_failed(client: Client, rooms: Rooms, shop: Shop, clock: Clock) -> None:
    project = project_of(rooms, "lost")
    begin(client, shop, project)
    assert rooms.jobs is not None
    clock.now += 8 * 24 * 3600
    rooms.jobs.expire()
    told = described(client, project)
    assert (told["Status"], "another name" in told["StatusMessage"]) == ("TRAINING_FAILED", True)


def test_progress_is_told_while_pictures_are_looked_at(
    client: Client, rooms: Rooms, shop: Shop, clock: Clock, monkeypatch: pytest.MonkeyPatch
) -> None:
    project = project_of(rooms, "progress")
    begin(client, shop, project)
    said: list[str] = []

    class Slow:
        base = rooms.features.base  # type: ignore[union-attr]

        def features_of(self, picture: Any) -> Any:
            clock.now += 10
            said.append(described(client, project)["StatusMessage"])
            return rooms.features.features_of(picture)  # type: ignore[union-attr]

    work_off(replace(rooms, features=Slow()))  # type: ignore[arg-type]
    assert said[0] == "The model is being trained."
    assert said[-1] == ("The model is being trained. 16 of 22 pictures were looked at; about 2 minutes are left.")


def test_an_adapter_is_neither_started_nor_asked_for_custom_labels(client: Client, rooms: Rooms, shop: Shop) -> None:
    project = project_of(rooms, "adapter", Feature.CONTENT_MODERATION)
    arn = begin(client, shop, project)
    assert client.refusal("StartProjectVersion", ProjectVersionArn=arn, MinInferenceUnits=1)[0] == (
        "InvalidParameterException"
    )
    assert client.refusal("DetectCustomLabels", ProjectVersionArn=arn, Image=PICTURE)[0] == (
        "InvalidParameterException"
    )
