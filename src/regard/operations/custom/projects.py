"""The operations on projects; the rows are :mod:`regard.custom.projects`'s."""

from __future__ import annotations

from regard.custom.custom import Custom
from regard.custom.datasets import Dataset
from regard.custom.errors import ResourceInUse
from regard.custom.projects import Feature, Project
from regard.custom.versions.states import State
from regard.jobs.errors import JobChanged, NoSuchJob
from regard.operations.common.errors import invalid_parameter
from regard.operations.common.paging import page
from regard.operations.common.registry import Answer, operation
from regard.operations.common.rooms import Rooms
from regard.operations.videos.starting import desk_of
from regard.stewardship.policy.call import Call, Capability, DataClass

MOST_LISTED = 100


@operation("CreateProject", Capability.MANAGE, DataClass.SETTINGS)
def create_project(call: Call, rooms: Rooms) -> Answer:
    """Make a project, of custom labels or of a moderation adapter."""
    given = call.parameters
    feature, update = Feature(given.get("Feature", Feature.CUSTOM_LABELS)), given.get("AutoUpdate")
    if (update is None) is (feature is Feature.CONTENT_MODERATION):
        raise invalid_parameter("AutoUpdate is given for CONTENT_MODERATION, and for no other Feature.")
    with rooms.writing(call) as connection:
        project = custom_of(rooms).projects.create(
            connection, call.caller.organization, given["ProjectName"], feature, update, given.get("Tags", {})
        )
    return {"ProjectArn": call.arn(project.resource)}


@operation("DescribeProjects", Capability.READ, DataClass.SETTINGS)
def describe_projects(call: Call, rooms: Rooms) -> Answer:
    """The organization's projects, oldest first, with their datasets; of custom labels where no Features are given."""
    custom, features = custom_of(rooms), call.parameters.get("Features", (Feature.CUSTOM_LABELS,))
    names = call.parameters.get("ProjectNames", ())
    with rooms.gallery.reading() as connection:
        found, token = page(
            call,
            rooms,
            MOST_LISTED,
            lambda after, most: custom.projects.page(
                connection, call.caller.organization, after, most, features, names
            ),
        )
        told = [_described(call, project, custom.datasets.of(connection, project)) for project in found]
    return {"ProjectDescriptions": told, **token}


@operation("DeleteProject", Capability.MANAGE, DataClass.OBJECTS)
def delete_project(call: Call, rooms: Rooms) -> Answer:
    """Delete a project with its datasets, and their keys."""
    custom, workshop = custom_of(rooms), rooms.workshop
    with rooms.writing(call) as connection:
        project = custom.projects.find(connection, call.caller.organization, call.parameters["ProjectArn"])
        if workshop is not None and workshop.versions.any_in(connection, project.id):
            raise ResourceInUse(f"The project {project.name} has versions. Delete them first (DeleteProjectVersion).")
        datasets = custom.datasets.of(connection, project)
        for dataset in datasets:
            require_idle(rooms, dataset)
        custom.delete_datasets(connection, datasets)
        if workshop is not None:
            workshop.drop(connection, project)
        custom.projects.delete(connection, project)
    custom.entries.destroy_keys(datasets)
    if workshop is not None:
        workshop.features.destroy(project.id)
    return {"Status": "DELETING"}


def custom_of(rooms: Rooms) -> Custom:
    """What keeps projects and datasets."""
    assert rooms.custom is not None
    return rooms.custom


def require_idle(rooms: Rooms, dataset: Dataset) -> None:
    """Raise ResourceInUse where a job is at work on a dataset, or a version learns from it.

    One whose job is gone, nobody works on any more.
    """
    with rooms.gallery.reading() as connection:
        learning = rooms.workshop and rooms.workshop.versions.any_in(connection, dataset.project, State.TRAINING)
    if learning:
        raise ResourceInUse("A version of the project is being trained. Wait for its end.")
    if not dataset.state.busy:
        return
    try:
        working = dataset.job is not None and desk_of(rooms).find(dataset.job).state.open
    except (NoSuchJob, JobChanged):
        working = False
    if working:
        raise ResourceInUse(f"The {dataset.type} dataset is at {dataset.state}. Wait until it is complete or failed.")


def status(dataset: Dataset) -> Answer:
    """How a dataset stands, in members that all descriptions of it have."""
    return {
        "CreationTimestamp": dataset.created,
        "Status": str(dataset.state),
        "StatusMessage": dataset.message,
        "StatusMessageCode": dataset.message_code,
    }


def _described(call: Call, project: Project, datasets: list[Dataset]) -> Answer:
    told = [
        status(each) | {"DatasetType": each.type, "DatasetArn": call.arn(each.resource(project))} for each in datasets
    ]
    update = {"AutoUpdate": project.auto_update} if project.auto_update else {}
    return {
        "ProjectArn": call.arn(project.resource),
        "CreationTimestamp": project.created,
        "Status": "CREATED",
        "Feature": str(project.feature),
        "Datasets": told,
        **update,
    }
