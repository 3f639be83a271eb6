"""A camera whose film was made beforehand: a rendered head that comes nearer, into the oval that `lively.DRAWN` draws.

It is still for so long that a session can begin, and begins anew at the end. What a screen shows meanwhile does not
light it.
"""

from __future__ import annotations

import math
from dataclasses import fields
from pathlib import Path

import av
import cv2
import numpy as np
from numpy.typing import NDArray
from skimage.data import astronaut

from regard.evaluation.liveness import surfaces
from regard.evaluation.liveness.motion import OVAL
from regard.evaluation.liveness.rendering import Camera, Placed, Scene
from regard.settings import from_environment
from regard.vision.eyes import open_analyzer
from regard.vision.pictures.images import Picture
from tests.helpers.browser import CAMERA
from tests.helpers.lively import drawn

WIDTH, HEIGHT = 400, 300
# Milliseconds until it comes nearer, and until it is there. A session that begins at BEGINS fits that.
BEGINS, LEAVES, ARRIVES = 3000, 4200, 7000
_CAMERA = Camera(
    WIDTH, HEIGHT, focal=0.8 * WIDTH, screen=0.4, noise=3.0, mixing=0.08, adapts=0.3, balances=0.05, room=(1, 1, 0.95)
)


def camera(folder: Path, seconds: int = 11, rate: int = 12) -> tuple[str, ...]:
    """The arguments of a browser that has this camera; its film lies in `folder`, 180 KB a frame.

    AWS's client takes no camera of less than 15 frames a second.
    """
    path = folder / "camera.y4m"
    seen = surfaces.portrait(Picture(np.ascontiguousarray(astronaut()), "PNG"), open_analyzer(from_environment()))
    assert seen is not None
    rng = np.random.default_rng(3)
    scene = Scene(surfaces.head(seen), _CAMERA, _room(rng), 1500.0, (0.1, 0.2, 0.4), rng)
    white = np.ones(3)
    with av.open(str(path), "w", format="yuv4mpegpipe") as film:
        stream = film.add_stream("rawvideo", rate=rate)
        stream.width, stream.height, stream.pix_fmt = WIDTH, HEIGHT, "yuv420p"
        for number in range(seconds * rate):
            ms = 1000 * number / rate
            frame = av.VideoFrame.from_ndarray(scene.frame(ms, _placed(ms), white, _shaken(ms)), format="rgb24")
            frame.pts = number
            film.mux(stream.encode(frame))
        film.mux(stream.encode(None))
    return (*CAMERA, f"--use-file-for-fake-video-capture={path}")


def _placed(ms: float) -> Placed:
    """Where the head is: twice as far away as in the oval, then in it, and never quite still."""
    oval = drawn(WIDTH, HEIGHT, light=False).oval
    away = _CAMERA.focal * OVAL / oval.width
    right, down = (
        (at - side / 2) * away / _CAMERA.focal for at, side in ((oval.center_x, WIDTH), (oval.center_y, HEIGHT))
    )
    near, far = Placed(right, down - 18, away, 0.02, 0.02, 0.01), Placed(0, -18, 2.05 * away, 0.03, 0, 0)
    share = min(max((ms - LEAVES) / (ARRIVES - LEAVES), 0.0), 1.0)
    share *= share * (3 - 2 * share)
    first, last = ([getattr(each, member.name) for member in fields(Placed)] for each in (far, near))
    sway = [height * math.sin(ms / (700 + 150 * place)) for place, height in enumerate((2, 2, 3, 0.02, 0.02, 0.01))]
    return Placed(*(one + (other - one) * share + off for one, other, off in zip(first, last, sway, strict=True)))


def _shaken(ms: float) -> tuple[float, float]:
    """How far the camera is off, in pixels: no moment is like another."""
    return 1.5 * math.sin(ms / 310) + math.sin(ms / 1370), 1.5 * math.cos(ms / 430) + math.sin(ms / 1710)


def _room(rng: np.random.Generator) -> NDArray[np.float32]:
    """A wall of coloured squares, a little out of focus."""
    squares = rng.uniform(0.1, 0.6, (HEIGHT // 20, WIDTH // 20, 3)).astype(np.float32)
    whole = cv2.resize(squares, (WIDTH, HEIGHT), interpolation=cv2.INTER_NEAREST)
    return np.asarray(cv2.GaussianBlur(whole, (0, 0), 1.5), np.float32)
