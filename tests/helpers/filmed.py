"""Films of liveness sessions as they are after they were looked at, painted without a face finder."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from regard.vision.liveness.challenge import Flash
from regard.vision.liveness.light import regions, screen
from regard.vision.liveness.looking import CHIP, Glance, Looked, Sight
from regard.vision.pictures.crops import Placement
from regard.vision.pictures.findings import Box

FACE = Box(0.3, 0.25, 0.35, 0.55)
POINTS = np.array([[40, 45], [60, 45], [50, 56], [42, 66], [58, 66]], np.float32)
HEIGHT, WIDTH = 72, 96


def painted(
    flashes: Sequence[Flash], starts: Sequence[float], strength: float, *, behind: float, lag: float = 0.0
) -> Looked:
    """A still face before a wall; of light that is `strength` and `behind` of the room's each takes the screen's."""
    times = np.arange(0.0, starts[-1] + 1500, 90)
    light = screen(flashes, starts, times - lag)
    skin, _ = regions(HEIGHT, WIDTH, FACE)
    rng = np.random.default_rng(0)
    glances = []
    for ms, color in zip(times, light, strict=True):
        linear = np.where(skin[..., None], np.array([0.4, 0.3, 0.25]), np.array([0.2, 0.22, 0.3]))
        linear = linear * (1 + np.where(skin[..., None], strength, behind) * color)
        pixels = 255 * np.clip(linear, 0, 1) ** (1 / 2.2) + rng.normal(0, 1, linear.shape)
        glances.append(Glance(float(ms), np.clip(pixels, 0, 255).astype(np.uint8)))
    sights = [sight(at, float(ms)) for at, ms in enumerate(times[::4])]
    return Looked(tuple(glances), tuple(sights), len(times), 0, float(times[-1]), WIDTH, HEIGHT)


def sight(number: int, ms: float, points: np.ndarray = POINTS, faces: int = 1, at: float | None = 0.0) -> Sight:
    """The face at a time; it is compared as somebody who is turned by `at` radians from the first, or not if None."""
    mesh = np.zeros((468, 3))
    mesh[[33, 263], :2] = points[:2]
    embedding = None if at is None else np.array([np.cos(at), np.sin(at)], np.float32)
    chip = np.zeros((CHIP, CHIP), np.uint8)
    return Sight(number, ms, FACE, mesh, points, faces, 50.0, embedding, chip, Placement(1, 0))
