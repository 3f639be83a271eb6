"""Projects as clients see them: made, listed a page at a time with their datasets, tagged, and deleted."""

from __future__ import annotations

from typing import Any

import pytest

from regard.operations.common.rooms import Rooms
from tests.helpers.customs import Workshop, picture, place
from tests.helpers.fakes import ORGANIZATION, Client, Clock

STRANGER = "999999999999"
ADAPTER: dict[str, Any] = {"Feature": "CONTENT_MODERATION", "AutoUpdate": "DISABLED"}


def names(answer: dict[str, Any]) -> list[str]:
    return [each["ProjectArn"].split("/")[1] for each in answer["ProjectDescriptions"]]


def test_a_project_is_described_with_its_datasets(shop: Workshop, clock: Clock) -> None:
    arn = shop.project()
    assert arn == f"arn:aws:rekognition:eu-central-1:{ORGANIZATION}:project/parts/{int(clock.now * 1000)}"
    clock.now += 1
    train = shop.dataset(arn)
    assert train.split(":project/")[1] == f"parts/dataset/train/{int(clock.now * 1000)}"
    clock.now += 1
    test = shop.dataset(arn, "TEST")
    (found,) = shop.ask("DescribeProjects", ProjectNames=["parts"])["ProjectDescriptions"]
    assert (found["ProjectArn"], found["Status"], found["Feature"]) == (arn, "CREATED", "CUSTOM_LABELS")
    assert found["CreationTimestamp"].timestamp() == clock.now - 2
    assert "AutoUpdate" not in found
    told = [(each["DatasetType"], each["DatasetArn"], each["Status"]) for each in found["Datasets"]]
    assert told == [("TRAIN", train, "CREATE_COMPLETE"), ("TEST", test, "CREATE_COMPLETE")]
    assert {(each["StatusMessageCode"], each["StatusMessage"]) for each in found["Datasets"]} == {
        ("SUCCESS", "The dataset was created.")
    }


def test_listings_are_of_custom_labels_unless_features_are_named(shop: Workshop) -> None:
    shop.project("labels")
    shop.project("adapter", **ADAPTER)
    assert names(shop.ask("DescribeProjects")) == ["labels"]
    assert names(shop.ask("DescribeProjects", Features=["CONTENT_MODERATION", "CUSTOM_LABELS"])) == [
        "labels",
        "adapter",
    ]
    (found,) = shop.ask("DescribeProjects", Features=["CONTENT_MODERATION"])["ProjectDescriptions"]
    assert found["AutoUpdate"] == "DISABLED"
    assert names(shop.ask("DescribeProjects", ProjectNames=["nobody"])) == []


def test_listings_come_a_page_at_a_time_and_an_empty_token_is_none(shop: Workshop) -> None:
    for number in range(5):
        shop.project(f"p{number}")
    first = shop.ask("DescribeProjects", MaxResults=2, NextToken="")
    second = shop.ask("DescribeProjects", MaxResults=2, NextToken=first["NextToken"])
    third = shop.ask("DescribeProjects", MaxResults=2, NextToken=second["NextToken"])
    assert [names(page) for page in (first, second, third)] == [["p0", "p1"], ["p2", "p3"], ["p4"]]
    assert "NextToken" not in third
    code, _ = shop.ask.refusal("DescribeProjects", MaxResults=2, NextToken="forged")
    assert code == "InvalidPaginationTokenException"


@pytest.mark.parametrize(
    "given",
    [
        {"Feature": "CONTENT_MODERATION"},
        {"AutoUpdate": "ENABLED"},
        {"Feature": "CUSTOM_LABELS", "AutoUpdate": "DISABLED"},
    ],
)
def test_auto_update_is_an_adapters_alone(shop: Workshop, given: dict[str, Any]) -> None:
    assert shop.ask.refusal("CreateProject", ProjectName="parts", **given)[0] == "InvalidParameterException"


def test_a_name_that_is_taken_is_refused(shop: Workshop) -> None:
    shop.project()
    assert shop.ask.refusal("CreateProject", ProjectName="parts")[0] == "ResourceInUseException"


def test_a_deleted_project_is_gone_with_its_datasets(shop: Workshop) -> None:
    arn = shop.project()
    dataset = shop.dataset(arn)
    shop.update(dataset, picture("Sea"))
    assert shop.ask("DeleteProject", ProjectArn=arn) == {"Status": "DELETING"}
    assert names(shop.ask("DescribeProjects", ProjectNames=["parts"])) == []
    for operation, given in (("DeleteProject", {"ProjectArn": arn}), ("DescribeDataset", {"DatasetArn": dataset})):
        assert shop.ask.refusal(operation, **given)[0] == "ResourceNotFoundException"
    shop.project()


def test_a_project_whose_dataset_is_made_is_in_use(shop: Workshop) -> None:
    arn = shop.project()
    (shop.folder / "list.manifest").write_bytes(b"{}")
    shop.dataset(arn, DatasetSource=place())
    assert shop.ask.refusal("DeleteProject", ProjectArn=arn)[0] == "ResourceInUseException"


def test_projects_and_datasets_carry_tags(shop: Workshop) -> None:
    project = shop.project(Tags={"team": "a"})
    dataset = shop.dataset(project, Tags={"set": "1"})
    for arn, tags in ((project, {"team": "a"}), (dataset, {"set": "1"})):
        assert shop.ask("ListTagsForResource", ResourceArn=arn) == {"Tags": tags}
        assert shop.ask("TagResource", ResourceArn=arn, Tags={"more": "2"}) == {}
        assert shop.ask("UntagResource", ResourceArn=arn, TagKeys=[*tags, "none"]) == {}
        assert shop.ask("ListTagsForResource", ResourceArn=arn) == {"Tags": {"more": "2"}}
        many = {str(number): "" for number in range(200)}
        assert shop.ask.refusal("TagResource", ResourceArn=arn, Tags=many)[0] == "ServiceQuotaExceededException"
        gone = arn[:-1] + ("1" if arn[-1] != "1" else "2")
        assert shop.ask.refusal("ListTagsForResource", ResourceArn=gone)[0] == "ResourceNotFoundException"


def test_another_organization_sees_nothing_of_it(shop: Workshop, rooms: Rooms) -> None:
    project = shop.project()
    dataset = shop.dataset(project)
    stranger = Client(rooms, STRANGER)
    assert stranger("DescribeProjects") == {"ProjectDescriptions": []}
    asked: list[tuple[str, dict[str, Any]]] = [
        ("DeleteProject", {"ProjectArn": project}),
        ("CreateDataset", {"ProjectArn": project, "DatasetType": "TEST"}),
    ]
    named = ("DescribeDataset", "DeleteDataset", "ListDatasetEntries", "ListDatasetLabels")
    asked += [(name, {"DatasetArn": dataset}) for name in named]
    asked += [("UpdateDatasetEntries", {"DatasetArn": dataset, "Changes": {"GroundTruth": b"{}"}})]
    asked += [("DistributeDatasetEntries", {"Datasets": [{"Arn": dataset}, {"Arn": dataset}]})]
    asked += [("ListTagsForResource", {"ResourceArn": arn}) for arn in (project, dataset)]
    for name, given in asked:
        code, text = stranger.refusal(name, **given)
        assert (code, "does not exist" in text) == ("ResourceNotFoundException", True), name
