"""The summaries that training leaves in the bucket, in AWS's words: of the evaluation, and of the manifests."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

import msgspec

from regard.custom.versions.shown import Shown, Told

Json = dict[str, Any]
KINDS = (
    "EvaluationResultSummary",
    "ManifestSummary",
    "TrainingGroundTruth",
    "TestingGroundTruth",
    "TrainingManifestWithValidation",
    "TestingManifestWithValidation",
)


class Scored(msgspec.Struct, frozen=True):
    """What a label is worth, 0 to 1 each; `pictures` are those of the test that show it. `more` is what we add."""

    name: str
    threshold: float
    f1: float
    precision: float
    recall: float
    pictures: int
    more: Json = {}


@dataclass(slots=True)
class Statistics:
    """What came of the lines of a manifest: `wrong` are the places of bad ones, from 0, `ignored` says how many more
    lines were left out.
    """

    use_case: str = "NOT_DETERMINED"
    lines: int = 0
    valid: int = 0
    ignored: int = 0
    wrong: list[int] = field(default_factory=list)
    errors: list[Json] = field(default_factory=list)

    @property
    def told(self) -> Json:
        """As it stands in the file."""
        return {
            "use_case": self.use_case,
            "total_json_lines": self.lines,
            "valid_json_lines": self.valid,
            "invalid_json_lines": len(self.wrong),
            "ignored_json_lines": self.ignored,
            "error_json_line_indices": self.wrong,
            "errors": self.errors,
        }


def manifest_summary(training: Statistics, testing: Statistics, errors: Sequence[Json] = ()) -> bytes:
    """The ManifestSummary. `errors` are those of both together."""
    told = {"statistics": {"training": training.told, "testing": testing.told}, "errors": list(errors)}
    return msgspec.json.encode(told)


def evaluation_summary(
    arn: str,
    at: float,
    pictures: tuple[int, int],
    labels: Sequence[Scored],
    aggregated: Json,
    more: Json,
    beside: Json,
) -> bytes:
    """The EvaluationResultSummary; `pictures` are those of the training and of the test.

    `aggregated` stands beside the plain means over labels, and `beside` beside all; `more` is ours, under a name that
    AWS does not have.
    """
    means = {
        name: _mean([getattr(each, member) for each in labels])
        for name, member in (("F1Score", "f1"), ("Precision", "precision"), ("Recall", "recall"))
    }
    told = {
        "Version": 1,
        "AggregatedEvaluationResults": means | aggregated,
        "EvaluationDetails": {
            "EvaluationEndTimestamp": datetime.fromtimestamp(at, UTC).strftime("%Y-%m-%dT%H:%M:%S.%f"),
            "Labels": [each.name for each in labels],
            "NumberOfTestingImages": pictures[1],
            "NumberOfTrainingImages": pictures[0],
            "ProjectVersionArn": arn,
        },
        "LabelEvaluationResults": [_label(each) for each in labels],
        "Regard": more,
    }
    return msgspec.json.encode(told | beside)


def confusion(names: Sequence[str], pictures: Sequence[tuple[Shown, Told]]) -> list[Json]:
    """The ConfusionMatrix: of a picture that shows one label, the surest that is told of it; of others, all of them.

    As in AWS's example a Value is the count of the pair, divided by the test pictures of the label that is told.
    """
    counts: Counter[tuple[str, str]] = Counter()
    there: Counter[str] = Counter()
    for shown, told in pictures:
        there.update(shown.labels)
        given = sorted(told.labels, key=lambda name: (-told.labels[name], name))
        given = given[:1] if len(shown.labels) == 1 else given
        counts.update((name, each) for name in shown.labels for each in given)
    pairs = [(truth, name) for truth in names for name in names]
    return [
        {"GroundTruthLabel": truth, "PredictedLabel": name, "Value": counts[truth, name] / there[name]}
        for truth, name in pairs
        if counts[truth, name] and there[name]
    ]


def _label(label: Scored) -> Json:
    metrics = {
        "F1Score": label.f1,
        "Precision": label.precision,
        "Recall": label.recall,
        "Threshold": label.threshold,
    }
    return {"Label": label.name, "Metrics": metrics, "NumberOfTestingImages": label.pictures} | label.more


def _mean(values: Sequence[float]) -> float:
    return sum(values) / len(values) if values else 0.0
