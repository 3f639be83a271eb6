"""CopyProjectVersion: a version goes to another project, of the same organization or of one that a policy lets in."""

from __future__ import annotations

from typing import Any

import msgspec

from regard.custom.arns import parse
from regard.custom.errors import NoSuchResource, ResourceInUse
from regard.custom.projects import Feature, Project
from regard.custom.versions.faults import CannotTrain
from regard.custom.versions.models import keep_model, model_of
from regard.custom.versions.states import WITH_MODEL, State
from regard.custom.versions.versions import LAW, Version
from regard.custom.versions.workshop import DIGEST, LOGGED, TOLD
from regard.custom.workbench.tested import SUMMARY, without_pictures
from regard.jobs.errors import JobFailed
from regard.jobs.job import Outcome
from regard.jobs.working import Task
from regard.operations.common.errors import invalid_parameter
from regard.operations.common.registry import Answer, operation
from regard.operations.common.rooms import Rooms
from regard.operations.common.works import require_standing, work
from regard.operations.custom.versions.lawful import kept_of, require_copied, require_copy
from regard.operations.custom.versions.leaving import Leaving
from regard.operations.custom.versions.making import version_of
from regard.operations.custom.versions.settling import workshop_of
from regard.operations.custom.versions.training import LACKS_KEY, handed_in, require_output
from regard.stewardship.policy.call import Call, Capability, DataClass

START = "CopyProjectVersion"
_DONE = "The model was copied, and is ready to run."
_COUNTS = "ManifestSummary"


@operation(
    START,
    Capability.MANAGE,
    DataClass.OBJECTS,
    lacks=f"Of the files both summaries are copied, no lines of pictures. {LACKS_KEY}",
)
def copy_project_version(call: Call, rooms: Rooms) -> Answer:
    """Begin to copy a version. To another organization's project it goes where a policy of its own project says so."""
    workshop, given = workshop_of(rooms), call.parameters
    require_output(call, rooms)
    with rooms.gallery.reading() as connection:
        project = workshop.projects.find(connection, call.caller.organization, given["DestinationProjectArn"])
        source = _source(connection, rooms, given, call.caller.organization, _user(call))
    require_copy(call, rooms, source, project)
    with rooms.writing(call) as connection:
        project = workshop.projects.find(connection, call.caller.organization, given["DestinationProjectArn"])
        source = _source(connection, rooms, given, call.caller.organization, _user(call))
        if Feature.CONTENT_MODERATION in (source.project.feature, project.feature):
            raise invalid_parameter("Adapters are not copied: they are trained anew.")
        if source.state not in WITH_MODEL:
            raise ResourceInUse(f"The version {source.name} is {source.state}, and has no model to copy.")
        kept = {"OutputConfig": given["OutputConfig"], "SourceProjectVersionArn": given["SourceProjectVersionArn"]}
        tags = given.get("Tags", {})
        version = workshop.versions.create(connection, project, given["VersionName"], State.COPYING, kept, tags)
        return handed_in(call, rooms, connection, version, {"user": _user(call)})


@work(START)
def copy_version(task: Task, rooms: Rooms) -> Outcome:
    """The model of the source under the key of the copy, and its summaries in the bucket. Raises JobFailed."""
    require_standing(task, rooms)
    workshop, version, job = workshop_of(rooms), version_of(task, rooms), task.job
    try:
        with rooms.gallery.reading() as connection:
            source = _source(connection, rooms, job.given, job.organization, job.beside["user"])
            model = model_of(connection, workshop.versions, source.id, source.digest)
    except NoSuchResource as error:
        raise JobFailed(f"{error} It was deleted, or may not be copied any more.") from None
    require_copied(task, rooms, source, version.project)
    # Which pictures it was tested with, the other project is not told.
    model = msgspec.structs.replace(model, files=without_pictures(model.files))
    try:
        told = _left(Leaving(task, rooms, version), model.files, job.beside["arn"])
    except CannotTrain as error:
        raise JobFailed(str(error), Code=str(error.fault)) from None
    with rooms.gallery.writing() as connection:
        keep_model(connection, workshop.versions, version.id, model)
    labels = [each["name"] for each in msgspec.json.decode(model.manifest)["labels"]]
    logged = {"labels": labels, "people": kept_of(source).of(source.project).of_people}
    told |= {LAW: source.told.get(LAW, {})}
    return Outcome({TOLD: told, DIGEST: model.digest, LOGGED: logged, "StatusMessage": _DONE})


def _left(leaving: Leaving, files: dict[str, bytes], arn: str) -> dict[str, Any]:
    """Write the summaries of the source, as the copy's; the members of a description that say where they are."""
    told: dict[str, Any] = {"StatusMessage": _DONE}
    if (summary := files.get(SUMMARY)) is not None:
        file = msgspec.json.decode(summary)
        file["EvaluationDetails"]["ProjectVersionArn"] = arn
        f1, place = file["AggregatedEvaluationResults"]["F1Score"], leaving.put(SUMMARY, msgspec.json.encode(file))
        told["EvaluationResult"] = {"F1Score": f1, "Summary": place}
    if (counts := files.get(_COUNTS)) is not None:
        told[_COUNTS] = leaving.put(_COUNTS, counts)
    return told


def _source(connection: Any, rooms: Rooms, given: dict[str, Any], organization: str, user: str) -> Version:
    """The version that is to be copied. Of another organization's, one that may not be copied is not there.

    Raises NoSuchResource.
    """
    workshop, arn = workshop_of(rooms), given["SourceProjectVersionArn"]
    owner = parse(arn)
    if owner is None:
        raise NoSuchResource(arn)
    version = workshop.versions.find(connection, owner.organization, arn)
    project: Project = workshop.projects.find(connection, owner.organization, given["SourceProjectArn"])
    if version.project.id != project.id:
        raise NoSuchResource(arn)
    own = owner.organization == organization
    if not own and not workshop.policies.let_copy(connection, project, organization, user, arn):
        raise NoSuchResource(arn)
    return version


def _user(call: Call) -> str:
    return f"arn:aws:iam::{call.caller.organization}:user/{call.caller.access_key_id}"
