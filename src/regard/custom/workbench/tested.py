"""The test of a version that the service trained: kept beside its model, and read as the results that pages show."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Any, NamedTuple

import msgspec
import numpy as np

from regard.custom.workbench.figures import Figures
from regard.custom.workbench.outlines import Outline
from regard.custom.workbench.seeing import ALIKE
from regard.evaluation.statistics.intervals import Interval

if TYPE_CHECKING:
    from regard.custom.workbench.kept import Results
    from regard.evaluation.custom.results import LabelReport

# Under which kind it stands beside a model. A copy has its figures instead: no line about a picture goes to another
# project.
TESTED, FIGURES = "Tested", "Figures"
SUMMARY = "EvaluationResultSummary"
# Scores of a test that are kept: of 250 labels those of 800 pictures, some two megabytes.
MOST_SCORES = 200_000
# Boxes of a test that are kept, of its first pictures: one has a hundred at most, half of them told.
MOST_BOXES = 20_000


class Marked(NamedTuple):
    """A picture by its source-ref, by what its bytes are known by, and by 64 bits that stay when it is saved anew."""

    source: str
    digest: str
    bits: int


class Asked(msgspec.Struct, frozen=True, array_like=True):
    """A picture of a test, as `Marked` has it: what it shows, how sure each label is, 0 to 1, and the boxes in it."""

    source: str
    digest: str
    shows: tuple[str, ...]
    scores: tuple[float, ...]
    boxes: tuple[Outline, ...] = ()


class Tested(msgspec.Struct, frozen=True, array_like=True):
    """What was told of the pictures of a test, of the first `MOST_SCORES` scores.

    `twins` are the source-refs of a picture of the test and of one of the training, and whether their bytes are the
    same; else they look alike.
    """

    pictures: tuple[Asked, ...] = ()
    twins: tuple[tuple[str, str, bool], ...] = ()

    @classmethod
    def of(
        cls,
        test: Sequence[Marked],
        shows: Sequence[tuple[str, ...]],
        scores: Sequence[Sequence[float]],
        trained: Sequence[Marked],
        outlines: Sequence[Sequence[Outline]] = (),
    ) -> Tested:
        """The test of a version; `shows` and `scores` are of each of its pictures, a score a label, 0 to 1, and so are
        the `outlines` of a detector's.
        """
        most = MOST_SCORES // max(len(scores[0]) if scores else 0, 1)
        kept = zip(test[:most], shows, scores, strict=False)
        boxes = _first(outlines)
        asked = tuple(
            Asked(each.source, each.digest, names, tuple(round(float(score), 4) for score in row), next(boxes, ()))
            for each, names, row in kept
        )
        return cls(asked, tuple(_twins(test[:most], trained)))

    def file(self) -> dict[str, bytes]:
        """As it is kept beside a model."""
        return {TESTED: msgspec.msgpack.encode(self)}


def tested_in(files: dict[str, bytes]) -> Tested:
    """The test that is kept beside a model; an empty one where none is, as of a copy."""
    return msgspec.msgpack.decode(files[TESTED], type=Tested) if TESTED in files else Tested()


def without_pictures(files: dict[str, bytes]) -> dict[str, bytes]:
    """What is kept beside a model as a copy has it: the figures of its test, and no line about a picture."""
    from regard.custom.workbench.groups import figures_of

    left = {kind: each for kind, each in files.items() if kind != TESTED}
    tested = tested_in(files)
    if not tested.pictures or SUMMARY not in files:
        return left
    return left | {FIGURES: msgspec.msgpack.encode(figures_of(results_of("", files[SUMMARY], tested)))}


def figures_in(files: dict[str, bytes]) -> Figures | None:
    """The figures that a copy has of its test; None where it has none, as one that was made before there were any."""
    return msgspec.msgpack.decode(files[FIGURES], type=Figures) if FIGURES in files else None


def results_of(name: str, summary: bytes, tested: Tested, figures: Figures | None = None) -> Results:
    """What a version came to, by its EvaluationResultSummary and its test, or by the figures of this.

    `beside` is how many pictures the test had; of a detector the means over boxes; of an adapter how often it and the
    base were right, at the `Confidence` that was asked for.
    """
    # Slow to import: a service need not wait for it.
    from regard.custom.workbench import kept
    from regard.custom.workbench.seeing import Twin

    told: dict[str, Any] = msgspec.json.decode(summary)
    means, details, ours = told["AggregatedEvaluationResults"], told["EvaluationDetails"], told["Regard"]
    beside = {each["Label"]: each for each in ours["Labels"]}
    return kept.Results(
        version=kept.VERSION,
        name=name,
        trained=details["NumberOfTrainingImages"],
        labels=[_label(each, beside.get(each["Label"], {})) for each in told["LabelEvaluationResults"]],
        f1=means["F1Score"],
        precision=means["Precision"],
        recall=means["Recall"],
        interval=Interval(*ours["F1ScoreInterval"]),
        cross_validated=ours["CrossValidatedF1Score"],
        false_labels=ours["FalseLabelsOnUnrelatedImages"],
        curve=[kept.Point(each["Images"], each["F1Score"]) for each in ours["LearningCurve"]],
        with_more=ours["F1ScoreWith50MoreImages"],
        message="",
        pictures=[
            kept.Asked(each.source, each.digest, list(each.shows), list(each.scores), list(each.boxes))
            for each in tested.pictures
        ],
        twins=[Twin(*each) for each in tested.twins],
        beside={"tested": details["NumberOfTestingImages"]}
        | {name: means[name] for name in ("AveragePrecision", "AverageRecall") if name in means}
        | _compared(told.get("ContentModeration")),
        figures=figures,
    )


def _first(outlines: Sequence[Sequence[Outline]]) -> Iterator[tuple[Outline, ...]]:
    """The boxes of each of the first pictures, `MOST_BOXES` in all."""
    left = MOST_BOXES
    for each in outlines:
        left -= len(each)
        if left < 0:
            return
        yield tuple(each)


def _twins(test: Sequence[Marked], trained: Sequence[Marked]) -> list[tuple[str, str, bool]]:
    """The pictures of the test that the training has too, or one that looks alike; each with the closest."""
    if not trained:
        return []
    bits = np.array([each.bits for each in trained], np.uint64)
    known, found = {each.digest: each.source for each in reversed(trained)}, []
    for each in test:
        apart = np.bitwise_count(bits ^ np.uint64(each.bits))
        same = known.get(each.digest)
        if same is not None or apart.min() <= ALIKE:
            found.append((each.source, same or trained[int(apart.argmin())].source, same is not None))
    return found


def _compared(told: dict[str, Any] | None) -> dict[str, Any]:
    """Of an adapter: what it was right about and what the base was, at the confidence that was asked for."""
    if told is None:
        return {}
    asked = told["InputConfidenceThresholdEvalResults"]
    return {"Confidence": asked["ConfidenceThreshold"], **asked["AggregatedEvaluationResults"]}


def _label(told: dict[str, Any], beside: dict[str, Any]) -> LabelReport:
    from regard.evaluation.custom.results import LabelReport

    metrics = told["Metrics"]
    return LabelReport(
        told["Label"],
        metrics["Threshold"],
        metrics["F1Score"],
        metrics["Precision"],
        metrics["Recall"],
        told["NumberOfTestingImages"],
        beside.get("NumberOfTrainingImages", 0),
        beside.get("Advice", ""),
    )
