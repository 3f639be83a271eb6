"""How good a face is to look at: brightness, sharpness, and which faces a QualityFilter turns away."""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray

from regard.vision.findings import Description, Face, Quality

# Variance of the Laplacian at which a face has a sharpness of 50.
_MIDDLING = 100.0


def quality(chip: NDArray[np.uint8]) -> Quality:
    """Brightness and sharpness of an aligned face, `chip` (112, 112, 3) RGB."""
    luma = chip.astype(np.float32) @ np.array([0.299, 0.587, 0.114], np.float32)
    centre = luma[1:-1, 1:-1]
    laplacian = luma[:-2, 1:-1] + luma[2:, 1:-1] + luma[1:-1, :-2] + luma[1:-1, 2:] - 4 * centre
    spread = float(laplacian.var())
    return Quality(float(luma.mean()) / 2.55, 100 * spread / (spread + _MIDDLING))


def rejections(face: Face, description: Description, level: str) -> tuple[str, ...]:
    """Why a QualityFilter of this level turns the face away."""
    return ()
