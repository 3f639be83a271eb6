"""Labels: objects with their boxes, and what a whole picture shows, in the words of one taxonomy. Not the labels of
:mod:`regard.evaluation.samples.labels`, which say who is in which group.

Objects come from EfficientDet-Lite0 (:mod:`regard.vision.things.objects`), things and scenes from EfficientNet-lite0
(Tan and Le, "EfficientNet", 2019). What the two say of one label is joined, and handed on to every label above it.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from functools import cached_property
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray
from PIL import Image

from regard.settings import Settings
from regard.vision.detection.detector import Detector, quickly_shrunk
from regard.vision.heads.head import DamagedHead
from regard.vision.heads.scenes import AGAIN, LAYERS, MODEL, Scenes
from regard.vision.models.runtime import Model, Runtime
from regard.vision.models.weights import Weights
from regard.vision.pictures.findings import Box, Face, FoundLabel, Instance
from regard.vision.pictures.images import Picture
from regard.vision.things.content import darkness, shows_something
from regard.vision.things.glasses import Wears, glasses
from regard.vision.things.objects import SIDE as OBJECTS_SIDE
from regard.vision.things.objects import FoundObject, ObjectDetector, curved
from regard.vision.things.people import people
from regard.vision.things.taxonomy import ancestors, of_coco, of_imagenet, of_people
from regard.vision.things.text import Line, words_seen

Reads = Callable[[Picture], Iterable[Line]]

VERSION = "3.0"
# The classifier's input. It was trained with 224, and at 256 names a few things more: objects look larger in what a
# network is trained with than in what it is shown (Touvron et al., "Fixing the train-test resolution discrepancy",
# 2019). The mean and the spread of its input are the authors'.
SIDE, MEAN, SPREAD = 256, 127.0, 128.0
# Of a larger picture a copy is looked at whose shorter side is at least this.
_LEAST_SIDE = 512
# Faces are looked for as small as this longest side shows them: 96 of 118 that people drew boxes around are found,
# where 640 finds 99 and takes twice as long. What scores less is no face more often than not.
_FACES_SIDE, _LEAST_FACE = 480, 0.6
# Below this the object detector's boxes are noise, whatever is asked for.
_LEAST_OBJECT = 0.1
# What the classifier gives a class less than is no chance, but what is left over.
_LEAST_CHANCE = 1 / 512
# Labels below this confidence are never given.
_LEAST = 1.0
# Slope and offset of Platt's logistic curve (1999) for the chances of labels, as for the scores of objects.
_SCENE_CURVE = (1.547, 1.618)


class LabelFinder:
    """Looks for labels. Loads its networks when the first picture comes. Thread-safe.

    `scenes` tells words that the classifier has no class for, from its layers; `wears` whether a face wears glasses;
    what `reads` finds words for the label Text.
    Where others have a face `detector`, its network looks for faces; else one is loaded.
    """

    def __init__(
        self,
        weights: Weights,
        runtime: Runtime,
        scenes: Scenes | None = None,
        wears: Wears | None = None,
        detector: Callable[[], Detector] | None = None,
        reads: Reads | None = None,
    ) -> None:
        self._weights = weights
        self._runtime = runtime
        self._scenes = scenes
        self._wears = wears
        self._shared = detector
        self._reads = reads

    @classmethod
    def opened(
        cls,
        settings: Settings,
        ran: Callable[[str, float], None] = lambda _name, _seconds: None,
        weights: Weights | None = None,
        wears: Wears | None = None,
        detector: Callable[[], Detector] | None = None,
        reads: Reads | None = None,
    ) -> LabelFinder:
        """The finder of these settings. `ran` is told of each inference. Raises DamagedHead, OSError."""
        weights = weights or Weights.opened(settings)
        scenes = _scenes(settings.scenes_file, weights)
        return cls(weights, Runtime.opened(settings, ran), scenes, wears, detector, reads)

    @property
    def version(self) -> str:
        """What labels are told by: the version of the vocabulary, and the head for scenes where there is one."""
        return VERSION if self._scenes is None else f"{VERSION}+{self._scenes.version}"

    def __call__(self, picture: Picture, faces: bool = True) -> list[FoundLabel]:
        """Every label of the picture and every one above it, surest first; none of a picture without content.

        Without `faces` none is looked for, and nothing is said that hangs on them: people are counted by their boxes
        alone, and no picture is called dark. Raises MissingWeights.
        """
        if not shows_something(picture):
            return []
        seen = shrunk(picture)
        objects, found = self._objects(seen), self._faces(picture, seen) if faces else []
        chances, words = self._whole(seen)
        others = [*people(objects, found), *(darkness(seen, found) if faces else ()), *words]
        if self._wears is not None:
            others += glasses(picture, found, self._wears)
        if self._reads is not None:
            others += words_seen(self._reads(picture))
        return joined(objects, chances, others)

    def objects(self, picture: Picture) -> list[FoundObject]:
        """The objects, best first, each once."""
        return self._objects(shrunk(picture))

    def scene(self, picture: Picture) -> NDArray[np.float32]:
        """How likely the picture shows each of the classifier's classes: (1000,), with a sum of about 1."""
        return self._whole(picture)[0]

    def _whole(self, picture: Picture) -> tuple[NDArray[np.float32], list[FoundLabel]]:
        """The chances of the classes, and the words that the head for scenes tells, by one inference."""
        chances, *layers = self._classifier(prepared(picture))
        words = self._scenes(layers) if self._scenes is not None else {}
        return np.asarray(chances[0], np.float32), [FoundLabel(*each) for each in words.items()]

    def _objects(self, seen: Picture) -> list[FoundObject]:
        return [each for each in self._detector(seen, _LEAST_OBJECT) if each.kind in of_coco()]

    def _faces(self, picture: Picture, seen: Picture) -> list[Face]:
        """The faces of a picture that a quick look at its copy shows, upright ones above all."""
        copy = quickly_shrunk(seen.pixels, _FACES_SIDE)
        found = self._face_detector(copy)
        ratios = found.boxes.astype(np.float64) / (copy.shape[1::-1] * 2)
        points = found.points / copy.shape[1::-1] * (picture.width, picture.height)
        return [
            Face(Box(*ratio), 100 * score, at)
            for ratio, score, at in zip(ratios.tolist(), found.scores.tolist(), points.astype(np.float32), strict=True)
        ]

    def unload(self) -> None:
        """Let go of the networks; the next picture loads them again."""
        for name in ("_detector", "_classifier", "_face_detector"):
            self.__dict__.pop(name, None)

    @cached_property
    def _detector(self) -> ObjectDetector:
        shape = (1, OBJECTS_SIDE, OBJECTS_SIDE, 3)
        return ObjectDetector(self._runtime.load(self._weights.read("object-detector"), shape, fine=True))

    @cached_property
    def _classifier(self) -> Model:
        return classifier(self._weights, self._runtime, () if self._scenes is None else LAYERS)

    @cached_property
    def _face_detector(self) -> Detector:
        if self._shared is not None:
            return self._shared().of_side(_FACES_SIDE, _LEAST_FACE)
        model = self._runtime.load(self._weights.read("face-detector"), (1, 3, -1, -1), fine=True)
        return Detector(model, _FACES_SIDE, _LEAST_FACE)


