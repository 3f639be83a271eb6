"""Pictures with the findings drawn on them, for people to look at; covering is in
:mod:`regard.vision.pictures.redaction`.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from PIL import Image, ImageDraw, ImageFont

from regard.vision.faces.faces import Box
from regard.vision.pictures.images import Picture

_FOUND, _OTHER = (0, 200, 120), (160, 160, 160)


Dots = tuple[tuple[float, float], ...]


@dataclass(frozen=True, slots=True)
class Mark:
    """A box with a few words; `found` marks stand out, others are grey. Dots are ratios of the picture."""

    box: Box
    text: str = ""
    found: bool = True
    dots: Dots = ()


def drawn(picture: Picture, marks: Iterable[Mark]) -> Image.Image:
    """A copy of the picture with the marks on it; lines and letters grow with the picture."""
    image = Image.fromarray(picture.pixels)
    canvas = ImageDraw.Draw(image)
    width = max(2, round(max(image.size) / 300))
    font = ImageFont.load_default(size=max(10, round(max(image.size) / 40)))
    for mark in marks:
        _draw(canvas, image.size, mark, width, font)
    return image


def _draw(
    canvas: ImageDraw.ImageDraw,
    size: tuple[int, int],
    mark: Mark,
    width: int,
    font: ImageFont.FreeTypeFont | ImageFont.ImageFont,
) -> None:
    across, down = size
    left, top = mark.box.left * across, mark.box.top * down
    right, bottom = left + mark.box.width * across, top + mark.box.height * down
    color = _FOUND if mark.found else _OTHER
    canvas.rectangle((left, top, right, bottom), outline=color, width=width)
    for x, y in mark.dots:
        canvas.circle((x * across, y * down), width, fill=color)
    if mark.text:
        words = canvas.textbbox((left, bottom + width), mark.text, font=font)
        canvas.rectangle((words[0] - width, words[1] - width, words[2] + width, words[3] + width), fill=color)
        canvas.text((left, bottom + width), mark.text, fill=(0, 0, 0), font=font)
