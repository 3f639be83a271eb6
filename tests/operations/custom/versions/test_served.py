"""A service, a store and clients, unchanged: what AWS's guide does with a project, from its creation to its end."""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Iterable, Iterator
from datetime import UTC, datetime
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import botocore.waiter
import pytest

from tests.helpers.clients import aws, run, with_packages
from tests.helpers.custom import coloured, line, put_pictures
from tests.helpers.running import Running, running
from tests.helpers.stores import store, store_client, store_settings

pytestmark = pytest.mark.sqlite("a service of its own, as a user starts it")
JS = Path(__file__).parents[3] / "js"
PATIENCE, NAP = 120.0, 0.3
COLOURS = ("green", "blue")
# The least that is trained with: a fifth of it is the test.
PICTURES = 10


@pytest.fixture(scope="module")
def service(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Running, str]]:
    with store() as address:
        for bucket in ("pictures", "results"):
            store_client(address).create_bucket(Bucket=bucket)
        settings = store_settings(address, "*=pictures/") | {"REGARD_S3_WRITABLE": "*=results/"}
        settings["REGARD_JOBS_WORKERS"] = "1"
        with running(tmp_path_factory.mktemp("custom") / "data", **settings) as started:
            yield started, address


@pytest.fixture
def slept(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    """How long boto3's waiters would have slept: they are as they ship, and sleep less."""
    told: list[float] = []

    def sleep(seconds: float) -> None:
        told.append(seconds)
        time.sleep(NAP)

    monkeypatch.setattr(botocore.waiter, "time", SimpleNamespace(sleep=sleep))
    return told


def from_csv(rows: Iterable[str], folder: str) -> list[str]:
    """The lines that the guide's tool makes of a CSV file of pictures and their labels, as it spells them."""
    lines = []
    for row in rows:
        name, *labels = row.split(",")
        told: dict[str, Any] = {"source-ref": f"{folder}{name}"}
        for label in labels:
            # A column that is empty is no label.
            if label:
                told[label] = 1
                told[f"{label}-metadata"] = {
                    "confidence": 1,
                    "job-name": f"labeling-job/{label}",
                    "class-name": label,
                    "human-annotated": "yes",
                    "creation-date": datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%S.%f"),
                    "type": "groundtruth/image-classification",
                }
        lines.append(json.dumps(told))
    return lines


def _until(told: Callable[[], str], *ends: str) -> None:
    """Ask again until something is over, as the samples do."""
    until = time.monotonic() + PATIENCE
    while (now := told()) not in ends:
        assert time.monotonic() < until, now
        time.sleep(0.1)


def _manifest(address: str, name: str, lines: Iterable[str]) -> dict[str, Any]:
    store_client(address).put_object(Bucket="pictures", Key=name, Body="".join(f"{each}\n" for each in lines).encode())
    return {"GroundTruthManifest": {"S3Object": {"Bucket": "pictures", "Name": name}}}


def _listed(address: str, folder: str) -> dict[str, Any]:
    """A manifest of pictures of two colours, made of a CSV file."""
    put_pictures(address, folder, range(PICTURES), COLOURS)
    rows = [f"{colour}-{number}.png,{colour}," for number in range(PICTURES) for colour in COLOURS]
    return _manifest(address, f"{folder}.manifest", from_csv(rows, f"s3://pictures/{folder}/"))


@pytest.mark.long
@pytest.mark.slow("starts a service and a worker, which loads its models")
def test_what_the_guide_does_runs_unchanged(service: tuple[Running, str], slept: list[float]) -> None:
    client, address = service[0].client(), service[1]
    project = client.create_project(ProjectName="my-project")["ProjectArn"]
    given: dict[str, Any] = {"ProjectArn": project, "DatasetSource": _listed(address, "guide")}
    train = client.create_dataset(DatasetType="TRAIN", **given)["DatasetArn"]
    _until(lambda: _dataset(client, train)["Status"], "CREATE_COMPLETE")
    assert _dataset(client, train)["DatasetStats"] == {
        "TotalEntries": 2 * PICTURES,
        "LabeledEntries": 2 * PICTURES,
        "TotalLabels": 2,
        "ErrorEntries": 0,
    }
    entries = client.list_dataset_entries(DatasetArn=train, Labeled=True, NextToken="")["DatasetEntries"]
    change = json.dumps(line("guide/green-0.png", "green", "grass")) + "\n"
    client.update_dataset_entries(DatasetArn=train, Changes={"GroundTruth": change})
    client.update_dataset_entries(DatasetArn=train, Changes={"GroundTruth": entries[0]})
    _until(lambda: _dataset(client, train)["Status"], "UPDATE_COMPLETE")
    test = client.create_dataset(ProjectArn=project, DatasetType="TEST")["DatasetArn"]
    client.distribute_dataset_entries(Datasets=[{"Arn": train}, {"Arn": test}])
    _until(lambda: _dataset(client, test)["Status"], "UPDATE_COMPLETE")

    output = {"S3Bucket": "results", "S3KeyPrefix": "out"}
    asked = {"ProjectArn": project, "VersionName": "v1", "OutputConfig": output}
    arn = client.create_project_version(**asked, Tags={"colour": "any"})["ProjectVersionArn"]
    with pytest.raises(client.exceptions.ResourceInUseException):
        client.delete_dataset(DatasetArn=train)
    # As samples cut it out of the ARN.
    name = arn[arn.find("version/") + len("version/") : arn.rfind("/")]
    client.get_waiter("project_version_training_completed").wait(ProjectArn=project, VersionNames=[name])
    assert set(slept) == {120}
    (told,) = client.describe_project_versions(ProjectArn=project, VersionNames=[name])["ProjectVersionDescriptions"]
    assert (told["Status"], told["TrainingDataResult"]["Input"]) == ("TRAINING_COMPLETED", {})
    assert told["TestingDataResult"]["Input"] == {"AutoCreate": False}
    assert told["EvaluationResult"]["F1Score"] > 0.5
    place = told["EvaluationResult"]["Summary"]["S3Object"]
    summary = json.loads(store_client(address).get_object(Bucket=place["Bucket"], Key=place["Name"])["Body"].read())
    assert summary["AggregatedEvaluationResults"]["F1Score"] == told["EvaluationResult"]["F1Score"]

    begun = time.monotonic()
    client.start_project_version(ProjectVersionArn=arn, MinInferenceUnits=1)
    client.get_waiter("project_version_running").wait(ProjectArn=project, VersionNames=[name])
    assert time.monotonic() - begun < 5
    found = client.detect_custom_labels(ProjectVersionArn=arn, Image={"Bytes": coloured("blue", 800)}, MinConfidence=0)
    assert [each["Name"] for each in found["CustomLabels"]] == ["blue", "green"]
    client.stop_project_version(ProjectVersionArn=arn)
    _until(lambda: _version(client, project, name), "STOPPED")

    copy, target = _copied(client, project, arn)
    for version, of in ((arn, project), (copy, target)):
        client.delete_project_version(ProjectVersionArn=version)
        assert client.describe_project_versions(ProjectArn=of)["ProjectVersionDescriptions"] == []
    for dataset in (train, test):
        client.delete_dataset(DatasetArn=dataset)
        with pytest.raises(client.exceptions.ResourceNotFoundException):
            _dataset(client, dataset)
    for each in (project, target):
        assert client.delete_project(ProjectArn=each)["Status"] == "DELETING"
    assert client.describe_projects(NextToken="")["ProjectDescriptions"] == []


def _copied(client: Any, project: str, arn: str) -> tuple[str, str]:
    """A copy in another project, that a policy lets, and that project, as the guide has it."""
    target = client.create_project(ProjectName="my-copies")["ProjectArn"]
    account = project.split(":")[4]
    statement = {
        "Sid": "one",
        "Effect": "Allow",
        "Principal": {"AWS": account},
        "Action": "rekognition:CopyProjectVersion",
        "Resource": arn,
    }
    document = json.dumps({"Version": "2012-10-17", "Statement": [statement]})
    put = {"ProjectArn": project, "PolicyName": "mine"}
    revision = client.put_project_policy(**put, PolicyDocument=document)["PolicyRevisionId"]
    (policy,) = client.list_project_policies(ProjectArn=project, NextToken="")["ProjectPolicies"]
    assert (policy["PolicyDocument"], policy["PolicyRevisionId"]) == (document, revision)
    copy = client.copy_project_version(
        SourceProjectArn=project,
        SourceProjectVersionArn=arn,
        DestinationProjectArn=target,
        VersionName="v1",
        OutputConfig={"S3Bucket": "results", "S3KeyPrefix": "copies"},
    )["ProjectVersionArn"]
    _until(lambda: _version(client, target, "v1"), "COPYING_COMPLETED")
    client.delete_project_policy(**put, PolicyRevisionId=revision)
    return copy, target


def _dataset(client: Any, arn: str) -> dict[str, Any]:
    told: dict[str, Any] = client.describe_dataset(DatasetArn=arn)["DatasetDescription"]
    return told


def _version(client: Any, project: str, name: str) -> str:
    (told,) = client.describe_project_versions(ProjectArn=project, VersionNames=[name])["ProjectVersionDescriptions"]
    assert told["StatusMessage"]
    return str(told["Status"])


def _begun(service: tuple[Running, str], name: str) -> tuple[str, str]:
    """The ARN of a project, and of a version of it that is being trained."""
    client = service[0].client()
    project = client.create_project(ProjectName=name)["ProjectArn"]
    version = client.create_project_version(
        ProjectArn=project,
        VersionName="v1",
        OutputConfig={"S3Bucket": "results", "S3KeyPrefix": name},
        TrainingData={"Assets": [_listed(service[1], name)]},
        TestingData={"AutoCreate": True},
    )["ProjectVersionArn"]
    return project, version


@pytest.mark.long
def test_the_aws_command_line_waits_starts_and_asks(service: tuple[Running, str], tmp_path: Path) -> None:
    client = service[0].client()
    project, arn = _begun(service, "by-hand")
    # It asks every 120 seconds.
    _until(lambda: _version(client, project, "v1"), "TRAINING_COMPLETED")
    of, version = ["--project-arn", project, "--version-names", "v1"], ["--project-version-arn", arn]
    aws(service[0], "wait", "project-version-training-completed", *of)
    aws(service[0], "start-project-version", *version, "--min-inference-units", "1")
    aws(service[0], "wait", "project-version-running", *of)
    (tmp_path / "blue.png").write_bytes(coloured("blue", 802))
    asked = ["--image-bytes", f"fileb://{tmp_path / 'blue.png'}", "--min-confidence", "0"]
    found = aws(service[0], "detect-custom-labels", *version, *asked)["CustomLabels"]
    assert [each["Name"] for each in found] == ["blue", "green"]
    assert aws(service[0], "stop-project-version", *version)["Status"] == "STOPPING"


@pytest.mark.long
def test_the_javascript_sdk_waits_starts_and_asks(service: tuple[Running, str], tmp_path: Path) -> None:
    with_packages(JS, tmp_path)
    manifest = _listed(service[1], "in-javascript")["GroundTruthManifest"]["S3Object"]
    (tmp_path / "blue.png").write_bytes(coloured("blue", 803))
    given = ["in-javascript", manifest["Bucket"], manifest["Name"], "results", str(tmp_path / "blue.png")]
    told = run(["node", "custom.mjs", *given], service[0], tmp_path)
    assert told["entries"] == 2 * PICTURES
    assert (told["trained"], told["running"]) == ("SUCCESS", "SUCCESS")
    assert told["version"]["Status"] == "RUNNING"
    assert [each["Name"] for each in told["found"]] == ["blue", "green"]
    assert told["refused"] == "ResourceInUseException"
    assert told["deleted"] == "DELETING"
