"""Boxes over a picture: where on the drawing each is, in the units of its viewBox."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

# The boxes are drawn on a picture of this width, so that words of 12 of its units can be read on a phone, too.
DRAWN_WIDTH = 400.0
# Ratios of the picture: left, top, width and height.
Sides = tuple[float, float, float, float]


@dataclass(frozen=True, slots=True)
class Drawn:
    """A box on a picture that is DRAWN_WIDTH wide; `name` is what is written in it, `kind` how its line looks: plain,
    or `told`, which is dashed.
    """

    name: str
    x: float
    y: float
    width: float
    height: float
    kind: str = ""


@dataclass(frozen=True, slots=True)
class Drawing:
    """What lies over a picture: its height, where it is DRAWN_WIDTH wide, and the boxes on it; `words` for whoever does
    not see them.
    """

    tall: float
    boxes: list[Drawn]
    words: str
    wide: float = DRAWN_WIDTH


def drawing(boxes: Iterable[tuple[str, str, Sides]], width: int, height: int, words: str) -> Drawing:
    """Boxes over a picture of so many pixels, each by its name, its kind and its sides."""
    tall = DRAWN_WIDTH * height / width
    return Drawing(
        tall,
        [
            Drawn(name, left * DRAWN_WIDTH, top * tall, wide * DRAWN_WIDTH, high * tall, kind)
            for name, kind, (left, top, wide, high) in boxes
        ],
        words,
    )
