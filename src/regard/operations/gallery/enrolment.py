"""IndexFaces, ListFaces and DeleteFaces: the operations on faces of a collection. DetectFaces and CompareFaces keep
none: :mod:`regard.operations.images.faces`.
"""

from __future__ import annotations

from dataclasses import astuple
from functools import cache, partial
from typing import Any

import numpy as np
from numpy.typing import NDArray

from regard.gallery.faces import MOST_FACES, Candidate, KeptFace
from regard.gallery.portraits import MOST_PIXELS
from regard.operations.common.cut_outs import cut_out
from regard.operations.common.paging import page
from regard.operations.common.registry import Answer, operation
from regard.operations.common.rendering import (
    LACKING_ATTRIBUTES,
    face_detail,
    granted_attributes,
    withheld_attributes,
)
from regard.operations.common.rooms import Rooms
from regard.operations.gallery.bystanders import without_bystanders
from regard.operations.gallery.kept import kept_face
from regard.operations.gallery.objectors import without_objectors
from regard.stewardship.council.collections import BASIS
from regard.stewardship.policy.call import Call, Capability, DataClass
from regard.stewardship.policy.denied import Denied
from regard.stewardship.policy.enrolment import Enrolment
from regard.vision.faces import quality
from regard.vision.faces.faces import Face
from regard.vision.pictures.credentials import forbids_mining
from regard.vision.pictures.images import Picture

MOST_INDEXED = 100
MOST_LISTED = 4096


@operation("IndexFaces", Capability.ENROL, DataClass.TEMPLATES, compares=True, lacks=LACKING_ATTRIBUTES)
def index_faces(call: Call, rooms: Rooms) -> Answer:
    """Enrol the faces of a picture, largest first; which were not, and why, is said in UnindexedFaces."""
    with rooms.gallery.reading() as connection:
        organization, name = call.caller.organization, call.parameters["CollectionId"]
        collection = rooms.gallery.collections.find(connection, organization, name)
        basis = rooms.gallery.collections.tags_of(connection, collection).get(BASIS, call.caller.basis)
    face_model = collection.face_model
    data = rooms.pictures.data(call, call.parameters["Image"])
    _check_credentials(data)
    picture = rooms.pictures.decoded(call, data)
    faces = rooms.faces.detect(picture)
    if basis == "consent":
        faces = without_bystanders(call, rooms, data, picture, faces)
    taken, unindexed = _sorted_out(call, rooms, picture, faces)
    shown = [face for face, _ in taken]
    embedded = cache(partial(rooms.faces.embed, picture, shown))
    may_stay = without_objectors(call, rooms, data, shown, embedded)
    taken = [taken[place] for place in may_stay]
    call.account["counts"] = {"found": len(taken) + len(unindexed), "enrolled": len(taken)}
    people = [face for face, _ in taken]
    crops = [cut_out(picture, face.box, MOST_PIXELS) for face in people] if _agreed(call, rooms, basis) else []
    kept = _enrol(call, rooms, data, people, embedded(face_model)[may_stay], face_model, crops)
    return {
        "FaceRecords": [
            {"Face": kept_face(row), "FaceDetail": detail} for row, (_, detail) in zip(kept, taken, strict=True)
        ],
        "UnindexedFaces": unindexed,
        "FaceModelVersion": face_model,
    }


@operation("ListFaces", Capability.READ, DataClass.TEMPLATES)
def list_faces(call: Call, rooms: Rooms) -> Answer:
    """The faces of a collection, oldest first; those of one user or with certain ids when asked."""
    user_id, face_ids = call.parameters.get("UserId"), call.parameters.get("FaceIds")
    with rooms.gallery.reading() as connection:
        collection = rooms.gallery.collections.find(
            connection, call.caller.organization, call.parameters["CollectionId"]
        )
        if user_id is not None:
            rooms.gallery.users.require(connection, collection, user_id)
        found, token = page(
            call,
            rooms,
            MOST_LISTED,
            lambda after, most: rooms.gallery.faces.page(connection, collection, after, most, user_id, face_ids),
        )
    return {"Faces": [kept_face(face) for face in found], "FaceModelVersion": collection.face_model, **token}


