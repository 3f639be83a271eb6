"""A version from its manifests to its model, and what is left in the bucket."""

from __future__ import annotations

import json
import subprocess
import sys
from typing import Any

import pytest

from regard.operations.common.rooms import Rooms
from tests.helpers.custom import coloured, described, file_at, project_of
from tests.helpers.fakes import Client
from tests.helpers.working import work_off
from tests.operations.custom.versions.conftest import Shop

OUTPUT = {"S3Bucket": "results", "S3KeyPrefix": "parts"}


def begin(client: Client, shop: Shop, project: str, name: str = "one", **given: Any) -> str:
    data = {"TrainingData": {"Assets": [shop.training]}, "TestingData": {"Assets": [shop.testing]}}
    asked = data | {"VersionName": name, "OutputConfig": OUTPUT} | given
    return str(client("CreateProjectVersion", ProjectArn=project, **asked)["ProjectVersionArn"])


def test_a_version_goes_from_its_manifests_to_its_answers(client: Client, rooms: Rooms, shop: Shop) -> None:
    project = project_of(rooms, "parts")
    arn = begin(client, shop, project, VersionDescription="the first")
    begun = described(client, project)
    assert (begun["ProjectVersionArn"], begun["Status"]) == (arn, "TRAINING_IN_PROGRESS")
    assert begun["StatusMessage"]
    assert "EvaluationResult" not in begun
    assert work_off(rooms) == 1
    done = described(client, project)
    assert done["Status"] == "TRAINING_COMPLETED"
    assert done["StatusMessage"].startswith("The model is ready to run. Weak labels: blue: ")
    assert (done["VersionDescription"], done["Feature"], done["OutputConfig"]) == ("the first", "CUSTOM_LABELS", OUTPUT)
    assert done["BillableTrainingTimeInSeconds"] >= 1
    assert done["EvaluationResult"]["F1Score"] == 1.0
    assert client.refusal("DetectCustomLabels", ProjectVersionArn=arn, Image={"Bytes": coloured("blue", 900)})[0] == (
        "ResourceNotReadyException"
    )
    assert client("StartProjectVersion", ProjectVersionArn=arn, MinInferenceUnits=1) == {"Status": "STARTING"}
    assert described(client, project)["Status"] == "RUNNING"
    told = client("DetectCustomLabels", ProjectVersionArn=arn, Image={"Bytes": coloured("blue", 900)})
    assert [each["Name"] for each in told["CustomLabels"]] == ["blue"]
    whole = client("DetectCustomLabels", ProjectVersionArn=arn, Image={"Bytes": coloured("blue", 900)}, MinConfidence=0)
    assert [each["Name"] for each in whole["CustomLabels"]] == ["blue", "green"]
    # Of bytes fewer are taken than by other operations.
    large = {"Bytes": coloured("blue", 900).ljust(4 * 1024 * 1024 + 1, b"\0")}
    assert client.refusal("DetectCustomLabels", ProjectVersionArn=arn, Image=large)[0] == "ImageTooLargeException"
    assert client("StopProjectVersion", ProjectVersionArn=arn) == {"Status": "STOPPING"}
    assert described(client, project)["Status"] == "STOPPED"
    assert client("DeleteProjectVersion", ProjectVersionArn=arn) == {"Status": "DELETING"}
    assert client("DescribeProjectVersions", ProjectArn=project) == {"ProjectVersionDescriptions": []}


def test_files_are_left_behind_as_aws_names_them(client: Client, rooms: Rooms, shop: Shop) -> None:
    project = project_of(rooms, "named")
    arn = begin(client, shop, project, "v.1")
    work_off(rooms)
    done = described(client, project)
    places = {
        "EvaluationResultSummary": done["EvaluationResult"]["Summary"],
        "ManifestSummary": done["ManifestSummary"],
        "TrainingGroundTruth": done["TrainingDataResult"]["Output"]["Assets"][0]["GroundTruthManifest"],
        "TestingGroundTruth": done["TestingDataResult"]["Output"]["Assets"][0]["GroundTruthManifest"],
        "TrainingManifestWithValidation": done["TrainingDataResult"]["Validation"]["Assets"][0]["GroundTruthManifest"],
        "TestingManifestWithValidation": done["TestingDataResult"]["Validation"]["Assets"][0]["GroundTruthManifest"],
    }
    for kind, place in places.items():
        assert place == {"S3Object": {"Bucket": "results", "Name": f"parts/{kind}-named-v.1.json"}}
    summary = json.loads(file_at(shop.endpoint, places["EvaluationResultSummary"]))
    assert summary["EvaluationDetails"]["ProjectVersionArn"] == arn
    assert summary["EvaluationDetails"]["Labels"] == ["blue", "green"]
    assert (summary["EvaluationDetails"]["NumberOfTrainingImages"], len(shop.lines)) == (16, 16)
    assert summary["EvaluationDetails"]["NumberOfTestingImages"] == 6
    assert summary["AggregatedEvaluationResults"] == {
        "F1Score": 1.0,
        "Precision": 1.0,
        "Recall": 1.0,
        "ConfusionMatrix": [
            {"GroundTruthLabel": name, "PredictedLabel": name, "Value": 1.0} for name in ("blue", "green")
        ],
    }
    assert [each["NumberOfTestingImages"] for each in summary["LabelEvaluationResults"]] == [3, 3]
    statistics = json.loads(file_at(shop.endpoint, places["ManifestSummary"]))["statistics"]
    assert statistics["training"] == {
        "use_case": "IMAGE_LEVEL_LABELS",
        "total_json_lines": 16,
        "valid_json_lines": 16,
        "invalid_json_lines": 0,
        "ignored_json_lines": 0,
        "error_json_line_indices": [],
        "errors": [],
    }
    lines = [json.loads(each) for each in file_at(shop.endpoint, places["TestingGroundTruth"]).splitlines()]
    assert [each["source-ref"] for each in lines] == [each["source-ref"] for each in shop.others]
    details = lines[0]["rekognition-custom-labels-evaluation-0-metadata"]
    assert details["class-name"] == lines[0]["rekognition-custom-labels-training-0-metadata"]["class-name"] == "green"
    assert details["rekognition-custom-labels-evaluation-details"]["is-true-positive"]


@pytest.mark.sqlite
def test_a_service_starts_without_what_learns() -> None:
    code = "import sys, regard.server; from regard.operations.common import registry, works; registry.ours(); "
    code += "works.works(); print({'onnx', 'scipy'} & sys.modules.keys())"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=120, check=True)
    assert done.stdout.strip() == "set()"
