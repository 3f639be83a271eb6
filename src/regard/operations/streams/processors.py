"""The seven operations on stream processors; what works on them is :mod:`regard.operations.streams.looking`."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime
from typing import Any
from uuid import uuid4

import msgspec
from sqlalchemy import Connection

from regard.operations.common.errors import invalid_parameter
from regard.operations.common.paging import page
from regard.operations.common.registry import Answer, operation
from regard.operations.common.rooms import Rooms
from regard.operations.streams.asking import LEAST_THRESHOLD, require_labels, require_regions, require_whole, streams_of
from regard.stewardship.policy.call import Call, Capability, DataClass
from regard.streams.errors import NoSuchProcessor, ProcessorChanged, ProcessorInUse
from regard.streams.processor import Processor, Session

# The API's, for processors that look for labels.
DEFAULT_SECONDS = 10
MOST_LISTED = 1000
_HOME = "ConnectedHome"
# What DescribeStreamProcessor repeats of what a processor was made with.
_TOLD = (
    "Input",
    "Output",
    "RoleArn",
    "Settings",
    "NotificationChannel",
    "KmsKeyId",
    "RegionsOfInterest",
    "DataSharingPreference",
)


def _collection(call: Call, rooms: Rooms) -> str | None:
    """The collection that a processor searches, which a call names or its processor was made with."""
    settings = call.parameters.get("Settings")
    if settings is None and rooms.streams is not None:
        try:
            settings = rooms.streams.processors.get(call.caller.organization, call.parameters["Name"]).given["Settings"]
        except (NoSuchProcessor, ProcessorChanged):
            return None
    name = (settings or {}).get("FaceSearch", {}).get("CollectionId")
    return None if name is None else str(name)


@operation(
    "CreateStreamProcessor",
    Capability.MANAGE,
    DataClass.SETTINGS,
    collection=_collection,
    lacks=(
        "The ARN of the stream stands for a source that the operator set: RTSP, MJPEG, a film or a pipe. No model "
        "tells PACKAGE. RoleArn is not assumed. Faces in live video are refused by the rule no-live-face-search."
    ),
)
def create_stream_processor(call: Call, rooms: Rooms) -> Answer:
    """Make a processor, stopped."""
    streams, parameters, organization = streams_of(rooms), call.parameters, call.caller.organization
    made = streams.processors.new(organization, parameters["Name"], call.region, parameters, parameters.get("Tags", {}))
    _require_search(made, call, rooms)
    made = replace(made, given=require_whole(call, rooms))
    with rooms.writing(call) as connection:
        streams.processors.create(connection, made)
    return {"StreamProcessorArn": made.arn}


@operation("DescribeStreamProcessor", Capability.READ, DataClass.SETTINGS)
def describe_stream_processor(call: Call, rooms: Rooms) -> Answer:
    """What a processor was made with, and where it stands."""
    found = _found(call, rooms)
    told: Answer = {name: found.given[name] for name in _TOLD if name in found.given}
    if found.searches_faces:
        told["Settings"] = {"FaceSearch": {"FaceMatchThreshold": LEAST_THRESHOLD} | told["Settings"]["FaceSearch"]}
    if found.cause:
        told["StatusMessage"] = found.cause
    return told | {
        "Name": found.name,
        "StreamProcessorArn": found.arn,
        "Status": found.status,
        "CreationTimestamp": datetime.fromtimestamp(found.created_at, UTC),
        "LastUpdateTimestamp": datetime.fromtimestamp(found.updated_at, UTC),
    }


@operation("ListStreamProcessors", Capability.READ, DataClass.SETTINGS)
def list_stream_processors(call: Call, rooms: Rooms) -> Answer:
    """The organization's processors, the oldest first."""
    processors, organization = streams_of(rooms).processors, call.caller.organization
    found, token = page(call, rooms, MOST_LISTED, lambda after, most: processors.page(organization, after, most))
    return {"StreamProcessors": [{"Name": each.name, "Status": each.status} for each in found], **token}


@operation("DeleteStreamProcessor", Capability.MANAGE, DataClass.SETTINGS)
def delete_stream_processor(call: Call, rooms: Rooms) -> Answer:
    """Delete a processor that is stopped, or has failed."""
    processors = streams_of(rooms).processors
    with rooms.writing(call) as connection:
        key = processors.delete(connection, call.caller.organization, call.parameters["Name"])
    processors.rows.destroy(key)
    return {}


