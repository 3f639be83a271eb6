"""Frozen features: what the classifier of things and scenes sees of a picture, for heads of one's own.

Two of its layers, those that heads for scenes read: the last says what a picture is of, the one of stride 16, in 3×3
cells, what lies where. docs/custom.md has the table of what was tried.
"""

from __future__ import annotations

from functools import cached_property
from typing import Final

import msgspec
import numpy as np
from numpy.typing import NDArray
from PIL import Image

from regard.settings import Settings
from regard.vision.heads.head import Base
from regard.vision.heads.scenes import LAYERS, MODEL, numbers
from regard.vision.models.runtime import Model, Runtime
from regard.vision.models.weights import Weights
from regard.vision.pictures.images import Picture
from regard.vision.things.labels import classifier, normalised, shrunk

# How many numbers the last layer gives.
LAST: Final = 1280
# How much the inner layer counts beside the last: what lies where is told better by it, and what a picture is of worse.
INNER: Final = 0.5
# What goes into the manifest: it changes where the same layers are read in another way.
READING: Final = "whole picture at 256×256; 3×3 cells at length 0.5, root of last at length 1"


class Features:
    """Looks at pictures in f32, whatever the settings say. Loads its network with the first one. Thread-safe."""

    def __init__(self, weights: Weights, runtime: Runtime) -> None:
        self._weights = weights
        self._runtime = runtime

    @classmethod
    def opened(cls, settings: Settings, weights: Weights | None = None) -> Features:
        """What looks, by these settings."""
        runtime = Runtime.opened(msgspec.structs.replace(settings, precision="f32"))
        return cls(weights or Weights.opened(settings), runtime)

    @property
    def base(self) -> Base:
        """The model and the layers that features are of."""
        return Base(MODEL, self._weights.digest(MODEL), " + ".join(LAYERS))

    def features_of(self, picture: Picture) -> NDArray[np.float32]:
        """What is seen of a picture: float32 (d,), see :func:`lengthened`. Raises MissingWeights."""
        return lengthened(numbers(self._model(whole(picture))[1:]))

    def unload(self) -> None:
        """Let go of the network; the next picture loads it again."""
        self.__dict__.pop("_model", None)

    @cached_property
    def _model(self) -> Model:
        return classifier(self._weights, self._runtime, LAYERS)


def whole(picture: Picture) -> NDArray[np.float32]:
    """What the classifier is shown: all of the picture, squeezed into its square, (1, S, S, 3).

    Labels of one's own may lie at an edge, which the square in the middle would cut off.
    """
    return normalised(Image.fromarray(shrunk(picture).pixels))


def lengthened(seen: NDArray[np.float32]) -> NDArray[np.float32]:
    """Numbers as a head for scenes reads them, (d,), at even lengths: INNER for the inner layer, 1 for the last.

    Of the last, which has no number below 0 that matters, the root is taken: what it sees rarely is very loud then.
    """
    inner, last = seen[:-LAST], np.sqrt(np.maximum(seen[-LAST:], 0))
    parts = [INNER * inner / max(float(np.linalg.norm(inner)), 1e-9), last / max(float(np.linalg.norm(last)), 1e-9)]
    return np.concatenate(parts).astype(np.float32)
