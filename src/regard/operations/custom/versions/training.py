"""CreateProjectVersion: what is asked is looked at, and the training is handed in; :mod:`.making` does it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import msgspec
from sqlalchemy import Connection

from regard.custom.datasets import Dataset
from regard.custom.errors import ResourceInUse
from regard.custom.projects import Feature, Project
from regard.custom.versions.states import REPLACED, Again, State
from regard.custom.versions.versions import AGAIN, BY, Version
from regard.custom.versions.workshop import VERSION
from regard.operations.common.errors import invalid_parameter
from regard.operations.common.registry import Answer, operation
from regard.operations.common.rooms import Rooms
from regard.operations.custom.versions.lawful import require_names
from regard.operations.custom.versions.leaving import folder_of
from regard.operations.custom.versions.settling import workshop_of
from regard.operations.videos.starting import begun
from regard.stewardship.policy.call import Call, Capability, DataClass
from regard.stores.errors import BucketRefused

START = "CreateProjectVersion"
KEPT = ("OutputConfig", "VersionDescription", "FeatureConfig", "TrainingData", "TestingData")
LACKS_KEY = "KmsKeyId is refused: the key would be used with the operator's credentials."


@operation(START, Capability.MANAGE, DataClass.OBJECTS, lacks=LACKS_KEY)
def create_project_version(call: Call, rooms: Rooms) -> Answer:
    """Begin to train a version, from the datasets of its project or from manifests in buckets."""
    workshop, given = workshop_of(rooms), call.parameters
    require_output(call, rooms)
    with rooms.gallery.reading() as connection:
        project = workshop.projects.find(connection, call.caller.organization, given["ProjectArn"])
        datasets = workshop.custom.datasets.of(connection, project)
        labels = [label.name for each in datasets for label in workshop.custom.entries.labels(connection, each)]
    _require_feature(project, given)
    beside = _sources(given)
    require_names(call, rooms, project, labels)
    with rooms.writing(call) as connection:
        _require_datasets(workshop.custom.datasets.of(connection, project), named=bool(beside))
        kept = {name: given[name] for name in KEPT if name in given}
        kept[BY] = [call.caller.access_key_id, call.region]
        lost = _lost(connection, call, rooms)
        kept |= {AGAIN: msgspec.to_builtins(lost[1])} if lost else {}
        version = workshop.versions.create(
            connection, project, given["VersionName"], State.TRAINING, kept, given.get("Tags", {})
        )
        if lost:
            # The lost one has a follower in the same transaction in which that one is there: never two.
            workshop.versions.settle(connection, *lost, f"Trained again as {version.name}.")
        return handed_in(call, rooms, connection, version, beside)


def _lost(connection: Connection, call: Call, rooms: Rooms) -> tuple[Version, Again] | None:
    """The version in the place of which the service trains one by itself, with what is kept of that; None else."""
    if call.renewal is None:
        return None
    lost = workshop_of(rooms).versions.get(connection, call.caller.organization, call.renewal.version)
    if lost.state is State.EXPIRED and lost.lost is None:
        raise ResourceInUse(f"The version {lost.name} was withdrawn meanwhile.")
    return lost, lost.lost or lost.again(f"{lost.told['StatusMessage']} {REPLACED}")


def handed_in(call: Call, rooms: Rooms, connection: Any, version: Version, beside: dict[str, Any]) -> Answer:
    """The ARN of a version, once the job that makes it is in the database. Raises ApiError."""
    beside = {VERSION: version.id, "arn": call.arn(version.resource), **beside}
    job = begun(connection, call, rooms, beside)
    workshop_of(rooms).versions.at_work(connection, version, job)
    return {"ProjectVersionArn": beside["arn"]}


def require_output(call: Call, rooms: Rooms) -> None:
    """Raise ApiError where results may not be written to where the call wants them."""
    given = call.parameters
    if "KmsKeyId" in given:
        raise invalid_parameter("KmsKeyId is not taken: results are written as the bucket's own settings encrypt them.")
    bucket = given["OutputConfig"].get("S3Bucket")
    if not bucket:
        raise invalid_parameter("OutputConfig must have an S3Bucket.")
    try:
        folder = folder_of(given["OutputConfig"])
        rooms.pictures.buckets.require_writable(call.caller.organization, bucket, folder)
    except BucketRefused as error:
        raise invalid_parameter(str(error)) from None


def _require_feature(project: Project, given: dict[str, Any]) -> None:
    config = given.get("FeatureConfig", {})
    if "ContentModeration" in config and project.feature is not Feature.CONTENT_MODERATION:
        raise invalid_parameter("FeatureConfig.ContentModeration is for projects of the feature CONTENT_MODERATION.")


def _require_datasets(datasets: Sequence[Dataset], named: bool) -> None:
    """Raise ApiError unless there is one source alone, and ResourceInUse where datasets are not ready."""
    if named and datasets:
        raise invalid_parameter("The project has datasets: leave TrainingData and TestingData out, or delete them.")
    if not named and all(each.type != "TRAIN" for each in datasets):
        raise invalid_parameter("The project has no TRAIN dataset: make one, or give TrainingData and TestingData.")
    for each in datasets:
        if not each.state.ready:
            raise ResourceInUse(f"The {each.type} dataset is {each.state}. Wait for it, or delete it.")


def _sources(given: dict[str, Any]) -> dict[str, Any]:
    """The manifests that a call names, as bucket, name and version; none where the project's datasets count.

    Raises ApiError.
    """
    if ("TrainingData" in given) != ("TestingData" in given):
        raise invalid_parameter("Give both TrainingData and TestingData, or neither where the project has datasets.")
    if "TrainingData" not in given:
        return {}
    testing = given["TestingData"]
    places = [_places(given["TrainingData"]), _places(testing)]
    if not places[0]:
        raise invalid_parameter("TrainingData must have an Asset with a GroundTruthManifest.")
    if bool(places[1]) == bool(testing.get("AutoCreate")):
        raise invalid_parameter("TestingData must have either Assets or AutoCreate.")
    return {"manifests": [places[0], places[1] or None]}


def _places(data: dict[str, Any]) -> list[list[str | None]]:
    found: list[list[str | None]] = []
    for asset in data.get("Assets", ()):
        place = asset.get("GroundTruthManifest", {}).get("S3Object", {})
        if not (place.get("Bucket") and place.get("Name")):
            raise invalid_parameter("Each Asset must have a GroundTruthManifest with an S3Object's Bucket and Name.")
        found.append([place["Bucket"], place["Name"], place.get("Version")])
    return found
