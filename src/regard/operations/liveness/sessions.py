"""CreateFaceLivenessSession, GetFaceLivenessSessionResults, and what a session's stream begins with."""

from __future__ import annotations

import re
import secrets
from typing import Any

from regard.liveness.errors import NoSuchSession, OtherSession, SessionUsed, TooManySessions
from regard.liveness.session import Asked, Place, Posed, Preference, Shot, Status
from regard.operations.common.errors import ApiError, invalid_parameter
from regard.operations.common.registry import Answer, operation
from regard.operations.common.rooms import Rooms
from regard.operations.liveness.begun import Begun, sessions_of
from regard.operations.liveness.challenges import chosen, permitted, told
from regard.operations.liveness.feedback import feedback
from regard.stewardship.policy.call import Call, Capability, DataClass
from regard.stores.errors import BucketRefused
from regard.vision.liveness.challenge import MOVEMENT_AND_LIGHT, VERSIONS, draw

# The least that AWS's client asks its camera for, and twice what it would like, in pixels.
LEAST_SIDES, MOST_PIXELS = (240, 320), 1920 * 1080
# Which checks a film did not pass: a figure of 0 alone helps nobody to mend the light.
FAILED_CHECKS = "x-regard-liveness"
# Where a person without a client of AWS's goes: a page of this service's own.
PAGE = "x-regard-liveness-page"
_LACKS = (
    "Off until a motion enables it. docs/liveness.md says what was measured, and what was not. KmsKeyId is refused: "
    "the key would be used with the operator's credentials. The stream is taken from the key that made the session."
)


@operation("CreateFaceLivenessSession", Capability.LIVENESS, DataClass.FACES, lacks=_LACKS)
def create_face_liveness_session(call: Call, rooms: Rooms) -> Answer:
    """Make a session: for one check, within three minutes."""
    asked = _asked(call, rooms)
    sessions, caller, token = sessions_of(rooms), call.caller, call.parameters.get("ClientRequestToken")
    try:
        with rooms.writing(call) as connection:
            made = sessions.create(connection, caller.organization, caller.access_key_id, asked, token)
    except OtherSession as error:
        raise invalid_parameter(f"{error}.") from None
    except TooManySessions as error:
        raise ApiError("ThrottlingException", str(error)) from None
    call.remarks[PAGE] = f"/liveness/{made}#{sessions.ticket(made)}"
    return {"SessionId": made}


@operation(
    "GetFaceLivenessSessionResults",
    Capability.LIVENESS,
    DataClass.FACES,
    lacks=(
        "Off until a motion enables it. Feedback has two of AWS's seven codes, FACE_NOT_VISIBLE and FACE_NOT_ALIGNED: "
        "no check measures the others. x-regard-liveness names all failed checks."
    ),
)
def get_face_liveness_session_results(call: Call, rooms: Rooms) -> Answer:
    """Where a session stands, and what came of it. What there is of it is gone three minutes after it was made."""
    try:
        found = sessions_of(rooms).get(call.caller.organization, call.parameters["SessionId"])
    except NoSuchSession as error:
        raise no_session(error) from None
    answer: Answer = {"SessionId": found.id, "Status": found.status}
    if found.posed is not None:
        answer["Challenge"] = {"Type": found.posed.kind, "Version": found.posed.version}
        if found.posed.client and not found.status.open:
            answer["Metadata"] = {"SDKType": found.posed.client}
    if found.result is None or found.status is not Status.SUCCEEDED:
        return answer
    bucket = found.asked.place.bucket if found.asked.place else ""
    answer["Confidence"] = found.result.confidence
    answer["Feedback"] = feedback(found.result)
    if found.result.reference is not None:
        answer["ReferenceImage"] = _image(found.result.reference, bucket)
    if found.asked.audits:
        answer["AuditImages"] = [_image(each, bucket) for each in found.result.audits]
    if found.result.lacking:
        call.remarks[FAILED_CHECKS] = ", ".join(found.result.lacking)
    return answer


