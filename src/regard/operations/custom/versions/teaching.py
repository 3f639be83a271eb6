"""Teaching: features and labels are handed to the trainer of what is to be learned, and what came of it is kept."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import msgspec
import numpy as np
from numpy.typing import NDArray

from regard.custom.projects import Feature
from regard.custom.versions.faults import CannotTrain, Fault
from regard.custom.versions.looks import Look
from regard.custom.versions.material import BOXES, Manifest, Material, shown
from regard.custom.versions.shown import Frame, Shown, Told
from regard.custom.versions.summaries import Scored
from regard.custom.versions.versions import Version
from regard.evaluation.custom.classifier import train_classifier
from regard.evaluation.custom.detector import Pictured, train_detector
from regard.evaluation.custom.errors import NotTrained
from regard.evaluation.custom.results import LabelReport, Summary
from regard.operations.common.rooms import Rooms
from regard.operations.custom.versions.looking import Seen, base_of
from regard.operations.custom.versions.settling import workshop_of
from regard.vision.heads.box_head import Framed
from regard.vision.heads.head import Base

# The same pictures come to the same model.
SEED = 0
Floats = NDArray[np.float32]


class Lesson(msgspec.Struct, frozen=True):
    """What a training came to: the model, what its labels are worth, and what it tells of each picture of the test.

    `aggregated` stands in the summary beside the means, `more` among what we add, `beside` beside both. `at` is when it
    came to its end.
    """

    onnx: bytes
    manifest: bytes
    labels: list[Scored]
    aggregated: dict[str, Any]
    more: dict[str, Any]
    beside: dict[str, Any]
    confused: bool
    told: list[Told]
    at: float


def taught(rooms: Rooms, version: Version, material: Material, seen: Seen, people: bool) -> Lesson:
    """What is learned from the pictures that can be, of people or not. Raises CannotTrain where that is nothing."""
    assert material.testing is not None
    try:
        if version.project.feature is Feature.CONTENT_MODERATION:
            raise CannotTrain(Fault.TOO_FEW_USABLE_LABELS, "Adapters are not learned yet.")
        if material.training.use_case == BOXES:
            return _detector(rooms, version, material, seen)
        return _classifier(rooms, version, material, seen, people)
    except NotTrained as error:
        raise CannotTrain(Fault(f"ERROR_{error.code}"), str(error)) from None


def _classifier(rooms: Rooms, version: Version, material: Material, seen: Seen, people: bool) -> Lesson:
    assert material.testing is not None
    names = material.names()
    sides = [
        (features_of(rooms, version, manifest, seen), labels_of(shown(manifest, seen.sizes), names))
        for manifest in (material.training, material.testing)
    ]
    (inputs, labels), test = sides
    background = np.empty((0, inputs.shape[1]), np.float32)
    trained = train_classifier(inputs, labels, names, background=background, seed=SEED, test=test)
    thresholds = {each.name: each.threshold for each in trained.labels}
    told = [
        Told({name: float(score) for name, score in zip(names, row, strict=True) if score >= thresholds[name]})
        for row in trained.scores(test[0])
    ]
    return Lesson(
        trained.onnx,
        manifest_of(base_of(rooms, boxes=False), trained.manifest | {"people": people}, material),
        [Scored(each.name, each.threshold, each.f1, each.precision, each.recall, each.n) for each in trained.labels],
        {},
        _more(trained.summary, trained.labels),
        {},
        True,
        told,
        workshop_of(rooms).clock(),
    )


def _detector(rooms: Rooms, version: Version, material: Material, seen: Seen) -> Lesson:
    assert material.testing is not None
    # What the test alone shows cannot be found, and counts as what nobody looked for.
    names = material.names()
    training, testing = (
        _pictured(looks_of(rooms, version, each, seen), shown(each, seen.sizes), names)
        for each in (material.training, material.testing)
    )
    trained = train_detector(training, names, seed=SEED, test=testing)
    told = [
        Told(frames=_frames(trained.find(each.seen), names, picture.width, picture.height))
        for each, picture in zip(testing, shown(material.testing, seen.sizes), strict=True)
    ]
    return Lesson(
        trained.onnx,
        manifest_of(base_of(rooms, boxes=True), trained.manifest, material),
        [Scored(each.name, each.threshold, each.f1, each.precision, each.recall, each.n) for each in trained.labels],
        {"AveragePrecision": trained.precision, "AverageRecall": trained.recall},
        {"Way": trained.way, **_more(trained.summary, trained.labels)},
        {},
        False,
        told,
        workshop_of(rooms).clock(),
    )


def _pictured(looks: Sequence[Look], pictures: Sequence[Shown], names: Sequence[str]) -> list[Pictured]:
    found = []
    for look, picture in zip(looks, pictures, strict=True):
        frames = [each for each in picture.frames if each.name in names]
        sides = np.array([[each.left, each.top, each.width, each.height] for each in frames], np.float32)
        size = np.array([picture.width, picture.height] * 2, np.float32)
        kinds = np.array([names.index(each.name) for each in frames], np.int64)
        found.append(Pictured(look.candidates, (sides.reshape(-1, 4) / size, kinds)))
    return found


def _frames(framed: Framed, names: Sequence[str], width: int, height: int) -> tuple[Frame, ...]:
    size = np.array([width, height] * 2)
    return tuple(
        Frame(names[kind], *(box * size).tolist(), float(score))
        for box, kind, score in zip(framed.boxes, framed.kinds, framed.scores, strict=True)
    )


def features_of(rooms: Rooms, version: Version, manifest: Manifest, seen: Seen) -> Floats:
    """The features of the usable pictures of a manifest, (n, d), as they were kept. Raises CannotTrain."""
    return np.stack([each.seen for each in looks_of(rooms, version, manifest, seen)])


def looks_of(rooms: Rooms, version: Version, manifest: Manifest, seen: Seen) -> list[Look]:
    """What was seen of the usable pictures of a manifest, as it was kept. Raises CannotTrain."""
    sources = [manifest.lines[place].source for place in manifest.usable]
    sought = [(source, seen.glances[source].on) for source in sources]
    with rooms.gallery.reading() as connection:
        found = workshop_of(rooms).features.found(connection, version.project.id, sought)
    if any(each is None for each in found):
        raise CannotTrain(Fault.FAILED_IMAGES_S3_COPY, "What was seen of some is gone: begin another version.")
    return [Look.read(each) for each in found if each is not None]


def labels_of(pictures: Sequence[Shown], names: Sequence[str]) -> NDArray[np.bool_]:
    """Which pictures show which labels: (n, k)."""
    return np.array([[name in each.labels for name in names] for each in pictures], bool).reshape(-1, len(names))


def manifest_of(base: Base, made: dict[str, Any], material: Material) -> bytes:
    """The manifest of a head: what the trainer says of it, the backbone, and digests of both manifests' lines."""
    assert material.testing is not None
    backbone = {"model": base.model, "sha256": base.sha256, "layer": base.layer}
    digests = {"training": material.training.digest, "testing": material.testing.digest}
    return msgspec.json.format(msgspec.json.encode(made | {"backbone": backbone, "manifests": digests}, order="sorted"))


def _more(summary: Summary, labels: Sequence[LabelReport]) -> dict[str, Any]:
    return {
        "CrossValidatedF1Score": summary.cross_validated,
        "F1ScoreInterval": [summary.interval.low, summary.interval.high],
        "FalseLabelsOnUnrelatedImages": summary.false_labels,
        "LearningCurve": [{"Images": each.pictures, "F1Score": each.f1} for each in summary.curve],
        "F1ScoreWith50MoreImages": summary.with_more,
        "Labels": [
            {"Label": each.name, "NumberOfTrainingImages": each.trained, "Advice": each.advice} for each in labels
        ],
    }
