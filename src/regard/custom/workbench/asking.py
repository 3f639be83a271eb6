"""What a model in a folder tells of a picture, in the form of the API."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import msgspec
import numpy as np
from numpy.typing import NDArray

from regard.custom.versions.adapting import Adapting
from regard.custom.versions.looks import Look
from regard.custom.workbench.eyes import Eye
from regard.custom.workbench.kept import Model
from regard.custom.workbench.pictures import ADAPTER, DETECTOR
from regard.settings import Settings
from regard.vision.heads.head import DamagedHead
from regard.vision.heads.own import OwnHead
from regard.vision.models.runtime import Runtime
from regard.vision.pictures.images import Picture

Answer = dict[str, list[dict[str, Any]]]


def asker(model: Model, eye: Eye, settings: Settings, at_least: float | None) -> Callable[[Picture], Answer]:
    """What tells the labels of a picture, the surest first: from each label's own threshold on, or from a confidence of
    0 to 100. Raises DamagedHead, and ValueError over other weights.
    """
    if model.base != eye.base:
        raise ValueError(f"The model was trained on other weights than {eye.base.model} now. Train it again.")
    limits = np.array([each["threshold"] if at_least is None else at_least / 100 for each in model.labels], np.float32)
    if model.kind == DETECTOR:
        return _boxes(model, eye, limits)
    runtime = Runtime.opened(msgspec.structs.replace(settings, precision="f32"))
    head: OwnHead = OwnHead.opened(model.head, model.manifest["head"], runtime)
    names = [str(each["name"]) for each in model.labels]
    called = "ModerationLabels" if model.kind == ADAPTER else "CustomLabels"

    def ask(picture: Picture) -> Answer:
        scores = head.scores(_numbers(eye.ask(picture), names if model.kind == ADAPTER else None))[0]
        told = [
            {"Name": name, "Confidence": round(100 * float(score), 4)}
            for name, score, limit in zip(names, scores, limits, strict=True)
            if score >= limit
        ]
        return {called: sorted(told, key=lambda each: -each["Confidence"])}

    return ask


def _numbers(look: Look, moderated: list[str] | None) -> NDArray[np.float32]:
    """What a head takes of a picture; an adapter takes what the base tells, too."""
    if moderated is None:
        return look.seen
    return np.concatenate([look.seen, Adapting(moderated).base([look.moderation])[0]])


def _boxes(model: Model, eye: Eye, limits: NDArray[np.float32]) -> Callable[[Picture], Answer]:
    from regard.vision.things.alone_boxes import head_of

    try:
        head = head_of(model.head)
    except KeyError:
        raise DamagedHead("The head is none of a detector. Train it again.") from None
    way, names = str(model.manifest["way"]), [str(each["name"]) for each in model.labels]

    def ask(picture: Picture) -> Answer:
        told = head(eye.ask(picture).candidates[way], limits)
        return {
            "CustomLabels": [
                {
                    "Name": names[kind],
                    "Confidence": round(100 * float(score), 4),
                    "Geometry": {"BoundingBox": dict(zip(("Left", "Top", "Width", "Height"), box, strict=True))},
                }
                for box, kind, score in zip(told.boxes.tolist(), told.kinds, told.scores, strict=True)
            ]
        }

    return ask
