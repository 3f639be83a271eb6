"""Entries as clients see them: added, replaced, removed, listed by what is asked for, and distributed."""

from __future__ import annotations

import itertools
import json
import random
from collections import Counter
from pathlib import Path
from typing import Any
from unittest.mock import patch

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import text

from regard.custom import entries as rows
from regard.custom.errors import ResourceInUse
from regard.operations.common.errors import ApiError
from regard.operations.common.rooms import Rooms
from tests.helpers.customs import FAULTS, Line, Workshop, box, boxed, picture, place
from tests.helpers.fakes import ask_ours


@pytest.fixture
def dataset(shop: Workshop) -> str:
    return shop.dataset(shop.project())


def test_lines_are_added_and_replaced_by_their_source(shop: Workshop, dataset: str) -> None:
    shop.update(dataset, picture("Sea", key="1"), picture("Sun", "Sea", key="2"), picture(key="3"))
    assert shop.told(dataset) == ("UPDATE_COMPLETE", "SUCCESS", "The dataset was updated.")
    assert shop.labels(dataset) == {"Sea": (2, None), "Sun": (1, None)}
    shop.update(dataset, picture("Rain", key="2"), boxed(box(), box(of=0), box(), key="4"))
    assert shop.keys(dataset) == ["1", "2", "3", "4"]
    assert shop.labels(dataset) == {"Sea": (1, None), "Rain": (1, None), "Dot": (1, 1), "Echo": (1, 1)}
    stats = shop.described(dataset)["DatasetStats"]
    assert stats == {"LabeledEntries": 3, "TotalEntries": 4, "TotalLabels": 4, "ErrorEntries": 0}


def test_what_is_listed_is_the_line_and_what_is_wrong_with_it(shop: Workshop, dataset: str) -> None:
    good = picture("Sea", key="good")
    shop.update(
        dataset, good, *[picture("Sun", key=f"{number}") for number in range(8)], boxed(box(left=-1), key="bad")
    )
    assert shop.entries(dataset)[0] == good | {"cl-metadata": {"is_labeled": True}}
    (wrong,) = shop.entries(dataset, HasErrors=True)
    assert [each["code"] for each in wrong["cl-errors"]] == ["ERROR_NO_VALID_LABEL_ATTRIBUTES"]
    assert shop.described(dataset)["DatasetStats"]["ErrorEntries"] == 1
    shop.update(dataset, boxed(box(), key="bad"))
    assert shop.entries(dataset, HasErrors=True) == []
    shop.update(dataset, *shop.ask("ListDatasetEntries", DatasetArn=dataset)["DatasetEntries"])
    assert shop.entries(dataset)[0] == good | {"cl-metadata": {"is_labeled": True}}


def test_listings_are_of_what_is_asked_for(shop: Workshop, dataset: str) -> None:
    shop.update(
        dataset,
        *(picture("Sea", key="sea/1"), picture("Sun", key="sun/1"), picture("Sea", "Sun", key="both/1")),
        *(picture(key="none/1"), picture("Rain", key="rain/1"), boxed(box(), box(left=-1), key="dot/1")),
    )
    wanted: list[tuple[dict[str, Any], list[str]]] = [
        ({"ContainsLabels": ["Sea"]}, ["sea/1", "both/1"]),
        ({"ContainsLabels": ["Rain", "Dot", "Nothing"]}, ["rain/1", "dot/1"]),
        ({"Labeled": False}, ["none/1"]),
        ({"Labeled": True, "SourceRefContains": "s3://bucket/s"}, ["sea/1", "sun/1"]),
        ({"SourceRefContains": "n/1"}, ["sun/1", "rain/1"]),
        ({"HasErrors": True}, ["dot/1"]),
        ({"HasErrors": False, "ContainsLabels": ["Dot"]}, []),
        ({"HasErrors": False, "Labeled": True, "ContainsLabels": ["Sun"], "SourceRefContains": "both"}, ["both/1"]),
    ]
    for given_members, keys in wanted:
        assert shop.keys(dataset, **given_members) == keys, given_members
        assert shop.keys(dataset, MaxResults=1, **given_members) == keys, given_members


