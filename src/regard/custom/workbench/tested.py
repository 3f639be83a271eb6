"""The test of a version that the service trained: kept beside its model, and read as the results that pages show."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import msgspec

from regard.custom.workbench.kept import VERSION, Asked, Point, Results
from regard.custom.workbench.seeing import Glance, Twin, twins
from regard.evaluation.custom.results import LabelReport
from regard.evaluation.statistics.intervals import Interval

# Under which kind it stands beside a model. A copy is without it: no line about a picture goes to another project.
TESTED = "Tested"
# Scores of a test that are kept: of 250 labels those of 800 pictures, some two megabytes.
MOST_SCORES = 200_000


class Tested(msgspec.Struct, frozen=True):
    """What was told of the pictures of a test, of the first `MOST_SCORES` scores; the test had `whole` pictures.

    A picture's `path` is its source-ref, and its `digest` begins with its ETag. `twins` are in the training too.
    """

    pictures: list[Asked] = []
    twins: list[Twin] = []
    whole: int = 0

    @classmethod
    def of(cls, test: Sequence[Glance], trained: Sequence[Glance], scores: Sequence[Sequence[float]]) -> Tested:
        """The test of a version; `scores` are of each of its pictures, one a label, 0 to 1."""
        most = MOST_SCORES // max(len(scores[0]) if scores else 0, 1)
        asked = [
            Asked(each.path, each.digest, list(each.labels), [round(float(score), 4) for score in row])
            for each, row in zip(test[:most], scores, strict=False)
        ]
        return cls(asked, twins(test[:most], trained), len(test))

    def file(self) -> dict[str, bytes]:
        """As it is kept beside a model."""
        return {TESTED: msgspec.msgpack.encode(self)}


def tested_in(files: dict[str, bytes]) -> Tested:
    """The test that is kept beside a model; an empty one where none is, as of a copy."""
    return msgspec.msgpack.decode(files[TESTED], type=Tested) if TESTED in files else Tested()


def results_of(name: str, summary: bytes, tested: Tested) -> Results:
    """What a version came to, by its EvaluationResultSummary and its test.

    `beside` is how many pictures the test had; of a detector the means over boxes; of an adapter how often it and the
    base were right, at the `Confidence` that was asked for.
    """
    told: dict[str, Any] = msgspec.json.decode(summary)
    means, details, ours = told["AggregatedEvaluationResults"], told["EvaluationDetails"], told["Regard"]
    beside = {each["Label"]: each for each in ours["Labels"]}
    return Results(
        version=VERSION,
        name=name,
        trained=details["NumberOfTrainingImages"],
        labels=[_label(each, beside.get(each["Label"], {})) for each in told["LabelEvaluationResults"]],
        f1=means["F1Score"],
        precision=means["Precision"],
        recall=means["Recall"],
        interval=Interval(*ours["F1ScoreInterval"]),
        cross_validated=ours["CrossValidatedF1Score"],
        false_labels=ours["FalseLabelsOnUnrelatedImages"],
        curve=[Point(each["Images"], each["F1Score"]) for each in ours["LearningCurve"]],
        with_more=ours["F1ScoreWith50MoreImages"],
        message="",
        pictures=tested.pictures,
        twins=tested.twins,
        beside={"tested": details["NumberOfTestingImages"]}
        | {name: means[name] for name in ("AveragePrecision", "AverageRecall") if name in means}
        | _compared(told.get("ContentModeration")),
    )


def _compared(told: dict[str, Any] | None) -> dict[str, Any]:
    """Of an adapter: what it was right about and what the base was, at the confidence that was asked for."""
    if told is None:
        return {}
    asked = told["InputConfidenceThresholdEvalResults"]
    return {"Confidence": asked["ConfidenceThreshold"], **asked["AggregatedEvaluationResults"]}


def _label(told: dict[str, Any], beside: dict[str, Any]) -> LabelReport:
    metrics = told["Metrics"]
    worth = (metrics[each] for each in ("Threshold", "F1Score", "Precision", "Recall"))
    counts = told["NumberOfTestingImages"], beside.get("NumberOfTrainingImages", 0)
    return LabelReport(told["Label"], *worth, *counts, beside.get("Advice", ""))
