"""Frozen features: what the classifier of things and scenes sees of a picture, for heads of one's own."""

from __future__ import annotations

from functools import cached_property
from typing import Final

import msgspec
import numpy as np
from numpy.typing import NDArray

from regard.settings import Settings
from regard.vision.heads.head import Base
from regard.vision.heads.scenes import MODEL
from regard.vision.models.runtime import Model, Runtime
from regard.vision.models.weights import Weights
from regard.vision.pictures.images import Picture
from regard.vision.things.labels import classifier, prepared

LAYERS: Final = ("Transpose 2",)


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
        """What is seen of a picture: float32 (d,). Raises MissingWeights."""
        return np.asarray(self._model(prepared(picture))[1].ravel(), np.float32)

    def unload(self) -> None:
        """Let go of the network; the next picture loads it again."""
        self.__dict__.pop("_model", None)

    @cached_property
    def _model(self) -> Model:
        return classifier(self._weights, self._runtime, LAYERS)
