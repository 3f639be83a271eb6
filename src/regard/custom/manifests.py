"""Manifests: JSON lines, one a picture, each judged by itself.

Two forms of labels are known, each a pair of keys of any name, NAME and NAME-metadata: of the whole picture, and boxes
in pixels. A line may have both. An adapter's line has one key of a fixed name.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from typing import Any

import msgspec

from regard.custom.boxes import MOST_BOXES, Marks, Wrong, judge_boxes, name_of, require_metadata, share
from regard.custom.codes import LineCode
from regard.custom.judged import Judged, Note, unmarked
from regard.custom.projects import Feature

# The API's, of an entry that it lists.
MOST_CHARACTERS = 100_000
# No character has more bytes in UTF-8.
_MOST_BYTES = 4 * MOST_CHARACTERS
SOURCE = "source-ref"
MODERATION = "content-moderation-groundtruth"
_PAIRED = "-metadata"
_CLASSIFICATION, _DETECTION = "groundtruth/image-classification", "groundtruth/object-detection"
# Of a bucket as the API has it, and of a name within one: 1,024 bytes.
_SOURCE = re.compile(r"s3://[0-9A-Za-z.\-_]{3,255}/(?s:.+)")
_MOST_NAME = 1024
_BOM = b"\xef\xbb\xbf"


def lines_of(parts: Iterable[bytes], read: int = 0) -> Iterator[tuple[int, bytes]]:
    """The lines of a manifest, blank ones too, each with the bytes that are read when it is.

    `parts` are what follows behind the first `read` bytes, which end a line. What is longer than any line that counts
    comes cut, and longer still: a manifest of one line takes no more memory.
    """
    rest, lost = bytearray(), 0
    for part in parts:
        rest += part
        begin = 0
        while (end := rest.find(b"\n", begin)) >= 0:
            read += lost + end + 1 - begin
            yield read, bytes(rest[begin:end])
            begin, lost = end + 1, 0
        del rest[:begin]
        if len(rest) > _MOST_BYTES + 1:
            lost += len(rest) - _MOST_BYTES - 1
            del rest[_MOST_BYTES + 1 :]
    if rest:
        yield read + lost + len(rest), bytes(rest)


def judge(text: bytes, feature: Feature = Feature.CUSTOM_LABELS) -> Judged:
    """One line of a manifest of a project with this feature."""
    try:
        line = _parsed(text)
    except Wrong as wrong:
        return Judged(notes=(wrong.note,))
    source = line.get(SOURCE)
    try:
        _require_source(line)
        if feature is Feature.CONTENT_MODERATION:
            return _moderation(line)
        return _custom(line)
    except Wrong as wrong:
        labeled = wrong.note.code not in (LineCode.NO_LABEL_ATTRIBUTES, LineCode.MISSING_SOURCE_REF)
        return Judged(line, source if isinstance(source, str) else "", labeled=labeled, notes=(wrong.note,))


def _parsed(text: bytes) -> dict[str, Any]:
    try:
        if len(text) > _MOST_BYTES or len(text.decode()) > MOST_CHARACTERS:
            raise Wrong(LineCode.INVALID_JSON_LINE)
        line = msgspec.json.decode(text.removeprefix(_BOM))
    except (msgspec.MsgspecError, RecursionError, UnicodeDecodeError):
        raise Wrong(LineCode.INVALID_JSON_LINE) from None
    if not isinstance(line, dict):
        raise Wrong(LineCode.INVALID_JSON_LINE)
    return unmarked(line)


def _require_source(line: dict[str, Any]) -> None:
    source = line.get(SOURCE)
    if source is None:
        raise Wrong(LineCode.MISSING_SOURCE_REF)
    if not (isinstance(source, str) and _SOURCE.fullmatch(source)):
        raise Wrong(LineCode.INVALID_SOURCE_REF_FORMAT)
    if len(source.removeprefix("s3://").partition("/")[2].encode()) > _MOST_NAME:
        raise Wrong(LineCode.INVALID_SOURCE_REF_FORMAT)


def _moderation(line: dict[str, Any]) -> Judged:
    if MODERATION not in line:
        return _without_labels(line)
    truth = line[MODERATION]
    labels = truth.get("ModerationLabels") if isinstance(truth, dict) else None
    if not isinstance(labels, list) or not all(isinstance(label, dict) for label in labels):
        raise Wrong(LineCode.INVALID_LABEL_ATTRIBUTE_FORMAT, attribute=MODERATION)
    names = [label.get("Name") for label in labels]
    if not all(isinstance(name, str) and name for name in names):
        raise Wrong(LineCode.INVALID_LABEL_ATTRIBUTE_FORMAT, attribute=MODERATION)
    return Judged(line, line[SOURCE], tuple(dict.fromkeys(names)), labeled=True, usable=True)


def _without_labels(line: dict[str, Any]) -> Judged:
    """A picture that nobody labelled yet is no error; a line that says something else than labels is."""
    if line.keys() == {SOURCE}:
        return Judged(line, line[SOURCE], notes=(Note(LineCode.UNANNOTATED_RECORD),))
    raise Wrong(LineCode.NO_LABEL_ATTRIBUTES)


def _custom(line: dict[str, Any]) -> Judged:
    pairs = [key for key in line if key != SOURCE and f"{key}{_PAIRED}" in line]
    if not pairs:
        return _without_labels(line)
    marks = Marks()
    for attribute in pairs:
        _look(line, attribute, marks)
    if len(marks.boxes) > MOST_BOXES:
        # Each attribute has few enough; together they are too many.
        marks.note(LineCode.TOO_MANY_BOUNDING_BOXES)
        marks.boxes.clear()
    return _judged(line, marks)


def _look(line: dict[str, Any], attribute: str, marks: Marks) -> None:
    """Judge one label attribute. Raises Wrong where that ends the checks of the line."""
    metadata = f"{attribute}{_PAIRED}"
    kind = require_metadata(line[metadata])
    if kind == _CLASSIFICATION:
        _look_at_label(line[attribute], line[metadata], attribute, marks)
    elif kind == _DETECTION:
        judge_boxes(line[attribute], line[metadata], attribute, metadata, marks)
    else:
        marks.note(LineCode.UNSUPPORTED_USE_CASE_TYPE, metadata, attribute=attribute)


def _look_at_label(value: Any, metadata: dict[str, Any], attribute: str, marks: Marks) -> None:
    if not isinstance(value, int) or isinstance(value, bool):
        raise Wrong(LineCode.INVALID_LABEL_ATTRIBUTE_FORMAT, attribute=attribute)
    name = name_of(metadata.get("class-name"))
    if not share(metadata.get("confidence")):
        raise Wrong(LineCode.INVALID_LABEL_ATTRIBUTE_METADATA_FORMAT)
    if not name:
        marks.note(LineCode.INVALID_LABEL_NAME_LENGTH, f"{attribute}{_PAIRED}")
    elif name not in marks.labels:
        marks.labels.append(name)


def _judged(line: dict[str, Any], marks: Marks) -> Judged:
    usable = bool(marks.labels or marks.boxes) and not marks.misfit
    if not usable and not marks.misfit:
        wrong = any(not note.code.warns for note in marks.notes)
        marks.note(LineCode.NO_VALID_LABEL_ATTRIBUTES if wrong else LineCode.NO_ANNOTATIONS)
    labels, boxes = (tuple(marks.labels), tuple(marks.boxes)) if usable else ((), ())
    return Judged(line, line[SOURCE], labels, boxes, marks.size, True, usable, tuple(marks.notes))