def test_a_token_is_of_one_listing(shop: Workshop, dataset: str) -> None:
    shop.update(dataset, *[picture("Sea", key=str(number)) for number in range(3)])
    token = shop.ask("ListDatasetEntries", DatasetArn=dataset, MaxResults=1, NextToken="")["NextToken"]
    refused = shop.ask.refusal("ListDatasetEntries", DatasetArn=dataset, Labeled=True, NextToken=token)
    assert refused[0] == "InvalidPaginationTokenException"
    refused = shop.ask.refusal("ListDatasetLabels", DatasetArn=dataset, NextToken=token)
    assert refused[0] == "InvalidPaginationTokenException"


@pytest.mark.parametrize(
    ("lines", "code", "said"),
    [
        ([picture("Sea", key="1"), "no JSON"], "CLIENT_ERROR", "too many terminal errors. 1 of 2 lines"),
        ([picture("Sea", key="1"), picture("Sun", key="1")], "CLIENT_ERROR", "too many terminal errors."),
        ([picture(*[f"l{number}" for number in range(251)])], "CLIENT_ERROR", "has too many labels. A dataset has"),
    ],
)
def test_of_an_update_that_fails_nothing_is_kept(
    shop: Workshop, dataset: str, lines: list[Line | str], code: str, said: str
) -> None:
    shop.update(dataset, picture("Moon", key="0"))
    shop.update(dataset, *lines)
    status, whose, message = shop.told(dataset)
    assert (status, whose) == ("UPDATE_FAILED", code)
    assert message.startswith("The manifest file")
    assert said in message
    assert (shop.keys(dataset), shop.labels(dataset)) == (["0"], {"Moon": (1, None)})
    shop.update(dataset, picture("Moon", key="1"))
    assert shop.told(dataset)[0] == "UPDATE_COMPLETE"


def test_a_dataset_has_so_many_entries_at_most(shop: Workshop, dataset: str) -> None:
    with patch.object(rows, "MOST_ENTRIES", 3):
        shop.update(dataset, *[picture("Sea", key=str(number)) for number in range(3)])
        shop.update(dataset, picture("Sun", key="2"))
        assert shop.told(dataset)[0] == "UPDATE_COMPLETE"
        shop.update(dataset, picture("Sea", key="3"))
    assert "too many rows" in shop.told(dataset)[2]
    assert shop.keys(dataset) == ["0", "1", "2"]


def test_a_fifth_of_the_lines_may_be_wrong_and_blank_ones_are(shop: Workshop, dataset: str) -> None:
    lines: list[Line | str] = [picture("Sea", key=str(number)) for number in range(4)]
    shop.update(dataset, *lines, "")
    assert shop.told(dataset)[0] == "UPDATE_COMPLETE"
    shop.update(dataset, *lines[:3], "")
    assert shop.told(dataset)[0] == "UPDATE_FAILED"
    shop.update(dataset, *[picture(key=f"plain{number}") for number in range(20)])
    assert shop.told(dataset)[0] == "UPDATE_COMPLETE"


def test_one_entry_is_removed_and_leaves_nothing(shop: Workshop, rooms: Rooms, dataset: str, tmp_path: Path) -> None:
    shop.update(dataset, picture("Sea", key="1"), picture("Sun", key="2"))
    ask_ours(rooms, "RemoveDatasetEntry", DatasetArn=dataset, SourceRef="s3://bucket/2")
    assert (shop.keys(dataset), shop.labels(dataset)) == (["1"], {"Sea": (1, None)})
    assert shop.described(dataset)["DatasetStats"]["TotalLabels"] == 1
    with pytest.raises(ApiError, match="none of s3://bucket/2"):
        ask_ours(rooms, "RemoveDatasetEntry", DatasetArn=dataset, SourceRef="s3://bucket/2")


