"""The operations on users of a collection and the faces associated with them; the rows are
:mod:`regard.gallery.users`'s.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from sqlalchemy import Connection

from regard.gallery.collections.errors import NoSuchUser
from regard.gallery.users import Association
from regard.operations.common.likeness import Compared, floor_score, least_score, like_user, reviewed, told
from regard.operations.common.paging import page
from regard.operations.common.registry import Answer, operation
from regard.operations.common.rooms import Rooms
from regard.operations.gallery.kept import kept_user, user_status
from regard.stewardship.policy.call import Call, Capability, DataClass

DEFAULT_THRESHOLD = 75.0
MOST_LISTED = 500


@operation("CreateUser", Capability.ENROL, DataClass.TEMPLATES)
def create_user(call: Call, rooms: Rooms) -> Answer:
    """Make a user without faces."""

    def work(connection: Connection) -> Answer:
        rooms.gallery.users.create(connection, *_who(call))
        return {}

    return _once(call, rooms, work)


@operation("DeleteUser", Capability.MANAGE, DataClass.TEMPLATES)
def delete_user(call: Call, rooms: Rooms) -> Answer:
    """Delete a user; its faces stay in the collection."""

    def work(connection: Connection) -> Answer:
        rooms.gallery.users.delete(connection, *_who(call))
        return {}

    return _once(call, rooms, work)


@operation("ListUsers", Capability.READ, DataClass.TEMPLATES)
def list_users(call: Call, rooms: Rooms) -> Answer:
    """The users of a collection, oldest first."""
    with rooms.gallery.reading() as connection:
        collection = rooms.gallery.collections.find(
            connection, call.caller.organization, call.parameters["CollectionId"]
        )
        found, token = page(
            call,
            rooms,
            MOST_LISTED,
            lambda after, most: rooms.gallery.users.page(connection, collection, after, most),
        )
    return {"Users": [kept_user(user) for user in found], **token}


@operation(
    "AssociateFaces",
    Capability.ENROL,
    DataClass.TEMPLATES,
    compares=True,
    default=DEFAULT_THRESHOLD,
)
def associate_faces(call: Call, rooms: Rooms) -> Answer:
    """Associate faces with a user; which could not be, and why, is said in UnsuccessfulFaceAssociations.

    A face that is taken for the user's is a match. Where rights are at stake it waits like any other: it is answered
    as LOW_MATCH_CONFIDENCE without a Confidence until two people confirmed it, and the same call then associates it.
    """
    at_least, admitted, confidence = _alike(call, rooms)

    def work(connection: Connection) -> Answer:
        outcome = rooms.gallery.users.associate(connection, *_who(call), call.parameters["FaceIds"], at_least, admitted)
        unlike = [
            {"FaceId": face_id, "Reasons": ["LOW_MATCH_CONFIDENCE"]}
            | ({"Confidence": confidence[face_id]} if face_id in confidence else {})
            for face_id in outcome.unlike
        ]
        return {
            "AssociatedFaces": _ids(outcome.done),
            "UnsuccessfulFaceAssociations": _refused(outcome) + unlike,
            "UserStatus": user_status(outcome.active),
        }

    # What waits is decided later: the same request then finds another answer.
    return _once(call, rooms, work, keep=not call.waiting)


@operation("DisassociateFaces", Capability.MANAGE, DataClass.TEMPLATES)
def disassociate_faces(call: Call, rooms: Rooms) -> Answer:
    """Free faces of a user; they stay in the collection."""

    def work(connection: Connection) -> Answer:
        outcome = rooms.gallery.users.disassociate(connection, *_who(call), call.parameters["FaceIds"])
        return {
            "DisassociatedFaces": _ids(outcome.done),
            "UnsuccessfulFaceDisassociations": _refused(outcome),
            "UserStatus": user_status(outcome.active),
        }

    return _once(call, rooms, work)


def _alike(call: Call, rooms: Rooms) -> tuple[float, set[str], dict[str, float]]:
    """The least cosine that counts, the faces that likeness may make the user's, and the similarities told of others.

    Found out before anything is written: a match that has to wait is opened in a transaction of its own.
    """
    organization, collection_id, user_id = _who(call)
    with rooms.gallery.reading() as connection:
        collection = rooms.gallery.collections.find(connection, organization, collection_id)
        try:
            prospect = rooms.gallery.users.prospect(connection, collection, user_id, call.parameters["FaceIds"])
        except NoSuchUser:
            prospect = None  # Said where it is to be changed, or answered again where it was there then.
    face_model = collection.face_model
    at_least = least_score(call, face_model, call.parameters.get("UserMatchThreshold", DEFAULT_THRESHOLD))
    admitted: set[str] = set()
    confidence: dict[str, float] = {}

    def alike(face_id: str, near: float, made_of: list[str]) -> bool:
        like = like_user(near, user_id, made_of, face_id)
        # Nobody is asked to confirm what is not enough anyway.
        if near < at_least and reviewed(call, rooms):
            return False
        lowest = at_least if near >= at_least else floor_score(call, face_model)
        compared = Compared(face_id.encode(), whose=prospect.subjects.get(face_id, "") if prospect else "")
        for each in told(call, rooms, face_model, compared, [like], lowest):
            if near >= at_least:
                admitted.add(face_id)
            else:
                confidence[face_id] = each.similarity
        return face_id in admitted

    if prospect is not None:
        prospect.outcome(alike)
    return at_least, admitted, confidence


def _once(call: Call, rooms: Rooms, work: Callable[[Connection], Answer], *, keep: bool = True) -> Answer:
    """Do `work` in one transaction, or repeat its answer when the ClientRequestToken came before.

    The collection is part of what is asked, and not its name alone: what was done in one that is gone is not done in
    the next of that name.
    """
    asked = {name: value for name, value in call.parameters.items() if name != "ClientRequestToken"}
    organization, token = call.caller.organization, call.parameters.get("ClientRequestToken")
    with rooms.writing(call) as connection:
        collection = rooms.gallery.collections.find(connection, organization, asked["CollectionId"])
        return rooms.gallery.requests.answer(
            connection,
            organization,
            call.operation.name,
            token,
            asked | {"collection": collection.id},
            lambda: work(connection),
            keep=keep,
        )


def _who(call: Call) -> tuple[str, str, str]:
    return call.caller.organization, call.parameters["CollectionId"], call.parameters["UserId"]


def _ids(face_ids: list[str]) -> list[dict[str, str]]:
    return [{"FaceId": face_id} for face_id in face_ids]


def _refused(outcome: Association) -> list[dict[str, Any]]:
    unknown: list[dict[str, Any]] = [{"FaceId": name, "Reasons": ["FACE_NOT_FOUND"]} for name in outcome.unknown]
    elsewhere: list[dict[str, Any]] = [
        {"FaceId": face_id, "UserId": user_id, "Reasons": ["ASSOCIATED_TO_A_DIFFERENT_USER"]}
        for face_id, user_id in outcome.elsewhere.items()
    ]
    return unknown + elsewhere
