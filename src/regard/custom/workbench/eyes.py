"""What looks at a picture that is learned from, or that a model is asked of: one eye for each kind of model."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import msgspec

from regard.custom.versions.loaded import Backbone
from regard.custom.versions.looks import Look
from regard.custom.workbench.pictures import ADAPTER, DETECTOR
from regard.settings import Settings
from regard.vision.faces.faces import FaceAnalyzer
from regard.vision.heads.head import Base
from regard.vision.models.weights import Weights
from regard.vision.pictures.images import Picture
from regard.vision.things.candidates import Seeker
from regard.vision.things.features import Features
from regard.vision.things.labels import LabelFinder
from regard.vision.things.moderation import VERSION as MODERATION
from regard.vision.things.moderation import Moderator

Sees = Callable[[Picture], Look]


@dataclass(frozen=True, slots=True)
class Eye:
    """What looks for models of a `kind`: `base` is what its features are of, `on` all that a look hangs on.

    `look` looks for faces too, as a training must; `ask` does not.
    """

    kind: str
    base: Base
    on: str
    look: Sees
    ask: Sees


def open_eye(kind: str, settings: Settings, *, faces: bool = True) -> Eye:
    """The eye of these settings; without `faces` it sees none. Raises MissingWeights and DamagedWeights."""
    weights = Weights.opened(settings)
    if kind == DETECTOR:
        seeker = Seeker.opened(settings, weights)
        base, backbone, ask = seeker.base, Backbone.of_candidates(seeker), _places(seeker)
    else:
        features = Features.opened(settings, weights)
        moderator = None
        if kind == ADAPTER:
            moderator = Moderator.opened(settings, LabelFinder.opened(settings, weights=weights).scene, weights=weights)
        base, backbone, ask = features.base, Backbone.of(features), _whole(features, moderator)
    analyzer = FaceAnalyzer.opened(settings, weights=weights) if faces else None

    def look(picture: Picture) -> Look:
        boxes = [face.box for face in analyzer.detect(picture)] if analyzer else []
        largest = max((box.width * box.height for box in boxes), default=0.0)
        return msgspec.structs.replace(ask(picture), face=largest)

    on = [*msgspec.structs.astuple(backbone), MODERATION if kind == ADAPTER else ""]
    return Eye(kind, base, "/".join(on), look, ask)


def _places(seeker: Seeker) -> Sees:
    return lambda picture: Look.of_candidates(picture.width, picture.height, 0.0, seeker(picture))


def _whole(features: Features, moderator: Moderator | None) -> Sees:
    def see(picture: Picture) -> Look:
        told = {each.name: each.confidence for each in moderator(picture)} if moderator else {}
        return Look.of(picture.width, picture.height, 0.0, features.features_of(picture), told)

    return see