def test_a_picture_is_removed_from_all_datasets_that_have_it(shop: Workshop, rooms: Rooms) -> None:
    first, second = (shop.dataset(shop.project(name)) for name in ("first", "second"))
    failed = shop.imported(["no JSON"], "failed")
    for each in (first, second):
        shop.update(each, picture("Sea", key="1"), picture("Sun", key=each[-30:]))
    arns = ask_ours(rooms, "RemoveDatasetEntry", SourceRef="s3://bucket/1")["removed_from"]
    assert (arns, shop.keys(first), shop.keys(second)) == ([first, second], [first[-30:]], [second[-30:]])
    assert shop.told(failed)[0] == "CREATE_FAILED"
    with pytest.raises(ApiError, match="No dataset has an entry"):
        ask_ours(rooms, "RemoveDatasetEntry", SourceRef="s3://bucket/1")
    (shop.folder / "list.manifest").write_bytes(b"{}")
    shop.dataset(shop.project("filled"), DatasetSource=place())
    with pytest.raises(ResourceInUse, match="CREATE_IN_PROGRESS"):
        ask_ours(rooms, "RemoveDatasetEntry", SourceRef=f"s3://bucket/{first[-30:]}")
    assert shop.keys(first) == [first[-30:]]


@pytest.mark.sqlite
def test_neither_lines_nor_labels_are_on_disk_in_clear(shop: Workshop, dataset: str, tmp_path: Path) -> None:
    test = shop.dataset(shop.ask("DescribeProjects")["ProjectDescriptions"][0]["ProjectArn"], "TEST")
    shop.update(dataset, picture("unmistakable-label", key="unmistakable-key"))
    shop.ask("DistributeDatasetEntries", Datasets=[{"Arn": dataset}, {"Arn": test}])
    assert "unmistakable-label" in shop.told(test)[2]
    kept = b"".join(file.read_bytes() for file in tmp_path.glob("*.db*"))
    assert b"custom_datasets" in kept
    assert not [word for word in (b"unmistakable-label", b"unmistakable-key", b"class-name") if word in kept]


@pytest.mark.parametrize(
    "edit",
    [
        "UPDATE dataset_entries SET wrong = NOT wrong",
        "UPDATE dataset_entries SET labeled = NOT labeled",
        "UPDATE dataset_entries SET source = sealed",
        "UPDATE dataset_entries SET sealed = (SELECT sealed FROM dataset_labels)",
        "UPDATE custom_datasets SET state = 'CREATE_FAILED'",
        'UPDATE custom_datasets SET tags = \'{"a": "1"}\'',
    ],
)
def test_an_entry_that_was_edited_in_the_database_is_not_told(
    shop: Workshop, rooms: Rooms, dataset: str, edit: str
) -> None:
    shop.update(dataset, picture("Sea"))
    with rooms.gallery.writing() as connection:
        assert connection.execute(text(edit)).rowcount
    assert shop.ask.refusal("ListDatasetEntries", DatasetArn=dataset)[0] == "InternalServerError"


def test_a_fifth_of_the_entries_goes_to_the_test(shop: Workshop) -> None:
    project = shop.project()
    train, test = shop.dataset(project), shop.dataset(project, "TEST")
    lines = [picture("Sea" if number % 2 else "Sun", key=f"{number:02}") for number in range(50)]
    shop.update(train, *lines)
    both = [{"Arn": test}, {"Arn": train}]
    assert shop.ask("DistributeDatasetEntries", Datasets=both) == {}
    assert [shop.told(each)[0] for each in (train, test)] == ["UPDATE_COMPLETE"] * 2
    stayed, went = shop.keys(train), shop.keys(test)
    assert (len(went), sorted(stayed + went)) == (10, [f"{number:02}" for number in range(50)])
    assert (shop.labels(train), shop.labels(test)) == (
        {"Sun": (20, None), "Sea": (20, None)},
        dict.fromkeys(shop.labels(test), (5, None)),
    )
    assert sorted(map(json.dumps, shop.entries(train) + shop.entries(test))) == sorted(
        json.dumps(line | {"cl-metadata": {"is_labeled": True}}) for line in lines
    )
    assert shop.ask.refusal("DistributeDatasetEntries", Datasets=both)[0] == "InvalidParameterException"


