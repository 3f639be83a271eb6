"""Bystanders: in a collection on consent, only the person whom the call names is kept from a picture."""

from __future__ import annotations

import hashlib

import numpy as np

from regard.gallery.faces import subject
from regard.operations.common.likeness import Compared, Like, told
from regard.operations.common.rooms import Rooms
from regard.stewardship.policy.call import Call
from regard.stewardship.policy.enrolment import Enrolment
from regard.vision.faces.faces import Face
from regard.vision.pictures.findings import SAME_FACE, Box, overlap
from regard.vision.pictures.images import Picture

# The same person: at this cosine the default weights keep 98 % of genuine pairs of generated faces, and take 3 in
# 1,000 impostors, of whom only the one most like the person would be kept, and only where the person is not found.
AT_LEAST = 0.50
_HEADER = "x-regard-bystanders"


def without_bystanders(call: Call, rooms: Rooms, data: bytes, picture: Picture, faces: list[Face]) -> list[Face]:
    """The face of the person who consented, or none.

    That person is known by a box on the receipt for this very picture, else because they were enrolled from it before,
    else by the faces that are there already, else because nobody else is in the picture. To be known by one's face is
    to be found: it keeps to the floor, and where rights are at stake it waits for two people. The other faces are
    embedded in memory alone, and a header counts them.
    """
    if not faces:
        return faces
    kept = _the_person(call, rooms, data, picture, faces)
    if others := len(faces) - len(kept):
        unknown = "" if kept else "; which of the faces is the person is not known: see docs/people.md"
        call.remarks[_HEADER] = f"{others}{unknown}"
    return kept


def _the_person(call: Call, rooms: Rooms, data: bytes, picture: Picture, faces: list[Face]) -> list[Face]:
    organization, collection_id = call.caller.organization, call.parameters["CollectionId"]
    named = call.parameters.get("ExternalImageId")
    if named is None:
        return []
    shown = hashlib.sha256(data).hexdigest()
    if rooms.consents and (box := rooms.consents.reference(Enrolment(organization, collection_id, named), shown)):
        nearest = max(faces, key=lambda face: overlap(face.box, Box(*box)))
        return [nearest] if overlap(nearest.box, Box(*box)) >= SAME_FACE else []
    with rooms.gallery.reading() as connection:
        collection = rooms.gallery.collections.find(connection, organization, collection_id)
        before = rooms.gallery.faces.enrolled_from(connection, collection, data, named)
        if known := [face for face in faces if any(overlap(face.box, Box(*kept.box)) >= SAME_FACE for kept in before)]:
            return known
        embeddings = rooms.faces.embed(picture, faces, collection.face_model)
        whose = subject(named, "")
        scores = rooms.gallery.faces.likeness(connection, collection, whose, embeddings)
    if scores is None:
        return faces if len(faces) == 1 else []
    best = int(np.argmax(scores))
    like = Like(float(scores[best]), faces[best], whose, named, ((whose, {"picture": shown}),))
    compared = Compared(data, picture, faces[best])
    return [each.found for each in told(call, rooms, collection.face_model, compared, [like], AT_LEAST)]
