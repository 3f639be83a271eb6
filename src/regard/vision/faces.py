"""The analyzer of faces: detect, describe, embed."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from regard.vision import landmarks
from regard.vision.crops import ALIGNED, aligned, crop
from regard.vision.detector import Candidates, Detector
from regard.vision.embedder import DIMENSIONS, Embedder
from regard.vision.findings import (
    AgeRange,
    Box,
    Description,
    Estimate,
    EyeDirection,
    Face,
    Landmark,
    Pose,
    Quality,
)
from regard.vision.images import Picture
from regard.vision.mesh import Mesh
from regard.vision.pose import pose
from regard.vision.quality import quality
from regard.vision.runtime import Runtime
from regard.vision.weights import Weights

__all__ = [
    "VERSION",
    "AgeRange",
    "Box",
    "Description",
    "Estimate",
    "EyeDirection",
    "Face",
    "FaceAnalyzer",
    "Landmark",
    "Pose",
    "Quality",
]

VERSION = "1.0"
MOST_FACES = 100


class FaceAnalyzer:
    """Finds faces, describes them and embeds them. Safe to share between threads; the same picture gives the
    same answer."""

    def __init__(self, weights: Weights, runtime: Runtime, small_faces: str = "auto") -> None:
        self._detector = Detector(runtime.load(weights.path("face-detector"), (1, 3, -1, -1)))
        self._embedder = Embedder(runtime.load(weights.path("face-embedder"), (1, 3, 112, 112)))
        self._mesh = Mesh(runtime.load(weights.path("face-mesh"), (1, 192, 192, 3)))

    @property
    def version(self) -> str:
        """The FaceModelVersion of the embeddings."""
        return VERSION

    def detect(self, picture: Picture) -> list[Face]:
        """The faces of the picture, largest first, at most 100."""
        return _faces(self._detector(picture.pixels), picture)

    def describe(self, picture: Picture, face: Face, wanted: frozenset[str]) -> Description:
        """What is said of one face of the picture."""
        size = (picture.width, picture.height)
        mesh = self._mesh(picture.pixels, _in_pixels(face.box, picture), face.points)
        chip = crop(picture.pixels, aligned(face.points), ALIGNED)
        return Description(
            landmarks=landmarks.thirty(face.points, mesh, *size)
            if "ALL" in wanted
            else landmarks.five(face.points, *size),
            pose=pose(mesh),
            quality=quality(chip),
        )

    def embed(self, picture: Picture, faces: list[Face]) -> NDArray[np.float32]:
        """The embeddings of faces of the picture: float32 of shape (n, 128), each of length 1."""
        found = np.empty((len(faces), DIMENSIONS), np.float32)
        for row, face in zip(found, faces, strict=True):
            row[:] = self._embedder(picture.pixels, face.points)
        return found


def _faces(found: Candidates, picture: Picture) -> list[Face]:
    areas = found.boxes[:, 2] * found.boxes[:, 3]
    largest = np.argsort(-areas, kind="stable")[:MOST_FACES]
    ratios = found.boxes[largest].astype(np.float64) / ((picture.width, picture.height) * 2)
    return [
        Face(Box(*map(float, ratio)), float(100 * score), points)
        for ratio, score, points in zip(ratios, found.scores[largest], found.points[largest], strict=True)
    ]


def _in_pixels(box: Box, picture: Picture) -> NDArray[np.float64]:
    return np.array([box.left, box.top, box.width, box.height]) * ((picture.width, picture.height) * 2)
