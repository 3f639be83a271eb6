"""A version that is trained from boxes tells boxes, and leaves what AWS leaves."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from regard.operations.common.registry import function_of
from regard.operations.common.rooms import Rooms
from regard.operations.custom.versions.probing import probe_of
from regard.vision.pictures.images import Picture
from tests.helpers.custom import described, file_at, project_of, put_manifest
from tests.helpers.fakes import ORGANIZATION, Client
from tests.helpers.shapes import NAMES, SIDE, drawn, png
from tests.helpers.stores import store_client
from tests.helpers.working import work_off
from tests.operations.custom.versions.conftest import Shop
from tests.operations.custom.versions.test_training import begin

STAMP = "2026-11-29T00:00:00"


def _put(shop: Shop, numbers: range) -> list[dict[str, Any]]:
    lines = []
    for number in numbers:
        picture, boxes = drawn(number)
        store_client(shop.endpoint).put_object(Bucket="pictures", Key=f"shapes/{number}.png", Body=png(picture))
        annotations = [
            {"class_id": NAMES.index(name), "left": left, "top": top, "width": width, "height": height}
            for name, left, top, width, height in boxes
        ]
        lines.append(
            {
                "source-ref": f"s3://pictures/shapes/{number}.png",
                "bb": {"image_size": [{"width": SIDE, "height": SIDE, "depth": 3}], "annotations": annotations},
                "bb-metadata": {
                    "objects": [{"confidence": 1} for _ in boxes],
                    "class-map": {str(place): name for place, name in enumerate(NAMES)},
                    "type": "groundtruth/object-detection",
                    "human-annotated": "yes",
                    "creation-date": STAMP,
                },
            }
        )
    return lines


def _begin(client: Client, shop: Shop, project: str, training: list[Any], testing: list[Any]) -> str:
    assets = put_manifest(shop.endpoint, "shapes.jsonl", training), put_manifest(shop.endpoint, "others.jsonl", testing)
    sides: dict[str, Any] = {"TrainingData": {"Assets": [assets[0]]}, "TestingData": {"Assets": [assets[1]]}}
    return begin(client, shop, project, **sides)


def _told_apart(rooms: Rooms, arn: str, folder: Path) -> str:
    """What the probe finds of a version, of groups whose pictures show the one shape or nothing."""
    assert rooms.workshop is not None
    shows, blank = png(drawn(300)[0]), png(Picture(np.full((SIDE, SIDE, 3), 128, np.uint8), "PNG"))
    rows = ["subject,image,group"]
    for number in range(60):
        (folder / f"{number}.png").write_bytes(shows if number % 2 else blank)
        rows.append(f"{number},{number}.png,{'xy'[number % 2]}")
    (folder / "audit.csv").write_text("\n".join(rows))
    with rooms.gallery.reading() as connection:
        version = rooms.workshop.versions.find(connection, ORGANIZATION, arn)
        head = rooms.workshop.open(connection, version)
    found = probe_of(replace(rooms, audit_set=folder / "audit.csv"), head)
    return found.outcome if found else ""


def test_boxes_are_learned_told_and_measured(client: Client, rooms: Rooms, shop: Shop, tmp_path: Path) -> None:
    project = project_of(rooms, "shapes")
    arn = _begin(client, shop, project, _put(shop, range(14)), _put(shop, range(100, 104)))
    work_off(rooms)
    done = described(client, project)
    assert done["Status"] == "TRAINING_COMPLETED", done["StatusMessage"]
    summary = json.loads(file_at(shop.endpoint, done["EvaluationResult"]["Summary"]))
    aggregated = summary["AggregatedEvaluationResults"]
    assert set(aggregated) == {"F1Score", "Precision", "Recall", "AveragePrecision", "AverageRecall"}
    assert all(0.7 < each <= 1 for each in aggregated.values())
    assert summary["Regard"]["Way"] == "proposals"
    place = done["TestingDataResult"]["Output"]["Assets"][0]["GroundTruthManifest"]
    line = json.loads(file_at(shop.endpoint, place).splitlines()[0])
    objects = line["rekognition-custom-labels-evaluation-metadata"]["objects"]
    assert any(each["rekognition-custom-labels-evaluation-details"]["is-true-positive"] for each in objects)

    asked = client.call("DescribeVersionResults", ProjectArn=project, VersionNames=["one"], Whole=True)
    (kept,) = function_of("DescribeVersionResults")(asked, rooms)["Results"].values()
    assert kept["beside"] == {"tested": 4} | {name: aggregated[name] for name in ("AveragePrecision", "AverageRecall")}
    # Of each picture, how sure the surest box of each label is.
    for each in kept["pictures"]:
        assert len(each["scores"]) == len(NAMES)
        assert [score > 0.5 for score in each["scores"]] == [name in each["shows"] for name in NAMES]
    # And where each thing is, beside where one was told.
    there, told = ([box for box in kept["pictures"][0]["boxes"] if box[1] is side] for side in (True, False))
    truth = {NAMES.index(name): [side / SIDE for side in sides] for name, *sides in drawn(100)[1]}
    assert {label: sides for label, _, *sides in there} == {
        label: pytest.approx(sides, abs=0.001) for label, sides in truth.items()
    }
    assert {label: sides for label, _, *sides in told} == {
        label: pytest.approx(sides, abs=0.1) for label, sides in truth.items()
    }

    client("StartProjectVersion", ProjectVersionArn=arn, MinInferenceUnits=1)
    picture, boxes = drawn(200)
    told = client("DetectCustomLabels", ProjectVersionArn=arn, Image={"Bytes": png(picture)})["CustomLabels"]
    assert sorted(each["Name"] for each in told) == NAMES
    assert [each["Confidence"] for each in told] == sorted((each["Confidence"] for each in told), reverse=True)
    for name, left, top, width, height in boxes:
        (found,) = [each["Geometry"] for each in told if each["Name"] == name]
        assert set(found) == {"BoundingBox"}
        sides = [SIDE * found["BoundingBox"][side] for side in ("Left", "Top", "Width", "Height")]
        assert sides == pytest.approx([left, top, width, height], abs=8)
    # Where faces were boxed, the probe goes by the surest box of each label.
    assert _told_apart(rooms, arn, tmp_path) == "apart"
    one = client("DetectCustomLabels", ProjectVersionArn=arn, Image={"Bytes": png(picture)}, MaxResults=1)
    assert one["CustomLabels"] == told[:1]
    whole = client("DetectCustomLabels", ProjectVersionArn=arn, Image={"Bytes": png(picture)}, MinConfidence=0)
    assert len(whole["CustomLabels"]) > len(told)


def test_one_picture_with_boxes_is_too_few_and_says_so(client: Client, rooms: Rooms, shop: Shop) -> None:
    project = project_of(rooms, "lone")
    _begin(client, shop, project, _put(shop, range(1)), _put(shop, range(100, 101)))
    work_off(rooms)
    done = described(client, project)
    assert done["Status"] == "TRAINING_FAILED"
    assert "leaf, wave: no label has two pictures" in done["StatusMessage"]
    told = json.loads(file_at(shop.endpoint, done["ManifestSummary"]))
    assert [each["code"] for each in told["errors"]] == ["ERROR_MANIFEST_TOO_FEW_USABLE_LABELS"]
