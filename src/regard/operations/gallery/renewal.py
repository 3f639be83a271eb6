"""RenewFaces and SwitchCollection, our own operations: the same faces under new weights, from the original pictures.

A template cannot be turned into one of another model. The pictures are brought again, and known by their keyed digest;
each face is found where it was, and keeps its ids, its name and its user.
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import astuple

from sqlalchemy import Connection

from regard.gallery.bulk import Arrival
from regard.gallery.collections.collections import Kept
from regard.gallery.faces import Candidate, subject
from regard.gallery.portraits import MOST_PIXELS
from regard.operations.common.cut_outs import cut_out
from regard.operations.common.errors import ApiError, invalid_parameter
from regard.operations.common.registry import Answer, operation
from regard.operations.common.rooms import Rooms
from regard.operations.gallery.arrivals import welcome
from regard.operations.gallery.transfer import require_same_terms
from regard.stewardship.council.collections import RENEWS, SUCCESSOR
from regard.stewardship.policy.call import Call, Capability, DataClass
from regard.stewardship.policy.enrolment import Enrolment
from regard.vision.pictures.findings import SAME_FACE, Box, overlap
from regard.vision.pictures.images import Picture, decode


@operation("RenewFaces", Capability.ENROL, DataClass.TEMPLATES, ours=True, compares=True)
def renew_faces(call: Call, rooms: Rooms) -> Answer:
    """Take into a collection what another one, `Source`, holds of a picture; faces that are there already stay."""
    organization, data = call.caller.organization, rooms.pictures.data(call, call.parameters["Image"])
    with rooms.gallery.reading() as connection:
        old = rooms.gallery.collections.find(connection, organization, call.parameters["Source"])
        new = rooms.gallery.collections.find(connection, organization, call.parameters["CollectionId"])
        _require_heir(rooms, connection, old, new)
        due = rooms.gallery.renewal.due(connection, old, new, rooms.gallery.digest(organization, data))
    if not due:
        return {"Faces": 0, "Lost": 0}
    picture = decode(data)
    faces = [face for face in rooms.faces.detect(picture) if not face.doubtful]
    found = [
        (kept, face)
        for kept in due
        if (face := max(faces, key=lambda face: overlap(face.box, Box(*kept.box)), default=None)) is not None
        and overlap(face.box, Box(*kept.box)) >= SAME_FACE
    ]
    embeddings = rooms.faces.embed(picture, [face for _, face in found], new.face_model)
    digest = hashlib.sha256(data).digest()
    arrivals = [
        Arrival(
            digest,
            kept.external_image_id,
            Candidate(astuple(face.box), face.confidence, embedding),
            kept.face_id,
            kept.image_id,
            kept.user_id,
        )
        for (kept, face), embedding in zip(found, embeddings, strict=True)
    ]
    with rooms.writing(call) as connection:
        # Until it takes the name, consents to the old collection cover the new one.
        rooms.gallery.collections.tag(connection, organization, new.collection_id, {RENEWS: old.collection_id})
        arrivals = welcome(call, rooms, connection, new, old.collection_id, arrivals)
        call.account["counts"] = {"found": len(faces), "enrolled": len(arrivals)}
        rooms.gallery.bulk.enrol(connection, organization, new.collection_id, arrivals, new.face_model)
        _keep_portraits(rooms, connection, old, new, picture, arrivals)
    return {"Faces": len(arrivals), "Lost": len(due) - len(arrivals)}


@operation("SwitchCollection", Capability.MANAGE, DataClass.TEMPLATES, ours=True)
def switch_collection(call: Call, rooms: Rooms) -> Answer:
    """Put a renewed collection in the place of the old one, which is deleted with its keys.

    As long as faces are missing in the new one it is refused, unless `DropMissing` says that they may go.
    """
    organization, name, renewed = call.caller.organization, call.parameters["CollectionId"], call.parameters["Renewed"]
    with rooms.writing(call, alone=False) as connection:
        old = rooms.gallery.collections.find(connection, organization, name)
        new = rooms.gallery.collections.find(connection, organization, renewed)
        _require_heir(rooms, connection, old, new)
        missing = rooms.gallery.renewal.due(connection, old, new)
        if missing and not call.parameters.get("DropMissing"):
            raise ApiError(
                "ConflictException",
                f"{len(missing)} faces of {name} are not in {renewed}, {missing[0].face_id} for one: bring their "
                "pictures too, or say that these faces may go.",
            )
        rooms.gallery.collections.untag(connection, organization, renewed, [RENEWS])
        deleted = rooms.gallery.renewal.switch(connection, organization, name, renewed)
    rooms.gallery.destroy_keys(deleted.id)
    return {"Dropped": len(missing)}


def _keep_portraits(
    rooms: Rooms, connection: Connection, old: Kept, new: Kept, picture: Picture, arrivals: Sequence[Arrival]
) -> None:
    """Keep portraits of those who agreed to one in the collection that is made anew."""
    for arrival in arrivals:
        name = arrival.external_image_id
        agreed = Enrolment(old.organization, old.collection_id, name or "")
        if name and arrival.face_id and rooms.consents and rooms.consents.agreed_to_portrait(agreed):
            crop = cut_out(picture, Box(*arrival.face.box), MOST_PIXELS)
            rooms.gallery.portraits.keep(connection, new, subject(name, arrival.face_id), arrival.face_id, crop)


def _require_heir(rooms: Rooms, connection: Connection, old: Kept, new: Kept) -> None:
    """Refuse to renew a collection into any but its own successor, on the same terms. Raises CollectionSealed too."""
    if new.collection_id != old.collection_id + SUCCESSOR:
        raise invalid_parameter(f"{old.collection_id} is renewed into {old.collection_id}{SUCCESSOR} alone.")
    rooms.gallery.require_open(old.organization, old.collection_id)
    tags = rooms.gallery.collections.tags
    require_same_terms(
        tags(connection, new.organization, new.collection_id),
        tags(connection, old.organization, old.collection_id),
        new.collection_id,
    )
