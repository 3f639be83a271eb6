"""What a stream processor may be made with: judged when it is made and changed, so that a start finds nothing wrong."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from regard.gallery.collections.errors import NoSuchCollection
from regard.operations.common.errors import invalid_parameter
from regard.operations.common.rooms import Rooms
from regard.stewardship.policy.call import Call
from regard.streams.homes import ALL, CLASSES, PACKAGE
from regard.streams.regions import faults
from regard.streams.sources import account_of
from regard.streams.streams import Streams

# The API's: it is the default, and a lower one becomes this.
LEAST_THRESHOLD = 80.0
# What belongs to the one kind of processor, and not to the other.
_OF_LABELS = ("NotificationChannel", "RegionsOfInterest", "DataSharingPreference", "KmsKeyId")


def streams_of(rooms: Rooms) -> Streams:
    """What is known of live video."""
    assert rooms.streams is not None
    return rooms.streams


def require_whole(call: Call, rooms: Rooms) -> dict[str, Any]:
    """What a processor is made with, as it is kept. Raises ApiError, and what sinks are refused with."""
    given = {name: value for name, value in call.parameters.items() if name not in ("Name", "Tags", "CollectionId")}
    settings, output = given["Settings"], given["Output"]
    arn = given["Input"].get("KinesisVideoStream", {}).get("Arn")
    if not arn:
        raise invalid_parameter("Input must have a KinesisVideoStream with an Arn.")
    if account_of(arn) != call.caller.organization:
        raise invalid_parameter(f"{arn} is not a stream of the account {call.caller.organization}.")
    streams_of(rooms).sources.get(arn)
    if len(settings) != 1:
        raise invalid_parameter("Settings must have either FaceSearch or ConnectedHome.")
    if "FaceSearch" in settings:
        return given | {"Settings": {"FaceSearch": _faces(given, call, rooms)}}
    require_labels(settings["ConnectedHome"]["Labels"])
    require_regions(given.get("RegionsOfInterest", ()))
    if "KinesisDataStream" in output or not output.get("S3Destination", {}).get("Bucket"):
        raise invalid_parameter(
            "A processor of ConnectedHome has Output.S3Destination with a Bucket, and nothing else."
        )
    if "NotificationChannel" not in given:
        raise invalid_parameter("A processor of ConnectedHome has a NotificationChannel.")
    _require_sinks(call, rooms, given)
    return given


def require_labels(labels: Sequence[str]) -> None:
    """Raise ApiError for classes that no model here tells."""
    for each in labels:
        if each == PACKAGE:
            raise invalid_parameter("PACKAGE: no model here tells packages. Ask for PERSON, PET or ALL, which is both.")
        if each not in CLASSES and each != ALL:
            raise invalid_parameter(f"{each} is no label of ConnectedHome: PERSON, PET, PACKAGE or ALL.")


def require_regions(regions: Sequence[Mapping[str, Any]]) -> None:
    """Raise ApiError for regions that are none."""
    if wrong := faults(regions):
        raise invalid_parameter(wrong)


def _faces(given: Mapping[str, Any], call: Call, rooms: Rooms) -> dict[str, Any]:
    """FaceSearch. A threshold is the least that counts; where none is asked for, that of the purpose is."""
    asked = given["Settings"]["FaceSearch"]
    for name in _OF_LABELS:
        if name in given:
            raise invalid_parameter(f"{name} is of use only with ConnectedHome.")
    stream = given["Output"].get("KinesisDataStream", {}).get("Arn")
    if not stream or "S3Destination" in given["Output"]:
        raise invalid_parameter("A processor that searches faces has Output.KinesisDataStream, and nothing else.")
    if "CollectionId" not in asked:
        raise invalid_parameter("FaceSearch must have a CollectionId.")
    try:
        with rooms.gallery.reading() as connection:
            rooms.gallery.collections.find(connection, call.caller.organization, asked["CollectionId"])
    except NoSuchCollection as error:
        # botocore's model has no better error for it at this operation.
        raise invalid_parameter(str(error)) from None
    streams_of(rooms).messages.streams.require(call.caller.organization, stream)
    wanted = asked.get("FaceMatchThreshold")
    return dict(asked) if wanted is None else {**asked, "FaceMatchThreshold": max(LEAST_THRESHOLD, wanted)}


def _require_sinks(call: Call, rooms: Rooms, given: Mapping[str, Any]) -> None:
    organization, place = call.caller.organization, given["Output"]["S3Destination"]
    outbox = streams_of(rooms).messages
    outbox.topics.require(organization, given["NotificationChannel"]["SNSTopicArn"])
    outbox.buckets.require_writable(organization, place["Bucket"], place.get("KeyPrefix", ""))
