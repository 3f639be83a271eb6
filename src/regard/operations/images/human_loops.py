"""`HumanLoopConfig` of a request: whether a person has to look at the picture, in the words of Amazon Augmented AI."""

from __future__ import annotations

import io
import json
import re
from collections.abc import Sequence
from typing import Any

from PIL import Image

from regard.operations.common.rooms import Rooms
from regard.stewardship.people.flows import Flow, NoFlows, NoSuchFlow
from regard.stewardship.policy.call import Call
from regard.vision.pictures.images import Picture
from regard.vision.things.moderation import VERSION, ModerationLabel

# Pixels: enough to judge what is shown, less than the picture may have.
MOST_SIDE = 1600
_ARN = re.compile(r"arn:[a-z-]+:sagemaker:[a-z0-9-]+:(\d{12}):flow-definition/(.+)")


def flow_of(call: Call, rooms: Rooms) -> Flow | None:
    """The flow definition that the call names, if it names one. Raises NoSuchFlow, NoFlows."""
    config = call.parameters.get("HumanLoopConfig")
    if config is None:
        return None
    if rooms.loops is None:
        raise NoFlows("There is no review queue here. Leave HumanLoopConfig out.")
    arn, own = config["FlowDefinitionArn"], call.caller.organization
    named = _ARN.fullmatch(arn)
    if named is None or named[1] != own:
        raise NoSuchFlow(f"{arn} is no flow definition of yours; `regard review flow list` shows them.")
    return rooms.loops.flows.get(own, named[2])


def activation(
    call: Call, rooms: Rooms, flow: Flow, picture: Picture, found: Sequence[ModerationLabel]
) -> dict[str, Any]:
    """The answer's HumanLoopActivationOutput; where the condition holds, the loop is started.

    Raises LoopExists, TooManyLoops.
    """
    labels = {label.name: label.confidence for label in found}
    holds = flow.holds(labels)
    told = {"HumanLoopActivationConditionsEvaluationResults": _evaluated(flow, holds)}
    if not holds:
        return told
    config, copy = call.parameters["HumanLoopConfig"], _copy(picture)
    name, classifiers = config["HumanLoopName"], config.get("DataAttributes", {}).get("ContentClassifiers", [])
    # The call is recorded with what it starts, before there is an answer to take the version from.
    call.account["models"] = {"ModerationModelVersion": VERSION}
    assert rooms.loops is not None
    with rooms.writing(call) as connection:
        rooms.loops.start(connection, call, flow, name, labels, classifiers, copy)
    arn = f"arn:aws:sagemaker:{call.region}:{call.caller.organization}:human-loop/{name}"
    return told | {"HumanLoopArn": arn, "HumanLoopActivationReasons": ["ConditionsEvaluation"]}


def _evaluated(flow: Flow, holds: bool) -> str:
    condition = {
        "ConditionType": "ModerationLabelConfidenceCheck",
        "ConditionParameters": {
            "ModerationLabelName": flow.label,
            "ConfidenceGreaterThanEquals": flow.at_least,
            "ConfidenceLessThanEquals": flow.at_most,
        },
        "EvaluationResult": holds,
    }
    return json.dumps({"Conditions": [condition]}, separators=(",", ":"))


def _copy(picture: Picture) -> bytes:
    """The picture alone, without metadata, as JPEG; smaller where it is large."""
    image = Image.fromarray(picture.pixels)
    image.thumbnail((MOST_SIDE, MOST_SIDE))
    file = io.BytesIO()
    image.save(file, "JPEG", quality=90)
    return file.getvalue()
