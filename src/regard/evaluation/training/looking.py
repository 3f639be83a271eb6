"""What the layers of a model show of labelled faces, each picture looked at once."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import msgspec
import numpy as np
from numpy.typing import NDArray

from regard.evaluation.training.drawn import DRAWN
from regard.evaluation.training.examples import Example
from regard.evaluation.training.recipes import book
from regard.settings import Settings
from regard.vision.faces.faces import FaceAnalyzer, in_pixels
from regard.vision.faces.mesh import Mesh, Seen
from regard.vision.heads.head import Base, sampled
from regard.vision.models.runtime import Runtime
from regard.vision.models.weights import Weights
from regard.vision.pictures.images import ImageError, Picture, decode

Sampled = NDArray[np.float32]


@dataclass(frozen=True, slots=True)
class Look:
    """A face of an example: the layer at every point of the mesh that heads may ask for, and its answer."""

    example: Example
    sampled: Sampled
    yes: bool
    drawn: bool


class Looker:
    """Looks at faces as the service does, in f32 whatever the settings say, so that heads are the same everywhere."""

    def __init__(self, settings: Settings, model: str, layer: str, points: list[int]) -> None:
        settings = msgspec.structs.replace(settings, precision="f32", heads_dir=None)
        weights = Weights(settings.weights_dir, settings.weights_file)
        self.base = Base(model, weights.digest(model), layer)
        self._faces = FaceAnalyzer.opened(settings)
        loaded = Runtime.opened(settings).load(weights.read(model), (1, 192, 192, 3), fine=True, taps=(layer,))
        self._mesh = Mesh(loaded, (layer,))
        self._layer = layer
        self.points = points
        self._kept: dict[tuple[Path, str], list[tuple[Sampled, bool | None]]] = {}

    def __call__(self, example: Example, drawn: str = "") -> Iterator[Look]:
        """The largest face of the example, as it is and then with what `drawn` names; nothing where none is found."""
        for found, _ in self._looked(example, ""):
            yield Look(example, found, example.yes, False)
        if drawn and _may_be_drawn_on(example):
            for found, yes in self._looked(example, drawn):
                yield Look(example, found, bool(yes), True)

    def _looked(self, example: Example, drawn: str) -> list[tuple[Sampled, bool | None]]:
        key = example.picture, drawn
        if key not in self._kept:
            self._kept[key] = list(self._look(example, drawn))
        return self._kept[key]

    def _look(self, example: Example, drawn: str) -> Iterator[tuple[Sampled, bool | None]]:
        try:
            picture = decode(example.picture.read_bytes())
        except (OSError, ImageError):
            return
        seen = self._see(picture)
        if seen is None:
            return
        if not drawn:
            yield self._sample(seen), None
            return
        for pixels, yes in DRAWN[drawn](picture.pixels, seen.mesh, example.picture.stem):
            again = self._see(Picture(np.ascontiguousarray(pixels), picture.format))
            if again is not None:
                yield self._sample(again), yes

    def _see(self, picture: Picture) -> Seen | None:
        faces = self._faces.detect(picture)
        return self._mesh.see(picture.pixels, in_pixels(faces[0].box, picture), faces[0].points) if faces else None

    def _sample(self, seen: Seen) -> Sampled:
        return sampled(seen.layers[self._layer], seen.places[self.points])


def _may_be_drawn_on(example: Example) -> bool:
    """Whether the eyes are free: what is drawn over glasses looks like nothing that is worn."""
    return example.labels.get("eyeglasses", "0") == "0" and example.labels.get("sunglasses", "0") == "0"


def open_looker(settings: Settings) -> Looker:
    """What looks at faces for every recipe that ships. Raises MissingWeights."""
    points = sorted({point for each in book().points.values() for point in each})
    return Looker(settings, book().base, book().layer, points)
