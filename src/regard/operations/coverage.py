"""Coverage: what answers and what does not, for each operation of the API; `docs/coverage.md` is made from this."""

from __future__ import annotations

from typing import NamedTuple

from regard.operations.common.model import service_model
from regard.operations.common.registry import answered

_NO_ATTRIBUTES = (
    "Eyeglasses, Sunglasses, Beard and Mustache are absent: no model with a usable licence. EyesOpen and EyeDirection "
    "are absent: no pictures with known answers to measure them on, so a confidence would be made up. FaceOccluded is "
    "absent: a rule for masks was right on 0.92 of masked and bare faces, and blind to any other cover. "
    "Emotions are worked out only where the policy allows them."
)
# Operations that answer, but not all that AWS answers.
IN_PART = {
    "DetectFaces": _NO_ATTRIBUTES,
    "IndexFaces": _NO_ATTRIBUTES,
    "DetectLabels": (
        "The labels are those that the models' classes stand for: 80 objects with boxes, 1,000 things and scenes, and "
        "the labels above them. Foreground is absent where no object is found. Needs the OpenVINO runtime."
    ),
    "DetectModerationLabels": (
        "Of taxonomy 7.0 only Explicit and Explicit Nudity are answered, by one score that is not calibrated and was "
        "measured on harmless pictures alone. There is no model with a usable licence for any other label, for "
        "ContentTypes (always empty) or for adapters (ProjectVersion is not found). HumanLoopConfig takes flow "
        "definitions of `regard review flow`, with one condition each; without any it meets its quota of 0."
    ),
    "DetectProtectiveEquipment": (
        "FACE_COVER only; CoversBodyPart repeats its confidence, and its box is the lower half of the face. There is "
        "no model with a usable licence for HEAD_COVER, HAND_COVER and hands: hands are never body parts, the head is "
        "one without detections, and whoever is required to wear these is indeterminate."
    ),
    "RecognizeCelebrities": (
        "Nobody is recognised but public figures whom the operator enrolled (`regard figures import`), from a "
        "similarity of 99 on. Smile and Emotions are absent."
    ),
    "DetectText": (
        "Latin letters, figures and Chinese are read. Greek and Vietnamese lines lose letters and are answered half as "
        "sure as the model says. Cyrillic, Arabic, Hindi, Thai and Korean are not read."
    ),
    "GetCelebrityInfo": "Public figures whom the operator enrolled.",
}
# Operations that will not be built, and why.
REFUSED = dict.fromkeys(
    ("StartPersonTracking", "GetPersonTracking"),
    "Tracking persons through pictures is what regard exists to refuse; AWS ended it too (2025-10-31).",
)
_LATER = {
    "Video": "Stored video is later work.",
    "StreamProcessor": "Streaming video is later work, and closed to new customers at AWS.",
    "MediaAnalysis": "Bulk analysis is later work, and closed to new customers at AWS.",
    "Liveness": "No liveness model of clear origin was found.",
    "Custom": "Custom labels need training, which is not built.",
    "Image": "Later work: the models are chosen, the operation is not built.",
}


class Row(NamedTuple):
    """One operation of the API: a row of `docs/coverage.md`."""

    operation: str
    state: str
    remark: str


def rows() -> list[Row]:
    """A row for every operation of the service model, in the alphabet's order."""
    return [_row(name) for name in sorted(service_model().operation_names)]


def as_markdown() -> str:
    """The text of `docs/coverage.md`."""
    table = rows()
    built = sum(row.state in ("answered", "in part") for row in table)
    lines = [
        "# Which operations answer",
        "",
        f"{built} of {len(table)} operations answer. This page is made by `regard coverage --write`; a test "
        "fails when it is out of date.",
        "",
        "| Operation | answered · in part · refused · not yet | what is missing, or why |",
        "|---|---|---|",
        *(f"| {row.operation} | {row.state} | {row.remark} |" for row in table),
    ]
    return "\n".join(lines) + "\n"


def remark_of(name: str) -> str:
    """Why the operation `name` does not answer, in a sentence."""
    return _row(name).remark


def _row(name: str) -> Row:
    if name in REFUSED:
        return Row(name, "refused", REFUSED[name])
    if name not in answered():
        return Row(name, "not yet", _LATER[_kind(name)])
    return Row(name, "in part" if name in IN_PART else "answered", IN_PART.get(name, ""))


def _kind(name: str) -> str:
    if "StreamProcessor" in name or "MediaAnalysis" in name or "Liveness" in name:
        return next(kind for kind in ("StreamProcessor", "MediaAnalysis", "Liveness") if kind in name)
    if any(word in name for word in ("Project", "Dataset", "CustomLabels")):
        return "Custom"
    members = service_model().operation_model(name)
    shapes = [shape for shape in (members.input_shape, members.output_shape) if shape]
    return "Video" if any("JobId" in shape.members for shape in shapes) else "Image"
