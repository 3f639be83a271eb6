"""DetectText: lines and words, filters, regions and the hundred words."""

from __future__ import annotations

import io
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, cast

import numpy as np
import pytest
from PIL import Image, ImageDraw, ImageFont

from regard.operations.common.errors import ApiError
from regard.vision.pictures.images import Picture
from regard.vision.things.text import Line, TextReader, Word, between
from tests.helpers.fakes import Client, open_rooms, picture_of
from tests.helpers.running import Running

IMAGE = {"Bytes": picture_of(1)}
WHOLE = np.array([[0.0, 0.1], [1.0, 0.1], [1.0, 0.2], [0.0, 0.2]])


@dataclass
class FakeReader:
    lines: int = 2

    def __call__(self, picture: Picture) -> list[Line]:
        words = (Word("sure", 95.0, between(WHOLE, 0, 0.4)), Word("unsure", 70.0, between(WHOLE, 0.5, 1)))
        return [Line("sure unsure", 80.0, WHOLE, words)] * self.lines


def _client(folder: Path, lines: int = 2) -> Client:
    return Client(replace(open_rooms(folder), text=cast(TextReader, FakeReader(lines))))


def _words(answer: dict[str, Any]) -> list[str]:
    return [each["DetectedText"] for each in answer["TextDetections"] if each["Type"] == "WORD"]


@pytest.mark.parametrize(
    ("filters", "expected"),
    [
        ({}, ["sure"] * 2),
        ({"WordFilter": {"MinConfidence": 60.0}}, ["sure", "unsure"] * 2),
        ({"WordFilter": {"MinConfidence": 60.0, "MinBoundingBoxWidth": 0.45}}, ["unsure"] * 2),
        ({"WordFilter": {"MinBoundingBoxHeight": 0.2}}, []),
        (
            {"RegionsOfInterest": [{"BoundingBox": {"Left": 0.0, "Top": 0.0, "Width": 0.21, "Height": 1.0}}]},
            ["sure"] * 2,
        ),
        ({"RegionsOfInterest": [{"BoundingBox": {"Left": 0.0, "Top": 0.0, "Width": 0.19, "Height": 1.0}}]}, []),
        (
            {"RegionsOfInterest": [{"Polygon": [{"X": 0.0, "Y": 0.0}, {"X": 1.0, "Y": 0.0}, {"X": 0.0, "Y": 1.0}]}]},
            ["sure"] * 2,
        ),
    ],
)
def test_a_word_passes_its_filters(tmp_path: Path, filters: dict[str, Any], expected: list[str]) -> None:
    assert _words(_client(tmp_path)("DetectText", Image=IMAGE, Filters=filters)) == expected


def test_lines_come_first_and_words_name_theirs(tmp_path: Path) -> None:
    found = _client(tmp_path)("DetectText", Image=IMAGE)["TextDetections"]
    assert [each["Type"] for each in found] == ["LINE", "LINE", "WORD", "WORD"]
    assert [each["Id"] for each in found] == [0, 1, 2, 3]
    assert [each.get("ParentId") for each in found] == [None, None, 0, 1]


def test_no_more_than_a_hundred_words_are_answered(tmp_path: Path) -> None:
    assert len(_words(_client(tmp_path, 150)("DetectText", Image=IMAGE))) == 100


@pytest.mark.parametrize("region", [{}, {"Polygon": [{"X": 0.0, "Y": 0.0}]}])
def test_a_region_without_an_area_is_refused(tmp_path: Path, region: dict[str, Any]) -> None:
    with pytest.raises(ApiError) as error:
        _client(tmp_path)("DetectText", Image=IMAGE, Filters={"RegionsOfInterest": [region]})
    assert error.value.code == "InvalidParameterException"


def _page(turned: int) -> bytes:
    page = Image.new("RGB", (700, 700), "white")
    ImageDraw.Draw(page).text((60, 300), "REGARD for 1234 people", "black", ImageFont.load_default(48))
    file = io.BytesIO()
    page.rotate(turned).save(file, "PNG")
    return file.getvalue()


@pytest.mark.parametrize("turned", [0, 15, 90, -90])
@pytest.mark.sqlite("asks the service, whose tables are in a file")
def test_boto3_reads_upright_and_turned_text(service: Running, turned: int) -> None:
    found = service.client().detect_text(Image={"Bytes": _page(turned)})["TextDetections"]
    words = [each["DetectedText"] for each in found if each["Type"] == "WORD"]
    assert words == ["REGARD", "for", "1234", "people"]
    first = next(each for each in found if each["Type"] == "WORD")["Geometry"]["Polygon"]
    along = np.array([first[1]["X"] - first[0]["X"], first[1]["Y"] - first[0]["Y"]])
    angle = np.degrees(np.arctan2(-along[1], along[0]))
    assert abs(angle - turned) < 5
