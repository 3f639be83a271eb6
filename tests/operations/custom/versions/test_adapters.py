"""Adapters of moderation: trained beside the base, compared with it, and asked by DetectModerationLabels."""

from __future__ import annotations

import json
from typing import Any, cast

import msgspec
import pytest

from regard.custom.projects import Feature
from regard.operations.common.registry import function_of
from regard.operations.common.rooms import Rooms
from regard.operations.custom import entries, importing
from regard.operations.custom.versions import reading
from tests.helpers.custom import coloured, described, file_at, project_of, put_manifest
from tests.helpers.fakes import ORGANIZATION, Client, FakeModerator
from tests.helpers.stores import store_client
from tests.helpers.working import work_off
from tests.operations.custom.versions.conftest import Shop
from tests.operations.custom.versions.test_training import begin

SAFE, BAD = "green", "blue"
TRUTH = "content-moderation-groundtruth"
SAFELY: dict[str, Any] = {"ModerationLabels": []}


def asset(shop: Shop, name: str, lines: list[dict[str, Any]]) -> dict[str, Any]:
    """The pictures of the shop, of which those in blue show what the base calls everything."""
    told = [
        {
            "source-ref": each["source-ref"],
            "content-moderation-groundtruth": {
                "ModerationLabels": [{"Name": "Explicit Nudity"}] if BAD in each["source-ref"] else []
            },
        }
        for each in lines
    ]
    return put_manifest(shop.endpoint, name, told)


@pytest.fixture
def project(rooms: Rooms) -> str:
    # It takes every picture for explicit.
    cast(FakeModerator, rooms.moderator).confidence = 80.0
    return project_of(rooms, "safe", Feature.CONTENT_MODERATION)


def adapter(client: Client, rooms: Rooms, shop: Shop, project: str, **given: Any) -> dict[str, Any]:
    data = {
        "TrainingData": {"Assets": [asset(shop, "adapt.jsonl", shop.lines)]},
        "TestingData": {"Assets": [asset(shop, "adapted.jsonl", shop.others)]},
    }
    begin(client, shop, project, **data | given)
    work_off(rooms)
    return described(client, project)


def test_an_adapter_keeps_what_is_right_and_takes_back_what_is_not(
    client: Client, rooms: Rooms, shop: Shop, project: str
) -> None:
    told = adapter(client, rooms, shop, project)
    assert (told["Status"], told["Feature"]) == ("TRAINING_COMPLETED", "CONTENT_MODERATION")
    assert told["BaseModelVersion"] == "7.0"
    arn, seen = told["ProjectVersionArn"], {}
    for colour in (SAFE, BAD):
        image = {"Bytes": coloured(colour, 901, (100, 100))}
        base = client("DetectModerationLabels", Image=image)
        assert ([each["Confidence"] for each in base["ModerationLabels"]], "ProjectVersion" in base) == (
            [80, 80],
            False,
        )
        moved = client("DetectModerationLabels", Image=image, ProjectVersion=arn)
        assert moved["ProjectVersion"] == arn
        seen[colour] = [each["Name"] for each in moved["ModerationLabels"]]
    assert seen == {SAFE: [], BAD: ["Explicit", "Explicit Nudity"]}


def test_base_and_adapter_are_counted_at_every_confidence(
    client: Client, rooms: Rooms, shop: Shop, project: str
) -> None:
    config = {"ContentModeration": {"ConfidenceThreshold": 70}}
    told = adapter(client, rooms, shop, project, FeatureConfig=config)
    assert told["FeatureConfig"] == config
    summary = json.loads(file_at(shop.endpoint, told["EvaluationResult"]["Summary"]))
    assert summary["AggregatedEvaluationResults"]["F1Score"] == 1.0
    counted = summary["ContentModeration"]
    every = counted["AllConfidenceThresholdsEvalResults"]
    assert [each["ConfidenceThreshold"] for each in every] == list(range(5, 101, 5))
    own = counted["InputConfidenceThresholdEvalResults"]
    assert own["ConfidenceThreshold"] == 70
    # Two labels of three pictures each way.
    wrong = {"TruePositive": 6, "TrueNegative": 0, "FalsePositive": 6, "FalseNegative": 0}
    assert own["AggregatedEvaluationResults"]["BaseModel"] == wrong
    assert own["AggregatedEvaluationResults"]["Adapter"]["FalsePositive"] == 0
    assert [each["Label"] for each in own["LabelEvaluationResults"]] == ["Explicit", "Explicit Nudity"]
    asked = client.call("DescribeVersionResults", ProjectArn=project, VersionNames=["one"])
    (kept,) = function_of("DescribeVersionResults")(asked, rooms)["Results"].values()
    assert kept["beside"] == {"tested": 6, "Confidence": 70, **own["AggregatedEvaluationResults"]}
    assert kept["pictures"] == []
    place = told["TestingDataResult"]["Output"]["Assets"][0]["GroundTruthManifest"]
    line = json.loads(file_at(shop.endpoint, place).splitlines()[0])
    assert line["content-moderation-groundtruth"] == {"ModerationLabels": []}
    labels = line["detect-moderation-labels-base-model"]["ModerationLabels"]
    assert [each["Name"] for each in labels] == ["Explicit", "Explicit Nudity"]
    assert all(each["Confidence"] >= 5 for each in line["detect-moderation-labels"]["ModerationLabels"])


