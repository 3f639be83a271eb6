"""Whether a picture shows anything: networks name something in a wall of one colour and in noise too. And whether it is
dark.
"""

from __future__ import annotations

import math
from collections.abc import Iterable

import numpy as np
from PIL import Image

from regard.vision.pictures.colors import light, luma_of
from regard.vision.pictures.findings import Face, FoundLabel
from regard.vision.pictures.images import Picture

_SIDE = 64
# How far apart two places are whose colours are compared: a sixteenth of the picture.
_APART = 4
# Between what 698 pictures of eleven collections have at least (1.89 levels of 255, and 0.17) and what gradients (1.41
# of 2,500, packed hard as JPEG) and noise of grains up to a twenty-fifth of the side (0.08) have at most.
_LEAST_DETAIL = 1.65
_LEAST_CORRELATION = 0.12
# Brightness at which a picture is called dark in one case of two, and the steepness of the logistic curve, of 175
# photographs judged by eye.
_DARK, _STEEP = 20.0, 0.35
# Where a face takes this part of the picture's height, its brightness is that of somebody's skin and of a backdrop.
_FILLING = 0.3


def shows_something(picture: Picture) -> bool:
    """Whether a picture is more than one colour, a gradient or noise, by two numbers of a copy of 64×64.

    What is pictured has edges: a place differs from the mean of its four neighbours. And it has parts that hang
    together: places a sixteenth of the picture apart are alike, which in noise they are not.
    """
    small = Image.fromarray(picture.pixels).resize((_SIDE, _SIDE), Image.Resampling.BOX, reducing_gap=3.0)
    seen = np.asarray(small, np.float64)
    around = (seen[:-2, 1:-1] + seen[2:, 1:-1] + seen[1:-1, :-2] + seen[1:-1, 2:]) / 4
    if np.sqrt(np.mean((seen[1:-1, 1:-1] - around) ** 2)) < _LEAST_DETAIL:
        return False
    apart = seen - seen.mean((0, 1))
    across = np.mean(apart[:, _APART:] * apart[:, :-_APART]) + np.mean(apart[_APART:] * apart[:-_APART])
    return bool(across / 2 >= _LEAST_CORRELATION * np.mean(apart**2))


def darkness(picture: Picture, faces: Iterable[Face]) -> list[FoundLabel]:
    """The label Dark, by the brightness of the whole picture; none where a face is large.

    Portraits before a black ground are no dark pictures, and whether one is called dark must not hang on the colour of
    somebody's skin.
    """
    if any(face.box.height >= _FILLING for face in faces):
        return []
    small = np.asarray(Image.fromarray(picture.pixels).resize((_SIDE, _SIDE), Image.Resampling.BOX, reducing_gap=3.0))
    brightness, _ = light(luma_of(small.reshape(-1, 3)))
    return [FoundLabel("Dark", 100 / (1 + math.exp(_STEEP * (brightness - _DARK))))]
