"""The operations on datasets; the rows are :mod:`regard.custom.datasets`'s, and the work :mod:`.importing`'s."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from regard.custom.datasets import Dataset
from regard.custom.projects import Project
from regard.operations.common.errors import invalid_parameter
from regard.operations.common.registry import Answer, operation
from regard.operations.common.rooms import Rooms
from regard.operations.custom.projects import custom_of, require_idle, status
from regard.operations.videos.starting import begun
from regard.stewardship.policy.call import Call, Capability, DataClass

START = "CreateDataset"
# What is too large, the dataset says, as AWS's does.
_ANY_SIZE = 1 << 62


@operation(START, Capability.MANAGE, DataClass.OBJECTS)
def create_dataset(call: Call, rooms: Rooms) -> Answer:
    """Make a dataset: empty, or with the lines of a manifest in a bucket, or of another dataset, which a job reads."""
    custom, given = custom_of(rooms), call.parameters
    with rooms.gallery.reading() as connection:
        project = custom.projects.find(connection, call.caller.organization, given["ProjectArn"])
    source = _source(call, rooms, project)
    with rooms.writing(call) as connection:
        project = custom.projects.find(connection, call.caller.organization, given["ProjectArn"])
        job = begun(connection, call, rooms, source) if source else None
        dataset = custom.datasets.create(connection, project, given["DatasetType"], given.get("Tags", {}), job)
    return {"DatasetArn": call.arn(dataset.resource(project))}


@operation("DescribeDataset", Capability.READ, DataClass.SETTINGS)
def describe_dataset(call: Call, rooms: Rooms) -> Answer:
    """How a dataset stands, and how many entries and labels it has."""
    custom = custom_of(rooms)
    with rooms.gallery.reading() as connection:
        _, dataset = custom.datasets.find(connection, call.caller.organization, call.parameters["DatasetArn"])
        stats = custom.entries.stats(connection, dataset)
    counts = {
        "LabeledEntries": stats.labeled,
        "TotalEntries": stats.entries,
        "TotalLabels": stats.labels,
        "ErrorEntries": stats.wrong,
    }
    told = status(dataset) | {"LastUpdatedTimestamp": dataset.updated, "DatasetStats": counts}
    return {"DatasetDescription": told}


@operation("DeleteDataset", Capability.MANAGE, DataClass.OBJECTS)
def delete_dataset(call: Call, rooms: Rooms) -> Answer:
    """Delete a dataset, its entries, and the key that they are sealed under."""
    custom = custom_of(rooms)
    with rooms.writing(call) as connection:
        _, dataset = custom.datasets.find(connection, call.caller.organization, call.parameters["DatasetArn"])
        require_idle(rooms, dataset)
        custom.delete_datasets(connection, [dataset])
    custom.entries.destroy_keys([dataset])
    return {}


@dataclass(frozen=True, slots=True)
class Copied:
    """A dataset that is copied, and its project."""

    project: Project
    dataset: Dataset


def _source(call: Call, rooms: Rooms, project: Project) -> dict[str, Any]:
    """What the work needs to know of where the lines come from; nothing for an empty dataset. Raises ApiError."""
    given = call.parameters.get("DatasetSource", {})
    if len(given) > 1:
        raise invalid_parameter("DatasetSource is a GroundTruthManifest or a DatasetArn, not both.")
    if "DatasetArn" in given:
        with rooms.gallery.reading() as connection:
            found = custom_of(rooms).datasets.find(connection, call.caller.organization, given["DatasetArn"])
        source = Copied(*found)
        if not source.dataset.state.ready:
            raise invalid_parameter(f"The dataset to copy is at {source.dataset.state}, and has no entries to copy.")
        if source.project.feature is not project.feature:
            raise invalid_parameter("The dataset to copy is of a project with another Feature.")
        return {"dataset": source.dataset.id, "version": source.dataset.version}
    if "GroundTruthManifest" in given:
        place = given["GroundTruthManifest"].get("S3Object", {})
        if not (place.get("Bucket") and place.get("Name")):
            raise invalid_parameter("GroundTruthManifest must have an S3Object with a Bucket and a Name.")
        where = call.caller.organization, place["Bucket"], place["Name"], place.get("Version")
        return {"etag": rooms.pictures.buckets.found(*where, _ANY_SIZE).etag}
    return {}
