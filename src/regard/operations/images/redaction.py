"""Redact and RedactOthers, our own operations: a picture with the faces in it covered, and words that fit a pattern.

RedactOthers leaves open whoever is in a collection with a consent that counts. That is an identification, and the gate
is asked for one.
"""

from __future__ import annotations

from dataclasses import astuple
from typing import Any

from regard.gallery.faces import KeptFace
from regard.gallery.search import Probe
from regard.operations.common.likeness import Compared, Like, least_score, like_face, told
from regard.operations.common.pictures import ANY_SIDE
from regard.operations.common.registry import Answer, operation
from regard.operations.common.rooms import Rooms
from regard.stewardship.policy.call import Call, Capability, DataClass
from regard.stewardship.policy.enrolment import Enrolment
from regard.vision.detection.upright import quarters
from regard.vision.faces.faces import Box, Face
from regard.vision.pictures.images import Picture
from regard.vision.pictures.redaction import Style, around, covered, encoded, head
from regard.vision.things.text import Word, matching

# A stranger who is taken for somebody stays open to view: the threshold is the one for matters of weight.
DEFAULT_THRESHOLD = 99.0
Open = tuple[float, KeptFace, Face]


@operation("Redact", Capability.DETECT, DataClass.FACES, ours=True)
def redact(call: Call, rooms: Rooms) -> Answer:
    """Cover every face of a picture."""
    picture = rooms.pictures.read(call, call.parameters["Image"], ANY_SIDE)
    return _redacted(call, rooms, picture, rooms.faces.detect_all(picture), [])


@operation("RedactOthers", Capability.IDENTIFY, DataClass.TEMPLATES, ours=True, threshold="FaceMatchThreshold")
def redact_others(call: Call, rooms: Rooms) -> Answer:
    """Cover every face of a picture but those of persons of a collection whose consent to it counts.

    Where rights are at stake a face stays covered until two people confirmed whose it is.
    """
    data = rooms.pictures.data(call, call.parameters["Image"])
    picture = rooms.pictures.decoded(call, data, ANY_SIDE)
    faces = rooms.faces.detect_all(picture)
    return _redacted(call, rooms, picture, faces, _left_open(call, rooms, data, picture, faces))


def _redacted(call: Call, rooms: Rooms, picture: Picture, faces: list[Face], left_open: list[Open]) -> Answer:
    shown = {id(face) for _, _, face in left_open}
    covers = [("face", cover_of(face), face.confidence) for face in faces if id(face) not in shown]
    covers += [("text", around(word.outline), word.confidence) for word in _words(call, rooms, picture)]
    style = Style(call.parameters.get("Style", Style.FILL))
    call.account["counts"] = {"found": len(faces)}
    if call.operation.capability is Capability.IDENTIFY:
        call.account["counts"]["matched"] = len(left_open)
    return {
        "image": encoded(covered(picture, [area for _, area, _ in covers], style)),
        "format": picture.format,
        "style": style.value,
        "covered": [{"kind": kind, "box": _box(area), "confidence": sure} for kind, area, sure in covers],
        "left_open": [
            {"box": _box(face.box), "person": kept.external_image_id, "similarity": alike}
            for alike, kept, face in left_open
        ],
    }


def cover_of(face: Face) -> Box:
    """What is covered of a face: the head around it, whichever way up it is."""
    return head(face.box, None if face.doubtful else quarters(face.points))


def _words(call: Call, rooms: Rooms, picture: Picture) -> list[Word]:
    patterns = call.parameters.get("TextPatterns", [])
    return matching(rooms.text(picture), patterns) if patterns else []


def _left_open(call: Call, rooms: Rooms, data: bytes, picture: Picture, faces: list[Face]) -> list[Open]:
    """Whose face may stay open: of those who consent to it, who may be told of."""
    where = call.caller.organization, call.parameters["CollectionId"]
    with rooms.gallery.asking() as connection:
        face_model = rooms.gallery.collections.find(connection, *where).face_model
    call.account["models"] = {"FaceModelVersion": face_model}
    at_least = least_score(call, face_model, call.parameters.get("FaceMatchThreshold", DEFAULT_THRESHOLD))
    found = _consenting(call, rooms, picture, faces, face_model, at_least)
    return [
        (each.similarity, *each.found)
        for like in found
        for each in told(call, rooms, face_model, Compared(data, picture, like.found[1]), [like], at_least)
    ]


def _consenting(
    call: Call, rooms: Rooms, picture: Picture, faces: list[Face], face_model: str, at_least: float
) -> list[Like[tuple[KeptFace, Face]]]:
    """By person whose consent counts the face most like theirs, since nobody is in a picture twice."""
    where = call.caller.organization, call.parameters["CollectionId"]
    best: dict[str, Like[tuple[KeptFace, Face]]] = {}
    for face, embedding in zip(faces, rooms.faces.embed(picture, faces, face_model), strict=True):
        if face.doubtful:
            continue
        probe = Probe(embedding=embedding, face_model=face_model)
        found, _ = rooms.gallery.search.faces(*where, probe, 1, at_least)
        for near, kept in found:
            person = kept.external_image_id
            if person is None or rooms.consents is None or not rooms.consents.covers(Enrolment(*where, person)):
                continue
            if person not in best or near > best[person].score:
                best[person] = like_face(near, kept, (kept, face))
    return list(best.values())


def _box(box: Box) -> dict[str, Any]:
    return dict(zip(("left", "top", "width", "height"), astuple(box), strict=True))
