"""Similarity: the raw cosine score of two embeddings on the API's scale of 0 to 100, and nowhere else.
:mod:`regard.evaluation.accuracy.calibration` fits the curve.

Similarity says how rarely two different people reach a score, counted by pairs of *people*: each pair weighs one,
however many pictures they have; one person under two names is left out, relatives and twins are not. Up to 72 every
factor of ten is 16 or, at the last, 8 points; 80 stands at about 1 in 500,000, 90 at 1 in 1.2 million, 99 at 1 in 3
million and 99.9 at 1 in 8 million. Which score has which rate, a calibration says: the one that ships for the profile
of preprocessing, or one of your own (REGARD_CALIBRATION_FILE), which `regard evaluate calibrate` writes. Between its
points the curve goes straight; it rises everywhere, so that no order is lost, and its inverse is exact up to rounding.
"""

from __future__ import annotations

from functools import cached_property, lru_cache
from importlib import resources
from itertools import pairwise
from typing import Literal

import msgspec
import numpy as np

from regard.settings import from_environment

# How rare a false match is at each point of the scale, by pairs of people: what a calibration is fitted to. That which
# ships keeps the scores that 80 and more had before rates were counted so, and says their rates (docs/accuracy.md). The
# ends, 0 and 100, are the ends of the cosine.
RATES = {
    0.3 * 16: 10**-0.3,
    16.0: 1e-1,
    32.0: 1e-2,
    48.0: 1e-3,
    64.0: 1e-4,
    72.0: 1e-5,
    80.0: 1 / 500_000,
    90.0: 1 / 1_200_000,
    99.0: 1 / 3_000_000,
    99.9: 1 / 8_000_000,
}
PROFILES = ("fast", "accurate")
# The share of searches for somebody who is not in the gallery that a floor lets meet a false match.
MOST_SEARCHES = 0.01
# The cosine of a face with itself, less what float32 may round: from here on the similarity is 100.
SAME = 1 - 1e-6

Basis = Literal["measured", "extrapolated"]


class BadCalibration(ValueError):
    """A calibration file that cannot be used; the text says why."""


class Measured(msgspec.Struct, frozen=True):
    """An error rate that was counted, each pair of people (or person) weighing one, with a 95 % interval that draws
    people: of `trials`, pairs of people or people, `errors` had a picture or pair of pictures that erred.
    """

    rate: float
    low: float
    high: float
    errors: int
    trials: int


class Point(msgspec.Struct, frozen=True):
    """A similarity, the false match rate it stands for, and the score that has it.

    `rate` is by pairs of people. `basis` says whether the score was counted on pairs or extrapolated by the tail model.
    `low` and `high` are the 95 % interval of the score. `false_match` and `false_non_match` were measured at this score
    on people it was not fitted on; None where that was not done.
    """

    similarity: float
    rate: float
    score: float
    basis: Basis
    low: float | None = None
    high: float | None = None
    false_match: Measured | None = None
    false_non_match: Measured | None = None


class Calibration(msgspec.Struct, frozen=True, forbid_unknown_fields=True, dict=True):
    """A fitted curve and where it comes from.

    `embedder` is the SHA-256 of the weights that the scores come from, `face_model` the FaceModelVersion. `fitted_on`
    and `tested_on` describe the data in words, `tail` names the model that extrapolates.
    """

    version: str
    face_model: str
    embedder: str
    fitted_on: str
    tested_on: str
    tail: str
    points: tuple[Point, ...]

    @classmethod
    def read(cls, data: bytes) -> Calibration:
        """From JSON. Raises BadCalibration for what is no calibration or does not rise everywhere."""
        try:
            found = msgspec.json.decode(data, type=cls)
        except msgspec.DecodeError as error:
            raise BadCalibration(f"This is no calibration: {error}") from None
        ends = zip(pairwise(found._scores), pairwise(found._similarities), strict=True)
        if len(found.points) < 2 or not all(a < b and c < d for (a, b), (c, d) in ends):
            raise BadCalibration("The calibration does not rise from point to point within −1 to 1 and 0 to 100.")
        return found

    @property
    def name(self) -> str:
        """What answers and logs call it."""
        return f"{self.face_model}/{self.version}"

    def similarity(self, score: float) -> float:
        """The similarity, 0 to 100, of a cosine score: 100 from SAME on; rounding beyond −1 and 1 is cut off."""
        return float(np.interp(score, self._scores, self._similarities))

    def score(self, similarity: float) -> float:
        """The least cosine score, −1 to SAME, that has this similarity."""
        return float(np.interp(similarity, self._similarities, self._scores))

    def false_match_rate(self, similarity: float) -> float:
        """How rarely two different people reach this similarity, by the calibration: a share of pairs of people."""
        rates = [0.0, *(np.log10(point.rate) for point in self.points)]
        return float(10 ** np.interp(similarity, self._similarities[:-1], rates))

    def least_similarity(self, rate: float) -> float | None:
        """The least similarity that at most a share `rate` of pairs of people reaches; None beyond the last point."""
        rates = [point.rate for point in self.points]
        if rate < rates[-1]:
            return None
        return float(np.interp(-np.log10(rate), -np.log10(rates), self._similarities[1:-1]))

    def floor(self, faces: int) -> float | None:
        """The least similarity at which at most MOST_SEARCHES of strangers meet a false match in a gallery this large.

        None where the calibration knows no such similarity: no threshold makes so large a gallery safe then.
        """
        return self.least_similarity(MOST_SEARCHES / faces)

    @cached_property
    def _scores(self) -> tuple[float, ...]:
        return (-1.0, *(point.score for point in self.points), SAME)

    @cached_property
    def _similarities(self) -> tuple[float, ...]:
        return (0.0, *(point.similarity for point in self.points), 100.0)


def similarity(score: float, face_model: str | None = None) -> float:
    """The similarity, 0 to 100, of a cosine score: 100 from SAME on; rounding beyond −1 and 1 is cut off."""
    return calibration(face_model).similarity(score)


def score(similarity: float, face_model: str | None = None) -> float:
    """The least cosine score, −1 to SAME, that has this similarity; the inverse of :func:`similarity`."""
    return calibration(face_model).score(similarity)


@lru_cache(maxsize=8)
def calibration(face_model: str | None = None) -> Calibration:
    """The calibration in force for embeddings of a FaceModelVersion, by default of the profile that is set.

    One of your own counts for the version that it names, and what ships for the others. A process reads each once.
    Raises BadCalibration for a file that is none, or is of a version that no profile has.
    """
    settings = from_environment()
    usual, known = shipped(settings.profile), {each.face_model: each for each in map(shipped, PROFILES)}
    if settings.calibration_file:
        own = Calibration.read(settings.calibration_file.read_bytes())
        if own.face_model not in known:
            raise BadCalibration(f"The calibration is of face model {own.face_model}; there are {', '.join(known)}.")
        known[own.face_model] = own
    return known.get(face_model or usual.face_model, known[usual.face_model])


def shipped(profile: str = "fast") -> Calibration:
    """The calibration that comes with the default weights, of a profile of preprocessing."""
    file = resources.files("regard.vision.faces").joinpath(f"calibrations/{profile}.json")
    return Calibration.read(file.read_bytes())
