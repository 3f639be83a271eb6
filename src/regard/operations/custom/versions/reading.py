"""The manifests of a training, from buckets or from the datasets of the project, judged line by line."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence

import msgspec

from regard.custom.datasets import Dataset
from regard.custom.entries import MOST_ADAPTED
from regard.custom.judged import Judged
from regard.custom.manifests import judge, lines_of
from regard.custom.projects import Feature
from regard.custom.versions.faults import CannotTrain, Fault
from regard.custom.versions.material import Manifest, Material
from regard.custom.versions.versions import Version
from regard.jobs.job import Part, Step
from regard.jobs.working import Task
from regard.operations.common.rooms import Rooms
from regard.operations.custom.versions.settling import overtaken, workshop_of
from regard.stores.errors import BucketRefused, ObjectTooLarge, ObjectUnavailable, StoreFaltered
from regard.stores.patience import persist
from regard.stores.stored import Stored

# AWS's, of a manifest.
MOST_BYTES, MOST_LINES = 1 << 30, 250_000
CHANGED = "What is to be learned from was changed since the training began."
Place = Sequence[str | None]


def material_of(task: Task, rooms: Rooms, version: Version) -> Material:
    """What a version is to be trained with. It is the same each time that a worker begins: its first step says of what.

    Raises CannotTrain; JobFailed where something was changed since.
    """
    places: list[list[Place] | None] | None = task.job.beside.get("manifests")
    if places is None:
        return _of_datasets(task, rooms, version)
    found = [[_found(task, rooms, place) for place in each] if each else None for each in places]
    _require_same(task, rooms, version, [stored.etag for each in found for stored in each or ()])
    feature = version.project.feature
    training, testing = (None if each is None else Manifest.of(_lines(each, feature)) for each in found)
    assert training is not None
    return Material(feature, training, testing)


def parts_of(task: Task, rooms: Rooms) -> list[bytes]:
    """What the steps of a job found so far, one part a step."""
    assert rooms.jobs is not None
    return [data for _, _, data in rooms.jobs.found(rooms.jobs.find(task.job.id))]


def _of_datasets(task: Task, rooms: Rooms, version: Version) -> Material:
    custom, project = workshop_of(rooms).custom, version.project
    with rooms.gallery.reading() as connection:
        datasets = {each.type: each for each in custom.datasets.of(connection, project)}
        lines = {kind: list(custom.entries.each(connection, each, project.feature)) for kind, each in datasets.items()}
    _require_same(task, rooms, version, _as_of(datasets.values()))
    testing = Manifest.of(lines["TEST"]) if lines.get("TEST") else None
    return Material(project.feature, Manifest.of(lines.get("TRAIN", ())), testing)


def require_unchanged(task: Task, rooms: Rooms, version: Version) -> None:
    """Raise JobFailed where lines left the datasets since a training began that nobody asked for.

    It goes on without them then. For others the law is asked who may still be in them.
    """
    if version.follows is None or "manifests" in task.job.beside:
        return
    with rooms.gallery.reading() as connection:
        now = _as_of(workshop_of(rooms).custom.datasets.of(connection, version.project))
    if msgspec.json.decode(parts_of(task, rooms)[0]) != now:
        raise overtaken(version, CHANGED)


def _as_of(datasets: Iterable[Dataset]) -> list[str]:
    return sorted(f"{each.type}/{each.id}/{each.version}" for each in datasets)


def _require_same(task: Task, rooms: Rooms, version: Version, of: list[str]) -> None:
    """Raise JobFailed where a worker that went before had something else before it. Does a step."""
    task.step(lambda: Step((Part(msgspec.json.encode(of), 1),), 0))
    if msgspec.json.decode(parts_of(task, rooms)[0]) != of:
        raise overtaken(version, CHANGED)


def _lines(found: Sequence[Stored], feature: Feature) -> Iterator[Judged]:
    number, most = 0, MOST_ADAPTED if feature is Feature.CONTENT_MODERATION else MOST_LINES
    for stored in found:
        for _, text in lines_of(stored.parts()):
            number += 1
            if number > most:
                raise CannotTrain(Fault.MANIFEST_SIZE_TOO_LARGE, f"It has more than {most:,} lines.")
            yield judge(text, feature)


def _found(task: Task, rooms: Rooms, place: Place) -> Stored:
    bucket, name, number = place
    assert bucket
    assert name
    try:
        return persist(lambda: rooms.pictures.buckets.found(task.job.organization, bucket, name, number, MOST_BYTES))
    except BucketRefused as error:
        raise CannotTrain(Fault.INVALID_PERMISSIONS_MANIFEST_S3_BUCKET, str(error)) from None
    except ObjectTooLarge as error:
        raise CannotTrain(Fault.MANIFEST_SIZE_TOO_LARGE, str(error)) from None
    except StoreFaltered:
        raise
    except ObjectUnavailable as error:
        raise CannotTrain(Fault.MANIFEST_INACCESSIBLE, str(error)) from None
