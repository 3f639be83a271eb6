"""DetectFaces and CompareFaces, which keep nothing; :mod:`regard.operations.gallery.enrolment` has the faces of
collections.
"""

from __future__ import annotations

from typing import Any

from regard.operations.common.errors import invalid_parameter
from regard.operations.common.likeness import Compared, Like, least_score, told
from regard.operations.common.registry import Answer, operation
from regard.operations.common.rendering import (
    LACKING_ATTRIBUTES,
    bounding_box,
    compared_face,
    face_detail,
    granted_attributes,
    withheld_attributes,
)
from regard.operations.common.rooms import Rooms
from regard.stewardship.policy.call import Call, Capability, DataClass
from regard.vision.faces import quality
from regard.vision.faces.faces import Description, Face
from regard.vision.pictures.images import Picture

DEFAULT_SIMILARITY = 80.0
_DEFAULT = frozenset({"DEFAULT"})


@operation("DetectFaces", Capability.DETECT, DataClass.FACES, lacks=LACKING_ATTRIBUTES)
def detect_faces(call: Call, rooms: Rooms) -> Answer:
    """Every face of a picture, largest first; none is an empty list, not an error."""
    picture = rooms.pictures.read(call, call.parameters["Image"])
    wanted, withheld = granted_attributes(call, "Attributes"), withheld_attributes(call, "Attributes")
    return {
        "FaceDetails": [
            face_detail(face, rooms.faces.describe(picture, face, wanted), withheld)
            for face in rooms.faces.detect(picture)
        ]
    }


@operation("CompareFaces", Capability.COMPARE, DataClass.FACES)
def compare_faces(call: Call, rooms: Rooms) -> Answer:
    """The largest face of the source against every face of the target."""
    data = rooms.pictures.data(call, call.parameters["SourceImage"])
    source = rooms.pictures.decoded(call, data)
    target = rooms.pictures.read(call, call.parameters["TargetImage"])
    level = call.parameters.get("QualityFilter", "NONE")
    probe = next((face for face, _ in _usable_faces(rooms, source, level, "source") if not face.doubtful), None)
    if probe is None:
        raise invalid_parameter("it cannot be told which way up the faces in the source image are.")
    candidates = _usable_faces(rooms, target, level, "target")
    embeddings = rooms.faces.embed(target, [face for face, _ in candidates])
    scores = embeddings @ rooms.faces.embed(source, [probe])[0]
    at_least = least_score(call, None, call.parameters.get("SimilarityThreshold", DEFAULT_SIMILARITY))
    likes = [Like(float(near), number) for number, near in enumerate(scores)]
    alike = told(call, rooms, None, Compared(data, source, probe), likes, at_least)
    return {
        "SourceImageFace": {"BoundingBox": bounding_box(probe.box), "Confidence": probe.confidence},
        **_matched(candidates, {each.found: each.similarity for each in alike}),
    }


def _usable_faces(rooms: Rooms, picture: Picture, level: str, role: str) -> list[tuple[Face, Description]]:
    described = [(face, rooms.faces.describe(picture, face, _DEFAULT)) for face in rooms.faces.detect(picture)]
    # Without a filter every face is answered; a doubtful one is like nobody, so it is among the unmatched.
    usable = [pair for pair in described if level == "NONE" or not quality.rejections(*pair, level, picture)]
    if usable:
        return usable
    cause = f"none of the {len(described)} faces passes QualityFilter {level}" if described else "no face was found"
    raise invalid_parameter(f"{cause} in the {role} image.")


def _matched(
    candidates: list[tuple[Face, Description]], similarities: dict[int, float]
) -> dict[str, list[dict[str, Any]]]:
    """The matches, most alike first; the others as they were found, so that their order tells nothing."""
    ranked = sorted(similarities, key=lambda number: -similarities[number])
    return {
        "FaceMatches": [
            {"Similarity": similarities[number], "Face": compared_face(*candidates[number])} for number in ranked
        ],
        "UnmatchedFaces": [
            compared_face(*candidate) for number, candidate in enumerate(candidates) if number not in similarities
        ],
    }
