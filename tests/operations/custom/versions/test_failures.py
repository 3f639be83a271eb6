"""Trainings that come to nothing: each with its code, a text that helps, and the files that tell of the manifests."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest

from regard.operations.common.pictures import PictureReader
from regard.operations.common.rooms import Rooms
from regard.operations.custom.versions import reading
from regard.settings import Settings
from regard.stores.buckets import Buckets
from tests.helpers.custom import coloured, described, file_at, line, project_of, put_manifest, put_pictures, settings_of
from tests.helpers.fakes import Client
from tests.helpers.stores import store_client
from tests.helpers.working import work_off
from tests.operations.custom.versions.conftest import Shop
from tests.operations.custom.versions.test_training import begin

Lines = list[Any]
AUTO = {"AutoCreate": True}


def failed(client: Client, rooms: Rooms, shop: Shop, training: Lines, testing: Lines | None) -> dict[str, Any]:
    """The description of a version that is trained with these lines."""
    project = project_of(rooms, "parts")
    given: dict[str, Any] = {"TrainingData": {"Assets": [put_manifest(shop.endpoint, "bad.jsonl", training)]}}
    given["TestingData"] = AUTO
    if testing is not None:
        given["TestingData"] = {"Assets": [put_manifest(shop.endpoint, "other.jsonl", testing)]}
    begin(client, shop, project, **given)
    work_off(rooms)
    return described(client, project)


def relabelled(lines: Lines, *names: str) -> Lines:
    """The same pictures, each with the next of these labels."""
    keys = [each["source-ref"].removeprefix("s3://pictures/") for each in lines]
    return [line(key, names[place % len(names)]) for place, key in enumerate(keys)]


@pytest.mark.long
@pytest.mark.parametrize(
    ("code", "training", "testing", "said"),
    [
        ("TOO_MANY_INVALID_ROWS_IN_MANIFEST", lambda shop: [*shop.lines[:7], "{}", "", "[1]"], None, "3 of 10"),
        (
            "IMAGES_IN_MULTIPLE_S3_BUCKETS",
            lambda shop: [*shop.lines, line("train/blue-0.png", "blue", bucket="others")],
            None,
            "others, pictures",
        ),
        (
            "INVALID_PERMISSIONS_IMAGES_S3_BUCKET",
            lambda shop: [line(f"{n}.png", ("blue", "green")[n % 2], bucket="others") for n in range(4)],
            None,
            "REGARD_S3_ALLOWED",
        ),
        (
            "INSUFFICIENT_IMAGES_PER_LABEL_FOR_AUTOSPLIT",
            lambda shop: [*shop.lines, line("test/green-100.png", "one")],
            None,
            "one",
        ),
        ("MANIFEST_TOO_FEW_LABELS", lambda shop: relabelled(shop.lines, "blue"), None, "blue"),
        (
            "MANIFEST_TOO_MANY_LABELS",
            lambda shop: [line("train/blue-0.png", *(str(n) for n in range(251)))],
            None,
            "251",
        ),
        (
            "MANIFEST_TOO_FEW_USABLE_LABELS",
            lambda shop: [*(each for each in shop.lines if "blue" in each["source-ref"]), line("train/gone.png", "x")],
            lambda shop: [*shop.others, line("test/gone.png", "x")],
            "blue",
        ),
        (
            "INSUFFICIENT_LABEL_OVERLAP",
            lambda shop: shop.lines,
            lambda shop: relabelled(shop.others, "blue", "red", "white"),
            "red",
        ),
        (
            "INSUFFICIENT_USABLE_LABEL_OVERLAP",
            lambda shop: shop.lines,
            lambda shop: [*relabelled(shop.others, "red"), line("test/gone.png", "blue", "green")],
            "red",
        ),
    ],
)
def test_what_is_wrong_with_manifests_is_told_in_files(
    client: Client,
    rooms: Rooms,
    shop: Shop,
    code: str,
    training: Callable[[Shop], Lines],
    testing: Callable[[Shop], Lines] | None,
    said: str,
) -> None:
    told = failed(client, rooms, shop, training(shop), testing(shop) if testing else None)
    assert told["Status"] == "TRAINING_FAILED"
    assert said in told["StatusMessage"]
    assert "EvaluationResult" not in told
    assert "BillableTrainingTimeInSeconds" not in told
    summary = json.loads(file_at(shop.endpoint, told["ManifestSummary"]))
    assert [each["code"] for each in summary["errors"]] == [f"ERROR_{code}"]
    place = told["TrainingDataResult"]["Validation"]["Assets"][0]["GroundTruthManifest"]
    assert len(file_at(shop.endpoint, place).splitlines()) == len(training(shop))


@pytest.mark.long
def test_a_picture_that_is_wrong_spoils_its_line_alone(client: Client, rooms: Rooms, shop: Shop) -> None:
    small = put_pictures(shop.endpoint, "small", [0], ["green"])
    low = coloured("green", 1, (30, 90))
    store_client(shop.endpoint).put_object(Bucket="pictures", Key="small/green-0.png", Body=low)
    lines = [*shop.lines, line("gone.png", "blue"), *small, shop.lines[0]]
    told = failed(client, rooms, shop, lines, None)
    assert told["Status"] == "TRAINING_COMPLETED"
    summary = json.loads(file_at(shop.endpoint, told["ManifestSummary"]))["statistics"]
    both = [summary["training"], summary["testing"]]
    assert sum(each["valid_json_lines"] for each in both) == len(shop.lines)
    assert (both[0]["invalid_json_lines"], both[0]["ignored_json_lines"]) == (2, 1)
    place = told["TrainingDataResult"]["Validation"]["Assets"][0]["GroundTruthManifest"]
    validated = [json.loads(each) for each in file_at(shop.endpoint, place).splitlines()]
    wrong = {each["source-ref"]: each["errors"][0]["code"] for each in validated if "errors" in each}
    assert wrong == {
        "s3://pictures/gone.png": "ERROR_INVALID_IMAGE",
        "s3://pictures/small/green-0.png": "ERROR_INVALID_IMAGE_DIMENSION",
    }


_TOO_LARGE = "The manifest file size exceeds the maximum supported size."


@pytest.mark.parametrize(
    ("place", "limits", "text"),
    [
        ({"Bucket": "pictures", "Name": "none.jsonl"}, {}, "The manifest file extension or contents are invalid."),
        ({"Bucket": "others", "Name": "train.jsonl"}, {}, "The S3 bucket permissions are incorrect."),
        ({"Bucket": "pictures", "Name": "train.jsonl"}, {"MOST_BYTES": 100}, _TOO_LARGE),
        ({"Bucket": "pictures", "Name": "train.jsonl"}, {"MOST_LINES": 9}, f"{_TOO_LARGE} It has more than 9 lines."),
        ({"Bucket": "pictures", "Name": "empty.jsonl"}, {}, "The manifest file is empty."),
    ],
)
def test_a_manifest_that_cannot_be_read_leaves_no_files(
    client: Client,
    rooms: Rooms,
    shop: Shop,
    monkeypatch: pytest.MonkeyPatch,
    place: dict[str, str],
    limits: dict[str, int],
    text: str,
) -> None:
    put_manifest(shop.endpoint, "empty.jsonl", [])
    for name, value in limits.items():
        monkeypatch.setattr(reading, name, value)
    project = project_of(rooms, "unread")
    asset = {"GroundTruthManifest": {"S3Object": place}}
    begin(client, shop, project, TrainingData={"Assets": [asset]}, TestingData=AUTO)
    work_off(rooms)
    told = described(client, project)
    assert told["Status"] == "TRAINING_FAILED"
    assert told["StatusMessage"].startswith(text)
    assert not {"ManifestSummary", "TrainingDataResult", "EvaluationResult"} & told.keys()


def test_a_bucket_that_takes_nothing_fails_the_training(client: Client, rooms: Rooms, shop: Shop) -> None:
    project = project_of(rooms, "unwritten")
    begin(client, shop, project)
    kept = settings_of(shop.endpoint)
    forbidding = Settings(**{name: getattr(kept, name) for name in Settings.__struct_fields__} | {"s3_writable": ()})
    work_off(replace(rooms, pictures=PictureReader(Buckets(forbidding))))
    told = described(client, project)
    assert told["Status"] == "TRAINING_FAILED"
    assert told["StatusMessage"].startswith("Unable to write to output S3 bucket.")
    assert "REGARD_S3_WRITABLE" in told["StatusMessage"]


def test_a_store_that_is_away_can_be_tried_again(
    client: Client, rooms: Rooms, shop: Shop, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("regard.stores.patience.PAUSES", ())
    project = project_of(rooms, "away")
    begin(client, shop, project)
    near = rooms.pictures.buckets
    far = Buckets(
        Settings(
            **{name: getattr(settings_of(shop.endpoint), name) for name in Settings.__struct_fields__}
            | {"s3_endpoint": "http://127.0.0.1:9"}
        )
    )

    class Ending(Buckets):
        def __init__(self) -> None:
            self.left = 5

        def found(self, *where: Any) -> Any:
            self.left -= 1
            return (near if self.left > 0 else far).found(*where)

        def write(self, *what: Any) -> None:
            near.write(*what)

    work_off(replace(rooms, pictures=PictureReader(Ending())))
    told = described(client, project)
    assert told["Status"] == "TRAINING_FAILED"
    assert told["StatusMessage"].startswith("Images could not be copied from S3.")
    assert rooms.jobs is not None
    (job,) = rooms.jobs.all()
    assert rooms.jobs.retry(job.id)
    work_off(rooms)
    done = described(client, project)
    assert (done["Status"], "EvaluationResult" in done) == ("TRAINING_COMPLETED", True)


def test_a_version_that_is_deleted_once_it_failed_comes_not_back(client: Client, rooms: Rooms, shop: Shop) -> None:
    project = project_of(rooms, "gone")
    arn = begin(client, shop, project)
    assert rooms.jobs is not None
    (job,) = rooms.jobs.all()
    rooms.jobs.cancel(job.id)
    cancelled = described(client, project)
    assert (cancelled["Status"], cancelled["StatusMessage"]) == ("TRAINING_FAILED", "Cancelled by the operator.")
    client("DeleteProjectVersion", ProjectVersionArn=arn)
    rooms.jobs.retry(job.id)
    work_off(rooms)
    assert rooms.jobs.find(job.id).cause == "The version was deleted."
    assert client("DescribeProjectVersions", ProjectArn=project) == {"ProjectVersionDescriptions": []}
