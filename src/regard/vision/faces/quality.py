"""The quality of a face: its brightness and sharpness, and which faces a QualityFilter turns away. That of a picture is
in :mod:`regard.vision.pictures.colors`.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from regard.vision.pictures.findings import Description, Face, Quality
from regard.vision.pictures.images import Picture


@dataclass(frozen=True, slots=True)
class Bar:
    """What a face must reach to pass: its longer side in pixels, confidence, brightness and sharpness of 0 to 100; and
    how far, in degrees, it may be turned."""

    side: float
    confidence: float
    brightness: float
    sharpness: float
    yaw: float
    pitch: float


# Where each measure falls to a share of faces that still match another picture of their person at Similarity 80, with
# 278 people whose pictures were shrunk, blurred and darkened (`python -m benchmarks filtering`, docs/accuracy.md): to
# half of them (LOW), to three quarters (MEDIUM) and to 85 to 90 of a hundred (HIGH). Of angles, which up to 55 degrees
# hardly matter, the figures are what was measured (HIGH) and beyond. AUTO is the service's choice of the three.
_MEDIUM = Bar(side=35, confidence=85, brightness=7, sharpness=6, yaw=60, pitch=30)
BARS = {
    "AUTO": _MEDIUM,
    "LOW": Bar(side=25, confidence=75, brightness=3.5, sharpness=5, yaw=60, pitch=40),
    "MEDIUM": _MEDIUM,
    "HIGH": Bar(side=45, confidence=88, brightness=10, sharpness=10, yaw=50, pitch=25),
}

# Variance of the Laplacian at which a face has a sharpness of 50.
_MIDDLING = 100.0


def quality(chip: NDArray[np.uint8]) -> Quality:
    """Brightness and sharpness of an aligned face, `chip` (112, 112) grey (luma of ITU-R BT.601)."""
    luma = chip.astype(np.float32)
    centre = luma[1:-1, 1:-1]
    laplacian = luma[:-2, 1:-1] + luma[2:, 1:-1] + luma[1:-1, :-2] + luma[1:-1, 2:] - 4 * centre
    spread = float(laplacian.var())
    return Quality(float(luma.mean()) / 2.55, 100 * spread / (spread + _MIDDLING))


def rejections(face: Face, description: Description, level: str, picture: Picture) -> tuple[str, ...]:
    """Why a QualityFilter of this level turns the face of `picture` away, in the API's words; empty when it passes.

    A face of which it is doubtful which way up it is has an EXTREME_POSE at every level, NONE too: see Face.
    LOW_FACE_QUALITY is never among the reasons: it has no measure of its own here.
    """
    bar = BARS.get(level)
    if bar is None:
        return ("EXTREME_POSE",) if face.doubtful else ()
    quality, pose = description.quality, description.pose
    side = max(face.box.width * picture.width, face.box.height * picture.height)
    found = {
        "SMALL_BOUNDING_BOX": side < bar.side,
        "LOW_CONFIDENCE": face.confidence < bar.confidence,
        "LOW_BRIGHTNESS": quality.brightness < bar.brightness,
        "LOW_SHARPNESS": quality.sharpness < bar.sharpness,
        "EXTREME_POSE": face.doubtful or abs(pose.yaw) > bar.yaw or abs(pose.pitch) > bar.pitch,
    }
    return tuple(reason for reason, holds in found.items() if holds)
