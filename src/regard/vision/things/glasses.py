"""The labels Glasses and Sunglasses, by what heads tell of the largest faces."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from regard.vision.pictures.findings import Face, FoundLabel, Worn
from regard.vision.pictures.images import Picture

Wears = Callable[[Picture, Face], Worn | None]
"""How likely a face wears glasses, and dark ones; None where no head tells."""

# Each look takes an inference of the mesh. Of smaller faces, in pixels of the picture, frames are a matter of chance.
MOST_FACES, LEAST_PIXELS = 3, 40
# What scores less may be no face.
_SURE = 85.0


def glasses(picture: Picture, faces: Sequence[Face], wears: Wears) -> list[FoundLabel]:
    """Each label as sure as of the face that wears such glasses most surely; nothing where no face is large."""
    large = [each for each in faces if each.confidence >= _SURE and each.box.height * picture.height >= LEAST_PIXELS]
    large.sort(key=lambda face: -face.box.height * face.box.width)
    worn = [each for face in large[:MOST_FACES] if (each := wears(picture, face)) is not None]
    if not worn:
        return []
    return [
        FoundLabel("Glasses", 100 * max(each.glasses for each in worn)),
        FoundLabel("Sunglasses", 100 * max(each.dark for each in worn)),
    ]
