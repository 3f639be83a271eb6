"""The thirty landmarks of the API, read off the mesh and the detector's five points."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from regard.vision.pictures.findings import Landmark

# Corners and lids of an eye in the mesh: outer corner, inner corner, upper lid, lower lid. The eye at the
# picture's left is the right eye of the person pictured, who is numbered from their own side.
LEFT_EYE = (33, 133, 159, 145)
RIGHT_EYE = (263, 362, 386, 374)

FIVE = ("eyeLeft", "eyeRight", "mouthLeft", "mouthRight", "nose")

# Landmark → the mesh points whose mean it is, in the order of the API after the first five.
_FROM_MESH: dict[str, tuple[int, ...]] = {
    # The brow's ends lie between its upper and its lower edge; its top is the middle of the upper edge.
    "leftEyeBrowLeft": (70, 46),
    "leftEyeBrowRight": (107, 55),
    "leftEyeBrowUp": (105,),
    "rightEyeBrowLeft": (336, 285),
    "rightEyeBrowRight": (300, 276),
    "rightEyeBrowUp": (334,),
    # The corners of the lids and the middles of their edges.
    "leftEyeLeft": (33,),
    "leftEyeRight": (133,),
    "leftEyeUp": (159,),
    "leftEyeDown": (145,),
    "rightEyeLeft": (362,),
    "rightEyeRight": (263,),
    "rightEyeUp": (386,),
    "rightEyeDown": (374,),
    # The outer edges of the wings of the nose.
    "noseLeft": (64,),
    "noseRight": (294,),
    # The middle of the upper lip's upper edge, and of the lower lip's lower edge.
    "mouthUp": (0,),
    "mouthDown": (17,),
    # Pupils are the eyes' centres, as the API has leftPupil equal to eyeLeft.
    "leftPupil": (),
    "rightPupil": (),
    # The outline of the face: beside the ear, at the angle of the jaw, under the chin.
    "upperJawlineLeft": (234,),
    "midJawlineLeft": (172,),
    "chinBottom": (152,),
    "midJawlineRight": (397,),
    "upperJawlineRight": (454,),
}

NAMES = (*FIVE, *_FROM_MESH)


def five(points: NDArray[np.floating], width: int, height: int) -> tuple[Landmark, ...]:
    """The five landmarks that are always given, in the order of the API, from the points of a Face, (5, 2) pixels."""
    ordered = points[[0, 1, 3, 4, 2]] / (width, height)
    return tuple(Landmark(name, float(x), float(y)) for name, (x, y) in zip(FIVE, ordered, strict=True))


def thirty(points: NDArray[np.floating], mesh: NDArray[np.floating], width: int, height: int) -> tuple[Landmark, ...]:
    """All landmarks, in the order of the API: the five, then those of the mesh, (468, 3) in pixels of the picture."""
    first = five(points, width, height)
    pupils = {"leftPupil": first[0], "rightPupil": first[1]}
    rest = []
    for name, members in _FROM_MESH.items():
        if name in pupils:
            rest.append(Landmark(name, pupils[name].x, pupils[name].y))
        else:
            x, y = mesh[list(members), :2].mean(axis=0) / (width, height)
            rest.append(Landmark(name, float(x), float(y)))
    return (*first, *rest)
