"""Findings of the vision room in the words of the API. What the gallery keeps, :mod:`regard.operations.gallery.kept`
renders.
"""

from __future__ import annotations

from typing import Any

from regard.stewardship.policy.call import Call
from regard.vision.faces.faces import Box, Description, Estimate, Face, Landmark, Pose, Quality

# The members that Attributes may name, and where a Description holds them.
ATTRIBUTES = {
    "AGE_RANGE": ("AgeRange", "age_range"),
    "SMILE": ("Smile", "smile"),
    "EYEGLASSES": ("Eyeglasses", "eyeglasses"),
    "SUNGLASSES": ("Sunglasses", "sunglasses"),
    "GENDER": ("Gender", "gender"),
    "BEARD": ("Beard", "beard"),
    "MUSTACHE": ("Mustache", "mustache"),
    "EYES_OPEN": ("EyesOpen", "eyes_open"),
    "MOUTH_OPEN": ("MouthOpen", "mouth_open"),
    "EMOTIONS": ("Emotions", "emotions"),
    "FACE_OCCLUDED": ("FaceOccluded", "face_occluded"),
    "EYE_DIRECTION": ("EyeDirection", "eye_direction"),
}
# What AWS tells of a face and this does not, of operations that answer with FaceDetail.
LACKING_ATTRIBUTES = (
    "FaceOccluded is absent: what was tried called 59 % of bare faces in tight crops covered. EyeDirection is absent: "
    "no pictures with known answers to measure it on, so a confidence would be made up. Eyeglasses, Sunglasses, Beard, "
    "Mustache, Smile, EyesOpen and MouthOpen come from small heads, measured in docs/heads.md. Emotions are worked out "
    "only where the policy allows them."
)


def wanted_attributes(asked: list[str] | None) -> frozenset[str]:
    """What `Attributes` asks for; DEFAULT is always included, ALL stands for everything."""
    asked = asked or ["DEFAULT"]
    return frozenset({"DEFAULT", "ALL", *ATTRIBUTES}) if "ALL" in asked else frozenset({"DEFAULT", *asked})


def granted_attributes(call: Call, parameter: str) -> frozenset[str]:
    """What `parameter` of the call asks for, less what the gate withholds: that is not even worked out."""
    wanted, withheld = wanted_attributes(call.parameters.get(parameter)), withheld_attributes(call, parameter)
    if withheld:
        call.remarks["x-regard-withheld"] = ", ".join(ATTRIBUTES[name][0] for name in sorted(withheld))
    return wanted - withheld


def withheld_attributes(call: Call, parameter: str) -> frozenset[str]:
    """What `parameter` of the call asks for and the gate withholds."""
    wanted = wanted_attributes(call.parameters.get(parameter))
    return frozenset(name for name in wanted & ATTRIBUTES.keys() if ATTRIBUTES[name][0] in call.withheld)


def bounding_box(box: Box) -> dict[str, float]:
    """Ratios of the upright picture; a face that leaves the picture has parts below 0 or above 1."""
    return {"Left": box.left, "Top": box.top, "Width": box.width, "Height": box.height}


def face_detail(face: Face, description: Description, withheld: frozenset[str] = frozenset()) -> dict[str, Any]:
    """A FaceDetail: what was asked for and what there is a model for; attributes `withheld` are empty lists.

    Programs written for AWS take the first of the Emotions that they asked for: a list that is not there breaks them.
    """
    detail: dict[str, Any] = {
        "BoundingBox": bounding_box(face.box),
        "Confidence": face.confidence,
        "Landmarks": landmarks(description.landmarks),
        "Pose": pose(description.pose),
        "Quality": quality(description.quality),
    }
    for member, attribute in ATTRIBUTES.values():
        found = getattr(description, attribute)
        if found is not None:
            detail[member] = _attribute(member, found)
    return detail | {ATTRIBUTES[name][0]: [] for name in withheld}


def compared_face(face: Face, description: Description) -> dict[str, Any]:
    """A ComparedFace: box, confidence, five landmarks, pose and quality."""
    return {
        "BoundingBox": bounding_box(face.box),
        "Confidence": face.confidence,
        "Landmarks": landmarks(description.landmarks),
        "Pose": pose(description.pose),
        "Quality": quality(description.quality),
    }


def landmarks(found: tuple[Landmark, ...]) -> list[dict[str, Any]]:
    """Landmarks in the order of the API, as ratios of the upright picture."""
    return [{"Type": landmark.name, "X": landmark.x, "Y": landmark.y} for landmark in found]


def pose(found: Pose) -> dict[str, float]:
    """Degrees, with AWS's signs."""
    return {"Roll": found.roll, "Yaw": found.yaw, "Pitch": found.pitch}


def quality(found: Quality) -> dict[str, float]:
    """Brightness and sharpness, 0 to 100."""
    return {"Brightness": found.brightness, "Sharpness": found.sharpness}


def _attribute(member: str, found: Any) -> Any:
    if member == "AgeRange":
        return {"Low": found.low, "High": found.high}
    if member == "EyeDirection":
        return {"Yaw": found.yaw, "Pitch": found.pitch, "Confidence": found.confidence}
    if member == "Emotions":
        return [{"Type": emotion.value, "Confidence": emotion.confidence} for emotion in found]
    estimate: Estimate[Any] = found
    return {"Value": estimate.value, "Confidence": estimate.confidence}
