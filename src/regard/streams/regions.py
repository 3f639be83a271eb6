"""Regions of interest: where in the frame something has to be to be told of."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from regard.vision.pictures.findings import Box

# Regions are painted on a grid of so many cells a side, which is as exact as boxes of objects are.
_SIDE = 128
# Something is in a region where they share so much of the smaller of the two: so a person counts who stands in a small
# door, and one who only passes its edge does not. AWS does not say where it draws the line.
SHARED = 0.5
_LEAST_POINTS = 3


def faults(regions: Sequence[Mapping[str, Any]]) -> str:
    """What is wrong with RegionsOfInterest, in a sentence; empty where nothing is."""
    for number, region in enumerate(regions, 1):
        if len({"BoundingBox", "Polygon"} & region.keys()) != 1:
            return f"RegionsOfInterest: region {number} must have either a BoundingBox or a Polygon."
        if "Polygon" in region and len(region["Polygon"]) < _LEAST_POINTS:
            return f"RegionsOfInterest: the Polygon of region {number} must have {_LEAST_POINTS} points or more."
        for x, y in _points(region):
            if not (0 <= x <= 1 and 0 <= y <= 1):
                return f"RegionsOfInterest: region {number} must lie within the frame, from 0 to 1."
        if not _painted(region).any():
            return f"RegionsOfInterest: region {number} has no area."
    return ""


class Regions:
    """The regions of a processor, which together are one area. Without any it is the whole frame."""

    def __init__(self, regions: Sequence[Mapping[str, Any]]) -> None:
        self._area = np.zeros((_SIDE, _SIDE), bool)
        for region in regions:
            self._area |= _painted(region)
        self._everywhere = not regions

    def hold(self, box: Box) -> bool:
        """Whether something in this box is in a region."""
        if self._everywhere:
            return True
        corners = {"BoundingBox": {"Left": box.left, "Top": box.top, "Width": box.width, "Height": box.height}}
        there = _painted(corners)
        smaller = min(int(there.sum()), int(self._area.sum()))
        return smaller > 0 and int((there & self._area).sum()) >= SHARED * smaller


def _points(region: Mapping[str, Any]) -> list[tuple[float, float]]:
    if "Polygon" in region:
        return [(float(point.get("X", 0.0)), float(point.get("Y", 0.0))) for point in region["Polygon"]]
    left, top, width, height = (
        float(region["BoundingBox"].get(name, 0)) for name in ("Left", "Top", "Width", "Height")
    )
    return [(left, top), (left + width, top), (left + width, top + height), (left, top + height)]


def _painted(region: Mapping[str, Any]) -> NDArray[np.bool_]:
    points = np.clip(np.array(_points(region)), 0, 1)
    if "BoundingBox" in region:
        # A cell is in a box where its middle is: cv2 would paint the cells of the edge as well.
        middles = (np.arange(_SIDE) + 0.5) / _SIDE
        (left, top), (right, bottom) = points.min(axis=0), points.max(axis=0)
        inside = (middles >= left) & (middles < right), (middles >= top) & (middles < bottom)
        return np.outer(inside[1], inside[0])
    area = np.zeros((_SIDE, _SIDE), np.uint8)
    around = points[:, 0] @ np.roll(points[:, 1], 1) - points[:, 1] @ np.roll(points[:, 0], 1)
    if abs(float(around)) / 2 * _SIDE * _SIDE >= 1:
        cv2.fillPoly(area, [np.floor(points * (_SIDE - 1e-6)).astype(np.int32)], 1)
    return area.astype(bool)
