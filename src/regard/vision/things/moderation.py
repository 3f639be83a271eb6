"""Moderation: whether a picture shows what some do not want to see, in the words of taxonomy 7.0.

Two networks look at whole pictures. One gives a score: a thin residual network, trained on pornographic pictures and
others (Mahadeokar and Pesavento, "Open-sourcing a deep learning solution for detecting NSFW images", 2016). The other
is the classifier of things and scenes that :mod:`.labels` asks too: a label has the sum of the classes it stands for.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import cache, cached_property
from importlib import resources
from typing import Literal

import msgspec
import numpy as np
import simplejpeg
from numpy.typing import NDArray
from PIL import Image

from regard.settings import Settings
from regard.vision.models.runtime import Model, Runtime
from regard.vision.models.weights import Weights
from regard.vision.pictures.images import Picture
from regard.vision.things.content import shows_something
from regard.vision.things.objects import curved

# Slope and offset of Platt's logistic curve (1999).
Curve = tuple[float, float]
# How likely a picture shows each class of the classifier: (1000,), with a sum of about 1.
Scene = Callable[[Picture], NDArray[np.float32]]

VERSION = "7.0"
_WHOLE, _SEEN = 256, 224
# The training means of the channels blue, green, red.
_MEANS = np.array([104, 117, 123], np.float32)
# Labels below this confidence are never given.
_LEAST = 1.0
# From sums of classes to confidences, by `python -m benchmarks moderating`: it says what they were fitted to, and what
# they are worth on other pictures. They are right where one picture in a hundred shows what the label is about.
# Swimwear has a curve of its own: bare shoulders in portraits look like it.
THINGS: Curve = (2.414, 4.527)
SWIMWEAR: Curve = (2.364, 0.512)
# From the score for pornography. There are no such pictures here to fit it to: 80 is where its authors take a picture
# for pornographic (0.8), 50 where none of 5,300 others is any more (0.7; the highest has 0.58).
PORNOGRAPHY: Curve = (2.572, -2.180)


class Label(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A label of moderation.toml, the label above it, and the score or the classes that answer it, if any do."""

    name: str
    parent: str = ""
    score: Literal["", "pornography"] = ""
    imagenet: tuple[int, ...] = ()


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


def curve_of(name: str) -> Curve:
    """The curve that the confidence of a label comes from."""
    match chain(name)[0].name:
        case "Explicit":
            return PORNOGRAPHY
        case "Swimwear or Underwear":
            return SWIMWEAR
        case _:
            return THINGS


class Moderator:
    """Looks at whole pictures. Loads its network when the first one comes. Thread-safe.

    `scene` says how likely a picture shows each class of the classifier, and is asked once a picture.
    """

    def __init__(self, weights: Weights, runtime: Runtime, scene: Scene) -> None:
        self._weights = weights
        self._runtime = runtime
        self._scene = scene

    @classmethod
    def opened(
        cls,
        settings: Settings,
        scene: Scene,
        ran: Callable[[str, float], None] = lambda _name, _seconds: None,
        weights: Weights | None = None,
    ) -> Moderator:
        """The moderator of these settings. `ran` is told of each inference of its own network."""
        weights = weights or Weights.opened(settings)
        return cls(weights, Runtime.opened(settings, ran), scene)

    def __call__(self, picture: Picture) -> list[ModerationLabel]:
        """Every label that is seen, and those above it, surest first; none of a picture without content.

        Raises MissingWeights.
        """
        if not shows_something(picture):
            return []
        return told(self.pornography(picture), self._scene(picture))

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


def told(pornography: float, scene: NDArray[np.float32]) -> list[ModerationLabel]:
    """What the score, 0 to 1, and the classes' probabilities, (1000,), come to: labels with those above, surest first.

    A label above others has the sum of all their classes, which exclude each other: none is surer than one above it.
    """
    confidences: dict[str, float] = {}
    chances: dict[str, float] = {}
    for label in taxonomy().values():
        for each in chain(label.name):
            if label.score:
                confidences[each.name] = curved(pornography, curve_of(each.name))
            if label.imagenet:
                chances[each.name] = chances.get(each.name, 0.0) + float(scene[list(label.imagenet)].sum())
    confidences |= {name: curved(chance, curve_of(name)) for name, chance in chances.items()}
    found = [
        ModerationLabel(name, taxonomy()[name].parent, len(chain(name)), sure)
        for name, sure in confidences.items()
        if sure >= _LEAST
    ]
    return sorted(found, key=lambda label: (-label.confidence, label.level))