@operation("StartFaceLivenessSession", Capability.LIVENESS, DataClass.FACES, ours=True)
def start_face_liveness_session(call: Call, rooms: Rooms) -> Answer:
    """Take a session into use, and pose its challenge. The film that answers it comes by the same socket."""
    given, caller = call.parameters, call.caller
    width, height = _side(given, "VideoWidth"), _side(given, "VideoHeight")
    if min(width, height) < LEAST_SIDES[0] or max(width, height) < LEAST_SIDES[1] or width * height > MOST_PIXELS:
        raise ApiError("ValidationException", f"A video of {width}×{height} pixels is too small or too large.")
    sessions = sessions_of(rooms)
    try:
        found = sessions.get(caller.organization, given["SessionId"])
        if found.status is Status.EXPIRED:
            # With what it was made with went which challenges may be posed.
            raise SessionUsed(f"The session {found.id} has expired. Create another.")
        asked = found.asked
        kind = chosen(asked.preferences, given["ChallengeVersions"])
        if kind is None:
            wanted = ", ".join(f"{each}_{VERSIONS[each]}" for each in permitted(asked.preferences))
            raise ApiError(
                "ValidationException", f"The client knows none of the challenges that may be posed: {wanted}."
            )
        challenge = draw(width, height, light=kind == MOVEMENT_AND_LIGHT, random=secrets.SystemRandom())
        posed = Posed(challenge.kind, challenge.version, given.get("Client", ""))
        with rooms.writing(call) as connection:
            begun = sessions.begin(connection, caller.organization, caller.access_key_id, given["SessionId"], posed)
    except NoSuchSession as error:
        raise no_session(error) from None
    except SessionUsed as error:
        raise ApiError("ValidationException", str(error)) from None
    return {"SessionInformation": told(challenge), "Begun": Begun(begun, challenge, width, height)}


def no_session(error: NoSuchSession) -> ApiError:
    """AWS's words for a session that is not there."""
    return ApiError("SessionNotFoundException", f"Session not found. {error}")


def _asked(call: Call, rooms: Rooms) -> Asked:
    """What a session is to be made with. Raises ApiError."""
    given = call.parameters.get("Settings", {})
    if "KmsKeyId" in call.parameters:
        raise invalid_parameter(
            "KmsKeyId is not taken: pictures lie under a key of the session's own, or as the bucket encrypts them."
        )
    output, preferences = given.get("OutputConfig"), given.get("ChallengePreferences", ())
    place = Place(output["S3Bucket"], output.get("S3KeyPrefix", "")) if output else None
    if place is not None:
        try:
            rooms.pictures.buckets.require_writable(call.caller.organization, place.bucket, place.prefix)
        except BucketRefused as error:
            raise invalid_parameter(str(error)) from None
    wanted = tuple(_preference(each) for each in preferences)
    if not permitted(wanted):
        known = ", ".join(f"{kind} {version}" for kind, version in VERSIONS.items())
        raise invalid_parameter(f"ChallengePreferences leave none of the challenges that are posed here: {known}.")
    return Asked(given.get("AuditImagesLimit", 0), place, wanted, call.operation.name)


def _preference(given: dict[str, Any]) -> Preference:
    versions = given.get("Versions", {})
    return Preference(given["Type"], versions.get("Minimum", ""), versions.get("Maximum", ""))


def _image(shot: Shot, bucket: str) -> Answer:
    """A picture as AWS tells it: its bytes, or where it is."""
    found: Answer = {"S3Object": {"Bucket": bucket, "Name": shot.name}} if shot.name else {"Bytes": shot.data}
    if shot.box is not None:
        found["BoundingBox"] = dict(zip(("Left", "Top", "Width", "Height"), shot.box, strict=True))
    return found


def _side(given: dict[str, Any], name: str) -> int:
    """A side of the video, in pixels. Raises ApiError for what is no number."""
    told = str(given.get(name, ""))
    if not re.fullmatch(r"[1-9][0-9]{0,4}", told):
        raise ApiError("ValidationException", f"{name} is a number of pixels, not {told[:20]!r}.")
    return int(told)
