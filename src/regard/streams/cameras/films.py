"""Films of this machine that stand in for a camera: each frame at its time, once, from the beginning to the end."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from pathlib import Path
from threading import Event

from regard.streams.errors import CameraUnfit
from regard.vision.pictures.images import Picture
from regard.vision.video.film import Film, Limits, VideoError


def played(
    path: Path, interval: int, limits: Limits, over: Event, clock: Callable[[], float] = time.time
) -> Iterator[tuple[float, Picture]]:
    """The frames of a film, a frame each `interval` milliseconds, each when it is time for it, with that time.

    Raises CameraUnfit for what is no film.
    """
    try:
        with Film(path, interval, limits) as film:
            begun = clock()
            for frame in film:
                at = begun + frame.milliseconds / 1000
                if over.wait(max(0.0, at - clock())):
                    return
                yield at, frame.picture
    except (VideoError, OSError) as error:
        raise CameraUnfit(f"{path}: {error}") from None
