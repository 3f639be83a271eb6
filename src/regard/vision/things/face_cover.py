"""Face cover: whether a mask lies over nose and mouth.

The network was taught tight faces with and without masks, nothing else: a strap along the cheek, goggles or a helmet's
brim look like a mask's edge to it. So it is asked twice, once of the face in its surroundings and once of the face
alone, and the colours have a say: skin is of one colour, and redder than most masks.
"""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from regard.vision.models.runtime import Model
from regard.vision.pictures.crops import ALIGNED, aligned, crop
from regard.vision.pictures.findings import Estimate, Face
from regard.vision.pictures.images import Picture

SEEN = 224
_MARGIN = 0.1
# The face alone is an ellipse below the eyes, in units of the distance of the eyes (of that to the mouth where it is
# more, for faces turned aside): its middle and its half axes down and across. Outside is grey.
_MIDDLE, _DOWN, _ACROSS, _GREY = 0.75, 1.35, 1.05, 128
_TALLER = 0.95
# Parts of the aligned crop: the mouth, and where skin shows beside a mask. Helmets may hide the brow, goggles the eyes.
_MOUTH = np.s_[78:106, 36:76]
_SKIN = (np.s_[30:44, 40:72], np.s_[48:58, 50:62], np.s_[46:60, 34:78])
# The colour of bare mouths and chins, as Cb and Cr: mean and covariance of 2,449 pictures of 330 faces.
_BARE = np.array([-14.7, 22.6])
_SPREAD = np.array([[53.5, -49.0], [-49.0, 71.7]])
# Beyond these the figures of the colours tell no more.
_APART, _UNLIKE, _REDDER = 20.0, 4.0, (-10.0, 5.0)
# Logistic regression, with its start last, on the two log odds and the three figures of the colours. Fitted to half of
# the faces, bare and with helmets, straps, vests and goggles drawn on, in several lights; tested on the others:
# docs/equipment.md.
_WEIGHTS = np.array([0.216, 0.236, 0.121, 0.796, -0.181, -2.710])


class FaceCover:
    """MobileNetV2 trained on faces with and without masks. `model` takes (1, 224, 224, 3), RGB, −1 to 1."""

    def __init__(self, model: Model) -> None:
        self._model = model

    def __call__(self, picture: Picture, face: Face) -> Estimate[bool]:
        """Whether a mask covers nose and mouth; the confidence is 50 to 100."""
        odds = float(_WEIGHTS @ [*self.odds(picture, face), *colours(picture, face), 1.0])
        masked = 1 / (1 + math.exp(-odds))
        return Estimate(masked >= 0.5, 100 * max(masked, 1 - masked))

    def odds(self, picture: Picture, face: Face) -> tuple[float, float]:
        """The network's log odds for a mask: of the face in its surroundings, and of the face alone."""
        left, top, right, bottom = _inside(picture, face)
        part = picture.pixels[top:bottom, left:right]
        if part.size == 0:
            return 0.0, 0.0
        alone = np.where(_oval(part.shape[:2], face.points - (left, top))[..., None], part, np.uint8(_GREY))
        return self._asked(part), self._asked(alone)

    def _asked(self, part: NDArray[np.uint8]) -> float:
        seen = Image.fromarray(part).resize((SEEN, SEEN), Image.Resampling.BILINEAR)
        masked = float(self._model((np.asarray(seen, np.float32) / 127.5 - 1)[None])[0][0, 0])
        masked = min(max(masked, 1e-7), 1 - 1e-7)
        return math.log(masked / (1 - masked))


def colours(picture: Picture, face: Face) -> tuple[float, float, float]:
    """How far the colour of the mouth is from the nearest of skin, how unlike a bare mouth it is, and how much redder.

    Whatever their brightness: the first and the last in units of 8-bit Cb and Cr (ITU-R BT.601), 0 to 20 and −10 to 5,
    the other as Mahalanobis' distance, 0 to 4. A mask is unlike the skin beside it, and rarely of the colour of lips.
    """
    seen = crop(picture.pixels, aligned(face.points), ALIGNED)
    mouth, skin = _tint(seen[_MOUTH]), np.stack([_tint(seen[part]) for part in _SKIN])
    apart = float(np.hypot(*(mouth - skin).T).min())
    unlike = math.sqrt((mouth - _BARE) @ np.linalg.solve(_SPREAD, mouth - _BARE))
    redder = float(mouth[1] - np.median(skin[:, 1]))
    return min(apart, _APART), min(unlike, _UNLIKE), float(np.clip(redder, *_REDDER))


def _inside(picture: Picture, face: Face) -> tuple[int, int, int, int]:
    """The box and a margin, in pixels within the picture: left, top, right, bottom."""
    box, (width, height) = face.box, (picture.width, picture.height)
    left, top = (box.left - _MARGIN * box.width) * width, (box.top - _MARGIN * box.height) * height
    right = left + (1 + 2 * _MARGIN) * box.width * width
    bottom = top + (1 + 2 * _MARGIN) * box.height * height
    return max(0, int(left)), max(0, int(top)), min(width, int(right)), min(height, int(bottom))


def _oval(shape: tuple[int, ...], points: NDArray[np.floating]) -> NDArray[np.bool_]:
    """Which pixels of a part of this shape (H, W) are of the face with these `points` (5, 2)."""
    eyes, mouth = points[:2].mean(axis=0), points[3:].mean(axis=0)
    long = max(float(np.linalg.norm(mouth - eyes)), 1e-6)
    down = (mouth - eyes) / long
    unit = max(float(np.linalg.norm(points[1] - points[0])), _TALLER * long)
    y, x = np.mgrid[: shape[0], : shape[1]]
    along = (x - eyes[0]) * down[0] + (y - eyes[1]) * down[1]
    across = (x - eyes[0]) * down[1] - (y - eyes[1]) * down[0]
    inside = ((along / unit - _MIDDLE) / _DOWN) ** 2 + (across / unit / _ACROSS) ** 2 <= 1
    return np.asarray(inside)


def _tint(pixels: NDArray[np.uint8]) -> NDArray[np.float64]:
    """The median of Cb and Cr (ITU-R BT.601)."""
    red, green, blue = (pixels[:, :, channel].astype(np.float64) for channel in range(3))
    light = 0.299 * red + 0.587 * green + 0.114 * blue
    return np.array([np.median(0.564 * (blue - light)), np.median(0.713 * (red - light))])
