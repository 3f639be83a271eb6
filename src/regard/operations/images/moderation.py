"""DetectModerationLabels; what looks is :mod:`regard.vision.things.moderation`."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from regard.custom.versions.loaded import Head
from regard.operations.common.pictures import require_at_most
from regard.operations.common.registry import Answer, operation
from regard.operations.common.rooms import Rooms
from regard.operations.images.adapters import adapted, adapter_of
from regard.operations.images.human_loops import activation, flow_of
from regard.stewardship.policy.call import Call, Capability, DataClass
from regard.vision.pictures.images import Picture
from regard.vision.things.moderation import VERSION, ModerationLabel

NAME = "DetectModerationLabels"
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
    NAME,
    Capability.DETECT,
    DataClass.OBJECTS,
    lacks=(
        f"{LACKING_LABELS} HumanLoopConfig takes flow definitions of "
        "`regard review flow`, with one condition each; without any it meets its quota of 0."
    ),
)
def detect_moderation_labels(call: Call, rooms: Rooms) -> Answer:
    """What the picture shows of taxonomy 7.0, with every label above; an empty list for most pictures."""
    flow = flow_of(call, rooms)
    adapter = adapter_of(call, rooms)
    picture = rooms.pictures.read(call, call.parameters["Image"])
    found = seen(rooms, picture, call.parameters.get("MinConfidence", DEFAULT_CONFIDENCE), adapter)
    answer = told(found)
    if adapter is not None:
        answer["ProjectVersion"] = call.parameters["ProjectVersion"]
    if flow is not None:
        answer["HumanLoopActivationOutput"] = activation(call, rooms, flow, picture, found)
    return answer


def seen(rooms: Rooms, picture: Picture, at_least: float, adapter: Head | None = None) -> list[ModerationLabel]:
    """The labels of a picture from a confidence on, 0 to 100, moved by an adapter, if any. Raises TooManyPixels."""
    require_at_most(picture, MOST_SIDE)
    found = rooms.moderator(picture)
    if adapter is not None:
        found = adapted(rooms, adapter, picture, found)
    return [label for label in found if label.confidence >= at_least]


def told(found: Sequence[ModerationLabel]) -> Answer:
    """The answer about what was seen."""
    return {
        "ModerationLabels": [told_label(label) for label in found],
        "ModerationModelVersion": VERSION,
        "ContentTypes": [],
    }


def told_label(label: ModerationLabel) -> dict[str, Any]:
    """A ModerationLabel in the words of the API."""
    return {
        "Name": label.name,
        "ParentName": label.parent,
        "TaxonomyLevel": label.level,
        "Confidence": label.confidence,
    }
