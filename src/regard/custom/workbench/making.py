"""A model made of pictures that were looked at: which are the test, what is learned, and what is told of each."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import msgspec
import numpy as np
from numpy.typing import NDArray

from regard.custom.distribution import TooFewImages, chosen
from regard.custom.judged import Judged
from regard.custom.workbench.kept import VERSION, Asked, Point, Results
from regard.custom.workbench.pictures import Labelled
from regard.custom.workbench.seeing import Glance, twins
from regard.evaluation.custom.background import background
from regard.evaluation.custom.classifier import train_classifier
from regard.evaluation.custom.errors import TooFew
from regard.evaluation.custom.results import Trained
from regard.vision.heads.head import Base

Bools = NDArray[np.bool_]


def require_enough(pictures: Sequence[Labelled]) -> None:
    """Raise TooFew where a fifth cannot be set aside, before anything is looked at."""
    _aside([(str(each.path), each.labels) for each in pictures])


def split(pictures: Sequence[Glance]) -> tuple[list[Glance], list[Glance]]:
    """Pictures to learn from and a fifth to test with, of each label about a fifth, the same each time.

    Raises TooFew for a label with one picture.
    """
    aside = _aside([(each.digest, each.labels) for each in pictures])
    sides: tuple[list[Glance], list[Glance]] = ([], [])
    for place, each in enumerate(pictures):
        sides[place in aside].append(each)
    return sides


def _aside(pictures: Sequence[tuple[str, tuple[str, ...]]]) -> set[int]:
    lines = [(place, Judged(source=name, labels=labels)) for place, (name, labels) in enumerate(pictures)]
    try:
        return set(chosen(lines))
    except TooFewImages as error:
        raise TooFew("INSUFFICIENT_IMAGES_PER_LABEL_FOR_AUTOSPLIT", str(error)) from None


def made(
    name: str,
    training: Sequence[Glance],
    test: Sequence[Glance],
    base: Base,
    *,
    seed: int = 0,
    beside: dict[str, Any] | None = None,
    progress: Callable[[float], None] = lambda _: None,
) -> tuple[Trained, Results]:
    """The model of the labels of `training`, and what it tells of the pictures of `test`.

    `beside` is kept in the results as it is. Raises NotTrained, which names labels and what would help, and ValueError
    where the unrelated pictures that ship were looked at by another model.
    """
    names = sorted({label for each in training for label in each.labels})
    inputs = np.stack([each.features for each in test])
    trained = train_classifier(
        np.stack([each.features for each in training]),
        _labels(training, names),
        names,
        background=background(base),
        seed=seed,
        test=(inputs, _labels(test, names)),
        base=msgspec.to_builtins(base),
        progress=progress,
    )
    told = trained.summary
    scores = trained.scores(inputs)
    return trained, Results(
        version=VERSION,
        name=name,
        trained=len(training),
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
            Asked(each.path, each.digest, list(each.labels), [round(float(score), 4) for score in row])
            for each, row in zip(test, scores, strict=True)
        ],
        twins=twins(test, training),
        beside=beside or {},
    )


def _labels(pictures: Sequence[Glance], names: Sequence[str]) -> Bools:
    return np.array([[name in each.labels for name in names] for each in pictures], bool).reshape(-1, len(names))
