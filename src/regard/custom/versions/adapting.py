"""Adapters beside the base: what is right of a picture in the taxonomy, and both counted at every confidence."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from regard.custom.versions.shown import Shown, Told
from regard.evaluation.custom.adapter import Compared, Counts, compared
from regard.vision.things.moderation import chain, taxonomy

# From which confidence on, 0 to 100, what the base tells of a training picture is one of the labels that are learned.
TOLD_FROM = 50.0
# What lines of the test tell is told from here on, as AWS's are.
_LEAST = 0.05
Floats = NDArray[np.float32]
Json = dict[str, Any]


def truth_of(pictures: Sequence[Shown], base: Sequence[Mapping[str, float]]) -> list[str]:
    """The labels that an adapter learns: those of the pictures, with all above them, and those that the base tells.

    A label that the taxonomy does not have is passed over.
    """
    named = {above for picture in pictures for above in _with_above(picture)}
    named |= {name for told in base for name, sure in told.items() if sure >= TOLD_FROM}
    return sorted(named)


class Adapting:
    """Scores, truth and counts of the labels `names`, in their order."""

    def __init__(self, names: Sequence[str]) -> None:
        self._names = list(names)

    def base(self, told: Sequence[Mapping[str, float]]) -> Floats:
        """The base scores of pictures, 0 to 1: (n, k)."""
        return np.array([[each.get(name, 0.0) / 100 for name in self._names] for each in told], np.float32)

    def truth(self, pictures: Sequence[Shown]) -> NDArray[np.bool_]:
        """What is right of pictures, a label with all above it: (n, k)."""
        return np.array([[name in _with_above(each) for name in self._names] for each in pictures], bool)

    def told(self, scores: Floats, base: Mapping[str, float]) -> Told:
        """What the adapter tells of a picture, and what the base does."""
        sure = {name: float(score) for name, score in zip(self._names, scores, strict=True) if score >= _LEAST}
        return Told(sure, base={name: each / 100 for name, each in base.items() if each >= 100 * _LEAST})

    def compared(self, base: Floats, scores: Floats, labels: NDArray[np.bool_], asked: float) -> Json:
        """The summary's ContentModeration: base and adapter at the confidence that was `asked` for, and at all."""
        told = [100 * np.asarray(each, np.float64) >= asked for each in (base, scores)]
        own = Compared(
            int(asked),
            Counts.of(told[0], labels),
            Counts.of(told[1], labels),
            {
                name: (Counts.of(told[0][:, k], labels[:, k]), Counts.of(told[1][:, k], labels[:, k]))
                for k, name in enumerate(self._names)
            },
        )
        every = [_evaluated(each, each.confidence) for each in compared(base, scores, labels, self._names)]
        return {
            "ContentModeration": {
                "InputConfidenceThresholdEvalResults": _evaluated(own, asked),
                "AllConfidenceThresholdsEvalResults": every,
            }
        }


def _with_above(picture: Shown) -> set[str]:
    return {above.name for name in picture.labels if name in taxonomy() for above in chain(name)}


def _evaluated(found: Compared, confidence: float) -> Json:
    labels = [{"Label": name, **_both(*counts)} for name, counts in found.labels.items()]
    return {
        "ConfidenceThreshold": float(confidence),
        "AggregatedEvaluationResults": _both(found.base, found.adapter),
        "LabelEvaluationResults": labels,
    }


def _both(base: Counts, adapter: Counts) -> Json:
    return {"BaseModel": _counts(base), "Adapter": _counts(adapter)}


def _counts(counts: Counts) -> dict[str, int]:
    return {
        "TruePositive": counts.right,
        "TrueNegative": counts.rightly_not,
        "FalsePositive": counts.wrong,
        "FalseNegative": counts.missed,
    }
