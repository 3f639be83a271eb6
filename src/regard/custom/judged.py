"""What a line of a manifest comes to: its picture, its labels and boxes, and what is wrong with which part of it."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import msgspec

from regard.custom.codes import LineCode

# Of a line that ends here there is no entry: nothing would be known of it but that it was wrong.
_DROPPED = (LineCode.INVALID_JSON_LINE, LineCode.MISSING_SOURCE_REF, LineCode.INVALID_SOURCE_REF_FORMAT)
# Whom the picture shows, as whoever made the line says: ExternalImageIds.
_PEOPLE = "regard-people"
# What listings, and validation manifests, add to lines. It is no part of them when they are sent again.
_METADATA, _ERRORS = "cl-metadata", "cl-errors"
_VALIDATED = ("errors", "warnings")


@dataclass(frozen=True, slots=True)
class Note:
    """What is wrong with the part of a line at `place`: keys and positions, from the outside in; () is the line.

    `attribute` is the label attribute that the text names.
    """

    code: LineCode
    place: tuple[str | int, ...] = ()
    attribute: str = ""

    @property
    def told(self) -> dict[str, str]:
        """As it is told within the line."""
        return {"code": str(self.code), "message": self.code.text(self.attribute)}


@dataclass(frozen=True, slots=True)
class Box:
    """Where something is, in pixels of the picture as its line measures it: all four are within the picture."""

    name: str
    left: float
    top: float
    width: float
    height: float


@dataclass(frozen=True, slots=True)
class Judged:
    """A line as it was judged. `line` is what it says, without what listings add.

    `labels` are of the whole picture, each once; of an adapter's line those of moderation, none where it is safe.
    `boxes` are those that nothing is wrong with. `size` is the picture's width and height, where the line says them.
    `labeled` says that it has a label attribute, right or wrong; `usable` that it can be learned from.
    """

    line: dict[str, Any] = field(default_factory=dict)
    source: str = ""
    labels: tuple[str, ...] = ()
    boxes: tuple[Box, ...] = ()
    size: tuple[int, int] | None = None
    labeled: bool = False
    usable: bool = False
    notes: tuple[Note, ...] = ()

    @property
    def place(self) -> tuple[str, str]:
        """The bucket and the name of its picture."""
        bucket, _, name = self.source.removeprefix("s3://").partition("/")
        return bucket, name

    @property
    def people(self) -> tuple[str, ...]:
        """Whom the line says that its picture shows (`regard-people`), each once."""
        told = self.line.get(_PEOPLE)
        named = told if isinstance(told, list) else [told]
        return tuple(dict.fromkeys(each for each in named if isinstance(each, str) and each))

    @property
    def names(self) -> dict[str, int]:
        """Every label that it has, with the number of its boxes: 0 for one that is of the whole picture alone."""
        found = dict.fromkeys(self.labels, 0)
        for box in self.boxes:
            found[box.name] = found.get(box.name, 0) + 1
        return found

    @property
    def errors(self) -> tuple[Note, ...]:
        """What is wrong with it, without the warnings."""
        return tuple(note for note in self.notes if not note.code.warns)

    @property
    def bad(self) -> bool:
        """Whether it counts among the lines that are wrong: it cannot be used, and is none of those that are ignored.

        A line with one box that is wrong and one that is right is none.
        """
        return not self.usable and bool(self.errors)

    @property
    def dropped(self) -> bool:
        """Whether a dataset has no entry of it."""
        return any(note.code in _DROPPED for note in self.errors)

    def told(self) -> bytes:
        """The line as datasets list it: JSON, with what is wrong in its place."""
        marked = _marked(self.line, [(_ERRORS, note) for note in self.errors])
        return msgspec.json.encode(marked | {_METADATA: {"is_labeled": self.labeled}})

    def validated(self) -> bytes:
        """The line as validation manifests tell it: JSON, with `errors` and `warnings` in their places."""
        warnings = tuple(note for note in self.notes if note.code.warns)
        both = [("errors", note) for note in self.errors] + [("warnings", note) for note in warnings]
        return msgspec.json.encode(_marked(self.line, both))


def unmarked(line: dict[str, Any]) -> dict[str, Any]:
    """A line without what listings and validation manifests add to it."""
    told = {key: _bare(value) for key, value in line.items() if key != _METADATA and not _is_added(key, value)}
    for value in told.values():
        if isinstance(value, dict) and isinstance(boxes := value.get("annotations"), list):
            value["annotations"] = [_bare(box) for box in boxes]
    return told


def _bare(value: Any) -> Any:
    if not isinstance(value, dict):
        return value
    return {key: each for key, each in value.items() if not _is_added(key, each)}


def _is_added(key: str, value: Any) -> bool:
    # A label attribute may have any name, and is no list.
    return key == _ERRORS or (key in _VALIDATED and isinstance(value, list))


def _marked(line: dict[str, Any], notes: list[tuple[str, Note]]) -> dict[str, Any]:
    told = dict(line)
    for key, note in notes:
        _add(told, note.place, key, note.told)
    return told


def _add(within: dict[str, Any], place: tuple[str | int, ...], key: str, told: dict[str, str]) -> None:
    """Add to the list under `key` of what is at `place`. What is on the way there is copied, not changed."""
    part: Any = within
    for step in place:
        part[step] = part[step].copy()
        part = part[step]
    part[key] = [*part.get(key, ()), told]
