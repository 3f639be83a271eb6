"""The operations on the entries of datasets; what they are is :mod:`regard.custom.entries`'s."""

from __future__ import annotations

from sqlalchemy import Connection

from regard.custom.codes import DatasetCode
from regard.custom.datasets import Dataset, DatasetState
from regard.custom.distribution import TooFewImages, chosen
from regard.custom.entries import (
    MOST_ADAPTED,
    MOST_ENTRIES,
    MOST_LABELS,
    Stats,
    TooManyEntries,
    TooManyLabels,
    Wanted,
)
from regard.custom.errors import ResourceInUse, ResourceNotReady
from regard.custom.manifests import judge, lines_of
from regard.custom.projects import Feature, Project
from regard.custom.versions.versions import Version
from regard.operations.common.errors import invalid_parameter, no_such_resource
from regard.operations.common.paging import page
from regard.operations.common.registry import Answer, operation
from regard.operations.common.rooms import Rooms
from regard.operations.custom.importing import told_bad, too_many_bad
from regard.operations.custom.projects import custom_of, require_idle
from regard.stewardship.policy.call import Call, Capability, DataClass

MOST_LISTED = 100


class _TooManyBad(Exception):
    """More lines are wrong than may be."""


_WITHDRAWN = "Withdrawn: a picture of somebody that it was trained with was removed."
# Why nothing of an update is kept.
_WHY: dict[type[Exception], tuple[DatasetCode, str]] = {
    _TooManyBad: (DatasetCode.TOO_MANY_RECORDS_IN_ERROR, ""),
    TooManyLabels: (DatasetCode.MANIFEST_TOO_MANY_LABELS, f"A dataset has at most {MOST_LABELS} labels."),
    TooManyEntries: (DatasetCode.MANIFEST_ROWS_EXCEEDS_MAXIMUM, f"A dataset has at most {MOST_ENTRIES:,} entries."),
}


@operation("UpdateDatasetEntries", Capability.MANAGE, DataClass.OBJECTS)
def update_dataset_entries(call: Call, rooms: Rooms) -> Answer:
    """Add entries, or replace those of the same source-ref: all lines, or none where too many are wrong.

    It is done when this is answered: the dataset is at UPDATE_COMPLETE or UPDATE_FAILED.
    """
    custom = custom_of(rooms)
    with rooms.gallery.reading() as connection:
        project, _ = custom.datasets.find(connection, call.caller.organization, call.parameters["DatasetArn"])
    lines = [judge(text, project.feature) for _, text in lines_of([call.parameters["Changes"]["GroundTruth"]])]
    with rooms.writing(call) as connection:
        _, dataset = custom.datasets.find(connection, call.caller.organization, call.parameters["DatasetArn"])
        _require_changeable(rooms, dataset)
        try:
            with connection.begin_nested():
                bad = custom.entries.write(connection, dataset, lines, replace=True)
                bad += sum(line.bad and not line.dropped for line in lines)
                if project.feature is Feature.CONTENT_MODERATION:
                    _require_few(custom.entries.stats(connection, dataset))
                if too_many_bad(len(lines), bad):
                    raise _TooManyBad(told_bad(len(lines), bad))
                custom.datasets.to(connection, dataset, DatasetState.UPDATED, version=dataset.version + 1)
        except (_TooManyBad, TooManyLabels, TooManyEntries) as error:
            code, cause = _WHY[type(error)]
            custom.datasets.fail(connection, dataset, code, str(error) or cause)
    return {}


@operation("ListDatasetEntries", Capability.READ, DataClass.OBJECTS)
def list_dataset_entries(call: Call, rooms: Rooms) -> Answer:
    """The entries of a dataset that a call asks for, as JSON, in the order in which they came."""
    custom, given = custom_of(rooms), call.parameters
    wanted = Wanted(
        tuple(given.get("ContainsLabels", ())),
        given.get("Labeled"),
        given.get("SourceRefContains", ""),
        given.get("HasErrors"),
    )
    with rooms.gallery.reading() as connection:
        _, dataset = custom.datasets.find(connection, call.caller.organization, given["DatasetArn"])
        require_ready(dataset)
        found, token = page(
            call,
            rooms,
            MOST_LISTED,
            lambda after, most: custom.entries.page(connection, dataset, after, most, wanted),
        )
    return {"DatasetEntries": [entry.text for entry in found], **token}


@operation("ListDatasetLabels", Capability.READ, DataClass.OBJECTS)
def list_dataset_labels(call: Call, rooms: Rooms) -> Answer:
    """The labels of a dataset, each with how many entries have it, and in how many it is a box."""
    custom = custom_of(rooms)
    with rooms.gallery.reading() as connection:
        _, dataset = custom.datasets.find(connection, call.caller.organization, call.parameters["DatasetArn"])
        require_ready(dataset)
        found, token = page(
            call, rooms, MOST_LISTED, lambda after, most: custom.entries.labels(connection, dataset, after, most)
        )
    told = []
    for label in found:
        boxed = {"BoundingBoxCount": label.boxed} if label.boxed else {}
        told.append({"LabelName": label.name, "LabelStats": {"EntryCount": label.entries, **boxed}})
    return {"DatasetLabelDescriptions": told, **token}


