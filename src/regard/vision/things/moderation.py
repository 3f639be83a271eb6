"""Moderation: whether a picture shows what some do not want to see, in the words of taxonomy 7.0.

Mahadeokar and Pesavento, "Open-sourcing a deep learning solution for detecting NSFW images" (2016): a thin residual
network, trained on pornographic pictures and others. Its score is the one thing that is known, and it is not
calibrated: its authors name no threshold; below 0.2 they take a picture for safe, above 0.8 for pornographic.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import cache, cached_property
from importlib import resources

import msgspec
import numpy as np
import simplejpeg
from PIL import Image

from regard.settings import Settings
from regard.vision.models.runtime import Model, Runtime
from regard.vision.models.weights import Weights
from regard.vision.pictures.images import Picture

VERSION = "7.0"
_WHOLE, _SEEN = 256, 224
# The training means of the channels blue, green, red.
_MEANS = np.array([104, 117, 123], np.float32)


class Label(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A label of the taxonomy, the label above it, and the name of the score that it is answered by, if by any."""

    name: str
    parent: str = ""
    score: str = ""


@dataclass(frozen=True, slots=True)
class ModerationLabel:
    """A label that was found. `level` is 1 at the top, where `parent` is empty; `confidence` is 0 to 100."""

    name: str
    parent: str
    level: int
    confidence: float


@cache
def taxonomy() -> Mapping[str, Label]:
    """Every label by its name, each after the label above it."""
    text = resources.files("regard.vision.things").joinpath("moderation.toml").read_bytes()
    return {label.name: label for label in msgspec.toml.decode(text, type=dict[str, list[Label]])["labels"]}


def chain(name: str) -> list[Label]:
    """The label and all above it, the top first."""
    label = taxonomy()[name]
    return [*(chain(label.parent) if label.parent else []), label]


class Moderator:
    """Looks at whole pictures. Loads its network when the first one comes. Thread-safe."""

    def __init__(self, weights: Weights, runtime: Runtime) -> None:
        self._weights = weights
        self._runtime = runtime

    @classmethod
    def opened(
        cls,
        settings: Settings,
        ran: Callable[[str, float], None] = lambda _name, _seconds: None,
        weights: Weights | None = None,
    ) -> Moderator:
        """The moderator of these settings. `ran` is told of each inference."""
        weights = weights or Weights.opened(settings)
        return cls(weights, Runtime.opened(settings, ran))

    def __call__(self, picture: Picture) -> list[ModerationLabel]:
        """Every label that there is a score for, and those above it, each with the highest confidence it was given.

        Raises MissingWeights.
        """
        scores = {"pornography": self.pornography(picture)}
        found: dict[str, ModerationLabel] = {}
        for label in taxonomy().values():
            if label.score:
                for level, each in enumerate(chain(label.name), 1):
                    best = max(found[each.name].confidence if each.name in found else 0.0, 100 * scores[label.score])
                    found[each.name] = ModerationLabel(each.name, each.parent, level, best)
        return sorted(found.values(), key=lambda label: (-label.confidence, label.level))

    def pornography(self, picture: Picture) -> float:
        """The network's score, 0 to 1."""
        small = Image.fromarray(picture.pixels).resize((_WHOLE, _WHOLE), Image.Resampling.BILINEAR)
        # It was trained on pictures that had gone through JPEG at this size, and knows their look.
        seen = simplejpeg.decode_jpeg(simplejpeg.encode_jpeg(np.asarray(small), 75, colorsubsampling="420"), "BGR")
        edge = (_WHOLE - _SEEN) // 2
        return float(self._model((seen[edge:-edge, edge:-edge].astype(np.float32) - _MEANS)[None])[0][0, 1])

    def unload(self) -> None:
        """Let go of the network; the next picture loads it again."""
        self.__dict__.pop("_model", None)

    @cached_property
    def _model(self) -> Model:
        return self._runtime.load(self._weights.read("pornography"), (1, _SEEN, _SEEN, 3))
