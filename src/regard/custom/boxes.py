"""Boxes of a line of a manifest, each judged by itself; and what both forms of labels have in common."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from regard.custom.codes import LineCode
from regard.custom.judged import Box, Note

# AWS's: boxes of a picture, the sides of a picture in pixels, and how much longer one side may be than the other.
MOST_BOXES = 50
LEAST_SIDE, MOST_SIDE, MOST_RATIO = 64, 4096, 20
# The API's, of the name of a label.
MOST_NAME = 255
# Pictures are scaled down to this side to be learned from, and a box has to be more than a pixel high and wide then.
_SCALED_SIDE = 1280
# Larger ones are no pixels, and not the same once they are calculated with.
_MOST_NUMBER = 1 << 53
_CORNERS = ("left", "top", "width", "height")


class Wrong(ValueError):
    """Ends the checks of a line."""

    def __init__(self, code: LineCode, *, attribute: str = "") -> None:
        super().__init__(code)
        self.note = Note(code, (), attribute)


@dataclass(slots=True)
class Marks:
    """What was found so far of a line. `misfit` says that its picture is too small, too large or too long."""

    labels: list[str] = field(default_factory=list)
    boxes: list[Box] = field(default_factory=list)
    size: tuple[int, int] | None = None
    misfit: bool = False
    notes: list[Note] = field(default_factory=list)

    def note(self, code: LineCode, *place: str | int, attribute: str = "") -> None:
        """Note what is wrong, and go on."""
        self.notes.append(Note(code, place, attribute))


def fits(width: int, height: int) -> bool:
    """Whether a picture of so many pixels may be learned from."""
    short, long = sorted((width, height))
    return short >= LEAST_SIDE and long <= MOST_SIDE and long <= MOST_RATIO * short


def require_metadata(metadata: Any) -> str:
    """The form of labels that metadata say. Raises Wrong where they lack what those of each form have."""
    if not isinstance(metadata, dict):
        raise Wrong(LineCode.INVALID_LABEL_ATTRIBUTE_METADATA_FORMAT)
    kind = metadata.get("type")
    told = [kind, metadata.get("creation-date"), metadata.get("job-name", "-")]
    if not all(isinstance(each, str) and each for each in told) or metadata.get("human-annotated") not in ("yes", "no"):
        raise Wrong(LineCode.INVALID_LABEL_ATTRIBUTE_METADATA_FORMAT)
    return str(kind)


def name_of(name: Any) -> str:
    """The name of a label, empty where it is of another length than names have. Raises Wrong where it is none."""
    if not isinstance(name, str):
        raise Wrong(LineCode.INVALID_LABEL_ATTRIBUTE_METADATA_FORMAT)
    return name if len(name) <= MOST_NAME else ""


def share(value: Any) -> bool:
    """Whether a value is a number from 0 to 1."""
    return _is_number(value) and 0 <= value <= 1


def judge_boxes(value: Any, metadata: dict[str, Any], attribute: str, of_metadata: str, marks: Marks) -> None:
    """Judge the boxes of a label attribute; its metadata are under the key `of_metadata`. Raises Wrong."""
    width, height, annotations = _opened(value, attribute)
    names = _names(metadata, annotations)
    marks.size = width, height
    if not fits(width, height):
        marks.misfit = True
        marks.note(LineCode.INVALID_IMAGE_DIMENSION)
    if not annotations:
        human = metadata["human-annotated"] == "yes"
        marks.note(LineCode.NO_ATTRIBUTE_ANNOTATIONS if human else LineCode.UNANNOTATED_RECORD, attribute)
        return
    if len(annotations) > MOST_BOXES:
        marks.note(LineCode.TOO_MANY_BOUNDING_BOXES, attribute)
        return
    if not all(names):
        marks.note(LineCode.INVALID_LABEL_NAME_LENGTH, of_metadata)
    right = 0
    for number, (annotation, name) in enumerate(zip(annotations, names, strict=True)):
        box = Box(name, *(annotation[corner] for corner in _CORNERS))
        if (code := _fault(box, width, height)) is not None:
            marks.note(code, attribute, "annotations", number)
        elif name:
            marks.boxes.append(box)
            right += 1
    if not right:
        marks.note(LineCode.NO_VALID_ANNOTATIONS, attribute)


def _opened(value: Any, attribute: str) -> tuple[int, int, list[dict[str, Any]]]:
    """Width and height of the picture, and the boxes. Raises Wrong where they are of another form."""
    wrong = Wrong(LineCode.INVALID_LABEL_ATTRIBUTE_FORMAT, attribute=attribute)
    sizes = value.get("image_size") if isinstance(value, dict) else None
    if not (isinstance(sizes, list) and len(sizes) == 1 and isinstance(sizes[0], dict)):
        raise wrong
    width: Any = sizes[0].get("width")
    height: Any = sizes[0].get("height")
    annotations = value.get("annotations") or []
    if not (_is_count(width) and _is_count(height) and isinstance(annotations, list)):
        raise wrong
    for annotation in annotations:
        corners = isinstance(annotation, dict) and all(_is_number(annotation.get(corner)) for corner in _CORNERS)
        if not corners or not _is_whole(annotation.get("class_id")):
            raise wrong
    return int(width), int(height), annotations


def _names(metadata: dict[str, Any], annotations: list[dict[str, Any]]) -> list[str]:
    """The label of each box, empty for one of another length than names have. Raises Wrong."""
    objects, classes = metadata.get("objects") or [], metadata.get("class-map")
    if not isinstance(objects, list) or not isinstance(classes, dict):
        raise Wrong(LineCode.INVALID_LABEL_ATTRIBUTE_METADATA_FORMAT)
    found = [each.get("confidence") if isinstance(each, dict) else None for each in objects[: len(annotations)]]
    if len(found) < len(annotations) or None in found:
        raise Wrong(LineCode.MISSING_BOUNDING_BOX_CONFIDENCE)
    if not all(map(share, found)):
        raise Wrong(LineCode.INVALID_LABEL_ATTRIBUTE_METADATA_FORMAT)
    ids = [str(annotation["class_id"]) for annotation in annotations]
    if not classes.keys() >= set(ids):
        raise Wrong(LineCode.MISSING_CLASS_MAP_ID)
    return [name_of(classes[each]) for each in ids]


def _fault(box: Box, width: int, height: int) -> LineCode | None:
    """What is wrong with a box in a picture of so many pixels."""
    if min(box.left, box.top, box.width, box.height) < 0:
        return LineCode.INVALID_BOUNDING_BOX
    if box.left + box.width > width or box.top + box.height > height:
        return LineCode.INVALID_BOUNDING_BOX
    scale = min(1.0, _SCALED_SIDE / max(width, height))
    return LineCode.BOUNDING_BOX_TOO_SMALL if min(box.width, box.height) * scale <= 1 else None


def _is_whole(value: Any) -> bool:
    return isinstance(value, int) and not isinstance(value, bool) and abs(value) <= _MOST_NUMBER


def _is_number(value: Any) -> bool:
    return _is_whole(value) or (isinstance(value, float) and abs(value) <= _MOST_NUMBER)


def _is_count(value: Any) -> bool:
    return _is_whole(value) and value > 0