@operation("DistributeDatasetEntries", Capability.MANAGE, DataClass.OBJECTS)
def distribute_dataset_entries(call: Call, rooms: Rooms) -> Answer:
    """Move a fifth of the training dataset's entries to the test dataset, which is empty, of each label about a fifth.

    It is done when this is answered: both are at UPDATE_COMPLETE or UPDATE_FAILED.
    """
    custom, arns = custom_of(rooms), [each["Arn"] for each in call.parameters["Datasets"]]
    with rooms.gallery.reading() as connection:
        found = [custom.datasets.find(connection, call.caller.organization, arn) for arn in arns]
        project = found[0][0]
        kinds = {dataset.type: dataset for _, dataset in found}
        if len(kinds) != 2 or found[1][0].id != project.id:
            raise invalid_parameter("Datasets are the TRAIN and the TEST dataset of one project.")
        train, test = kinds["TRAIN"], kinds["TEST"]
        for dataset in (train, test):
            require_ready(dataset)
        if custom.entries.stats(connection, test).entries:
            raise invalid_parameter("The TEST dataset has entries already. Delete it, and create an empty one.")
        cause, moved = "", list[int]()
        try:
            moved = chosen(custom.entries.numbered(connection, train, project.feature))
        except TooFewImages as error:
            cause = str(error)
    with rooms.writing(call) as connection:
        for dataset in (train, test):
            _require_unchanged(dataset, custom.datasets.get(connection, dataset.id))
        if cause:
            for dataset in (train, test):
                code = DatasetCode.INSUFFICIENT_IMAGES_PER_LABEL_FOR_DISTRIBUTE
                custom.datasets.fail(connection, dataset, code, cause)
            return {}
        custom.entries.move(connection, train, test, project.feature, moved)
        for dataset in (train, test):
            custom.datasets.to(connection, dataset, DatasetState.UPDATED, version=dataset.version + 1)
    return {}


@operation("RemoveDatasetEntry", Capability.MANAGE, DataClass.OBJECTS, ours=True)
def remove_dataset_entry(call: Call, rooms: Rooms) -> Answer:
    """Remove the entry of a source-ref, which AWS's API cannot, from one dataset or from all that have it.

    Versions that were trained with it are withdrawn where it shows a face or names somebody; others stay. The answer
    names the datasets that it was in, and the versions.
    """
    custom, organization, source = custom_of(rooms), call.caller.organization, call.parameters["SourceRef"]
    arn, gone = call.parameters.get("DatasetArn"), list[str]()
    with rooms.writing(call) as connection:
        one = arn and [custom.datasets.find(connection, organization, arn)]
        for project, dataset in one or custom.all_datasets(connection, organization):
            if arn or dataset.state is not DatasetState.NOT_CREATED:
                # One that is being filled could get the entry a moment later.
                _require_changeable(rooms, dataset)
                if rooms.workshop is not None:
                    rooms.workshop.features.forget(connection, project.id, [source])
                if custom.entries.remove(connection, dataset, source):
                    custom.datasets.to(connection, dataset, DatasetState.UPDATED, version=dataset.version + 1)
                    gone.append(call.arn(dataset.resource(project)))
        withdrawn = _withdrawn(rooms, connection, organization, source, one[0][0] if one else None)
        if not gone and (arn or not withdrawn):
            raise no_such_resource(
                f"No dataset has an entry of {source}." if not arn else f"{arn} has none of {source}."
            )
    rooms.gallery.traces.overwrite()
    return {"removed_from": gone, "withdrawn": [call.arn(each.resource) for each in withdrawn]}


def _withdrawn(
    rooms: Rooms, connection: Connection, organization: str, source: str, project: Project | None
) -> list[Version]:
    """The versions of the organization that learned from this picture of somebody, of one project or of all."""
    if rooms.workshop is None:
        return []
    sought = rooms.workshop.pictured(organization, [source])
    gone = rooms.workshop.withdraw(connection, sought, _WITHDRAWN, project)
    return [each for each in gone if each.project.organization == organization]


def require_ready(dataset: Dataset) -> None:
    """Raise ResourceNotReady where a dataset has no entries to be read."""
    if not dataset.state.ready:
        raise ResourceNotReady(f"The {dataset.type} dataset is at {dataset.state}. {_advice(dataset)}")


def _require_few(stats: Stats) -> None:
    if stats.entries > MOST_ADAPTED:
        raise TooManyEntries(f"An adapter's dataset has at most {MOST_ADAPTED:,} entries.")


def _require_changeable(rooms: Rooms, dataset: Dataset) -> None:
    require_idle(rooms, dataset)
    if not dataset.state.ready:
        raise ResourceInUse(f"The {dataset.type} dataset is at {dataset.state}. {_advice(dataset)}")


def _require_unchanged(before: Dataset, now: Dataset) -> None:
    if not now.state.ready or now.version != before.version:
        raise ResourceNotReady(f"The {now.type} dataset was changed meanwhile. Ask again.")


def _advice(dataset: Dataset) -> str:
    return "Wait until it is complete." if dataset.state.busy else "Delete it, and create it again."
