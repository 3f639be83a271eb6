"""A session, judged: frames, what was asked and what the client told go in, findings come out."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from regard.vision.detection.detector import Detector
from regard.vision.liveness.challenge import Challenge
from regard.vision.liveness.findings import Findings
from regard.vision.liveness.told import Told
from regard.vision.pictures.findings import Face
from regard.vision.pictures.images import Picture

Frame = tuple[float, NDArray[np.uint8]]


class Finder(Protocol):
    """What looks at faces: a :class:`regard.vision.faces.faces.FaceAnalyzer`."""

    @property
    def detector(self) -> Detector:
        """What finds faces that stand upright."""

    def mesh(self, picture: Picture, face: Face) -> NDArray[np.float64]:
        """The mesh (468, 3) of a face, in pixels."""

    def embed(self, picture: Picture, faces: list[Face], version: str | None = None) -> NDArray[np.float32]:
        """The embeddings (n, 128) of faces, each of length 1."""


def judge(frames: Iterable[Frame], challenge: Challenge, told: Told, finder: Finder) -> Findings:
    """What the film of a session comes to.

    `frames` are milliseconds since the film's first frame and pixels (H, W, 3) RGB, in order, all of the film: about
    three in a second are looked at for faces, and ten for colours. Nothing is raised for a bad film: it fails.
    """
    raise NotImplementedError
