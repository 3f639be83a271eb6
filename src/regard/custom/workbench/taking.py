"""A model that is taken along: one ONNX file with the networks in it, and the Python that asks it."""

from __future__ import annotations

from regard.custom.workbench.kept import Model
from regard.custom.workbench.pictures import ADAPTER, DETECTOR
from regard.settings import Settings
from regard.vision.models.weights import Weights
from regard.vision.things import alone, alone_boxes


def taken_along(model: Model, settings: Settings, file: str) -> tuple[bytes, str]:
    """Its bytes, and lines of Python that ask the `file` that they are written to.

    Raises WeightsError for weights that are not here, and ValueError for a model over others, and for an adapter.
    """
    if model.kind == ADAPTER:
        raise ValueError(
            "An adapter is not exported: it adds to what moderation tells, by two networks and a table of classes. Ask "
            "it with `regard custom detect`, or train it in a project and name its ARN to DetectModerationLabels."
        )
    weights = Weights.opened(settings)
    if model.kind == DETECTOR:
        data = alone_boxes.alone(weights, alone_boxes.head_of(model.head), model.manifest)
        return data, alone_boxes.lines(file)
    return alone.alone(weights, model.head, model.manifest), alone.lines(file)
