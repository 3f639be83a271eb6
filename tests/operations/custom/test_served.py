"""A service, a store and boto3, unchanged: from a project to its datasets and back, with a worker that is killed."""

from __future__ import annotations

import json
import os
import signal
import time
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from tests.helpers.customs import Line, box, boxed, manifest, picture
from tests.helpers.own_client import OwnClient
from tests.helpers.running import Running, running
from tests.helpers.stores import store, store_client, store_settings
from tests.jobs.test_served import workers_of

pytestmark = pytest.mark.sqlite
PATIENCE = 120.0
MANY = 6_000
LINES: list[Line | str] = [
    *(picture("screw" if number % 2 else "nut", key=f"{number:02}.png") for number in range(20)),
    *(boxed(box(), box(left=-1), key="box.png"), picture(key="plain.png"), "no JSON"),
]


@pytest.fixture(scope="module")
def service(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Running]:
    """A service whose organizations may read the bucket `parts`."""
    with store() as address:
        bucket = store_client(address)
        bucket.create_bucket(Bucket="parts")
        many: list[Line | str] = [picture("screw", key=str(number)) for number in range(MANY)]
        for name, lines in (("few.manifest", LINES), ("many.manifest", many)):
            bucket.put_object(Bucket="parts", Key=name, Body=manifest(lines))
        settings = store_settings(address, "*=parts/") | {"REGARD_JOBS_WORKERS": "1"}
        with running(tmp_path_factory.mktemp("custom"), **settings) as started:
            yield started


def _source(name: str) -> dict[str, Any]:
    return {"GroundTruthManifest": {"S3Object": {"Bucket": "parts", "Name": name}}}


def _until(client: Any, dataset: str, holds: Callable[[dict[str, Any]], bool]) -> dict[str, Any]:
    """The description of a dataset once something holds of it, as the guide's samples poll for it."""
    until = time.monotonic() + PATIENCE
    while time.monotonic() < until:
        found: dict[str, Any] = client.describe_dataset(DatasetArn=dataset)["DatasetDescription"]
        # What the samples read unguarded, in every state.
        assert found["StatusMessage"]
        assert found["StatusMessageCode"]
        assert found["LastUpdatedTimestamp"]
        if holds(found):
            return found
        time.sleep(0.1)
    raise TimeoutError(dataset)


def _entries(client: Any, dataset: str, **wanted: Any) -> list[Line]:
    """All entries, page by page, as the guide's sample asks for them: from an empty token on."""
    found: list[Line] = []
    token, finished = "", False
    while not finished:
        answer = client.list_dataset_entries(DatasetArn=dataset, MaxResults=7, NextToken=token, **wanted)
        found += map(json.loads, answer["DatasetEntries"])
        token = answer.get("NextToken", "")
        finished = not token
    return found


@pytest.mark.slow("starts a service and a worker")
def test_a_client_goes_from_a_project_to_its_datasets_and_back(service: Running) -> None:
    client = service.client()
    project = client.create_project(ProjectName="parts", Tags={"team": "shop"})["ProjectArn"]
    given: dict[str, Any] = {"ProjectArn": project, "DatasetSource": _source("few.manifest")}
    train = client.create_dataset(DatasetType="TRAIN", **given)["DatasetArn"]
    done = _until(client, train, lambda found: "IN_PROGRESS" not in found["Status"])
    assert (done["Status"], done["StatusMessageCode"]) == ("CREATE_COMPLETE", "SUCCESS")
    assert done["DatasetStats"] == {"TotalEntries": 22, "LabeledEntries": 21, "TotalLabels": 3, "ErrorEntries": 1}
    paged = client.get_paginator("list_dataset_entries").paginate(DatasetArn=train, PaginationConfig={"PageSize": 9})
    assert [json.loads(each) for page in paged for each in page["DatasetEntries"]] == _entries(client, train)
    (wrong,) = _entries(client, train, HasErrors=True)
    assert wrong["bb"]["annotations"][1]["cl-errors"][0]["code"] == "ERROR_INVALID_BOUNDING_BOX"
    # Text, as samples send it: boto3 makes base64 of it once.
    change = json.dumps(picture("nut", key="plain.png")) + "\n"
    client.update_dataset_entries(DatasetArn=train, Changes={"GroundTruth": change})
    _until(client, train, lambda found: found["Status"] == "UPDATE_COMPLETE")
    paged = client.get_paginator("list_dataset_labels").paginate(DatasetArn=train)
    labels = {each["LabelName"]: each["LabelStats"] for page in paged for each in page["DatasetLabelDescriptions"]}
    assert labels["nut"] == {"EntryCount": 11}
    assert labels["Dot"] == {"EntryCount": 1, "BoundingBoxCount": 1}
    _remove(service, train, "s3://bucket/box.png")
    test = client.create_dataset(DatasetType="TEST", ProjectArn=project)["DatasetArn"]
    client.distribute_dataset_entries(Datasets=[{"Arn": train}, {"Arn": test}])
    for arn, entries in ((train, 17), (test, 4)):
        done = _until(client, arn, lambda found: found["Status"] == "UPDATE_COMPLETE")
        assert done["DatasetStats"]["TotalEntries"] == entries
    (found,) = client.describe_projects(ProjectNames=["parts"])["ProjectDescriptions"]
    assert [each["DatasetArn"] for each in found["Datasets"]] == [train, test]
    client.delete_dataset(DatasetArn=test)
    with pytest.raises(client.exceptions.ResourceNotFoundException):
        client.describe_dataset(DatasetArn=test)
    assert client.delete_project(ProjectArn=project)["Status"] == "DELETING"
    assert client.describe_projects(ProjectNames=["parts"])["ProjectDescriptions"] == []


def _remove(service: Running, dataset: str, source: str) -> None:
    ask = OwnClient(service.url, service.environment["AWS_ACCESS_KEY_ID"], service.environment["AWS_SECRET_ACCESS_KEY"])
    body = {"dataset": dataset, "source_ref": source}
    answer = ask("POST", "/datasets/entries/remove", body)
    assert (answer.status_code, answer.json()) == (200, {"removed_from": [dataset], "withdrawn": []}), answer.text
    assert answer.headers["x-regard-entry"]
    again = ask("POST", "/datasets/entries/remove", body)
    assert (again.status_code, f"none of {source}" in again.text) == (404, True)
    assert ask("POST", "/datasets/entries/remove", body | {"more": 1}).status_code == 400


@pytest.mark.long
@pytest.mark.slow("kills a worker, and waits for the next")
def test_a_worker_that_is_killed_while_it_imports_is_gone_on_for(service: Running) -> None:
    client = service.client()
    project = client.create_project(ProjectName="many")["ProjectArn"]
    given: dict[str, Any] = {"ProjectArn": project, "DatasetSource": _source("many.manifest")}
    train = client.create_dataset(DatasetType="TRAIN", **given)["DatasetArn"]
    begun = _until(client, train, lambda found: found["DatasetStats"]["TotalEntries"] > 0)
    for worker in workers_of(service.process.pid):
        os.kill(worker, signal.SIGKILL)
    done = _until(client, train, lambda found: "IN_PROGRESS" not in found["Status"])
    assert begun["Status"] == "CREATE_IN_PROGRESS"
    assert begun["DatasetStats"]["TotalEntries"] < MANY
    assert (done["Status"], done["DatasetStats"]["TotalEntries"]) == ("CREATE_COMPLETE", MANY)
    assert client.list_dataset_labels(DatasetArn=train)["DatasetLabelDescriptions"][0]["LabelStats"] == {
        "EntryCount": MANY
    }
