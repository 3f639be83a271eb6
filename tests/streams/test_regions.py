"""Regions of interest: what is in them counts, and what is no region is refused."""

from __future__ import annotations

from typing import Any

import pytest

from regard.streams.regions import Regions, faults
from regard.vision.pictures.findings import Box

LEFT = {"BoundingBox": {"Left": 0.0, "Top": 0.0, "Width": 0.5, "Height": 1.0}}
CORNER = {"Polygon": [{"X": 0.0, "Y": 0.0}, {"X": 1.0, "Y": 0.0}, {"X": 0.0, "Y": 1.0}]}


def test_without_regions_everything_counts() -> None:
    assert Regions([]).hold(Box(0.9, 0.9, 0.05, 0.05))


@pytest.mark.parametrize(
    ("region", "box", "inside"),
    [
        (LEFT, Box(0.1, 0.1, 0.2, 0.2), True),
        (LEFT, Box(0.7, 0.1, 0.2, 0.2), False),
        (LEFT, Box(0.4, 0.1, 0.2, 0.2), True),
        (LEFT, Box(0.46, 0.1, 0.2, 0.2), False),
        # What is larger than a region and fills it is in it.
        ({"BoundingBox": {"Left": 0.4, "Top": 0.4, "Width": 0.1, "Height": 0.1}}, Box(0, 0, 1, 1), True),
        (CORNER, Box(0.1, 0.1, 0.2, 0.2), True),
        (CORNER, Box(0.7, 0.7, 0.2, 0.2), False),
        (LEFT, Box(-0.2, -0.2, 0.3, 0.3), True),
    ],
)
def test_something_is_in_a_region_where_they_share_half_of_the_smaller(
    region: dict[str, Any], box: Box, inside: bool
) -> None:
    assert Regions([region]).hold(box) is inside


def test_two_regions_are_one_area() -> None:
    right = {"BoundingBox": {"Left": 0.5, "Top": 0.0, "Width": 0.5, "Height": 0.2}}
    assert Regions([LEFT, right]).hold(Box(0.35, 0.0, 0.3, 0.2))


@pytest.mark.parametrize(
    ("region", "told"),
    [
        ({}, "either a BoundingBox or a Polygon"),
        (LEFT | CORNER, "either a BoundingBox or a Polygon"),
        ({"Polygon": CORNER["Polygon"][:2]}, "3 points"),
        ({"BoundingBox": {"Left": 0.8, "Top": 0.0, "Width": 0.5, "Height": 1.0}}, "within the frame"),
        ({"Polygon": [{"X": -0.1, "Y": 0}, {"X": 1, "Y": 0}, {"X": 1, "Y": 1}]}, "within the frame"),
        ({"BoundingBox": {"Left": 0.1, "Top": 0.1, "Width": 0.0, "Height": 0.1}}, "no area"),
        ({"Polygon": [{"X": 0.1, "Y": 0.1}, {"X": 0.5, "Y": 0.5}, {"X": 0.9, "Y": 0.9}]}, "no area"),
    ],
)
def test_what_is_no_region_is_told_with_its_number(region: dict[str, Any], told: str) -> None:
    assert faults([LEFT]) == ""
    assert told in faults([LEFT, region])
    assert "region 2" in faults([LEFT, region])
