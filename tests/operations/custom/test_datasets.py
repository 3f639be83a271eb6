"""Datasets as clients see them: made empty, from a manifest or as a copy, described in every state, and deleted."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any
from unittest.mock import patch

import pytest

from regard.custom import tables
from regard.jobs.desk import Desk
from regard.operations.common.rooms import Rooms
from regard.operations.custom import importing
from regard.stores.errors import BucketRefused, ObjectUnavailable
from tests.helpers.customs import Line, Workshop, box, boxed, manifest, picture, place
from tests.helpers.fakes import ORGANIZATION, Clock
from tests.helpers.working import work_off

SEA = [picture("Sea", key=str(number)) for number in range(8)]


def desk_of(rooms: Rooms) -> Desk:
    assert rooms.jobs is not None
    return rooms.jobs


def test_a_manifest_becomes_a_dataset(shop: Workshop, clock: Clock) -> None:
    lines: list[Line | str] = [*SEA, boxed(box(), box(left=-1), key="b"), picture(key="plain"), ""]
    (shop.folder / "list.manifest").write_bytes(manifest(lines))
    arn = shop.dataset(shop.project(), DatasetSource=place())
    waiting = shop.described(arn)
    assert (waiting["Status"], waiting["StatusMessageCode"]) == ("CREATE_IN_PROGRESS", "SUCCESS")
    assert waiting["StatusMessage"] == "The dataset is being created."
    assert waiting["LastUpdatedTimestamp"] == waiting["CreationTimestamp"]
    assert set(waiting["DatasetStats"].values()) == {0}
    clock.now += 5
    assert work_off(shop.rooms) == 1
    assert shop.told(arn) == ("CREATE_COMPLETE", "SUCCESS", "The dataset was created.")
    done = shop.described(arn)
    assert (done["LastUpdatedTimestamp"] - done["CreationTimestamp"]).total_seconds() == 5
    assert done["DatasetStats"] == {"TotalEntries": 10, "LabeledEntries": 9, "TotalLabels": 2, "ErrorEntries": 1}
    assert shop.labels(arn) == {"Sea": (8, None), "Dot": (1, 1)}


def test_a_manifest_of_many_steps_is_read_to_its_end(shop: Workshop, rooms: Rooms) -> None:
    with patch.object(importing, "LINES", 3):
        arn = shop.imported([*SEA, *SEA[:2]])
    assert shop.keys(arn) == [str(number) for number in range(8)]
    (job,) = desk_of(rooms).all(ORGANIZATION, "CreateDataset")
    assert (job.steps, job.done) == (4, 10)


def test_nothing_is_listed_of_a_dataset_that_is_not_there_yet(shop: Workshop) -> None:
    project = shop.project()
    (shop.folder / "list.manifest").write_bytes(b"no manifest")
    arn, test = shop.dataset(project, DatasetSource=place()), shop.dataset(project, "TEST")

    def refusals() -> list[str]:
        named = ("ListDatasetEntries", "ListDatasetLabels", "UpdateDatasetEntries")
        given: dict[str, Any] = {"DatasetArn": arn}
        change = {"Changes": {"GroundTruth": b"{}"}}
        found = [shop.ask.refusal(name, **given, **(change if name[0] == "U" else {}))[0] for name in named]
        return [*found, shop.ask.refusal("DistributeDatasetEntries", Datasets=[{"Arn": arn}, {"Arn": test}])[0]]

    expected = ["ResourceNotReadyException"] * 2 + ["ResourceInUseException", "ResourceNotReadyException"]
    assert refusals() == expected
    assert shop.ask.refusal("DeleteDataset", DatasetArn=arn)[0] == "ResourceInUseException"
    copy = {"DatasetArn": arn}
    refused = shop.ask.refusal(
        "CreateDataset", ProjectArn=shop.project("other"), DatasetType="TEST", DatasetSource=copy
    )
    assert refused[0] == "InvalidParameterException"
    work_off(shop.rooms)
    assert shop.told(arn)[0] == "CREATE_FAILED"
    assert refusals() == expected
    assert shop.ask("DeleteDataset", DatasetArn=arn) == {}


def _refuse(error: Exception) -> Callable[..., Any]:
    def found(*_given: Any) -> Any:
        raise error

    return found


_UNSUPPORTED = "The manifest file extension or contents are invalid."
_MANY: list[Line | str] = [*SEA[:3], "", "{}"]


@pytest.mark.parametrize(
    ("lines", "limits", "message"),
    [
        ([], {}, _UNSUPPORTED),
        (["a,b", "c,d"], {}, _UNSUPPORTED),
        (_MANY, {}, "The manifest file has too many terminal errors. 2 of 5 lines are wrong, blank or repeated"),
        ([*SEA[:3], *SEA[:1]], {}, "The manifest file has too many terminal errors. 1 of 4 lines"),
        ([picture(*map(str, range(251)))], {}, "The manifest file has too many labels. A dataset has at most 250"),
        (SEA, {"MOST_ENTRIES": 7}, "The manifest file has too many rows. It has more than 7 lines."),
        (SEA, {"MOST_BYTES": 99}, "The manifest file size exceeds the maximum supported size."),
    ],
)
def test_a_manifest_that_cannot_be_taken_says_why_and_leaves_nothing(
    shop: Workshop, lines: list[Line | str], limits: dict[str, int], message: str
) -> None:
    changed: dict[str, Any] = {"LINES": 2} | limits
    with patch.multiple(importing, **changed):
        arn = shop.imported(lines)
    status, whose, said = shop.told(arn)
    assert (status, whose) == ("CREATE_FAILED", "CLIENT_ERROR")
    assert said.startswith(message)
    assert set(shop.described(arn)["DatasetStats"].values()) == {0}


@pytest.mark.parametrize(
    ("error", "message"),
    [
        (BucketRefused("set REGARD_S3_ALLOWED"), "The S3 bucket permissions are incorrect. set REGARD_S3_ALLOWED."),
        (ObjectUnavailable("it is gone"), f"{_UNSUPPORTED} it is gone."),
        (None, f"{_UNSUPPORTED} list.manifest was replaced since the dataset was asked for."),
    ],
)
def test_a_manifest_that_is_away_by_the_time_it_is_read_says_so(
    shop: Workshop, error: Exception | None, message: str
) -> None:
    file = shop.folder / "list.manifest"
    file.write_bytes(b"{}")
    arn = shop.dataset(shop.project(), DatasetSource=place())
    file.write_bytes(b"{ }")
    buckets = shop.rooms.pictures.buckets
    with patch.object(buckets, "found", _refuse(error) if error else buckets.found):
        work_off(shop.rooms)
    assert shop.told(arn) == ("CREATE_FAILED", "CLIENT_ERROR", message)


def test_a_manifest_that_is_not_there_is_refused_at_once(shop: Workshop) -> None:
    project = shop.project()
    refused = shop.ask.refusal("CreateDataset", ProjectArn=project, DatasetType="TRAIN", DatasetSource=place("none"))
    assert refused[0] == "InvalidS3ObjectException"
    nothing: dict[str, Any] = {"GroundTruthManifest": {}}
    nameless = {"GroundTruthManifest": {"S3Object": {"Bucket": "bucket"}}}
    for source in (nothing, nameless, place() | {"DatasetArn": "arn"}):
        refused = shop.ask.refusal("CreateDataset", ProjectArn=project, DatasetType="TRAIN", DatasetSource=source)
        assert refused[0] == "InvalidParameterException"
    (found,) = shop.ask("DescribeProjects")["ProjectDescriptions"]
    assert found["Datasets"] == []


def test_a_project_has_one_dataset_of_each_type(shop: Workshop, rooms: Rooms) -> None:
    project = shop.project()
    shop.dataset(project)
    (shop.folder / "list.manifest").write_bytes(b"{}")
    refused = shop.ask.refusal("CreateDataset", ProjectArn=project, DatasetType="TRAIN", DatasetSource=place())
    assert refused[0] == "ResourceAlreadyExistsException"
    assert desk_of(rooms).all() == []
    shop.dataset(project, "TEST")


def test_one_job_too_many_is_refused_and_makes_no_dataset(shop: Workshop) -> None:
    (shop.folder / "list.manifest").write_bytes(b"{}")
    for number in range(20):
        shop.dataset(shop.project(str(number)), DatasetSource=place())
    project = shop.project("more")
    refused = shop.ask.refusal("CreateDataset", ProjectArn=project, DatasetType="TRAIN", DatasetSource=place())
    assert refused[0] == "LimitExceededException"
    shop.dataset(project)


def test_a_dataset_is_copied_between_projects(shop: Workshop) -> None:
    lines: list[Line | str] = [*SEA, boxed(box(), box(left=-1), key="b"), picture(key="plain")]
    source = shop.imported(lines)
    with patch.object(importing, "LINES", 3):
        copy = shop.dataset(shop.project("other"), "TEST", DatasetSource={"DatasetArn": source})
        work_off(shop.rooms)
    assert shop.told(copy)[0] == "CREATE_COMPLETE"
    assert (shop.entries(copy), shop.labels(copy)) == (shop.entries(source), shop.labels(source))
    shop.ask("DeleteDataset", DatasetArn=source)
    assert len(shop.entries(copy)) == 10
    empty = shop.dataset(shop.project("empty"))
    again = shop.dataset(shop.project("again"), DatasetSource={"DatasetArn": empty})
    work_off(shop.rooms)
    assert (shop.told(again)[0], shop.entries(again)) == ("CREATE_COMPLETE", [])


def test_a_dataset_that_changes_while_it_is_copied_is_not_half_copied(shop: Workshop) -> None:
    source = shop.imported(SEA)
    for change in (
        lambda: shop.update(source, picture("Sun", key="new")),
        lambda: shop.ask("DeleteDataset", DatasetArn=source),
    ):
        project = shop.project(f"copy-{change.__code__.co_firstlineno}")
        copy = shop.dataset(project, DatasetSource={"DatasetArn": source})
        change()
        work_off(shop.rooms)
        status, whose, said = shop.told(copy)
        assert (status, whose) == ("CREATE_FAILED", "SERVICE_ERROR")
        assert "changed or deleted meanwhile" in said
        assert shop.described(copy)["DatasetStats"]["TotalEntries"] == 0


def test_only_a_dataset_of_the_same_feature_is_copied(shop: Workshop) -> None:
    source = shop.imported(SEA)
    adapter = shop.project("adapter", Feature="CONTENT_MODERATION", AutoUpdate="DISABLED")
    copy = {"DatasetArn": source}
    refused = shop.ask.refusal("CreateDataset", ProjectArn=adapter, DatasetType="TRAIN", DatasetSource=copy)
    assert refused[0] == "InvalidParameterException"
    gone = {"DatasetArn": source[:-1] + ("1" if source[-1] != "1" else "2")}
    refused = shop.ask.refusal("CreateDataset", ProjectArn=adapter, DatasetType="TRAIN", DatasetSource=gone)
    assert refused[0] == "ResourceNotFoundException"


def test_lines_of_adapters_are_of_projects_of_content_moderation(shop: Workshop) -> None:
    truth = {"ModerationLabels": [{"Name": "Rude Gesture"}]}
    lines: list[Line | str] = [
        {"source-ref": f"s3://bucket/{number}", "content-moderation-groundtruth": truth} for number in range(3)
    ]
    given: dict[str, Any] = {"Feature": "CONTENT_MODERATION", "AutoUpdate": "ENABLED"}
    assert shop.labels(shop.imported(lines, "adapter", **given)) == {"Rude Gesture": (3, None)}
    assert shop.told(shop.imported(lines, "labels"))[0] == "CREATE_FAILED"


def test_a_deleted_dataset_is_gone_with_its_key(shop: Workshop, rooms: Rooms) -> None:
    arn = shop.imported(SEA)
    with rooms.gallery.reading() as connection:
        assert rooms.custom is not None
        _, dataset = rooms.custom.datasets.find(connection, ORGANIZATION, arn)
    assert rooms.gallery.house_key(dataset.key) is not None
    assert shop.ask("DeleteDataset", DatasetArn=arn) == {}
    assert rooms.gallery.house_key(dataset.key) is None
    assert shop.ask.refusal("DescribeDataset", DatasetArn=arn)[0] == "ResourceNotFoundException"
    with rooms.gallery.reading() as connection:
        for table in (tables.entries, tables.labels, tables.entry_labels, tables.entry_people):
            assert connection.execute(table.select()).all() == []


def test_a_dataset_whose_job_was_cancelled_or_is_gone_can_be_deleted(
    shop: Workshop, rooms: Rooms, clock: Clock
) -> None:
    (shop.folder / "list.manifest").write_bytes(b"{}")
    first, second = (shop.dataset(shop.project(name), DatasetSource=place()) for name in ("first", "second"))
    (later, sooner) = desk_of(rooms).all()
    assert desk_of(rooms).cancel(sooner.id)
    told = [shop.told(arn) for arn in (first, second)]
    assert sorted(each[0] for each in told) == ["CREATE_FAILED", "CREATE_IN_PROGRESS"]
    assert ("CREATE_FAILED", "SERVICE_ERROR", "Cancelled by the operator.") in told
    clock.now += 8 * 24 * 3600
    desk_of(rooms).expire()
    for arn in (first, second):
        assert shop.ask("DeleteDataset", DatasetArn=arn) == {}
    assert later.id != sooner.id


def test_a_job_that_failed_and_is_tried_again_leaves_the_dataset_failed(shop: Workshop, rooms: Rooms) -> None:
    arn = shop.imported(["no JSON"])
    (job,) = desk_of(rooms).all()
    assert desk_of(rooms).retry(job.id)
    work_off(rooms)
    assert shop.told(arn)[0] == "CREATE_FAILED"
    assert "Create it again" in desk_of(rooms).find(job.id).cause
