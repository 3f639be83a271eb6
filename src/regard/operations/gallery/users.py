"""The operations on users of a collection and the faces associated with them; the rows are
:mod:`regard.gallery.users`'s.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from sqlalchemy import Connection

from regard.gallery.users import Association
from regard.operations.common.paging import page
from regard.operations.common.registry import Answer, operation
from regard.operations.common.rooms import Rooms
from regard.operations.gallery.kept import kept_user, user_status
from regard.stewardship.policy.call import Call, Capability, DataClass
from regard.vision.faces.similarity import score, similarity

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


@operation("AssociateFaces", Capability.ENROL, DataClass.TEMPLATES)
def associate_faces(call: Call, rooms: Rooms) -> Answer:
    """Associate faces with a user; which could not be, and why, is said in UnsuccessfulFaceAssociations."""

    def work(connection: Connection) -> Answer:
        organization, collection_id, _ = _who(call)
        face_model = rooms.gallery.collections.find(connection, organization, collection_id).face_model
        at_least = score(call.parameters.get("UserMatchThreshold", DEFAULT_THRESHOLD), face_model)
        outcome = rooms.gallery.users.associate(connection, *_who(call), call.parameters["FaceIds"], at_least)
        unlike = [
            {"FaceId": face_id, "Confidence": similarity(near, face_model), "Reasons": ["LOW_MATCH_CONFIDENCE"]}
            for face_id, near in outcome.unlike.items()
        ]
        return {
            "AssociatedFaces": _ids(outcome.done),
            "UnsuccessfulFaceAssociations": _refused(outcome) + unlike,
            "UserStatus": user_status(outcome.active),
        }

    return _once(call, rooms, work)


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


def _once(call: Call, rooms: Rooms, work: Callable[[Connection], Answer]) -> Answer:
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
