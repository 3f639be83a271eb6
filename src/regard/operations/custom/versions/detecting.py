"""DetectCustomLabels: what a version that runs tells of a picture."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np

from regard.custom.boxes import LEAST_SIDE, MOST_RATIO, MOST_SIDE
from regard.custom.errors import ResourceNotReady
from regard.custom.projects import Feature
from regard.custom.versions.loaded import Backbone, Head
from regard.custom.versions.states import State
from regard.custom.versions.versions import Standing
from regard.operations.common.errors import ApiError, invalid_parameter
from regard.operations.common.pictures import require_at_most
from regard.operations.common.registry import Answer, operation
from regard.operations.common.rendering import bounding_box
from regard.operations.common.rooms import Rooms
from regard.operations.custom.versions.lawful import require_use
from regard.operations.custom.versions.settling import settled, workshop_of
from regard.stewardship.policy.call import Call, Capability, DataClass
from regard.vision.heads.box_head import BoxHead
from regard.vision.pictures.findings import Box
from regard.vision.pictures.images import Picture

# AWS's, of a picture within the request: less than other operations take.
MOST_BYTES = 4 * 1024 * 1024


@operation("DetectCustomLabels", Capability.DETECT, DataClass.OBJECTS)
def detect_custom_labels(call: Call, rooms: Rooms) -> Answer:
    """The labels that the version gives to the picture, surest first; from each label's own threshold on, if no other
    confidence is asked for.
    """
    given = call.parameters
    if len(given["Image"].get("Bytes", b"")) > MOST_BYTES:
        raise ApiError("ImageTooLargeException", f"Image size is too large. Bytes have {MOST_BYTES:,} at most.")
    standing = _running(call, rooms)
    assert rooms.features is not None
    assert rooms.seeker is not None
    bases = Backbone.of(rooms.features), Backbone.of_candidates(rooms.seeker)
    head = workshop_of(rooms).head(standing, *bases)
    require_use(call, rooms, standing, head.manifest.people)
    picture = rooms.pictures.read(call, given["Image"], LEAST_SIDE)
    require_at_most(picture, MOST_SIDE)
    if max(picture.width, picture.height) > MOST_RATIO * min(picture.width, picture.height):
        raise invalid_parameter(f"One side of the picture is more than {MOST_RATIO} times as long as the other.")
    found = _found(rooms, head, picture, given.get("MinConfidence"))
    most = given.get("MaxResults")
    return {"CustomLabels": found if most is None else found[:most]}


def _running(call: Call, rooms: Rooms) -> Standing:
    """How the version stands that a call names, which runs. Raises ApiError, ResourceNotReady and what rooms raise."""
    workshop, arn = workshop_of(rooms), call.parameters["ProjectVersionArn"]
    standing = workshop.versions.standing(call.caller.organization, arn)
    if standing.feature is Feature.CONTENT_MODERATION:
        raise invalid_parameter("This is an adapter: name it to DetectModerationLabels, as its ProjectVersion.")
    if standing.state in (State.STARTING, State.STOPPING):
        with rooms.gallery.reading() as connection:
            version = workshop.versions.find(connection, call.caller.organization, arn)
        standing = replace(standing, state=settled(rooms, version).state)
    if standing.state is not State.RUNNING:
        raise ResourceNotReady(f"The version {standing.name} is {standing.state}: StartProjectVersion has it answer.")
    return standing


def _found(rooms: Rooms, head: Head, picture: Picture, least: float | None) -> list[dict[str, Any]]:
    if head.boxes is not None:
        return _boxes(rooms, head, head.boxes, picture, least)
    assert rooms.features is not None
    scores = head.scores(rooms.features.features_of(picture)).tolist()
    found = [
        {"Name": label.name, "Confidence": 100 * score}
        for label, score in zip(head.manifest.labels, scores, strict=True)
        if 100 * score >= (100 * label.threshold if least is None else least)
    ]
    return sorted(found, key=lambda each: -float(each["Confidence"]))


def _boxes(rooms: Rooms, head: Head, boxes: BoxHead, picture: Picture, least: float | None) -> list[dict[str, Any]]:
    assert rooms.seeker is not None
    labels, way = head.manifest.labels, head.manifest.way
    limits = np.array([each.threshold if least is None else least / 100 for each in labels], np.float32)
    found = boxes(rooms.seeker(picture, (way,))[way], limits)
    return [
        {
            "Name": labels[kind].name,
            "Confidence": 100 * float(score),
            "Geometry": {"BoundingBox": bounding_box(Box(*box.tolist()))},
        }
        for box, kind, score in zip(found.boxes, found.kinds, found.scores, strict=True)
    ]
