"""What an operation found in a picture, as rows of a table and boxes over it; and what its headers say, in words.

The answers are those of the API; nothing is worked out here but places on the screen.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from regard.pages.console.boxes import Drawing, Sides, drawing


@dataclass(frozen=True, slots=True)
class Finding:
    """A row: what, how sure (0 to 100), more words, and where: ratios of the picture, left, top, width and height."""

    what: str
    confidence: float | None
    more: str = ""
    box: Sides | None = None


def findings(answer: Mapping[str, Any]) -> list[Finding]:
    """The rows of an answer of one of the operations on pictures."""
    return [
        *(_face(each) for each in answer.get("FaceDetails", ())),
        *(row for each in answer.get("Labels", ()) for row in _label(each)),
        *(_text(each) for each in answer.get("TextDetections", ()) if each["Type"] == "LINE"),
        *(
            Finding(each["Name"], each["Confidence"], each["ParentName"] and f"of {each['ParentName']}")
            for each in answer.get("ModerationLabels", ())
        ),
        *(row for each in answer.get("Persons", ()) for row in _person(each)),
    ]


def drawn(found: list[Finding], width: int, height: int) -> Drawing:
    """The boxes over a picture of so many pixels, numbered as the rows."""
    boxes = [(str(number), "", each.box) for number, each in enumerate(found, 1) if each.box is not None]
    return drawing(boxes, width, height, f"{len(boxes)} boxes, numbered as the rows of the table")


def in_words(remarks: Mapping[str, str]) -> list[tuple[str, str, str]]:
    """What headers say, in words: the header, its value, and what it means."""
    return [(name, value, _MEANINGS.get(name, "Told by the operation.")) for name, value in sorted(remarks.items())]


_MEANINGS = {
    "x-regard-bystanders": "So many other faces were in the picture: they were compared in memory, and dropped.",
    "x-regard-doubted": "Somebody told these apart before: two people look at them again.",
    "x-regard-entry": "Where the public log tells of this call: the month, and the number of the entry.",
    "x-regard-faces-in-picture": "So many faces are in the picture; the largest was searched with.",
    "x-regard-picture": "What was remarked of the picture itself.",
    "x-regard-profile": "The profile that the collection's faces are embedded with.",
    "x-regard-receipt": "The receipt: it proves that the log has the entry, without trust in this service.",
    "x-regard-review": "Matches wait until two people, apart, say that it is the same person.",
    "x-regard-searched-face": "Where in the picture the face is that was searched with.",
    "x-regard-sequence": "How many calls of your organization the log tells of this month, with this one.",
    "x-regard-suppressed": "Faces were not kept, as their people objected to it.",
    "x-regard-threshold": "The gate raised the threshold to the floor of your purpose, or of so large a collection.",
    "x-regard-withheld": "The gate withheld this: the policy does not let your purpose have it.",
}


def _face(told: Mapping[str, Any]) -> Finding:
    return Finding("Face", told["Confidence"], "; ".join(_said_of_face(told)), _box(told["BoundingBox"]))


def _said_of_face(told: Mapping[str, Any]) -> Iterator[str]:
    if age := told.get("AgeRange"):
        yield f"looks {age['Low']} to {age['High']} years old"
    for name, value in told.items():
        if isinstance(value, Mapping) and isinstance(value.get("Value"), bool):
            yield f"{name} {'yes' if value['Value'] else 'no'} ({value['Confidence']:.0f})"


def _label(told: Mapping[str, Any]) -> Iterator[Finding]:
    more = ", ".join(each["Name"] for each in told.get("Parents", ()))
    yield Finding(told["Name"], told["Confidence"], more and f"of {more}")
    for each in told.get("Instances", ()):
        yield Finding(told["Name"], each["Confidence"], "here", _box(each["BoundingBox"]))


def _text(told: Mapping[str, Any]) -> Finding:
    return Finding(told["DetectedText"], told["Confidence"], "a line", _box(told["Geometry"]["BoundingBox"]))


def _person(told: Mapping[str, Any]) -> Iterator[Finding]:
    yield Finding("Person", told["Confidence"], "", _box(told["BoundingBox"]))
    for part in told["BodyParts"]:
        for each in part["EquipmentDetections"]:
            yield Finding(each["Type"], each["Confidence"], part["Name"], _box(each["BoundingBox"]))


def _box(told: Mapping[str, float]) -> Sides:
    return told["Left"], told["Top"], told["Width"], told["Height"]
