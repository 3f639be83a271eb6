"""Apparent age and gender presentation, from two small networks.

They say how a face looks in a picture, not how old anybody is or who they are. `age-v1` and `gender-v1` are the
networks of dlib's author; they see a face as dlib's alignment shows it.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from regard.vision.models.runtime import Model
from regard.vision.pictures.crops import crop, fitted
from regard.vision.pictures.findings import AgeRange, Estimate

# Outer and inner corner of either eye and the base of the nose in the mesh, and where dlib's alignment puts them: in
# a square that is wider than the face by a fifth on every side.
_MARKS = [263, 362, 33, 133, 2]
_PLACES = (
    np.array([[0.8596, 0.2135], [0.6461, 0.2290], [0.1206, 0.2137], [0.3341, 0.2291], [0.4901, 0.6278]]) + 0.2
) / 1.4
# The mean colour of the pictures that the networks were trained on, and their scale.
_MEAN, _SCALE = np.array([122.782, 117.001, 104.298], np.float32), np.float32(1 / 256)

# The years that the 81 outputs stand for: the first year of life by its quarter, then each.
_YEARS = np.array([0.25, *range(1, 81)], np.float32)
# The range holds the age for four people of five: fitted on 600 faces of UTKFace with known ages, it held 0.77 of
# 600 others. Mean absolute error of the middle: 5.6 years.
_NARROWEST, _WIDENING = 1.5, 0.23
# Of people of 10 to 17 a fifth had a range that begins at 18 or later: they look up to 34 to the network, which is as
# sure of them as of others. So where it sees 14 to 32 years, the range begins that much earlier, and fewer towards 10
# and 38. Chosen on half of 2,399 faces of UTKFace, docs/accuracy.md has both halves.
_SEEN, _EARLIER = (10.0, 14.0, 32.0, 38.0), (0.0, 5.0, 5.0, 0.0)
# The network is surer than it is right. Its logit is divided by this, fitted on 600 faces of UTKFace; on 600 others
# estimates of 90 to 97 were then right in 0.94 of the cases and those of 70 to 90 in 0.81.
_TEMPERATURE = 1.95


class AgeEstimator:
    """How old a face looks. `model` takes (1, 3, 64, 64) and gives the probabilities of 81 ages."""

    def __init__(self, model: Model) -> None:
        self._model = model

    def __call__(self, pixels: NDArray[np.uint8], mesh: NDArray[np.floating]) -> AgeRange:
        """The years between which the age lies for four of five people; wider below, where it may be a minor's."""
        middle = float(self._model(_chip(pixels, mesh, 64))[0][0] @ _YEARS)
        half = _NARROWEST + _WIDENING * middle
        earlier = float(np.interp(middle, _SEEN, _EARLIER))
        return AgeRange(max(0, round(middle - half - earlier)), round(middle + half))


class GenderEstimator:
    """Which gender a face presents. `model` takes (1, 3, 32, 32) and gives the probabilities of female and male."""

    def __init__(self, model: Model) -> None:
        self._model = model

    def __call__(self, pixels: NDArray[np.uint8], mesh: NDArray[np.floating]) -> Estimate[str]:
        """Male or Female with the calibrated confidence, 50 to 100. On children it is right little more than chance."""
        female, male = np.clip(self._model(_chip(pixels, mesh, 32))[0][0].astype(float), 1e-9, 1)
        logit = float(np.log(male / female)) / _TEMPERATURE
        return Estimate("Male" if logit > 0 else "Female", 100 / (1 + float(np.exp(-abs(logit)))))


def _chip(pixels: NDArray[np.uint8], mesh: NDArray[np.floating], size: int) -> NDArray[np.float32]:
    chip = crop(pixels, fitted(_PLACES * size, mesh[_MARKS, :2]), size)
    scaled: NDArray[np.float32] = (chip.astype(np.float32) - _MEAN) * _SCALE
    return scaled.transpose(2, 0, 1)[None]
