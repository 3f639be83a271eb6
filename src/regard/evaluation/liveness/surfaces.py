"""What stands before the camera: a portrait on a head, on paper, on a screen or on a mask, in millimetres.

A surface is a height field over the portrait's plane: right, down, and back from the plane through the eyes. The depth
of a head is what the product's face mesh tells of the portrait, carried on beyond the face by a thin-plate spline and
bounded; so a head here is no rounder than that network thinks, and has no back.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from random import Random

import cv2
import numpy as np
from numpy.typing import NDArray
from scipy.interpolate import RBFInterpolator

from regard.vision.liveness.looking import Finder
from regard.vision.pictures.findings import Box, Face
from regard.vision.pictures.images import Picture

Floats = NDArray[np.float32]
Pixels = NDArray[np.uint8]

# Between the outer corners of the eyes of a grown-up, in millimetres.
EYES = 90.0
# How a picture is sampled: so many millimetres a step of the height field.
STEP = 4.0
_LEFT, _RIGHT = 33, 263
_DEEPEST = 95.0


@dataclass(frozen=True, slots=True)
class Portrait:
    """A picture (H, W, 3) RGB, `scale` millimetres a pixel, the middle of the eyes at `middle` (pixels), and the face's
    mesh (468, 3) in millimetres from there.
    """

    pixels: Pixels
    scale: float
    middle: tuple[float, float]
    mesh: NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Surface:
    """`texture` (H, W, 4) RGB and how opaque, `scale` millimetres a pixel with `middle` at (0, 0); `depth` (h, w) in
    millimetres, STEP a sample, `origin` the place of its first. `reflects` is how much of the screen's light it takes
    against skin, `emits` how much of what it shows is its own light.
    """

    texture: Pixels
    scale: float
    middle: tuple[float, float]
    depth: Floats
    origin: tuple[float, float]
    reflects: float = 1.0
    emits: float = 0.0


def portrait(picture: Picture, finder: Finder) -> Portrait | None:
    """The portrait of the largest face; None where there is none."""
    found = finder.detector(picture.pixels)
    if not len(found):
        return None
    first = int(np.argmax(found.boxes[:, 2]))
    box = Box(*(found.boxes[first] / ((picture.width, picture.height) * 2)).astype(float).tolist())
    mesh = finder.mesh(picture, Face(box, float(100 * found.scores[first]), found.points[first]))
    scale = EYES / float(np.linalg.norm(mesh[_RIGHT, :2] - mesh[_LEFT, :2]))
    middle = (mesh[_RIGHT] + mesh[_LEFT]) / 2
    return Portrait(picture.pixels, scale, (float(middle[0]), float(middle[1])), (mesh - middle) * scale)


def _places(seen: Portrait) -> tuple[Floats, Floats, tuple[float, float]]:
    """Where the samples of a height field over the portrait lie: right and down (h, w), and the first."""
    height, width = seen.pixels.shape[:2]
    left, top = -seen.middle[0] * seen.scale, -seen.middle[1] * seen.scale
    across = np.arange(left, left + width * seen.scale + STEP, STEP, dtype=np.float32)
    down = np.arange(top, top + height * seen.scale + STEP, STEP, dtype=np.float32)
    right, below = np.meshgrid(across, down)
    return right, below, (left, top)


def _outline(seen: Portrait, soft: float = 4.0, wider: float = 1.0) -> Pixels:
    """How opaque a head cut out of the portrait is (H, W), 0 to 255: an ellipse round face and hair."""
    face = seen.mesh[:, :2] / seen.scale + seen.middle
    low, high = face.min(axis=0), face.max(axis=0)
    middle = (low + high) / 2 - (0, 0.10 * (high[1] - low[1]))
    axes = (0.60 * wider * (high[0] - low[0]), 0.64 * wider * (high[1] - low[1]))
    mask = np.zeros(seen.pixels.shape[:2], np.uint8)
    cv2.ellipse(mask, [round(x) for x in middle], [round(x) for x in axes], 0, 0, 360, 255, -1)
    return np.asarray(cv2.GaussianBlur(mask, (0, 0), soft), np.uint8)


def head(seen: Portrait, rounder: float = 1.0) -> Surface:
    """A head with the portrait on it. `rounder` multiplies its depth."""
    right, below, origin = _places(seen)
    points = seen.mesh[::3]
    spline = RBFInterpolator(points[:, :2], points[:, 2], neighbors=None, smoothing=20.0, kernel="thin_plate_spline")
    depth = spline(np.column_stack([right.ravel(), below.ravel()])).reshape(right.shape)
    depth = cv2.GaussianBlur(np.clip(depth, -60, _DEEPEST).astype(np.float32), (0, 0), 1.0) * np.float32(rounder)
    texture = np.dstack([seen.pixels, _outline(seen)])
    return Surface(texture, seen.scale, seen.middle, np.asarray(depth, np.float32), origin)


def paper(seen: Portrait, random: Random) -> Surface:
    """The portrait printed on flat or slightly curled paper: duller, whole or cut close round the head."""
    whole = _printed(seen.pixels, random)
    right, _, origin = _places(seen)
    depth = np.zeros_like(right)
    if random.random() < 0.5:
        depth = _curled(right, random.uniform(300, 900))
    opaque = np.full(whole.shape[:2], 255, np.uint8)
    if random.random() < 0.3:
        opaque = _outline(seen, 1.0, random.uniform(1.1, 1.5))
    return Surface(np.dstack([whole, opaque]), seen.scale, seen.middle, depth, origin, random.uniform(0.7, 1.1))


def display(seen: Portrait, random: Random) -> Surface:
    """The portrait on a telephone or tablet: it has its own light and takes little of another's."""
    right, _, origin = _places(seen)
    opaque = np.full(seen.pixels.shape[:2], 255, np.uint8)
    tint = np.array([random.uniform(0.85, 1), random.uniform(0.9, 1), 1.0])
    shown = np.clip(seen.pixels * tint, 0, 255).astype(np.uint8)
    return Surface(
        np.dstack([shown, opaque]),
        seen.scale,
        seen.middle,
        np.zeros_like(right),
        origin,
        reflects=random.uniform(0.02, 0.08),
        emits=random.uniform(0.5, 1.5),
    )


