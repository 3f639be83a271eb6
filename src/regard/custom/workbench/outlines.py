"""Outlines: where in the pictures of a test the things are that a detector had to find, and where it told some."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from typing import TYPE_CHECKING, Any

import msgspec

if TYPE_CHECKING:
    from regard.evaluation.custom.detections import Truth
    from regard.vision.heads.box_head import Framed


class Outline(msgspec.Struct, frozen=True, array_like=True):
    """A box of a label, by its place among them: one that is `there`, or one that was told.

    `left`, `top`, `width` and `height` are ratios of the picture, to a tenth of a thousandth.
    """

    label: int
    there: bool
    left: float
    top: float
    width: float
    height: float


def outlined(truths: Iterable[Truth], told: Iterable[Framed]) -> list[list[Outline]]:
    """The boxes of each picture of a test: those that are there, then those that were told."""
    return [
        [*_outlines(*truth, there=True), *_outlines(found.boxes, found.kinds, there=False)]
        for truth, found in zip(truths, told, strict=True)
    ]


def in_words(outlines: Sequence[Outline], names: Sequence[str]) -> str:
    """What boxes say to whoever does not see them: how many of which label are there, and how many were told."""
    there, told = (_counted([names[each.label] for each in outlines if each.there is side]) for side in (True, False))
    return f"Boxes that are there: {there}. Boxes that were told: {told}."


def _outlines(boxes: Any, kinds: Any, there: bool) -> Iterator[Outline]:
    for sides, kind in zip(boxes.tolist(), kinds.tolist(), strict=True):
        yield Outline(kind, there, *(round(each, 4) for each in sides))


def _counted(names: Sequence[str]) -> str:
    return ", ".join(f"{count} {name}" for name, count in Counter(names).items()) or "none"
