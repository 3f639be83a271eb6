"""What the layers of a model show of labelled faces, each picture looked at once."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import msgspec
import numpy as np
from numpy.typing import NDArray

from regard.evaluation.training.drawn import DRAWN, ON_EYES
from regard.evaluation.training.examples import Example
from regard.evaluation.training.recipes import Recipe, book
from regard.settings import Settings
from regard.vision.faces.chip import GRID, Chip
from regard.vision.faces.faces import FaceAnalyzer, in_pixels
from regard.vision.faces.mesh import Mesh
from regard.vision.heads.head import Base, sampled
from regard.vision.models.runtime import Runtime
from regard.vision.models.weights import Weights
from regard.vision.pictures.findings import Face
from regard.vision.pictures.images import ImageError, Picture, decode

Sampled = NDArray[np.float32]


@dataclass(frozen=True, slots=True)
class Look:
    """A face of an example: the layer at every point of the mesh that heads may ask for, and its answer."""

    example: Example
    sampled: Sampled
    yes: bool
    drawn: bool


class Largest:
    """The largest face of each picture, found once: those who read different layers look for the same faces."""

    def __init__(self, settings: Settings) -> None:
        self._faces = FaceAnalyzer.opened(_plain(settings))
        self._known: dict[tuple[Path, str, int], Face | None] = {}

    def __call__(self, picture: Picture, key: tuple[Path, str, int]) -> Face | None:
        """The face of a picture; `key` is the file that it was, what is drawn on it, and the how manieth of these."""
        if key not in self._known:
            self._known[key] = next(iter(self._faces.detect(picture)), None)
        return self._known[key]


def _plain(settings: Settings) -> Settings:
    return msgspec.structs.replace(settings, precision="f32", heads_dir=None)


class Looker:
    """Looks at faces as the service does, in f32 whatever the settings say, so that heads are the same everywhere."""

    def __init__(
        self, settings: Settings, model: str, layer: str, points: list[int], largest: Largest | None = None
    ) -> None:
        settings = _plain(settings)
        weights = Weights(settings.weights_dir, settings.weights_file)
        self.base = Base(model, weights.digest(model), layer)
        self._largest = largest or Largest(settings)
        runtime = Runtime.opened(settings)
        on_mesh, on_chip = ((layer,) if model == each else () for each in ("face-mesh", "face-embedder"))
        loaded = runtime.load(weights.read("face-mesh"), (1, 192, 192, 3), fine=True, taps=on_mesh)
        self._mesh = Mesh(loaded, on_mesh)
        loaded = runtime.load(weights.read("face-embedder"), (1, 3, 112, 112), fine=True, taps=on_chip, whole=False)
        self._chip = Chip(loaded, on_chip)
        self._layer = layer
        self.points = points
        self._kept: dict[tuple[Path, str], list[tuple[Sampled, bool | None]]] = {}
        self._meshes: dict[Path, NDArray[np.floating]] = {}

    def __call__(self, example: Example, drawn: str = "") -> Iterator[Look]:
        """The largest face of the example, as it is and then with what `drawn` names; nothing where none is found."""
        for found, _ in self._looked(example, ""):
            yield Look(example, found, example.yes, False)
        if drawn and (drawn not in ON_EYES or _has_free_eyes(example)):
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
        face = self._largest(picture, (example.picture, "", 0))
        if face is None:
            return
        if not drawn:
            yield self._sample(picture, face, example.picture), None
            return
        each = DRAWN[drawn](picture.pixels, self._plain_mesh(picture, face, example.picture), example.picture.stem)
        for number, (pixels, yes) in enumerate(each):
            changed = Picture(np.ascontiguousarray(pixels), picture.format)
            face = self._largest(changed, (example.picture, drawn, number))
            if face is not None:
                yield self._sample(changed, face), yes

    def _sample(self, picture: Picture, face: Face, plain: Path | None = None) -> Sampled:
        """The layer at the points of a face. Of the picture of a file, `plain`, the mesh is kept to be drawn on."""
        if self.base.model == "face-embedder":
            return sampled(self._chip(picture.pixels, face.points)[self._layer], GRID[self.points])
        seen = self._mesh.see(picture.pixels, in_pixels(face.box, picture), face.points)
        if plain is not None:
            self._meshes[plain] = seen.mesh
        return sampled(seen.layers[self._layer], seen.places[self.points])

    def _plain_mesh(self, picture: Picture, face: Face, file: Path) -> NDArray[np.floating]:
        """The mesh of a face on which nothing is drawn yet."""
        if file not in self._meshes:
            self._meshes[file] = self._mesh.see(picture.pixels, in_pixels(face.box, picture), face.points).mesh
        return self._meshes[file]


def _has_free_eyes(example: Example) -> bool:
    return example.labels.get("eyeglasses", "0") == "0" and example.labels.get("sunglasses", "0") == "0"


def open_looker(settings: Settings, recipe: Recipe, largest: Largest | None = None) -> Looker:
    """What looks at faces for this recipe, and for every other that reads the same layer.

    `largest` finds them, where other lookers are to share what it found. Raises MissingWeights.
    """
    model, layer = book().read_by(recipe)
    points = {
        point
        for each in book().recipes
        if book().read_by(each) == (model, layer)
        for point in book().points[each.points]
    }
    return Looker(settings, model, layer, sorted(points), largest)
