"""The probe of people projects, through the operations: five groups under neutral names, and masks."""

from __future__ import annotations

import csv
import json
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any, cast

import numpy as np
import pytest
from numpy.typing import NDArray

from regard.operations.common.errors import ApiError
from regard.operations.service import Service
from regard.vision.heads.head import Base
from regard.vision.pictures.images import Picture
from regard.vision.things.features import Features
from tests.helpers.custom import Colours, line, put_manifest
from tests.helpers.fakes import picture_of
from tests.helpers.stores import store_client
from tests.helpers.working import work_off
from tests.operations.custom.versions.conftest import Shop
from tests.operations.custom.versions.test_lawful import Firm

# What is told apart here hangs on no database.
pytestmark = pytest.mark.sqlite
# Five groups of people: the shades of their pictures, near enough to be told apart by none of them alone.
SHADES = (20, 70, 120, 170, 220)
PEOPLE = 500


class Shades(Colours):
    """Stands in for features that show groups: how near a picture is to each shade, and whether there is a mask."""

    @property
    def base(self) -> Base:
        return Base("shades", "1" * 64, "bumps")

    def features_of(self, picture: Picture) -> NDArray[np.float32]:
        self.seen += 1
        shade, mask = float(picture.pixels[50, 20, 0]), float(picture.pixels[0, 0, 2] >= 128)
        bumps = [np.exp(-(((shade - each) / 25) ** 2)) for each in SHADES]
        return np.array([*bumps, mask, 1 - mask, *[0] * 5], np.float32)


@pytest.fixture
def firm(tmp_path: Path, shop: Shop) -> Iterator[Firm]:
    made = Firm(tmp_path, shop.endpoint)
    made.rooms = replace(made.rooms, features=cast(Features, Shades()))
    made.house.service = Service(made.house.service.gate, made.rooms)
    yield made
    made.house.logbook.close()


@pytest.mark.long
def test_five_groups_under_neutral_names_are_stopped_and_masks_are_not(firm: Firm, tmp_path: Path) -> None:
    groups = _trained(firm, "groups", [(name, shade, 0) for name, shade in zip("abcde", SHADES, strict=True)])
    masks = _trained(firm, "masks", [(("on", "off")[mask < 128], shade, mask) for shade in SHADES for mask in (9, 200)])
    assert "No audit set is named" in firm.start(groups)
    firm.audited_with(_audit_set(tmp_path))
    refused = firm.start(groups)
    assert "[people-project-is-probed]" in refused
    assert "500 people, by chance in 20%" in refused
    # What was found before the first start is kept: nothing is looked at again.
    seen = cast(Shades, firm.rooms.features).seen
    assert firm.start(groups) == refused
    assert firm.start(masks) == "STARTING"
    firm.house.ask("StopProjectVersion", ProjectVersionArn=masks)
    firm.audited_with(None)
    assert firm.start(masks) == "STARTING"
    assert firm.start(groups) == refused
    assert cast(Shades, firm.rooms.features).seen == seen


def test_traits_are_refused_when_a_dataset_is_to_be_trained(firm: Firm) -> None:
    project = firm.house.ask("CreateProject", ProjectName="screws")[0]["ProjectArn"]
    dataset = firm.house.ask("CreateDataset", ProjectArn=project, DatasetType="TRAIN")[0]["DatasetArn"]
    lines = "\n".join(json.dumps(line(f"{name}.png", name)) for name in ("screw", "muslim"))
    firm.house.ask("UpdateDatasetEntries", DatasetArn=dataset, Changes={"GroundTruth": lines.encode()})
    output = {"S3Bucket": "results", "S3KeyPrefix": "screws"}
    with pytest.raises(ApiError, match=r"no-inferred-traits.*'muslim'"):
        firm.house.ask("CreateProjectVersion", ProjectArn=project, VersionName="one", OutputConfig=output)
    assert firm.house.ask("DescribeProjectVersions", ProjectArn=project)[0]["ProjectVersionDescriptions"] == []


def test_what_the_work_refuses_is_an_entry_of_the_log(firm: Firm) -> None:
    _, told = firm.trained(("muslim", "other"), faces=False)
    assert told.startswith("TRAINING_FAILED [no-inferred-traits]"), told
    (entry,) = [each for each in firm.house.entries() if each.get("decision") == "denied"]
    assert (entry["operation"], entry["rules"]) == ("CreateProjectVersion", ["no-inferred-traits"])


def _trained(firm: Firm, name: str, kinds: list[tuple[str, int, int]]) -> str:
    """The ARN of a version that tells apart pictures of these labels, shades and masks."""
    project = firm.house.ask("CreateProject", ProjectName=name)[0]["ProjectArn"]
    assets, client = [], store_client(firm.endpoint)
    for numbers in (range(8), range(8, 11)):
        lines = []
        for number in numbers:
            for label, shade, mask in kinds:
                key = f"{name}/{label}-{shade}-{mask}-{number}.png"
                body = picture_of(shade + number, mark=mask + number)
                client.put_object(Bucket="pictures", Key=key, Body=body)
                lines.append(line(key, label))
        assets.append(put_manifest(firm.endpoint, f"{name}-{numbers.start}.jsonl", lines))
    asked: dict[str, Any] = {"TrainingData": {"Assets": assets[:1]}, "TestingData": {"Assets": assets[1:]}}
    asked |= {"ProjectArn": project, "VersionName": "one", "OutputConfig": {"S3Bucket": "results", "S3KeyPrefix": name}}
    version: str = firm.house.ask("CreateProjectVersion", **asked)[0]["ProjectVersionArn"]
    work_off(firm.rooms)
    (told,) = firm.house.ask("DescribeProjectVersions", ProjectArn=project)[0]["ProjectVersionDescriptions"]
    assert told["Status"] == "TRAINING_COMPLETED", told["StatusMessage"]
    return version


def _audit_set(folder: Path) -> Path:
    """Faces of so many people in five groups that their shades tell, half of them with a mask."""
    file = folder / "audit.csv"
    with file.open("w", newline="") as lines:
        rows = csv.writer(lines)
        rows.writerow(("subject", "image", "group"))
        for number in range(PEOPLE):
            group, mask = number % 5, number // 5 % 2
            picture = folder / f"{group}-{mask}-{number % 7}.png"
            if not picture.exists():
                picture.write_bytes(picture_of(SHADES[group] + number % 7, mark=200 * mask))
            rows.writerow((number, picture.name, "vwxyz"[group]))
    return file
