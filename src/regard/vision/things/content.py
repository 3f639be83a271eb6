"""Whether a picture shows anything: networks name something in a wall of one colour and in noise too."""

from __future__ import annotations

import numpy as np
from PIL import Image

from regard.vision.pictures.images import Picture

_SIDE = 64
# How far apart two places are whose colours are compared: a sixteenth of the picture.
_APART = 4
# Between what 698 pictures of eleven collections have at least (1.89 levels of 255, and 0.17) and what gradients (1.41
# of 2,500, packed hard as JPEG) and noise of grains up to a twenty-fifth of the side (0.08) have at most.
_LEAST_DETAIL = 1.65
_LEAST_CORRELATION = 0.12


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
