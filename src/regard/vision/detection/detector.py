"""Face detection with YuNet: boxes, scores and five points.

Wu, Peng, Yu: "YuNet: A Tiny Millisecond-level Face Detector" (2023). The network looks at cells of 8, 16 and 32
pixels; each cell says how likely it is that a face is there, and where its box and its five points lie.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray
from PIL import Image

from regard.vision.pictures.overlaps import areas, shared

# The authors of the weights advise 0.6 to 0.9; at 0.7 false boxes are rare and few faces are lost.
LEAST_SCORE = 0.7
# Boxes of one face overlap more than this (intersection over union), faces side by side less: the authors' value.
OVERLAP = 0.3
# What lies within another face by as much is taken for a part of it, unless it is sure.
WITHIN = 0.6
# The longest side that the network sees. A face of 40 pixels in a picture of 1920×1080 is 26 pixels here.
LONGEST_SIDE = 1280
_STRIDES = (8, 16, 32)
Network = Callable[[NDArray[np.float32]], list[NDArray[np.float32]]]
# A picture (H, W, 3), and how long its longer side is to be at most.
Shrink = Callable[[NDArray[np.uint8], int], NDArray[np.uint8]]


@dataclass(frozen=True, slots=True)
class Candidates:
    """Faces as a network gives them, n of them, in pixels of the picture.

    `boxes` (n, 4) holds left, top, width, height; `scores` (n,) lies in 0 to 1; `points` is (n, 5, 2).
    """

    boxes: NDArray[np.float32]
    scores: NDArray[np.float32]
    points: NDArray[np.float32]

    def __len__(self) -> int:
        return len(self.scores)

    def __getitem__(self, chosen: NDArray[np.integer]) -> Candidates:
        return Candidates(self.boxes[chosen], self.scores[chosen], self.points[chosen])


def joined(*parts: Candidates) -> Candidates:
    """All candidates in one, in the order given."""
    return Candidates(
        np.concatenate([part.boxes for part in parts]),
        np.concatenate([part.scores for part in parts]),
        np.concatenate([part.points for part in parts]),
    )


def without_doubles(found: Candidates) -> Candidates:
    """The best candidate of each face, best first (greedy non-maximum suppression)."""
    return found[apart(found, found.scores, np.ones(len(found), bool))]


def apart(found: Candidates, ranks: NDArray[np.floating], certain: NDArray[np.bool_]) -> NDArray[np.intp]:
    """The places of the candidates that stay, the highest rank first, when each face is told once.

    One falls to a higher one that it overlaps, as in `without_doubles`, and unless it is `certain` to one that it lies
    within: a close-up has eyes and mouths that look like faces of their own.
    """
    sizes = areas(found.boxes)
    left = np.argsort(-ranks, kind="stable")
    kept: list[int] = []
    while left.size:
        best, left = left[0], left[1:]
        kept.append(int(best))
        common = shared(found.boxes[[best]], found.boxes[left])[0]
        double = common > OVERLAP * (sizes[best] + sizes[left] - common)
        part = (common > WITHIN * sizes[left]) & ~certain[left]
        left = left[~(double | part)]
    return np.array(kept, np.intp)


def shrunk(pixels: NDArray[np.uint8], longest_side: int) -> NDArray[np.uint8]:
    """The picture (H, W, 3) with its longer side at most `longest_side` pixels."""
    height, width = pixels.shape[:2]
    scale = longest_side / max(height, width)
    if scale >= 1:
        return pixels
    size = max(1, round(width * scale)), max(1, round(height * scale))
    return np.asarray(Image.fromarray(pixels).resize(size, Image.Resampling.BILINEAR, reducing_gap=2.0))


def quickly_shrunk(pixels: NDArray[np.uint8], longest_side: int) -> NDArray[np.uint8]:
    """The picture (H, W, 3) with its longer side at most `longest_side`, each pixel of the nearest four.

    Enough to see that there are large faces; to look at every pixel takes longer than the network does.
    """
    height, width = pixels.shape[:2]
    scale = min(1.0, longest_side / max(height, width))
    return np.asarray(cv2.resize(pixels, (max(1, round(width * scale)), max(1, round(height * scale)))), np.uint8)


def shrunk_in_films(pixels: NDArray[np.uint8], longest_side: int) -> NDArray[np.uint8]:
    """As `shrunk`, but quickly where no side is more than halved, so that the nearest four leave out few pixels.

    It takes 1 ms instead of 11 for a frame of 1080p. Of 1,022 portraits in sheets of 1920×1080 and 2500×1400, 738 were
    found instead of 746; none of the eight was wider than 28 pixels.
    """
    quick = max(pixels.shape[:2]) <= 2 * longest_side
    return (quickly_shrunk if quick else shrunk)(pixels, longest_side)


class Detector:
    """YuNet on pictures of any size. `model` takes (1, 3, H, W) with H and W multiples of 32."""

    def __init__(
        self,
        model: Network,
        longest_side: int = LONGEST_SIDE,
        least_score: float = LEAST_SCORE,
        shrink: Shrink = shrunk,
    ) -> None:
        self._model = model
        self._longest_side = longest_side
        self._least_score = least_score
        self._shrink = shrink

    def of_side(self, longest_side: int, least_score: float | None = None) -> Detector:
        """The same network on pictures that are shrunk to another longest side."""
        least_score = self._least_score if least_score is None else least_score
        return Detector(self._model, longest_side, least_score, self._shrink)

    def in_films(self) -> Detector:
        """The same network on frames of films, of which there are many."""
        return Detector(self._model, self._longest_side, self._least_score, shrunk_in_films)

    def __call__(self, pixels: NDArray[np.uint8]) -> Candidates:
        """The faces of `pixels` (H, W, 3) RGB with a score of at least `least_score`, best first."""
        canvas, scale = canvas_of(pixels, self._longest_side, bgr=True, shrink=self._shrink)
        outputs = self._model(canvas)
        columns = [canvas.shape[3] // stride for stride in _STRIDES]
        levels = [self._decoded(outputs[level::3], _STRIDES[level], columns[level]) for level in range(3)]
        found = without_doubles(joined(*levels))
        return Candidates(found.boxes / scale, found.scores, found.points / scale)

    def _decoded(self, outputs: list[NDArray[np.float32]], stride: int, columns: int) -> Candidates:
        """What the cells of one stride say: `outputs` are class, presence, box and points, each (1, cells, …)."""
        classes, presence, boxes, points = (output[0] for output in outputs)
        scores = np.sqrt(np.clip(classes[:, 0], 0, 1) * np.clip(presence[:, 0], 0, 1))
        cells = np.flatnonzero(scores >= self._least_score)
        corner = np.stack([cells % columns, cells // columns], axis=1).astype(np.float32)
        sizes = np.exp(boxes[cells, 2:])
        starts = corner + boxes[cells, :2] - sizes / 2
        places = points[cells].reshape(-1, 5, 2) + corner[:, None]
        return Candidates(np.concatenate([starts, sizes], axis=1) * stride, scores[cells], places * stride)


def canvas_of(
    pixels: NDArray[np.uint8], longest_side: int, bgr: bool, shrink: Shrink = shrunk
) -> tuple[NDArray[np.float32], float]:
    """The picture as a network's input (1, 3, H, W), 0 to 255, and by how much it was scaled (at most 1).

    The sides are filled up to multiples of 32 with black, at the right and below, so that points keep their place.
    """
    scale = min(1.0, longest_side / max(pixels.shape[:2]))
    pixels = shrink(pixels, longest_side)
    height, width = pixels.shape[:2]
    canvas = np.zeros((1, 3, -(-height // 32) * 32, -(-width // 32) * 32), np.float32)
    for channel in range(3):
        canvas[0, channel, :height, :width] = pixels[:, :, 2 - channel if bgr else channel]
    return canvas, scale
