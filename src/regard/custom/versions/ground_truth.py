"""Lines of a Training- or TestingGroundTruth file: what a picture shows beside what the model tells of it."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from datetime import UTC, datetime
from typing import Any

import msgspec

from regard.custom.manifests import MODERATION
from regard.custom.versions.material import BOXES
from regard.custom.versions.shown import Frame, Shown, Told

_TRUTH, _TOLD = "rekognition-custom-labels-training", "rekognition-custom-labels-evaluation"
_CLASSES, _BOXES = "groundtruth/image-classification", "groundtruth/object-detection"
# Boxes that overlap by so much of what both cover are of one thing, as the PASCAL VOC challenge has it.
OVERLAP = 0.5
ADAPTER = "adapter"
Json = dict[str, Any]


def lines(pictures: Iterable[tuple[Shown, Told | None]], kind: str, job: str, at: float) -> bytes:
    """A file of one line a picture. Without what a model tells a line has the truth alone. `job` is the job-name."""
    stamp = datetime.fromtimestamp(at, UTC).strftime("%Y-%m-%dT%H:%M:%S.%f")
    made = {BOXES: _boxed, ADAPTER: _moderated}.get(kind, _labelled)
    return b"".join(msgspec.json.encode(made(shown, told, job, stamp)) + b"\n" for shown, told in pictures)


def _moderated(shown: Shown, told: Told | None, _job: str, _stamp: str) -> Json:
    line: Json = {
        "source-ref": shown.source,
        MODERATION: {"ModerationLabels": [{"Name": name} for name in shown.labels]},
    }
    if told is None:
        return line
    both = (("detect-moderation-labels", told.labels), ("detect-moderation-labels-base-model", told.base))
    return line | {name: {"ModerationLabels": _sure(labels)} for name, labels in both}


def _sure(labels: Mapping[str, float]) -> list[Json]:
    ordered = sorted(labels.items(), key=lambda each: (-each[1], each[0]))
    return [{"Name": name, "Confidence": 100 * sure} for name, sure in ordered]


def _labelled(shown: Shown, told: Told | None, job: str, stamp: str) -> Json:
    line: Json = {"source-ref": shown.source}
    for number, name in enumerate(shown.labels):
        line |= _label(f"{_TRUTH}-{number}", name, 1.0, "yes", job, stamp)
    if told is None:
        return line
    for number, name in enumerate(sorted({*shown.labels, *told.labels})):
        attribute = f"{_TOLD}-{number}"
        line |= _label(attribute, name, told.labels.get(name, 0.0), "no", job, stamp)
        given, there = name in told.labels, name in shown.labels
        jobs = [f"{_TRUTH}-{shown.labels.index(name)}"] if there else []
        line[f"{attribute}-metadata"][f"{_TOLD}-details"] = _details(given, there, jobs)
    return line


def _label(attribute: str, name: str, confidence: float, human: str, job: str, stamp: str) -> Json:
    metadata = {
        "confidence": confidence,
        "job-name": job,
        "class-name": name,
        "human-annotated": human,
        "creation-date": stamp,
        "type": _CLASSES,
    }
    return {attribute: 1, f"{attribute}-metadata": metadata}


def _boxed(shown: Shown, told: Told | None, job: str, stamp: str) -> Json:
    names = sorted({each.name for each in (*shown.frames, *(told.frames if told else ()))})
    line: Json = {"source-ref": shown.source} | _boxes(_TRUTH, shown, shown.frames, names, "yes", job, stamp)
    if told is None:
        return line
    pairs = paired(shown.frames, told.frames)
    missed = [each for place, each in enumerate(shown.frames) if place not in pairs.values()]
    line |= _boxes(_TOLD, shown, [*told.frames, *missed], names, "no", job, stamp)
    objects = line[f"{_TOLD}-metadata"]["objects"]
    for place, each in enumerate(objects):
        given = place < len(told.frames)
        there = not given or place in pairs
        each["confidence"] = each["confidence"] if given else 0.0
        each[f"{_TOLD}-details"] = _details(given, there, [_TRUTH] if there else [])
    return line


def _boxes(
    attribute: str, shown: Shown, frames: Sequence[Frame], names: list[str], human: str, job: str, stamp: str
) -> Json:
    annotations = [
        {
            "class_id": names.index(each.name),
            **{side: round(getattr(each, side)) for side in ("left", "top", "width", "height")},
        }
        for each in frames
    ]
    size = {"width": shown.width, "height": shown.height, "depth": 3}
    metadata = {
        "objects": [{"confidence": each.confidence} for each in frames],
        "job-name": job,
        "class-map": {str(number): name for number, name in enumerate(names)},
        "human-annotated": human,
        "creation-date": stamp,
        "type": _BOXES,
    }
    return {attribute: {"annotations": annotations, "image_size": [size]}, f"{attribute}-metadata": metadata}


def _details(given: bool, there: bool, jobs: list[str]) -> Json:
    return {
        "version": 1,
        "is-true-positive": given and there,
        "is-true-negative": not given and not there,
        "is-false-positive": given and not there,
        "is-false-negative": there and not given,
        "is-present-in-ground-truth": there,
        "ground-truth-labelling-jobs": jobs,
    }


def paired(shown: Sequence[Frame], told: Sequence[Frame]) -> dict[int, int]:
    """Which of the boxes that are told is of which that is there, by their places: the surest chooses first."""
    pairs: dict[int, int] = {}
    for place in sorted(range(len(told)), key=lambda each: -told[each].confidence):
        left = [each for each in range(len(shown)) if each not in pairs.values()]
        fits = [each for each in left if shown[each].name == told[place].name]
        best = max(fits, key=lambda each: overlap(shown[each], told[place]), default=None)
        if best is not None and overlap(shown[best], told[place]) >= OVERLAP:
            pairs[place] = best
    return pairs


def overlap(one: Frame, other: Frame) -> float:
    """What two boxes have in common, of what both cover (intersection over union), 0 to 1."""
    width = min(one.left + one.width, other.left + other.width) - max(one.left, other.left)
    height = min(one.top + one.height, other.top + other.height) - max(one.top, other.top)
    common = max(width, 0.0) * max(height, 0.0)
    whole = one.width * one.height + other.width * other.height - common
    return common / whole if whole else 0.0
