"""The label Glasses, by what heads tell of the largest faces. Sunglasses are told by the classifier alone: there were
no pictures of any on real faces to say how often the head is right of them.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

from regard.vision.pictures.findings import Face, FoundLabel
from regard.vision.pictures.images import Picture

Wears = Callable[[Picture, Face], float | None]
"""How likely a face wears glasses, clear or dark, 0 to 1; None where no head tells."""

# Each look takes an inference of the mesh. Of smaller faces, in pixels of the picture, frames are a matter of chance.
MOST_FACES, LEAST_PIXELS = 3, 40
# What scores less may be no face.
_SURE = 85.0


def glasses(picture: Picture, faces: Sequence[Face], wears: Wears) -> list[FoundLabel]:
    """Glasses, as sure as of the face that wears them most surely; nothing where no face is large."""
    large = [each for each in faces if each.confidence >= _SURE and each.box.height * picture.height >= LEAST_PIXELS]
    large.sort(key=lambda face: -face.box.height * face.box.width)
    chances = [chance for face in large[:MOST_FACES] if (chance := wears(picture, face)) is not None]
    return [FoundLabel("Glasses", 100 * max(chances))] if chances else []
