"""DetectModerationLabels; what looks is :mod:`regard.vision.things.moderation`."""

from __future__ import annotations

from typing import Any

from regard.operations.common.errors import no_such_resource
from regard.operations.common.pictures import require_at_most
from regard.operations.common.registry import Answer, operation
from regard.operations.common.rooms import Rooms
from regard.operations.images.human_loops import activation, flow_of
from regard.stewardship.policy.call import Call, Capability, DataClass
from regard.vision.things.moderation import VERSION, ModerationLabel

DEFAULT_CONFIDENCE = 50.0
MOST_SIDE = 10_000
LACKING_LABELS = (
    "Of taxonomy 7.0 these are answered: Explicit and Explicit Nudity, by a score that there are no such pictures "
    "here to calibrate with; female and male Swimwear or Underwear, Weapons, Alcoholic Beverages, Gambling (slot "
    "machines), Products, Pills (their bottles) and Drugs & Tobacco Paraphernalia & Use (lighters, syringes), as "
    "far as classes of a classifier show them. No model with a usable licence tells any other label or ContentTypes "
    "(always empty)."
)


@operation(
    "DetectModerationLabels",
    Capability.DETECT,
    DataClass.OBJECTS,
    lacks=(
        f"{LACKING_LABELS} Adapters (ProjectVersion) are not found. HumanLoopConfig takes flow definitions of "
        "`regard review flow`, with one condition each; without any it meets its quota of 0."
    ),
)
def detect_moderation_labels(call: Call, rooms: Rooms) -> Answer:
    """What the picture shows of taxonomy 7.0, with every label above; an empty list for most pictures."""
    flow = flow_of(call, rooms)
    if "ProjectVersion" in call.parameters:
        raise no_such_resource(f"There is no adapter {call.parameters['ProjectVersion']}: none can be trained here.")
    picture = rooms.pictures.read(call, call.parameters["Image"])
    require_at_most(picture, MOST_SIDE)
    at_least = call.parameters.get("MinConfidence", DEFAULT_CONFIDENCE)
    found = [label for label in rooms.moderator(picture) if label.confidence >= at_least]
    answer: Answer = {
        "ModerationLabels": [told_label(label) for label in found],
        "ModerationModelVersion": VERSION,
        "ContentTypes": [],
    }
    if flow is not None:
        answer["HumanLoopActivationOutput"] = activation(call, rooms, flow, picture, found)
    return answer


def told_label(label: ModerationLabel) -> dict[str, Any]:
    """A ModerationLabel in the words of the API."""
    return {
        "Name": label.name,
        "ParentName": label.parent,
        "TaxonomyLevel": label.level,
        "Confidence": label.confidence,
    }