def _scenes(file: Path | None, weights: Weights) -> Scenes | None:
    """The head for scenes in a file, if there is one. Raises DamagedHead, OSError."""
    if file is None:
        return None
    found = Scenes.opened(file, weights.digest(MODEL))
    people = [word for word in found.words if of_people(word)]
    if people:
        raise DamagedHead(f"{file} tells {', '.join(people)}: what is said of people is no head's to say. {AGAIN}")
    return found


def classifier(weights: Weights, runtime: Runtime, taps: Sequence[str] = ()) -> Model:
    """The classifier, for pictures as they are `prepared`; after its answer it gives the layers that `taps` name."""
    return runtime.load(weights.read(MODEL), (1, SIDE, SIDE, 3), taps=taps)


def prepared(picture: Picture) -> NDArray[np.float32]:
    """What the classifier is shown of a picture: the largest square in its middle, (1, S, S, 3)."""
    seen = shrunk(picture)
    side = min(seen.width, seen.height)
    left, top = (seen.width - side) / 2, (seen.height - side) / 2
    return normalised(Image.fromarray(seen.pixels), (left, top, left + side, top + side))


def normalised(image: Image.Image, part: tuple[float, float, float, float] | None = None) -> NDArray[np.float32]:
    """What the classifier is shown of an image, or of the part between left, top, right and bottom: (1, S, S, 3)."""
    small = image.resize((SIDE, SIDE), Image.Resampling.BICUBIC, part, reducing_gap=3.0)
    return (np.asarray(small, np.float32)[None] - MEAN) / SPREAD


def joined(
    objects: list[FoundObject], scene: NDArray[np.float32], others: Iterable[FoundLabel] = ()
) -> list[FoundLabel]:
    """What both networks say, and what `others` say besides, as labels with all that are above them, surest first.

    A label above many has the sum of their probabilities: the classes of the classifier exclude each other. No label
    is less sure than one below it.
    """
    chances: dict[str, float] = {}
    for number in np.flatnonzero(scene >= _LEAST_CHANCE):
        name = of_imagenet()[int(number)]
        for each in (name, *ancestors(name)):
            chances[each] = chances.get(each, 0.0) + float(scene[number])
    confidences = {name: curved(chance, _SCENE_CURVE) for name, chance in chances.items()}
    instances: dict[str, list[Instance]] = {}
    for found in objects:
        name, confidence = of_coco()[found.kind], found.confidence
        instances.setdefault(name, []).append(Instance(found.box, confidence))
        for each in (name, *ancestors(name)):
            confidences[each] = max(confidences.get(each, 0.0), confidence)
    for other in others:
        instances.setdefault(other.name, []).extend(other.instances)
        for each in (other.name, *ancestors(other.name)):
            confidences[each] = max(confidences.get(each, 0.0), other.confidence)
    labels = [
        FoundLabel(name, confidence, tuple(instances.get(name, ())))
        for name, confidence in confidences.items()
        if confidence >= _LEAST
    ]
    # Of labels equally sure the more special first, as a reader wants them.
    return sorted(labels, key=lambda label: (-label.confidence, -len(ancestors(label.name)), label.name))


def shrunk(picture: Picture) -> Picture:
    """A copy of a large picture whose shorter side is still twice what the networks see: to look at each pixel of it
    for each network takes longer than they do. Up to a few pixels at the right and below are left out.
    """
    step = min(picture.width, picture.height) // _LEAST_SIDE
    if step < 2:
        return picture
    width, height = picture.width // step, picture.height // step
    whole = picture.pixels[: height * step, : width * step]
    small = cv2.resize(whole, (width, height), interpolation=cv2.INTER_AREA)
    return Picture(np.asarray(small, np.uint8), picture.format)
