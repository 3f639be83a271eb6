"""A model made of pictures that were looked at: which are the test, what is learned, and what is told of each."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

import msgspec
import numpy as np
from numpy.typing import NDArray

from regard.custom.distribution import TooFewImages, chosen
from regard.custom.judged import Box, Judged
from regard.custom.versions.adapting import Adapting, truth_of
from regard.custom.versions.shown import Shown
from regard.custom.workbench.kept import VERSION, Asked, Point, Results
from regard.custom.workbench.outlines import Outline, outlined
from regard.custom.workbench.pictures import ADAPTER, CLASSIFIER, DETECTOR, Labelled
from regard.custom.workbench.seeing import Glance, twins
from regard.evaluation.custom.adapter import compared, train_adapter
from regard.evaluation.custom.background import background
from regard.evaluation.custom.classifier import train_classifier
from regard.evaluation.custom.detector import Pictured, TrainedDetector, train_detector
from regard.evaluation.custom.errors import TooFew
from regard.evaluation.custom.results import Trained
from regard.vision.heads.head import Base

Bools = NDArray[np.bool_]
Floats = NDArray[np.float32]
Says = Callable[[float], None]
# What is told of a box with less is nothing that anybody would look at.
_FAINT = 0.01


class Lesson(NamedTuple):
    """What is learned from, and what it is tested with; `seed` deals pictures to folds."""

    training: Sequence[Glance]
    test: Sequence[Glance]
    base: Base
    seed: int = 0
    progress: Says = lambda _: None

    @property
    def of(self) -> dict[str, str]:
        """What the features are of, for the manifest."""
        return dict(msgspec.to_builtins(self.base))


class Learned(NamedTuple):
    """A model, the scores of its labels for each test picture (n, k), what else is kept with the results, and of a
    detector the boxes of each test picture.
    """

    trained: Trained | TrainedDetector
    scores: Floats
    beside: dict[str, Any]
    outlines: Sequence[list[Outline]] = ()


def require_enough(pictures: Sequence[Labelled]) -> None:
    """Raise TooFew where a fifth cannot be set aside, before anything is looked at."""
    _aside([(str(each.path), each.labels, each.boxes) for each in pictures])


def split(pictures: Sequence[Glance]) -> tuple[list[Glance], list[Glance]]:
    """Pictures to learn from and a fifth to test with, of each label about a fifth, the same each time.

    Raises TooFew for a label with one picture.
    """
    aside = _aside([(each.digest, each.labels, each.boxes) for each in pictures])
    sides: tuple[list[Glance], list[Glance]] = ([], [])
    for place, each in enumerate(pictures):
        sides[place in aside].append(each)
    return sides


def _aside(pictures: Sequence[tuple[str, tuple[str, ...], tuple[Box, ...]]]) -> set[int]:
    lines = [
        (place, Judged(source=name, labels=labels, boxes=boxes)) for place, (name, labels, boxes) in enumerate(pictures)
    ]
    try:
        return set(chosen(lines))
    except TooFewImages as error:
        raise TooFew("INSUFFICIENT_IMAGES_PER_LABEL_FOR_AUTOSPLIT", str(error)) from None


def made(
    name: str, kind: str, lesson: Lesson, beside: dict[str, Any] | None = None
) -> tuple[Trained | TrainedDetector, Results]:
    """The model of this `kind`, and what it tells of the pictures of the test.

    `beside` is kept in the results as it is. Raises NotTrained, which names labels and what would help, and ValueError
    where the unrelated pictures that ship were looked at by another model.
    """
    learned = _LEARNING[kind](lesson)
    trained, test = learned.trained, lesson.test
    told = trained.summary
    return trained, Results(
        version=VERSION,
        name=name,
        trained=len(lesson.training),
        labels=trained.labels,
        f1=told.f1,
        precision=told.precision,
        recall=told.recall,
        interval=told.interval,
        cross_validated=told.cross_validated,
        false_labels=told.false_labels,
        curve=[Point(each.pictures, each.f1) for each in told.curve],
        with_more=told.with_more,
        message=told.message,
        pictures=[
            Asked(each.path, each.digest, list(each.names), [round(float(score), 4) for score in row], boxes)
            for each, row, boxes in zip(test, learned.scores, learned.outlines or [[] for _ in test], strict=True)
        ],
        twins=twins(test, lesson.training),
        beside=(beside or {}) | learned.beside,
        kind=kind,
    )


def _classifier(lesson: Lesson) -> Learned:
    names = sorted({label for each in lesson.training for label in each.labels})
    inputs, test = _features(lesson.training), _features(lesson.test)
    trained = train_classifier(
        inputs,
        _labels(lesson.training, names),
        names,
        background=background(lesson.base),
        seed=lesson.seed,
        test=(test, _labels(lesson.test, names)),
        base=lesson.of,
        progress=lesson.progress,
    )
    return Learned(trained, trained.scores(test), {})


def _detector(lesson: Lesson) -> Learned:
    """Pictures count by the surest box of each label."""
    names = sorted({each.name for glance in lesson.training for each in glance.boxes})
    training, test = ([_pictured(each, names) for each in side] for side in (lesson.training, lesson.test))
    trained = train_detector(training, names, seed=lesson.seed, test=test, base=lesson.of, progress=lesson.progress)
    scores = np.zeros((len(test), len(names)), np.float32)
    for row, each in zip(scores, test, strict=True):
        told = trained.head(each.seen[trained.way], np.full(len(names), _FAINT, np.float32))
        np.maximum.at(row, told.kinds, told.scores)
    outlines = outlined([each.truth for each in test], [trained.find(each.seen) for each in test])
    return Learned(trained, scores, {"means": [trained.precision, trained.recall]}, outlines)


def _adapter(lesson: Lesson) -> Learned:
    shown, others = (
        [Shown(0, each.path, 0, 0, each.labels) for each in side] for side in (lesson.training, lesson.test)
    )
    base, asked = ([each.kept.look.moderation for each in side] for side in (lesson.training, lesson.test))
    names = truth_of(shown, base)
    if not names:
        raise TooFew(
            "MANIFEST_TOO_FEW_USABLE_LABELS",
            "No line has a label that DetectModerationLabels tells, and it told none of any picture.",
        )
    adapting, features = Adapting(names), _features(lesson.test)
    test = features, adapting.base(asked), adapting.truth(others)
    trained = train_adapter(
        _features(lesson.training),
        adapting.base(base),
        adapting.truth(shown),
        names,
        seed=lesson.seed,
        test=test,
        of=lesson.of,
        progress=lesson.progress,
    )
    scores = trained.scores(np.concatenate([test[0], test[1]], axis=1))
    levels = [
        [each.confidence, *((one.right, one.wrong, one.missed) for one in (each.base, each.adapter))]
        for each in compared(test[1], scores, test[2], names)
    ]
    return Learned(trained, scores, {"compared": levels})


_LEARNING: dict[str, Callable[[Lesson], Learned]] = {
    CLASSIFIER: _classifier,
    DETECTOR: _detector,
    ADAPTER: _adapter,
}


def _features(pictures: Sequence[Glance]) -> Floats:
    return np.stack([each.kept.look.seen for each in pictures])


def _labels(pictures: Sequence[Glance], names: Sequence[str]) -> Bools:
    return np.array([[name in each.labels for name in names] for each in pictures], bool).reshape(-1, len(names))


def _pictured(glance: Glance, names: Sequence[str]) -> Pictured:
    """A picture with its boxes in ratios. What shows a label that is not learned does not count."""
    look = glance.kept.look
    own = [each for each in glance.boxes if each.name in names]
    sides = np.array([[each.left, each.top, each.width, each.height] for each in own], np.float32).reshape(-1, 4)
    size = np.array([look.width, look.height] * 2, np.float32)
    return Pictured(look.candidates, (sides / size, np.array([names.index(each.name) for each in own], np.int64)))
