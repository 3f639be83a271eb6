"""DetectText; what reads is :mod:`regard.vision.things.text`."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
from shapely import Polygon, box, make_valid, union_all
from shapely.geometry.base import BaseGeometry

from regard.operations.common.errors import invalid_parameter
from regard.operations.common.registry import Answer, operation
from regard.operations.common.rooms import Rooms
from regard.stewardship.policy.call import Call, Capability, DataClass
from regard.vision.things.text import VERSION, Line, Outline, Word

DEFAULT_CONFIDENCE = 80.0
MOST_WORDS = 100
LACKING_SCRIPTS = (
    "Latin letters, figures and Chinese are read. Greek and Vietnamese lines lose letters and are answered half as "
    "sure as the model says. Cyrillic, Arabic, Hindi, Thai and Korean are not read."
)


@operation(
    "DetectText",
    Capability.DETECT,
    DataClass.OBJECTS,
    lacks=LACKING_SCRIPTS,
)
def detect_text(call: Call, rooms: Rooms) -> Answer:
    """The first hundred words that pass the filters, and their lines, from top to bottom."""
    told = telling(call.parameters.get("Filters", {}))
    picture = rooms.pictures.read(call, call.parameters["Image"])
    return {"TextDetections": told(rooms.text(picture)), "TextModelVersion": VERSION}


def telling(filters: dict[str, Any]) -> Callable[[list[Line]], list[dict[str, Any]]]:
    """What tells the lines of a picture, and their words, as far as they pass the filters. Raises ApiError."""
    regions = _regions(filters.get("RegionsOfInterest", []))
    return lambda lines: _told(lines, filters, regions)


def _told(lines: list[Line], filters: dict[str, Any], regions: BaseGeometry | None) -> list[dict[str, Any]]:
    kept: list[tuple[Line, list[Word]]] = []
    room = MOST_WORDS
    for line in lines:
        words = [word for word in line.words if _passes(word, filters.get("WordFilter", {}), regions)][:room]
        room -= len(words)
        if words:
            kept.append((line, words))
    detections = [_detection(number, "LINE", line) for number, (line, _) in enumerate(kept)]
    for parent, (_, words) in enumerate(kept):
        for word in words:
            detections.append(_detection(len(detections), "WORD", word) | {"ParentId": parent})
    return detections


def _passes(word: Word, filters: dict[str, float], regions: BaseGeometry | None) -> bool:
    width, height = np.ptp(word.outline, axis=0)
    return (
        word.confidence >= filters.get("MinConfidence", DEFAULT_CONFIDENCE)
        and width >= filters.get("MinBoundingBoxWidth", 0.0)
        and height >= filters.get("MinBoundingBoxHeight", 0.0)
        and (regions is None or _mostly_inside(word, regions))
    )


def _mostly_inside(word: Word, regions: BaseGeometry) -> bool:
    """More than half, as the API says."""
    outline = make_valid(Polygon(word.outline))
    return bool(outline.intersection(regions).area > outline.area / 2)


def _regions(given: list[dict[str, Any]]) -> BaseGeometry | None:
    return union_all([_region(each) for each in given]) if given else None


def _region(given: dict[str, Any]) -> BaseGeometry:
    bounds, corners = given.get("BoundingBox"), given.get("Polygon")
    if (bounds is None) == (corners is None):
        raise invalid_parameter("Each of RegionsOfInterest must have either a BoundingBox or a Polygon.")
    if bounds is not None:
        left, top = bounds.get("Left", 0.0), bounds.get("Top", 0.0)
        return box(left, top, left + bounds.get("Width", 0.0), top + bounds.get("Height", 0.0))
    if corners is None or len(corners) < 3:
        raise invalid_parameter("The Polygon of a region needs three points at least.")
    return make_valid(Polygon([(point.get("X", 0.0), point.get("Y", 0.0)) for point in corners]))


def _detection(number: int, kind: str, found: Line | Word) -> dict[str, Any]:
    return {
        "DetectedText": found.text,
        "Type": kind,
        "Id": number,
        "Confidence": found.confidence,
        "Geometry": _geometry(found.outline),
    }


def _geometry(outline: Outline) -> dict[str, Any]:
    (left, top), (width, height) = outline.min(axis=0).tolist(), np.ptp(outline, axis=0).tolist()
    return {
        "BoundingBox": {"Left": left, "Top": top, "Width": width, "Height": height},
        "Polygon": [{"X": x, "Y": y} for x, y in outline.tolist()],
    }
