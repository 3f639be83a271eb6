"""DetectProtectiveEquipment; what inspects is :mod:`regard.vision.things.equipment`."""

from __future__ import annotations

from enum import Enum
from typing import Any

from regard.operations.common.errors import ApiError
from regard.operations.common.pictures import require_at_most
from regard.operations.common.registry import Answer, operation
from regard.operations.common.rendering import bounding_box
from regard.operations.common.rooms import Rooms
from regard.stewardship.policy.call import Call, Capability, DataClass
from regard.vision.things.equipment import VERSION, Person

LEAST_SIDE, MOST_SIDE = 64, 4096
MOST_BYTES = 4 * 1024 * 1024
FACE_COVER = "FACE_COVER"


class Worn(Enum):
    """Whether a person wears what is required, as far as can be told."""

    YES = "PersonsWithRequiredEquipment"
    NO = "PersonsWithoutRequiredEquipment"
    UNKNOWN = "PersonsIndeterminate"


@operation(
    "DetectProtectiveEquipment",
    Capability.DETECT,
    DataClass.FACES,
    lacks=(
        "FACE_COVER only; CoversBodyPart repeats its confidence, and its box is the lower half of the face. There is "
        "no model with a usable licence for HEAD_COVER, HAND_COVER and hands: hands are never body parts, the head is "
        "one without detections, and whoever is required to wear these is indeterminate."
    ),
)
def detect_protective_equipment(call: Call, rooms: Rooms) -> Answer:
    """Persons, their faces and heads, and masks; with a summary where one is asked for."""
    given = call.parameters["Image"].get("Bytes", b"")
    if len(given) > MOST_BYTES:
        raise ApiError("ImageTooLargeException", f"Image size is too large. It may have at most {MOST_BYTES} bytes.")
    picture = rooms.pictures.read(call, call.parameters["Image"], LEAST_SIDE)
    require_at_most(picture, MOST_SIDE)
    persons = rooms.equipment(picture)
    answer: Answer = {
        "ProtectiveEquipmentModelVersion": VERSION,
        "Persons": [_person(number, person) for number, person in enumerate(persons)],
    }
    if asked := call.parameters.get("SummarizationAttributes"):
        answer["Summary"] = _summary(persons, asked["RequiredEquipmentTypes"], asked["MinConfidence"])
    return answer


def _person(number: int, person: Person) -> dict[str, Any]:
    return {
        "Id": number,
        "BoundingBox": bounding_box(person.box),
        "Confidence": person.confidence,
        "BodyParts": _body_parts(person),
    }


def _body_parts(person: Person) -> list[dict[str, Any]]:
    if person.face is None or person.cover is None:
        return []
    found = []
    if person.mask is not None and person.mask.value:
        # One answer says both: heads were taught masks that are worn over nose and mouth.
        found.append(
            {
                "Type": FACE_COVER,
                "BoundingBox": bounding_box(person.cover),
                "Confidence": person.mask.confidence,
                "CoversBodyPart": {"Value": True, "Confidence": person.mask.confidence},
            }
        )
    confidence = person.face.confidence
    return [
        {"Name": "FACE", "Confidence": confidence, "EquipmentDetections": found},
        {"Name": "HEAD", "Confidence": confidence, "EquipmentDetections": []},
    ]


def _summary(persons: list[Person], required: list[str], at_least: float) -> dict[str, list[int]]:
    """Who wears all that is required: nobody is said to go without what there is no model for."""
    summary: dict[str, list[int]] = {worn.value: [] for worn in Worn}
    for number, person in enumerate(persons):
        summary[_worn(person, required, at_least).value].append(number)
    return summary


def _worn(person: Person, required: list[str], at_least: float) -> Worn:
    if person.confidence < at_least:
        return Worn.UNKNOWN
    each = {_mask_worn(person, at_least) if kind == FACE_COVER else Worn.UNKNOWN for kind in required}
    return next((worn for worn in (Worn.NO, Worn.UNKNOWN) if worn in each), Worn.YES)


def _mask_worn(person: Person, at_least: float) -> Worn:
    if person.face is None or person.mask is None or person.face.confidence < at_least:
        return Worn.UNKNOWN
    if person.mask.confidence < at_least:
        return Worn.UNKNOWN
    return Worn.YES if person.mask.value else Worn.NO
