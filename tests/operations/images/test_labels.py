"""DetectLabels: filters, features, colours, and the errors of the contract."""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, cast

import pytest

from regard.operations.common.errors import ApiError
from regard.operations.common.registry import function_of
from regard.stewardship.policy.withholding import FACES
from regard.vision.pictures.findings import Box, FoundLabel, Instance
from regard.vision.pictures.images import Picture, decode
from regard.vision.things.labels import LabelFinder
from regard.vision.things.taxonomy import ancestors
from tests.helpers.fakes import Client, open_rooms, picture_of
from tests.helpers.running import Running

IMAGE = {"Bytes": picture_of(1)}


@dataclass
class FakeFinder:
    version: str = "3.0"
    looked_for_faces: bool | None = None

    def __call__(self, picture: Picture, faces: bool = True) -> list[FoundLabel]:
        self.looked_for_faces = faces
        dog = Instance(Box(0.1, 0.1, 0.5, 0.5), 90.0)
        above = [FoundLabel(name, 90.0) for name in ancestors("Dog")]
        return [FoundLabel("Dog", 90.0, (dog,)), *above, FoundLabel("Car", 60.0), FoundLabel("Boat", 20.0)]


class FinderOfScenes(FakeFinder):
    """Tells a word that is in no taxonomy, as a head of an operator's own may."""

    def __call__(self, picture: Picture, faces: bool = True) -> list[FoundLabel]:
        return [*super().__call__(picture, faces), FoundLabel("Loading Dock", 81.0)]


@pytest.fixture
def client(tmp_path: Path) -> Client:
    return Client(replace(open_rooms(tmp_path), labels=cast(LabelFinder, FakeFinder())))


def test_a_word_of_an_operator_s_own_is_answered_beside_the_version_of_its_head(tmp_path: Path) -> None:
    finder = cast(LabelFinder, FinderOfScenes("3.0+ours-1a2b3c4d"))
    answer = Client(replace(open_rooms(tmp_path), labels=finder))("DetectLabels", Image=IMAGE)
    assert answer["LabelModelVersion"] == "3.0+ours-1a2b3c4d"
    own = next(label for label in answer["Labels"] if label["Name"] == "Loading Dock")
    assert own == {
        "Name": "Loading Dock", "Confidence": 81.0, "Instances": [], "Parents": [], "Aliases": [], "Categories": []
    }  # fmt: skip


def _names(answer: dict[str, Any]) -> set[str]:
    return {label["Name"] for label in answer["Labels"]}


ANIMALS = {"Dog", "Canine", "Pet", "Mammal", "Animal"}


@pytest.mark.parametrize(
    ("asked", "expected"),
    [
        ({}, ANIMALS | {"Car"}),
        ({"MinConfidence": 10.0}, ANIMALS | {"Car", "Boat"}),
        ({"MaxLabels": 1}, {"Dog"}),
        ({"Settings": {"GeneralLabels": {"LabelInclusionFilters": ["dog"]}}}, {"Dog"}),
        ({"Settings": {"GeneralLabels": {"LabelExclusionFilters": ["Dog"]}}}, ANIMALS - {"Dog"} | {"Car"}),
        ({"Settings": {"GeneralLabels": {"LabelCategoryInclusionFilters": ["Animals and Pets"]}}}, ANIMALS),
        ({"Settings": {"GeneralLabels": {"LabelCategoryExclusionFilters": ["Animals and Pets"]}}}, {"Car"}),
    ],
)
def test_what_is_asked_for_is_answered(client: Client, asked: dict[str, Any], expected: set[str]) -> None:
    assert _names(client("DetectLabels", Image=IMAGE, **asked)) == expected


def test_a_picture_is_decoded_once_for_all_that_is_asked(client: Client, monkeypatch: pytest.MonkeyPatch) -> None:
    decoded: list[bytes] = []

    def counting(data: bytes) -> Picture:
        decoded.append(data)
        return decode(data)

    monkeypatch.setattr("regard.operations.common.pictures.decode", counting)
    answer = client("DetectLabels", Image=IMAGE, Features=["GENERAL_LABELS", "IMAGE_PROPERTIES"])
    assert answer["Labels"]
    assert answer["ImageProperties"]
    assert len(decoded) == 1


def test_a_label_tells_its_parents_categories_and_boxes(client: Client) -> None:
    dog = client("DetectLabels", Image=IMAGE)["Labels"][0]
    assert {parent["Name"] for parent in dog["Parents"]} == {"Canine", "Pet"}
    assert dog["Categories"] == [{"Name": "Animals and Pets"}]
    assert dog["Instances"][0]["BoundingBox"]["Width"] == pytest.approx(0.5)
    assert "DominantColors" not in dog["Instances"][0]


@pytest.mark.parametrize("withheld", [(), (FACES,)])
def test_faces_are_looked_for_unless_they_are_withheld(client: Client, withheld: tuple[str, ...]) -> None:
    call = client.call("DetectLabels", Image=IMAGE)
    call.withheld = withheld
    assert function_of("DetectLabels")(call, client.rooms)["Labels"]
    assert cast(FakeFinder, client.rooms.labels).looked_for_faces is not bool(withheld)
    assert call.remarks.get("x-regard-withheld") == (FACES if withheld else None)


def test_properties_have_colours_of_the_whole_and_its_parts(client: Client) -> None:
    answer = client("DetectLabels", Image=IMAGE, Features=["IMAGE_PROPERTIES", "GENERAL_LABELS"])
    found = answer["ImageProperties"]
    assert {"Quality", "DominantColors", "Foreground", "Background"} <= set(found)
    assert sum(color["PixelPercent"] for color in found["DominantColors"]) == pytest.approx(100, abs=0.1)
    assert answer["Labels"][0]["Instances"][0]["DominantColors"]
    asked = {"ImageProperties": {"MaxDominantColors": 1}}
    few = client("DetectLabels", Image=IMAGE, Features=["IMAGE_PROPERTIES"], Settings=asked)
    assert "Labels" not in few or not few["Labels"]
    assert len(few["ImageProperties"]["DominantColors"]) == 1


@pytest.mark.parametrize(
    "asked",
    [
        {"MinConfidence": 10.0, "Features": ["IMAGE_PROPERTIES"]},
        {"MaxLabels": 10, "Features": ["IMAGE_PROPERTIES"]},
        {"Settings": {"ImageProperties": {"MaxDominantColors": 1}}},
    ],
)
def test_a_parameter_without_its_feature_is_refused(client: Client, asked: dict[str, Any]) -> None:
    with pytest.raises(ApiError) as error:
        client("DetectLabels", Image=IMAGE, **asked)
    assert error.value.code == "InvalidParameterException"


@pytest.mark.long
@pytest.mark.sqlite("asks the service, whose tables are in a file")
def test_boto3_finds_the_person_of_a_portrait(service: Running, portrait: bytes) -> None:
    answer = service.client().detect_labels(Image={"Bytes": portrait}, Features=["GENERAL_LABELS", "IMAGE_PROPERTIES"])
    person = next(label for label in answer["Labels"] if label["Name"] == "Person")
    assert person["Instances"]
    assert answer["ImageProperties"]["Background"]["DominantColors"]