def mask(seen: Portrait, random: Random) -> Surface:
    """A printed portrait cut out along the head, flat or bent round the face, with holes for the eyes behind it."""
    right, below, origin = _places(seen)
    depth = np.zeros_like(right) if random.random() < 0.4 else _curled(right, random.uniform(80, 220))
    for corners in ((33, 133), (263, 362)):
        at = seen.mesh[list(corners), :2].mean(axis=0)
        hole = np.exp(-((((right - at[0]) / 14) ** 2 + ((below - at[1]) / 8) ** 2) ** 2))
        depth = depth + np.float32(random.uniform(8, 20)) * hole.astype(np.float32)
    texture = np.dstack([_printed(seen.pixels, random), _outline(seen, 1.5)])
    return Surface(texture, seen.scale, seen.middle, depth.astype(np.float32), origin, random.uniform(0.7, 1.1))


def rendered(seen: Portrait, random: Random) -> Surface:
    """A head as software draws it: smooth, and of a depth that is somebody's or nobody's."""
    smooth = cv2.bilateralFilter(seen.pixels, 9, random.uniform(20, 60), 7)
    made = head(seen, random.uniform(0.6, 1.1))
    return replace(made, texture=np.dstack([smooth, made.texture[..., 3]]), reflects=1.0)


def _curled(right: Floats, radius: float) -> Floats:
    """A sheet bent round an upright axis, as deep at its sides as a cylinder of this radius, at most a half of it."""
    within = np.clip(np.abs(right), 0, 0.86 * radius)
    return np.asarray(radius - np.sqrt(radius**2 - within**2), np.float32)


def _printed(pixels: Pixels, random: Random) -> Pixels:
    """What a printer makes of a picture: less contrast, and colours a little off."""
    low, high = random.uniform(5, 35), random.uniform(200, 245)
    tint = np.array([random.uniform(0.94, 1.06) for _ in range(3)])
    return np.asarray(np.clip((low + pixels / 255.0 * (high - low)) * tint, 0, 255), np.uint8)