@operation(
    "StartStreamProcessor",
    Capability.DETECT,
    DataClass.OBJECTS,
    collection=_collection,
    lacks=(
        "A camera keeps nothing: a session begins with the first picture after its start, or after a ProducerTimestamp "
        "in the future. There are no fragments, so a FragmentNumber is refused."
    ),
)
def start_stream_processor(call: Call, rooms: Rooms) -> Answer:
    """Have a processor worked on. One that looks for labels ends by itself."""
    processors, caller = streams_of(rooms).processors, call.caller
    with rooms.writing(call) as connection:
        found = processors.found(connection, caller.organization, call.parameters["Name"])
        _require_search(found, call, rooms)
        begins, seconds = _selected(call, found)
        asked = {name: value for name, value in call.parameters.items() if name != "CollectionId"}
        who = caller.access_key_id, caller.purpose, call.operation.name
        session = Session(str(uuid4()), *who, asked, seconds, begins, call.floor)
        if found.searches_faces:
            session = _bound(session, connection, found, rooms)
        processors.start(connection, found, session)
    return {"SessionId": session.id}


@operation("StopStreamProcessor", Capability.MANAGE, DataClass.SETTINGS)
def stop_stream_processor(call: Call, rooms: Rooms) -> Answer:
    """Have a processor not worked on any more."""
    processors = streams_of(rooms).processors
    with rooms.writing(call) as connection:
        found = processors.found(connection, call.caller.organization, call.parameters["Name"])
        processors.stop(connection, found)
    return {}


@operation(
    "UpdateStreamProcessor",
    Capability.MANAGE,
    DataClass.SETTINGS,
    lacks="A processor is changed while it is stopped or has failed; so no session becomes another one meanwhile.",
)
def update_stream_processor(call: Call, rooms: Rooms) -> Answer:
    """Change what a processor of ConnectedHome looks for, and where."""
    processors, parameters = streams_of(rooms).processors, call.parameters
    home = parameters.get("SettingsForUpdate", {}).get("ConnectedHomeForUpdate", {})
    regions = parameters.get("RegionsOfInterestForUpdate")
    require_labels(home.get("Labels", ()))
    require_regions(regions or ())
    if regions is not None and "RegionsOfInterest" in parameters.get("ParametersToDelete", ()):
        raise invalid_parameter("RegionsOfInterest cannot be changed and deleted at once.")
    with rooms.writing(call) as connection:
        found = processors.found(connection, call.caller.organization, parameters["Name"])
        if found.searches_faces:
            raise invalid_parameter("A processor that searches faces is not changed: delete it, and make another.")
        if found.status.works:
            raise ProcessorInUse(f"The stream processor {found.name} is {found.status}. Stop it first.")
        given = {**found.given, "Settings": {_HOME: {**found.given["Settings"][_HOME], **home}}}
        if regions is not None:
            given["RegionsOfInterest"] = regions
        if "DataSharingPreferenceForUpdate" in parameters:
            given["DataSharingPreference"] = parameters["DataSharingPreferenceForUpdate"]
        processors.change(connection, found, given=_without(given, parameters.get("ParametersToDelete", ()), home))
    return {}


def _without(given: dict[str, Any], deleted: Any, home: dict[str, Any]) -> dict[str, Any]:
    """What a processor has once parameters are deleted. Raises ApiError for one that is changed and deleted at once."""
    if "ConnectedHomeMinConfidence" in deleted:
        if "MinConfidence" in home:
            raise invalid_parameter("MinConfidence cannot be changed and deleted at once.")
        given["Settings"][_HOME].pop("MinConfidence", None)
    if "RegionsOfInterest" in deleted:
        given.pop("RegionsOfInterest", None)
    return given


def _found(call: Call, rooms: Rooms) -> Processor:
    return streams_of(rooms).processors.get(call.caller.organization, call.parameters["Name"])


def _require_search(processor: Processor, call: Call, rooms: Rooms) -> None:
    """Raise Denied where a processor would search faces, and may not."""
    if processor.searches_faces:
        rooms.live_search(processor, call)


def _bound(session: Session, connection: Connection, processor: Processor, rooms: Rooms) -> Session:
    """The session, bound to the collection and the source that there are now. Raises NoSuchCollection, NoSource."""
    name = processor.given["Settings"]["FaceSearch"]["CollectionId"]
    number = rooms.gallery.collections.find(connection, processor.organization, name).id
    source = streams_of(rooms).sources.get(processor.stream)
    return msgspec.structs.replace(session, collection=number, source_at=source.created_at)


def _selected(call: Call, processor: Processor) -> tuple[float, int | None]:
    """When a session begins, in seconds since 1970, and how long it is. Raises ApiError."""
    start = call.parameters.get("StartSelector", {}).get("KVSStreamStartSelector")
    stop = call.parameters.get("StopSelector")
    if processor.searches_faces:
        if start is not None or stop is not None:
            raise invalid_parameter("StartSelector and StopSelector are of use only with ConnectedHome.")
        return 0.0, None
    if not start:
        raise invalid_parameter("A processor of ConnectedHome needs a StartSelector with a KVSStreamStartSelector.")
    if "FragmentNumber" in start:
        raise invalid_parameter("FragmentNumber: sources have no fragments. Give a ProducerTimestamp, in milliseconds.")
    return start.get("ProducerTimestamp", 0) / 1000, (stop or {}).get("MaxDurationInSeconds", DEFAULT_SECONDS)
