"""DetectProtectiveEquipment: persons and body parts, and a summary that says no more than is known."""

from __future__ import annotations

import io
from dataclasses import replace
from pathlib import Path
from typing import Any, cast

import numpy as np
import pytest
from PIL import Image

from regard.operations.common.errors import ApiError
from regard.vision.faces.faces import Face
from regard.vision.pictures.findings import Box, Estimate
from regard.vision.things.equipment import EquipmentInspector, Person
from tests.helpers.fakes import Client, FakeInspector, open_rooms, picture_of
from tests.helpers.running import Running

IMAGE = {"Bytes": picture_of(1)}
BOX = Box(0.1, 0.1, 0.2, 0.4)


def _person(mask: float | None, confidence: float = 95.0, face: float = 90.0) -> Person:
    """A person whose mask, where a face is seen, is worn with this confidence; below zero it is not worn."""
    if mask is None:
        return Person(BOX, confidence)
    found = Face(Box(0.15, 0.1, 0.1, 0.2), face, np.zeros((5, 2), np.float32))
    return Person(BOX, confidence, found, Estimate(mask > 0, abs(mask)))


def _client(folder: Path, *persons: Person) -> Client:
    inspector = cast(EquipmentInspector, FakeInspector(persons))
    return Client(replace(open_rooms(folder), equipment=inspector))


def _summary(client: Client, at_least: float, *required: str) -> tuple[list[int], list[int], list[int]]:
    asked = {"MinConfidence": at_least, "RequiredEquipmentTypes": list(required)}
    summary = client("DetectProtectiveEquipment", Image=IMAGE, SummarizationAttributes=asked)["Summary"]
    kinds = ("PersonsWithRequiredEquipment", "PersonsWithoutRequiredEquipment", "PersonsIndeterminate")
    with_it, without, unknown = (summary[kind] for kind in kinds)
    return with_it, without, unknown


def test_a_mask_is_told_on_the_face_of_its_person(tmp_path: Path) -> None:
    answer = _client(tmp_path, _person(99), _person(-99), _person(None))("DetectProtectiveEquipment", Image=IMAGE)
    assert [person["Id"] for person in answer["Persons"]] == [0, 1, 2]
    assert answer["ProtectiveEquipmentModelVersion"] == "1.0"
    assert "Summary" not in answer
    masked, bare, turned = (person["BodyParts"] for person in answer["Persons"])
    assert [part["Name"] for part in masked] == ["FACE", "HEAD"]
    assert masked[0]["EquipmentDetections"] == [
        {
            "Type": "FACE_COVER",
            "BoundingBox": {"Left": 0.15, "Top": 0.2, "Width": 0.1, "Height": 0.1},
            "Confidence": 99.0,
            "CoversBodyPart": {"Value": True, "Confidence": 99.0},
        }
    ]
    assert [part["EquipmentDetections"] for part in (*bare, masked[1])] == [[], [], []]
    assert turned == []


@pytest.mark.parametrize(
    ("required", "expected"),
    [
        (["FACE_COVER"], ([0], [1], [2, 3])),
        # Nobody goes without what cannot be seen here; who has no mask goes without one of the two.
        (["HEAD_COVER"], ([], [], [0, 1, 2, 3])),
        (["FACE_COVER", "HAND_COVER"], ([], [1], [0, 2, 3])),
    ],
)
def test_a_summary_says_who_wears_what_is_required(
    tmp_path: Path, required: list[str], expected: tuple[list[int], ...]
) -> None:
    client = _client(tmp_path, _person(99), _person(-99), _person(None), _person(70))
    assert _summary(client, 80, *required) == expected


def test_whoever_is_seen_less_surely_than_asked_for_is_indeterminate(tmp_path: Path) -> None:
    client = _client(tmp_path, _person(99, confidence=70), _person(-99, face=70), _person(99))
    assert _summary(client, 80, "FACE_COVER") == ([2], [], [0, 1])
    assert _summary(client, 60, "FACE_COVER") == ([0, 2], [1], [])


def _picture(width: int, height: int, noise: bool = False) -> bytes:
    file = io.BytesIO()
    pixels = np.random.default_rng(0).integers(0, 256, (height, width, 3), np.uint8) if noise else None
    (Image.fromarray(pixels) if pixels is not None else Image.new("L", (width, height))).save(file, "PNG")
    return file.getvalue()


@pytest.mark.parametrize(
    ("data", "code"),
    [
        (_picture(63, 100), "InvalidParameterException"),
        (_picture(4097, 100), "ImageTooLargeException"),
        (_picture(1300, 1200, noise=True), "ImageTooLargeException"),
        (b"no picture", "InvalidImageFormatException"),
    ],
)
def test_pictures_out_of_bounds_are_refused(tmp_path: Path, data: bytes, code: str) -> None:
    with pytest.raises(ApiError) as error:
        _client(tmp_path)("DetectProtectiveEquipment", Image={"Bytes": data})
    assert error.value.code == code


def test_a_picture_of_64_pixels_is_enough(tmp_path: Path) -> None:
    assert _client(tmp_path)("DetectProtectiveEquipment", Image={"Bytes": _picture(64, 64)})["Persons"] == []


@pytest.mark.sqlite("asks the service, whose tables are in a file")
def test_boto3_gets_persons_and_a_summary(service: Running, portrait: bytes) -> None:
    asked: Any = {"MinConfidence": 60, "RequiredEquipmentTypes": ["FACE_COVER", "HAND_COVER", "HEAD_COVER"]}
    answer = service.client().detect_protective_equipment(Image={"Bytes": portrait}, SummarizationAttributes=asked)
    assert len(answer["Persons"]) == 1
    assert answer["Persons"][0]["BodyParts"][0]["EquipmentDetections"] == []
    assert answer["Summary"]["PersonsWithoutRequiredEquipment"] == [0]
