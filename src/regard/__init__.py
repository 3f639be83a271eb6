"""Faces in pictures, found, described and compared on your own machine.

    import regard

    for finding in regard.detect("party.jpg"):
        print(finding.face.box, finding.description.pose)

    comparison = regard.compare("passport.jpg", "party.jpg")
    print(comparison.matches[0].similarity)

A picture is a path, the bytes of a JPEG or PNG file, or an array of shape (H, W, 3) of uint8 RGB. The models are
opened at the first call, with the settings of the environment; `regard weights pull` fetches them once. Nothing is
kept: there is no gallery here.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING

# The models and what runs them are slow to import; rooms that do without, such as the ledger, need not wait.
if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from regard.vision.faces.faces import Description, Face, FaceAnalyzer
    from regard.vision.pictures.images import Picture

    Source = str | Path | bytes | NDArray[np.uint8]

__all__ = ["Comparison", "Finding", "Match", "NoFace", "compare", "detect"]

_DEFAULT = frozenset({"DEFAULT"})


class NoFace(ValueError):
    """A picture to compare shows no face; the text says which one."""


@dataclass(frozen=True, slots=True)
class Finding:
    """A face of a picture and what is said of it."""

    face: Face
    description: Description


@dataclass(frozen=True, slots=True)
class Match:
    """A face of the target and how similar it is to the source's, 0 to 100."""

    similarity: float
    face: Face
    description: Description


@dataclass(frozen=True, slots=True)
class Comparison:
    """The largest face of the source, and every face of the target, the most similar first."""

    source: Face
    matches: tuple[Match, ...]


def detect(picture: Source, wanted: frozenset[str] = _DEFAULT) -> list[Finding]:
    """The faces of a picture, largest first; an empty list where there is none.

    `wanted` names what to say of them beyond box, five landmarks, pose and quality, in the API's words: AGE_RANGE,
    GENDER, SMILE, MOUTH_OPEN, EYES_OPEN, EYEGLASSES, SUNGLASSES, BEARD, MUSTACHE, or ALL, which also gives all thirty
    landmarks. Emotions are for the policy to allow, and there is none here.
    Raises ImageError for what is no picture, MissingWeights when the models were not pulled, ValueError for an
    attribute that there is no model for.
    """
    from regard.operations.common.rendering import ATTRIBUTES

    if unknown := wanted - {"DEFAULT", "ALL", *ATTRIBUTES}:
        raise ValueError(
            f"There is no attribute {', '.join(sorted(unknown))} here. There are DEFAULT, ALL, {', '.join(ATTRIBUTES)}."
        )
    analyzer, seen = _analyzer(), _picture(picture)
    told = wanted - {"EMOTIONS"}
    return [Finding(face, analyzer.describe(seen, face, told)) for face in analyzer.detect(seen)]


def compare(source: Source, target: Source) -> Comparison:
    """The largest face of `source` against every face of `target`.

    A similarity of 80 is the API's usual threshold for a match. Raises NoFace when either picture shows no face,
    ImageError for what is no picture, MissingWeights when the models were not pulled.
    """
    from regard.vision.faces.similarity import similarity

    analyzer, here, there = _analyzer(), _picture(source), _picture(target)
    probe = next((face for face in _found(analyzer, here, "source") if not face.doubtful), None)
    if probe is None:
        raise NoFace("It cannot be told which way up the faces in the source picture are. Turn the picture upright.")
    faces = _found(analyzer, there, "target")
    scores = analyzer.embed(there, faces) @ analyzer.embed(here, [probe])[0]
    matches = [
        Match(similarity(float(score)), face, analyzer.describe(there, face, _DEFAULT))
        for score, face in zip(scores, faces, strict=True)
    ]
    return Comparison(probe, tuple(sorted(matches, key=lambda match: -match.similarity)))


def _found(analyzer: FaceAnalyzer, picture: Picture, role: str) -> list[Face]:
    faces = analyzer.detect(picture)
    if not faces:
        raise NoFace(f"No face was found in the {role} picture. Give one that shows a face from the front.")
    return faces


def _picture(source: Source) -> Picture:
    from regard.vision.pictures.images import Picture, decode

    if isinstance(source, bytes):
        return decode(source)
    if isinstance(source, str | Path):
        return decode(Path(source).read_bytes())
    if source.dtype.name != "uint8" or source.ndim != 3 or source.shape[2] != 3:
        raise ValueError(
            f"An array of {source.dtype} and shape {source.shape} is no picture. Give uint8 RGB of shape (H, W, 3)."
        )
    return Picture(source.copy(order="C"), "PNG")


@lru_cache(maxsize=1)
def _analyzer() -> FaceAnalyzer:
    from regard.settings import from_environment
    from regard.vision.faces.faces import FaceAnalyzer

    return FaceAnalyzer.opened(from_environment())
