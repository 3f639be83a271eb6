"""What all Start operations share: the object is looked at, and the job is handed in; no film is opened yet."""

from __future__ import annotations

from typing import Any

from sqlalchemy import Connection

from regard.jobs.desk import Desk
from regard.jobs.errors import TooManyJobs
from regard.jobs.job import Asked
from regard.operations.common.errors import ApiError, invalid_parameter
from regard.operations.common.registry import Answer
from regard.operations.common.rooms import Rooms
from regard.stewardship.policy.call import Call
from regard.stores.errors import ObjectTooLarge

TOKEN = "ClientRequestToken"


def started(call: Call, rooms: Rooms, beside: dict[str, Any] | None = None) -> Answer:
    """The JobId of a job for the call: a new one, or the one that its ClientRequestToken stands for.

    `beside` is what the work needs to know besides the parameters. Raises ApiError and what buckets raise.
    """
    place = call.parameters["Video"].get("S3Object", {})
    if not (place.get("Bucket") and place.get("Name")):
        raise invalid_parameter("Video must have an S3Object with a Bucket and a Name.")
    return handed_in(call, rooms, {"etag": _object(call, rooms, place), **(beside or {})})


def handed_in(call: Call, rooms: Rooms, beside: dict[str, Any] | None = None) -> Answer:
    """The JobId, once the job is in the database, and the record of the call with it. Raises ApiError, TopicRefused."""
    if channel := call.parameters.get("NotificationChannel"):
        assert rooms.notices is not None
        rooms.notices.require(call.caller.organization, channel)
    with rooms.writing(call) as connection:
        return {"JobId": begun(connection, call, rooms, beside)}


def begun(connection: Connection, call: Call, rooms: Rooms, beside: dict[str, Any] | None = None) -> str:
    """The id of a job for the call, in the caller's transaction. Raises ApiError for one more than may be open."""
    given = {name: value for name, value in call.parameters.items() if name != TOKEN}
    asked = Asked(
        call.caller.organization,
        call.caller.access_key_id,
        call.caller.purpose,
        call.operation.name,
        given,
        beside or {},
        call.parameters.get(TOKEN),
    )
    try:
        return desk_of(rooms).start(connection, asked)
    except TooManyJobs as error:
        # In these words clients know it.
        user = f"arn:aws:iam::{call.caller.organization}:user/{call.caller.access_key_id}"
        raise ApiError(
            "LimitExceededException", f"{error.open}  open Jobs for User {user}. Maximum limit: {error.most}"
        ) from None


def desk_of(rooms: Rooms) -> Desk:
    """Where jobs are handed in."""
    assert rooms.jobs is not None
    return rooms.jobs


def _object(call: Call, rooms: Rooms, place: dict[str, Any]) -> str:
    """The ETag of the film, which is there and not too large: a job that goes on later goes on with no other."""
    most = rooms.films.limits.size
    try:
        buckets = rooms.pictures.buckets
        found = buckets.found(call.caller.organization, place["Bucket"], place["Name"], place.get("Version"), most)
    except ObjectTooLarge as error:
        raise ApiError("VideoTooLargeException", f"Video size is too large. {error}") from None
    return found.etag
