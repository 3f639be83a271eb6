"""A service, a store and boto3, unchanged: what AWS's guide does with a project, from its creation to its deletion."""

from __future__ import annotations

import time
from collections.abc import Iterator
from typing import Any

import pytest

from tests.helpers.custom import coloured, put_manifest, put_pictures
from tests.helpers.running import Running, running
from tests.helpers.stores import store, store_client, store_settings

pytestmark = pytest.mark.sqlite("a service of its own, as a user starts it")
# The default waiters ask every 120 and 30 seconds.
SOON = {"Delay": 1, "MaxAttempts": 120}


@pytest.fixture(scope="module")
def service(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Running, str]]:
    with store() as address:
        for bucket in ("pictures", "results"):
            store_client(address).create_bucket(Bucket=bucket)
        settings = store_settings(address, "*=pictures/") | {"REGARD_S3_WRITABLE": "*=results/"}
        settings["REGARD_JOBS_WORKERS"] = "1"
        with running(tmp_path_factory.mktemp("custom") / "data", **settings) as started:
            yield started, address


@pytest.mark.slow("starts a service and a worker, which loads its models")
def test_what_the_guide_does_runs_unchanged(service: tuple[Running, str]) -> None:
    client, address = service[0].client(), service[1]
    lines = put_pictures(address, "guide", range(10), ("green", "blue"))
    manifest = put_manifest(address, "guide.jsonl", lines)
    project = client.create_project(ProjectName="my-project")["ProjectArn"]
    dataset = client.create_dataset(ProjectArn=project, DatasetType="TRAIN", DatasetSource=manifest)["DatasetArn"]
    _until_ready(client, dataset)
    asked = {"ProjectArn": project, "VersionName": "v1", "OutputConfig": {"S3Bucket": "results", "S3KeyPrefix": "out"}}
    arn = client.create_project_version(**asked, Tags={"colour": "any"})["ProjectVersionArn"]
    assert client.list_tags_for_resource(ResourceArn=arn)["Tags"] == {"colour": "any"}
    with pytest.raises(client.exceptions.ResourceInUseException):
        client.delete_dataset(DatasetArn=dataset)
    client.get_waiter("project_version_training_completed").wait(ProjectArn=project, WaiterConfig=SOON)
    (told,) = client.describe_project_versions(ProjectArn=project, VersionNames=["v1"])["ProjectVersionDescriptions"]
    assert told["Status"] == "TRAINING_COMPLETED"
    assert told["TrainingDataResult"]["Input"] == {}
    assert told["TestingDataResult"]["Input"] == {"AutoCreate": False}
    assert told["EvaluationResult"]["F1Score"] > 0.5
    begun = time.monotonic()
    client.start_project_version(ProjectVersionArn=arn, MinInferenceUnits=1)
    client.get_waiter("project_version_running").wait(ProjectArn=project, VersionNames=["v1"], WaiterConfig=SOON)
    assert time.monotonic() - begun < 5
    found = client.detect_custom_labels(ProjectVersionArn=arn, Image={"Bytes": coloured("blue", 800)}, MinConfidence=0)
    assert [each["Name"] for each in found["CustomLabels"]] == ["blue", "green"]
    client.stop_project_version(ProjectVersionArn=arn)
    with pytest.raises(client.exceptions.ResourceInUseException):
        client.delete_project(ProjectArn=project)
    client.delete_project_version(ProjectVersionArn=arn)
    client.delete_dataset(DatasetArn=dataset)
    assert client.delete_project(ProjectArn=project)["Status"] == "DELETING"
    assert client.describe_projects()["ProjectDescriptions"] == []


def _until_ready(client: Any, dataset: str) -> None:
    for _ in range(240):
        told = client.describe_dataset(DatasetArn=dataset)["DatasetDescription"]
        if told["Status"] != "CREATE_IN_PROGRESS":
            assert told["Status"] == "CREATE_COMPLETE", told
            return
        time.sleep(0.25)
    raise TimeoutError(dataset)
