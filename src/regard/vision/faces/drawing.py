"""Pictures with the findings drawn on them, for people to look at; covering is in
:mod:`regard.vision.pictures.redaction`.
"""

from __future__ import annotations

import math
from collections.abc import Iterable
from dataclasses import dataclass

from PIL import Image, ImageDraw, ImageFont

from regard.vision.faces.faces import Box
from regard.vision.pictures.images import Picture

# Black letters on either have a contrast of over 7 to 1 (WCAG 2.2).
_FOUND, _OTHER = (0, 200, 120), (160, 160, 160)
_LEAST_LETTERS = 8


Dots = tuple[tuple[float, float], ...]


@dataclass(frozen=True, slots=True)
class Mark:
    """A box with a few words; `found` marks stand out, others are grey. Dots are ratios of the picture."""

    box: Box
    text: str = ""
    found: bool = True
    dots: Dots = ()


def drawn(picture: Picture, marks: Iterable[Mark]) -> Image.Image:
    """A copy of the picture with the marks on it.

    Lines and letters grow with the picture. Words stand inside the frame whatever the box and the size: below the
    box, else above it, else on its lower edge; letters shrink down to 8 px to fit. Boxes are drawn first, so that no
    box crosses words.
    """
    image = Image.fromarray(picture.pixels)
    canvas = ImageDraw.Draw(image)
    width = max(2, round(max(image.size) / 300))
    all_marks = list(marks)
    for mark in all_marks:
        _outline(canvas, image.size, mark, width)
    for mark in all_marks:
        if mark.text:
            _label(canvas, image.size, mark, width)
    return image


def _corners(size: tuple[int, int], box: Box) -> tuple[float, float, float, float]:
    """Left, top, right and bottom in pixels, as far as the box lies in the picture."""
    across, down = size
    left, right = sorted(min(max(each * across, 0), across - 1) for each in (box.left, box.left + box.width))
    top, bottom = sorted(min(max(each * down, 0), down - 1) for each in (box.top, box.top + box.height))
    return left, top, right, bottom


def _outline(canvas: ImageDraw.ImageDraw, size: tuple[int, int], mark: Mark, width: int) -> None:
    color = _FOUND if mark.found else _OTHER
    canvas.rectangle(_corners(size, mark.box), outline=color, width=width)
    for x, y in mark.dots:
        canvas.circle((x * size[0], y * size[1]), width, fill=color)


def _label(canvas: ImageDraw.ImageDraw, size: tuple[int, int], mark: Mark, width: int) -> None:
    """Black words on a plate in the colour of the mark, placed inside the frame."""
    font, words = _fitting(canvas, size, mark.text, width)
    across, down = words[2] - words[0] + 2 * width, words[3] - words[1] + 2 * width
    left, top, _, bottom = _corners(size, mark.box)
    x = max(0.0, min(left, size[0] - across))
    fits_below, fits_above = bottom + down <= size[1], top - down >= 0
    y = bottom if fits_below else top - down if fits_above else max(0.0, size[1] - down)
    x, y = math.floor(x), math.floor(y)
    color = _FOUND if mark.found else _OTHER
    canvas.rectangle((x, y, x + across - 1, y + down - 1), fill=color)
    canvas.text((x + width - words[0], y + width - words[1]), mark.text, fill=(0, 0, 0), font=font)


def _fitting(
    canvas: ImageDraw.ImageDraw, size: tuple[int, int], text: str, width: int
) -> tuple[ImageFont.FreeTypeFont | ImageFont.ImageFont, tuple[int, int, int, int]]:
    """The font with which the text fits into the picture, as far as it can be read, and the text's own box."""
    letters = max(12, round(max(size) / 40))
    while True:
        font = ImageFont.load_default(size=letters)
        bounds = canvas.textbbox((0, 0), text, font=font)
        words = (math.floor(bounds[0]), math.floor(bounds[1]), math.ceil(bounds[2]), math.ceil(bounds[3]))
        room = (size[0] - 2 * width, size[1] - 2 * width)
        if letters <= _LEAST_LETTERS or (words[2] - words[0] <= room[0] and words[3] - words[1] <= room[1]):
            return font, words
        letters = max(_LEAST_LETTERS, letters * 4 // 5)
