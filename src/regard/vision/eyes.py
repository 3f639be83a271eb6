"""The eyes: every finder of the vision room, opened together, and what lets go of those that nobody asks."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from regard.settings import Settings
from regard.vision.faces.faces import FaceAnalyzer
from regard.vision.models.idle import Idle
from regard.vision.models.weights import Weights
from regard.vision.things.candidates import Seeker
from regard.vision.things.equipment import EquipmentInspector
from regard.vision.things.features import Features
from regard.vision.things.labels import LabelFinder
from regard.vision.things.moderation import Moderator
from regard.vision.things.text import MODELS, TextReader


@dataclass(frozen=True, slots=True)
class Eyes:
    """What looks at pictures, and the weights that all of it reads.

    Models that nobody asks leave memory from `start` to `close`, where settings say so.
    """

    faces: FaceAnalyzer
    labels: LabelFinder
    moderator: Moderator
    equipment: EquipmentInspector
    text: TextReader
    features: Features
    seeker: Seeker
    idle: Idle
    weights: Weights

    def start(self) -> None:
        """Begin to let go of idle models."""
        self.idle.start()

    def close(self) -> None:
        """Let go of no more."""
        self.idle.close()


def open_eyes(settings: Settings, ran: Callable[[str, float], None] = lambda _name, _seconds: None) -> Eyes:
    """The eyes. `ran` is told of each inference: the model's name, and seconds.

    Raises MissingWeights when those of faces were not pulled, and DamagedWeights when they are others; what else there
    is loads when it is first asked.
    """
    idle, weights = Idle(settings.unload_after), Weights.opened(settings)

    def told(model: str, seconds: float) -> None:
        ran(model, seconds)
        idle.ran(model, seconds)

    faces = open_analyzer(settings, told, weights)
    text = TextReader.opened(settings, told, weights)
    reads = text if settings.label_text else None
    labels = LabelFinder.opened(settings, told, weights, faces.wears_glasses, lambda: faces.detector, reads)
    moderator = Moderator.opened(settings, labels.scene, told, weights)
    equipment = EquipmentInspector(faces, labels.objects)
    features, seeker = Features.opened(settings, weights), Seeker.opened(settings, weights)
    idle.watch(("object-detector", "things-and-scenes"), labels.unload)
    idle.watch(("pornography",), moderator.unload)
    idle.watch(MODELS.values(), text.unload)
    return Eyes(faces, labels, moderator, equipment, text, features, seeker, idle, weights)


def open_analyzer(
    settings: Settings,
    ran: Callable[[str, float], None] = lambda _name, _seconds: None,
    weights: Weights | None = None,
) -> FaceAnalyzer:
    """What looks at faces alone. `ran` is told of each inference; `weights` are its own where none are given.

    Raises MissingWeights, DamagedWeights.
    """
    return FaceAnalyzer.opened(settings, ran, weights)
