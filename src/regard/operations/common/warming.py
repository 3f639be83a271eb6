"""Warming: what the settings name is loaded and has run once before the service says that it is ready."""

from __future__ import annotations

import logging
from collections.abc import Callable, Mapping, Sequence
from importlib import import_module
from threading import Event, Thread

import numpy as np
from PIL import Image, ImageDraw

from regard.operations.common.rooms import Rooms
from regard.vision.pictures.findings import Box, Face
from regard.vision.pictures.images import Picture

_log = logging.getLogger(__name__)
# Emotions are left out: the policy may withhold them.
_ATTRIBUTES = frozenset(("ALL", "AGE_RANGE", "GENDER", "SMILE", "MOUTH_OPEN"))


class Warming:
    """Runs the models of each capability that is `wanted` once, one after the other, in a thread of its own.

    Models leave memory again as any that nobody asks for (REGARD_UNLOAD_AFTER).
    """

    def __init__(self, rooms: Rooms, wanted: Sequence[str]) -> None:
        self._steps = {name: step for name, step in _steps(rooms).items() if name in wanted}
        self._cold = list(self._steps)
        self._closing = Event()
        self._thread = Thread(target=self.run, name="warming")

    @property
    def trouble(self) -> str | None:
        """Which capabilities are not warm yet, in a sentence; None when all are."""
        return f"not warm yet: {', '.join(self._cold)}" if self._cold else None

    def run(self) -> None:
        """Warm what is cold. What cannot be is told in the log, and keeps nothing else from being ready."""
        for name, step in self._steps.items():
            if self._closing.is_set():
                return
            try:
                step()
            except Exception as error:  # Whatever it is, a call that needs the models meets it too, and is told.
                _log.warning("%s could not be made ready: %s", name, error)
            self._cold.remove(name)

    def start(self) -> None:
        """Begin."""
        self._thread.start()

    def close(self) -> None:
        """Begin no further capability, and wait for the one under way."""
        self._closing.set()
        if self._thread.is_alive():
            self._thread.join()


def _steps(rooms: Rooms) -> Mapping[str, Callable[[], object]]:
    picture, face = nobody()

    def faces() -> None:
        rooms.faces.detect(picture)
        rooms.faces.describe(picture, face, _ATTRIBUTES)
        rooms.faces.embed(picture, [face])
        # What a search imports at first.
        import_module("regard.gallery.index.kernel")

    def equipment() -> None:
        rooms.equipment(picture)
        rooms.equipment.cover(picture, face)

    return {
        "faces": faces,
        "labels": lambda: rooms.labels(picture),
        "text": lambda: rooms.text(picture),
        "moderation": lambda: rooms.moderator(picture),
        "equipment": equipment,
    }


def nobody() -> tuple[Picture, Face]:
    """A picture of nobody, and where a face could be on it, for models that are to be loaded before anybody comes."""
    return _page(), _face()


def _page() -> Picture:
    """A page with a word on it: readers look at no empty one twice."""
    page = Image.new("RGB", (640, 480), "white")
    ImageDraw.Draw(page).text((60, 200), "regard", "black", font_size=60)
    return Picture(np.asarray(page), "PNG")


def _face() -> Face:
    """Where a face could be on it, for the models that are asked only where one was found."""
    points = np.array([(290, 200), (350, 200), (320, 235), (297, 270), (343, 270)], np.float32)
    return Face(Box(0.375, 0.25, 0.25, 0.4), 99.0, points)
