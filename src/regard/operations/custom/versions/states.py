"""DescribeProjectVersions and what takes a version from state to state; the rows are
:mod:`regard.custom.versions.versions`'s.
"""

from __future__ import annotations

import math
from datetime import UTC, datetime

from regard.custom.projects import Feature
from regard.custom.versions.states import ENDS, READY, State
from regard.custom.versions.versions import Version
from regard.operations.common.errors import invalid_parameter
from regard.operations.common.paging import page
from regard.operations.common.registry import Answer, operation
from regard.operations.common.rooms import Rooms
from regard.operations.custom.versions.lawful import require_start
from regard.operations.custom.versions.settling import job_of, settled, workshop_of
from regard.stewardship.policy.call import Call, Capability, DataClass
from regard.vision.things.moderation import VERSION as MODERATION

MOST_LISTED = 100
_ASKED = ("OutputConfig", "VersionDescription", "FeatureConfig", "SourceProjectVersionArn")
_DESCRIBED = ("BillableTrainingTimeInSeconds", "TrainingDataResult", "TestingDataResult", "EvaluationResult")


@operation("DescribeProjectVersions", Capability.READ, DataClass.OBJECTS)
def describe_project_versions(call: Call, rooms: Rooms) -> Answer:
    """The versions of a project, newest first, and where each stands."""
    workshop, given = workshop_of(rooms), call.parameters
    names = given.get("VersionNames", ())
    with rooms.gallery.reading() as connection:
        project = workshop.projects.find(connection, call.caller.organization, given["ProjectArn"])
        found, token = page(
            call,
            rooms,
            MOST_LISTED,
            lambda after, most: workshop.versions.page(connection, project, after, most, names),
        )
    return {"ProjectVersionDescriptions": [_described(call, rooms, settled(rooms, each)) for each in found], **token}


@operation("StartProjectVersion", Capability.MANAGE, DataClass.OBJECTS)
def start_project_version(call: Call, rooms: Rooms) -> Answer:
    """Have a version answer DetectCustomLabels. It is there in less than a second, whatever inference units are."""
    workshop, given = workshop_of(rooms), call.parameters
    least, most = given["MinInferenceUnits"], given.get("MaxInferenceUnits")
    if most is not None and most < least:
        raise invalid_parameter("MaxInferenceUnits is less than MinInferenceUnits.")
    with rooms.gallery.reading() as connection:
        version = workshop.versions.find(connection, call.caller.organization, given["ProjectVersionArn"])
    if version.project.feature is Feature.CONTENT_MODERATION:
        raise invalid_parameter("An adapter is never started: name its ARN to DetectModerationLabels.")
    if version.state in READY:
        require_start(call, rooms, version)
    with rooms.writing(call) as connection:
        version = workshop.versions.get(connection, call.caller.organization, version.id)
        workshop.versions.move(connection, version, State.STARTING, least=least, most=most)
        started = workshop.versions.get(connection, version.project.organization, version.id)
    settled(rooms, started)
    return {"Status": started.state}


@operation("StopProjectVersion", Capability.MANAGE, DataClass.OBJECTS)
def stop_project_version(call: Call, rooms: Rooms) -> Answer:
    """Have a version answer no more."""
    workshop = workshop_of(rooms)
    with rooms.writing(call) as connection:
        version = workshop.versions.find(connection, call.caller.organization, call.parameters["ProjectVersionArn"])
        workshop.versions.move(connection, version, State.STOPPING)
        stopping = workshop.versions.get(connection, version.project.organization, version.id)
    settled(rooms, stopping)
    return {"Status": stopping.state}


@operation("DeleteProjectVersion", Capability.MANAGE, DataClass.OBJECTS)
def delete_project_version(call: Call, rooms: Rooms) -> Answer:
    """Delete a version, its model, and the key of both."""
    workshop = workshop_of(rooms)
    with rooms.writing(call) as connection:
        version = workshop.versions.find(connection, call.caller.organization, call.parameters["ProjectVersionArn"])
        workshop.versions.delete(connection, version)
    workshop.delete(version)
    return {"Status": State.DELETING}


def _described(call: Call, rooms: Rooms, version: Version) -> Answer:
    answer: Answer = {
        "ProjectVersionArn": call.arn(version.resource),
        "CreationTimestamp": version.created,
        "Status": version.state,
        "StatusMessage": _message(rooms, version),
        "Feature": version.project.feature,
    }
    answer |= {name: version.asked[name] for name in _ASKED if name in version.asked}
    answer |= {name: value for name, value in version.told.items() if name in (*_DESCRIBED, "ManifestSummary")}
    if version.ended_at is not None:
        answer["TrainingEndTimestamp"] = datetime.fromtimestamp(version.ended_at, UTC)
    if version.project.feature is Feature.CONTENT_MODERATION:
        answer["BaseModelVersion"] = MODERATION
    units = {"MinInferenceUnits": version.least, "MaxInferenceUnits": version.most}
    return answer | {name: number for name, number in units.items() if number is not None}


def _message(rooms: Rooms, version: Version) -> str:
    """What is said of a state; of one that is being made, how far it is, and how long it may take yet."""
    message = str(version.told["StatusMessage"])
    job = job_of(rooms, version) if version.state in ENDS else None
    if job is None or job.started_at is None or not job.whole:
        return message
    told = f"{message} {job.done:,} of {job.whole:,} pictures were looked at"
    left = (workshop_of(rooms).clock() - job.started_at) / max(job.done, 1) * (job.whole - job.done)
    if job.done == job.whole:
        return f"{told}."
    return f"{told}; about {math.ceil(left / 60)} minutes are left." if left > 60 else f"{told}; a minute is left."