def test_too_few_images_of_a_label_are_not_distributed_and_named(shop: Workshop) -> None:
    project = shop.project()
    train, test = shop.dataset(project), shop.dataset(project, "TEST")
    shop.update(train, *[picture("Sea", key=str(number)) for number in range(9)], picture("Moon", key="9"))
    assert shop.ask("DistributeDatasetEntries", Datasets=[{"Arn": train}, {"Arn": test}]) == {}
    for each in (train, test):
        status, whose, message = shop.told(each)
        assert (status, whose) == ("UPDATE_FAILED", "CLIENT_ERROR")
        assert message.startswith("The manifest file doesn't have enough labeled images to distribute the dataset.")
        assert "“Moon”" in message
    assert (len(shop.keys(train)), shop.keys(test)) == (10, [])


def test_only_the_two_datasets_of_one_project_are_distributed(shop: Workshop) -> None:
    project, other = shop.project(), shop.project("other")
    train, test = shop.dataset(project), shop.dataset(other, "TEST")
    for pair in ((train, train), (train, test)):
        refused = shop.ask.refusal("DistributeDatasetEntries", Datasets=[{"Arn": arn} for arn in pair])
        assert refused[0] == "InvalidParameterException"


_NUMBERS = itertools.count()
_KEYS = [f"{kind}/{number}" for kind in ("a", "b", "ab") for number in range(7)]


@pytest.mark.sqlite
@settings(max_examples=15, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    st.lists(st.tuples(st.sampled_from(_KEYS), st.sampled_from(["Sea", "Sun", ""])), min_size=1, max_size=30),
    st.integers(1, 9),
    st.sampled_from([None, ["Sea"], ["Sun", "Sea"]]),
    st.sampled_from(["a", "b/", "ab/3", "s3://"]),
)
def test_pages_are_the_whole_whatever_is_asked(
    shop: Workshop, changes: list[tuple[str, str]], most: int, labels: list[str] | None, part: str
) -> None:
    """Against a dictionary: what was said last of each picture, in the order in which they came first."""
    project = shop.project(f"p{next(_NUMBERS)}")
    dataset, last = shop.dataset(project), dict[str, str]()
    for key, name in changes:
        shop.update(dataset, picture(*filter(None, [name]), key=key))
        last[key] = name
    wanted: dict[str, Any] = {"SourceRefContains": part} | ({"ContainsLabels": labels} if labels else {})
    expected = [key for key, name in last.items() if part in f"s3://bucket/{key}" and (not labels or name in labels)]
    assert shop.keys(dataset, MaxResults=most, **wanted) == expected
    counts = Counter(filter(None, last.values()))
    assert shop.labels(dataset) == {name: (count, None) for name, count in counts.items()}


@pytest.mark.slow("judges thousands of lines")
@pytest.mark.sqlite
def test_every_line_of_mutated_manifests_is_kept_as_it_is_judged(shop: Workshop, scale: float) -> None:
    """Manifests of five lines with known faults: what is listed is what the contract says of each."""
    dataset, chance, expected = shop.dataset(shop.project()), random.Random(25), dict[str, frozenset[str]]()
    for _ in range(int(3000 * scale)):
        lines = [(f"s3://bucket/{place}", chance.choice(FAULTS)) for place in range(5)]
        shop.update(dataset, *[fault.line(key) for key, fault in lines])
        if failed := sum(fault.bad for _, fault in lines) > 1:
            assert "too many terminal errors" in shop.told(dataset)[2], lines
        else:
            expected |= {key: fault.codes for key, fault in lines if not fault.dropped}
        assert {line["source-ref"]: _codes(line) for line in shop.entries(dataset)} == expected, (failed, lines)
    assert len(expected) == 5


def _codes(line: Line) -> frozenset[str]:
    """Every code that is told within a line."""
    told = json.dumps(line).split('"code": "')[1:]
    return frozenset(each.partition('"')[0] for each in told)