@operation("DeleteFaces", Capability.MANAGE, DataClass.TEMPLATES)
def delete_faces(call: Call, rooms: Rooms) -> Answer:
    """Delete faces and the keys of their templates; a face tied to a user stays."""
    with rooms.writing(call) as connection:
        done = rooms.gallery.faces.delete(
            connection, call.caller.organization, call.parameters["CollectionId"], call.parameters["FaceIds"]
        )
    rooms.gallery.destroy_keys(done.collection, done.subjects)
    unknown: list[dict[str, Any]] = [{"FaceId": name, "Reasons": ["FACE_NOT_FOUND"]} for name in done.unknown]
    tied: list[dict[str, Any]] = [
        {"FaceId": name, "UserId": user_id, "Reasons": ["ASSOCIATED_TO_AN_EXISTING_USER"]}
        for name, user_id in done.associated.items()
    ]
    return {"DeletedFaces": done.deleted, "UnsuccessfulFaceDeletions": unknown + tied}


def _check_credentials(data: bytes) -> None:
    if forbids_mining(data):
        raise Denied(
            "content-credentials",
            "The content credentials of this picture (C2PA) say that it may not be mined or trained on.",
            appeal="ask whoever made the picture for a copy that allows it.",
        )


def _sorted_out(
    call: Call, rooms: Rooms, picture: Picture, faces: list[Face]
) -> tuple[list[tuple[Face, dict[str, Any]]], list[dict[str, Any]]]:
    """The faces to enrol with their FaceDetails, largest first, and the UnindexedFaces.

    The quality filter goes first. Over MaxFaces, of what passes it, those go that AUTO would turn away; then the
    smallest.
    """
    wanted = granted_attributes(call, "DetectionAttributes")
    level = call.parameters.get("QualityFilter", "AUTO")
    most = min(call.parameters.get("MaxFaces", MOST_INDEXED), MOST_INDEXED)
    described = [rooms.faces.describe(picture, face, wanted) for face in faces]
    found = list(zip(faces, described, strict=True))
    reasons = [list(quality.rejections(*each, level, picture)) for each in found]
    passed = [place for place, why in enumerate(reasons) if not why]
    passed.sort(key=lambda place: bool(quality.rejections(*found[place], "AUTO", picture)))
    for place in passed[most:]:
        reasons[place] = ["EXCEEDS_MAX_FACES"]
    withheld = withheld_attributes(call, "DetectionAttributes")
    details = [face_detail(*each, withheld) for each in found]
    taken = [(face, detail) for face, detail, why in zip(faces, details, reasons, strict=True) if not why]
    left = [{"FaceDetail": detail, "Reasons": why} for detail, why in zip(details, reasons, strict=True) if why]
    return taken, left


def _agreed(call: Call, rooms: Rooms, basis: str) -> bool:
    """Whether the person agreed that reviewers of matches compare with a crop of their face."""
    organization, named = call.caller.organization, call.parameters.get("ExternalImageId")
    if basis != "consent" or named is None or rooms.consents is None:
        return False
    return rooms.consents.agreed_to_portrait(Enrolment(organization, call.parameters["CollectionId"], named))


def _enrol(
    call: Call,
    rooms: Rooms,
    data: bytes,
    faces: list[Face],
    embeddings: NDArray[np.float32],
    face_model: str,
    crops: list[bytes],
) -> list[KeptFace]:
    """The faces as kept; `crops` are portraits of the first of them."""
    if not faces:
        return []
    candidates = [
        Candidate(astuple(face.box), face.confidence, embedding)
        for face, embedding in zip(faces, embeddings, strict=True)
    ]
    with rooms.writing(call) as connection:
        kept = rooms.gallery.faces.enrol(
            connection,
            call.caller.organization,
            call.parameters["CollectionId"],
            data,
            candidates,
            face_model,
            call.parameters.get("ExternalImageId"),
            MOST_FACES if call.caller.most_faces is None else min(MOST_FACES, call.caller.most_faces),
        )
        if crops:
            where = call.caller.organization, call.parameters["CollectionId"]
            collection = rooms.gallery.collections.find(connection, *where)
            for face, crop in zip(kept, crops, strict=True):
                rooms.gallery.portraits.keep(connection, collection, face.subject, face.face_id, crop)
        call.people += [(face.subject, {"face_id": face.face_id}) for face in kept]
    return kept
