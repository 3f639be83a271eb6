"""The shape of what the vision room finds: boxes, faces and what is said of a face. Nothing is found here."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Generic, TypeVar

import numpy as np
from numpy.typing import NDArray

# Intersection over union from which on two boxes are of one face of a picture: those of two people overlap less.
SAME_FACE = 0.5
Value = TypeVar("Value", bool, str)


@dataclass(frozen=True, slots=True)
class Box:
    """A rectangle as ratios of the upright picture; parts may lie below 0 or above 1."""

    left: float
    top: float
    width: float
    height: float


@dataclass(frozen=True, slots=True)
class Face:
    """A face that was detected.

    `confidence` is 100 times the detector's score. `points` is float32 of shape (5, 2): pixels of the upright
    picture, in the order eyeLeft, eyeRight, nose, mouthLeft, mouthRight, where left is the picture's left, or would be
    if the face were turned upright. `doubtful` says that it cannot be told which way up the face is: no template is
    made of it, and it is like nobody.
    """

    box: Box
    confidence: float
    points: NDArray[np.float32]
    doubtful: bool = False


@dataclass(frozen=True, slots=True)
class Landmark:
    """A named point of a face, as ratios of the upright picture."""

    name: str
    x: float
    y: float


@dataclass(frozen=True, slots=True)
class Pose:
    """Degrees. Yaw is positive with the nose toward the picture's right, pitch with the head up, roll clockwise."""

    yaw: float
    pitch: float
    roll: float


@dataclass(frozen=True, slots=True)
class Quality:
    """Brightness and sharpness of a face, 0 to 100."""

    brightness: float
    sharpness: float


@dataclass(frozen=True, slots=True)
class Estimate(Generic[Value]):
    """A value and how sure the estimate is of it, 0 to 100."""

    value: Value
    confidence: float


@dataclass(frozen=True, slots=True)
class Worn:
    """How likely somebody wears glasses, clear or dark, and how likely dark ones, 0 to 1."""

    glasses: float
    dark: float


@dataclass(frozen=True, slots=True)
class AgeRange:
    """The years between which the age lies, both included."""

    low: int
    high: int


@dataclass(frozen=True, slots=True)
class EyeDirection:
    """Where the eyes look, in degrees with the signs of Pose; `confidence` is 0 to 100."""

    yaw: float
    pitch: float
    confidence: float


@dataclass(frozen=True, slots=True)
class Description:
    """What is said of one face. None stands for what was not asked for and what there is no model for."""

    landmarks: tuple[Landmark, ...]
    pose: Pose
    quality: Quality
    age_range: AgeRange | None = None
    gender: Estimate[str] | None = None
    smile: Estimate[bool] | None = None
    eyeglasses: Estimate[bool] | None = None
    sunglasses: Estimate[bool] | None = None
    beard: Estimate[bool] | None = None
    mustache: Estimate[bool] | None = None
    eyes_open: Estimate[bool] | None = None
    mouth_open: Estimate[bool] | None = None
    eye_direction: EyeDirection | None = None
    face_occluded: Estimate[bool] | None = None
    emotions: tuple[Estimate[str], ...] | None = None


@dataclass(frozen=True, slots=True)
class Instance:
    """One object of a label: its box and the confidence, 0 to 100."""

    box: Box
    confidence: float


@dataclass(frozen=True, slots=True)
class FoundLabel:
    """A label of the taxonomy, its confidence, 0 to 100, and its objects where they were found, surest first."""

    name: str
    confidence: float
    instances: tuple[Instance, ...] = ()


def overlap(one: Box, other: Box) -> float:
    """Intersection over union of two boxes, 0 to 1; 0 for boxes without area."""
    width = min(one.left + one.width, other.left + other.width) - max(one.left, other.left)
    height = min(one.top + one.height, other.top + other.height) - max(one.top, other.top)
    shared = max(width, 0.0) * max(height, 0.0)
    whole = one.width * one.height + other.width * other.height - shared
    return shared / whole if whole > 0 else 0.0
