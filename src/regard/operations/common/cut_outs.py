"""Cut-outs: a face of a picture for people to look at, as JPEG. What networks look at is `vision.pictures.crops`."""

from __future__ import annotations

import io

from PIL import Image

from regard.vision.pictures.findings import Box
from regard.vision.pictures.images import Picture

# The face with half of its size around it.
_MARGIN = 0.5


def cut_out(picture: Picture, box: Box, most: int | None = None) -> bytes:
    """The face in a box with some margin, as JPEG; its longer side is scaled down to `most` pixels."""
    left, top = box.left - _MARGIN * box.width, box.top - _MARGIN * box.height
    right, bottom = box.left + (1 + _MARGIN) * box.width, box.top + (1 + _MARGIN) * box.height
    height, width = picture.pixels.shape[:2]
    part = Image.fromarray(
        picture.pixels[
            max(round(top * height), 0) : max(round(bottom * height), 1),
            max(round(left * width), 0) : max(round(right * width), 1),
        ]
    )
    if most is not None:
        part.thumbnail((most, most))
    file = io.BytesIO()
    part.save(file, "JPEG", quality=90)
    return file.getvalue()