def test_what_is_no_adapter_or_not_there_yet_is_refused(client: Client, rooms: Rooms, shop: Shop, project: str) -> None:
    image = {"Bytes": coloured(SAFE, 901, (100, 100))}
    other = begin(client, shop, project_of(rooms, "parts"), "one")
    young = begin(client, shop, project, "one")
    for arn, code in (
        (other, "InvalidParameterException"),
        (young, "ResourceNotReadyException"),
        (young[:-1] + ("1" if young[-1] != "1" else "2"), "ResourceNotFoundException"),
    ):
        assert client.refusal("DetectModerationLabels", Image=image, ProjectVersion=arn)[0] == code


def test_one_that_is_withdrawn_leaves_the_base_to_answer(
    client: Client, rooms: Rooms, shop: Shop, project: str
) -> None:
    arn = adapter(client, rooms, shop, project)["ProjectVersionArn"]
    assert rooms.workshop is not None
    versions, image = rooms.workshop.versions, {"Bytes": coloured(SAFE, 901, (100, 100))}
    with rooms.gallery.writing() as connection:
        versions.withdraw(connection, versions.find(connection, ORGANIZATION, arn), "Withdrawn.")
    assert described(client, project)["Status"] == "EXPIRED"
    told = client("DetectModerationLabels", Image=image, ProjectVersion=arn)
    assert told == client("DetectModerationLabels", Image=image)
    assert "ProjectVersion" not in told


def test_an_adapter_learns_from_ten_thousand_pictures_at_most(
    client: Client, rooms: Rooms, shop: Shop, project: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    for module in (entries, importing, reading):
        monkeypatch.setattr(module, "MOST_ADAPTED", 5)
    told = adapter(client, rooms, shop, project)
    assert (told["Status"], "more than 5 lines" in told["StatusMessage"]) == ("TRAINING_FAILED", True)
    source = asset(shop, "many.jsonl", shop.others)
    filled = client("CreateDataset", ProjectArn=project, DatasetType="TRAIN", DatasetSource=source)["DatasetArn"]
    added = client("CreateDataset", ProjectArn=project, DatasetType="TEST")["DatasetArn"]
    work_off(rooms)
    lines = b"\n".join(msgspec.json.encode({"source-ref": each["source-ref"], TRUTH: SAFELY}) for each in shop.others)
    client("UpdateDatasetEntries", DatasetArn=added, Changes={"GroundTruth": lines})
    for dataset, state in ((filled, "CREATE_FAILED"), (added, "UPDATE_FAILED")):
        said = client("DescribeDataset", DatasetArn=dataset)["DatasetDescription"]
        assert (said["Status"], said["DatasetStats"]["TotalEntries"]) == (state, 0)
        assert said["StatusMessage"].startswith("The manifest file has too many rows.")


def test_a_job_on_a_list_of_pictures_tells_what_the_adapter_tells(
    client: Client, rooms: Rooms, shop: Shop, project: str
) -> None:
    arn = adapter(client, rooms, shop, project)["ProjectVersionArn"]
    keys = {f"party/{colour}.png": coloured(colour, 910, (100, 100)) for colour in (SAFE, BAD)}
    for key, data in keys.items():
        store_client(shop.endpoint).put_object(Bucket="pictures", Key=key, Body=data)
    put_manifest(shop.endpoint, "party.jsonl", [{"source-ref": f"s3://pictures/{key}"} for key in keys])
    asked = {
        "OperationsConfig": {"DetectModerationLabels": {"ProjectVersion": arn}},
        "Input": {"S3Object": {"Bucket": "pictures", "Name": "party.jsonl"}},
        "OutputConfig": {"S3Bucket": "results", "S3KeyPrefix": "party"},
    }
    job = client("StartMediaAnalysisJob", **asked)["JobId"]
    work_off(rooms)
    done = client("GetMediaAnalysisJob", JobId=job)
    assert (done["Status"], done["OperationsConfig"]) == ("SUCCEEDED", asked["OperationsConfig"])
    lines = [json.loads(each) for each in file_at(shop.endpoint, done["Results"]).splitlines()]
    told = {each["source-ref"]: each["detect-moderation-labels"]["ModerationLabels"] for each in lines}
    seen = {source: [label["Name"] for label in labels] for source, labels in told.items()}
    assert seen == {
        f"s3://pictures/party/{SAFE}.png": [],
        f"s3://pictures/party/{BAD}.png": ["Explicit", "Explicit Nudity"],
    }

    # One that is deleted while the job waits tells nothing.
    late = client("StartMediaAnalysisJob", **asked)["JobId"]
    client("DeleteProjectVersion", ProjectVersionArn=arn)
    work_off(rooms)
    failed = client("GetMediaAnalysisJob", JobId=late)
    assert (failed["Status"], failed["FailureDetails"]["Code"]) == ("FAILED", "RESOURCE_NOT_FOUND")
    assert client.refusal("StartMediaAnalysisJob", **asked)[0] == "ResourceNotFoundException"
