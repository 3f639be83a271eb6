"""Redaction in pixels: areas of a picture covered, and a file with nothing in it but pixels. Which areas,
:mod:`regard.operations.images.redaction` says.
"""

from __future__ import annotations

import io
import math
from collections.abc import Callable, Iterable
from enum import StrEnum

import numpy as np
import simplejpeg
from numpy.typing import NDArray
from PIL import Image, ImageFilter

from regard.vision.pictures.findings import Box
from regard.vision.pictures.images import Picture

Pixels = NDArray[np.uint8]

# What a head shows beyond the box of its face, in widths and heights of that box: hair, ears, chin.
_BESIDE, _ABOVE, _BELOW = 0.3, 0.4, 0.25
_AROUND_TEXT = 0.2
_BLOCKS = 4
_QUALITY = 92


class Style(StrEnum):
    """How an area is covered. Only `fill` leaves nothing of it; what is blurred can be sharpened, or recognised."""

    FILL = "fill"
    PIXELATE = "pixelate"
    BLUR = "blur"


def head(face: Box, quarter: int | None = 0) -> Box:
    """The box of the head around the box of a face that is turned by so many quarters with the clock.

    None stands for a face of which that is not known: it has hair on every side.
    """
    margins = np.full(4, _ABOVE) if quarter is None else np.roll((_ABOVE, _BESIDE, _BELOW, _BESIDE), quarter)
    above, right, below, left = map(float, margins)
    return Box(
        face.left - left * face.width,
        face.top - above * face.height,
        (1 + left + right) * face.width,
        (1 + above + below) * face.height,
    )


def around(outline: NDArray[np.float64]) -> Box:
    """The upright box around an outline (4, 2) of text, larger on each side by a fifth of its shorter side."""
    left, top = outline.min(axis=0)
    width, height = np.ptp(outline, axis=0)
    more = _AROUND_TEXT * min(width, height)
    return Box(float(left - more), float(top - more), float(width + 2 * more), float(height + 2 * more))


def covered(picture: Picture, areas: Iterable[Box], style: Style = Style.FILL) -> Picture:
    """A copy of the picture with the areas covered; parts of them outside the picture do not matter."""
    pixels = picture.pixels.copy()
    for area in areas:
        left, top = max(0, math.floor(area.left * picture.width)), max(0, math.floor(area.top * picture.height))
        right = max(left, math.ceil((area.left + area.width) * picture.width))
        bottom = max(top, math.ceil((area.top + area.height) * picture.height))
        part = pixels[top:bottom, left:right]
        if part.size:
            part[:] = _STYLES[style](part)
    return Picture(pixels, picture.format)


def encoded(picture: Picture) -> bytes:
    """A file of the picture's format with its pixels alone: no EXIF, place, thumbnail, profile or comment."""
    if picture.format == "JPEG":
        return bytes(simplejpeg.encode_jpeg(picture.pixels, quality=_QUALITY, colorspace="RGB", colorsubsampling="444"))
    file = io.BytesIO()
    Image.fromarray(picture.pixels).save(file, "PNG")
    return file.getvalue()


def _filled(_: Pixels) -> Pixels:
    return np.zeros(3, np.uint8)


def _pixelated(part: Pixels) -> Pixels:
    height, width = part.shape[:2]
    blocks = (min(_BLOCKS, width), min(_BLOCKS, height))
    return np.asarray(Image.fromarray(part).resize(blocks, Image.Resampling.BOX).resize((width, height), 0))


def _blurred(part: Pixels) -> Pixels:
    return np.asarray(Image.fromarray(part).filter(ImageFilter.GaussianBlur(max(part.shape[:2]) / 8)))


_STYLES: dict[Style, Callable[[Pixels], Pixels]] = {
    Style.FILL: _filled,
    Style.PIXELATE: _pixelated,
    Style.BLUR: _blurred,
}
