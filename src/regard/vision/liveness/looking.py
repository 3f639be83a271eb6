"""A film, looked at once: small copies of its frames, and the face in some of them."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Protocol

import cv2
import numpy as np
from numpy.typing import NDArray

from regard.vision.detection.detector import Detector
from regard.vision.faces.quality import quality
from regard.vision.pictures.crops import ALIGNED, TEMPLATE, Placement, aligned, crop, fitted
from regard.vision.pictures.findings import Box, Face
from regard.vision.pictures.images import Picture

Pixels = NDArray[np.uint8]
Floats = NDArray[np.float64]
Frame = tuple[float, Pixels]

# Milliseconds between frames of which colours are kept, between those that are looked at for a face, and between those
# whose face is compared. A colour stays for 460 and more.
GLANCE, SIGHT, COMPARED = 80.0, 280.0, 1_000.0
# A session of AWS's client takes 7 s to find the oval at most, 1 s to wait, and 4 to 5 s for the colours.
MOST_MS = 30_000.0
# The longer side of what the detector sees: the face of a session fills a sixth of the picture and more.
_SIDE = 320
# The longer side of a small copy.
_SMALL = 96
# Where eyes, nose and mouth lie in a chip: the whole face, with a margin.
_ZOOM, _MARGIN = 1.5, 30
CHIP = round(_ZOOM * ALIGNED) + 2 * _MARGIN
_IN_CHIP = TEMPLATE * _ZOOM + _MARGIN
# A second face is one that is so much of the first one's width at least; smaller ones are passers-by, or pictures on a
# wall.
_SECOND = 0.5


class Finder(Protocol):
    """What looks at faces: a :class:`regard.vision.faces.faces.FaceAnalyzer`."""

    @property
    def detector(self) -> Detector:
        """What finds faces that stand upright."""

    def mesh(self, picture: Picture, face: Face) -> Floats:
        """The mesh (468, 3) of a face, in pixels."""

    def embed(self, picture: Picture, faces: list[Face], version: str | None = None) -> NDArray[np.float32]:
        """The embeddings (n, 128) of faces, each of length 1."""


@dataclass(frozen=True, slots=True)
class Glance:
    """A frame, small: its time in milliseconds and a copy (h, w, 3), whose longer side has at most 96 pixels."""

    ms: float
    small: Pixels


@dataclass(frozen=True, slots=True)
class Sight:
    """The face in a frame: the frame's number, from 0 on, and time; left, top, width and height of the face's box as
    ratios; its mesh (468, 3) and five points (5, 2) in pixels; how many faces there are of about its size; its
    sharpness of 0 to 100, and its embedding where it was compared. `chip` is the face upright, grey, of CHIP pixels a
    side, and `placement` where that lies.
    """

    number: int
    ms: float
    box: Box
    mesh: Floats
    points: NDArray[np.float32]
    faces: int
    sharpness: float
    embedding: NDArray[np.float32] | None
    chip: Pixels
    placement: Placement

    @property
    def eyes(self) -> float:
        """How far apart the eyes are, in pixels."""
        return float(np.linalg.norm(self.points[1] - self.points[0]))


@dataclass(frozen=True, slots=True)
class Looked:
    """What is kept of a film: glances and sights in order, how many frames it has, how many of those that were looked
    at showed no face, when its last frame is, and the width and height of its first; 0 where it has none.
    """

    glances: tuple[Glance, ...]
    sights: tuple[Sight, ...]
    frames: int
    missed: int
    last_ms: float
    width: int
    height: int


def look(frames: Iterable[Frame], finder: Finder) -> Looked:
    """Look at a film, the first 30 seconds of it. Memory is that of one frame and of small copies."""
    glances: list[Glance] = []
    sights: list[Sight] = []
    count = missed = width = height = 0
    last = -np.inf
    glanced = seen = compared = -np.inf
    for number, (ms, pixels) in enumerate(frames):
        if ms > MOST_MS:
            break
        count, last = number + 1, max(ms, last)
        if not width:
            height, width = pixels.shape[:2]
        if ms >= glanced + GLANCE:
            glanced = ms
            glances.append(Glance(ms, _small(pixels)))
        if ms >= seen + SIGHT:
            seen = ms
            sight = _sight(number, ms, pixels, finder, ms >= compared + COMPARED)
            if sight is None:
                missed += 1
                continue
            compared = ms if sight.embedding is not None else compared
            sights.append(sight)
    return Looked(tuple(glances), tuple(sights), count, missed, max(last, 0.0), width, height)


def _small(pixels: Pixels) -> Pixels:
    height, width = pixels.shape[:2]
    scale = min(1.0, _SMALL / max(height, width))
    size = max(1, round(width * scale)), max(1, round(height * scale))
    return np.asarray(cv2.resize(pixels, size, interpolation=cv2.INTER_AREA), np.uint8)


def _sight(number: int, ms: float, pixels: Pixels, finder: Finder, compare: bool) -> Sight | None:
    found = finder.detector.of_side(_SIDE)(pixels)
    if not len(found):
        return None
    picture = Picture(np.ascontiguousarray(pixels), "PNG")
    first = int(np.argmax(found.boxes[:, 2] * found.boxes[:, 3]))
    faces = int((found.boxes[:, 2] >= _SECOND * found.boxes[first, 2]).sum())
    left, top, width, height = (found.boxes[first].astype(np.float64) / ((picture.width, picture.height) * 2)).tolist()
    face = Face(Box(left, top, width, height), float(100 * found.scores[first]), found.points[first])
    chip = crop(picture.pixels, aligned(face.points), ALIGNED, grey=True)
    placement = fitted(_IN_CHIP, face.points)
    return Sight(
        number,
        ms,
        face.box,
        finder.mesh(picture, face),
        face.points,
        faces,
        quality(chip).sharpness,
        finder.embed(picture, [face])[0] if compare else None,
        crop(picture.pixels, placement, CHIP, grey=True),
        placement,
    )
