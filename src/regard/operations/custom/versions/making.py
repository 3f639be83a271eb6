"""The work of CreateProjectVersion: lines are judged, pictures looked at, a head trained, and files left behind."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import msgspec

from regard.custom.errors import NoSuchResource
from regard.custom.projects import Feature
from regard.custom.versions import ground_truth, summaries
from regard.custom.versions.faults import CannotTrain
from regard.custom.versions.loaded import read
from regard.custom.versions.material import BOXES, Manifest, Material, shown
from regard.custom.versions.models import ModelFile, keep_model
from regard.custom.versions.shown import Shown, Told
from regard.custom.versions.versions import LAW, Version
from regard.custom.versions.workshop import DIGEST, LOGGED, TOLD, VERSION
from regard.jobs.errors import JobFailed
from regard.jobs.job import Outcome, Part, Step
from regard.jobs.working import Task
from regard.operations.common.rooms import Rooms
from regard.operations.common.works import require_standing, work
from regard.operations.custom.versions.lawful import pictured, probed, require_training
from regard.operations.custom.versions.leaving import Leaving
from regard.operations.custom.versions.lesson import Lesson
from regard.operations.custom.versions.looking import Seen, look_at, seen_in, sources_of
from regard.operations.custom.versions.reading import material_of, parts_of, require_unchanged
from regard.operations.custom.versions.settling import workshop_of
from regard.operations.custom.versions.training import START

Json = dict[str, Any]


@work(START)
def make_version(task: Task, rooms: Rooms) -> Outcome:
    """A version that is trained: its model is kept, and its files are in the bucket. Raises JobFailed."""
    require_standing(task, rooms)
    version = version_of(task, rooms)
    try:
        material = material_of(task, rooms, version)
        seen, lesson = _learned(task, rooms, version, material)
        return _ended(task, rooms, version, material, seen, lesson)
    except CannotTrain as error:
        raise JobFailed(str(error), Code=str(error.fault)) from None


def version_of(task: Task, rooms: Rooms) -> Version:
    """The version that a job is about. Raises JobFailed where it is not there any more."""
    try:
        with rooms.gallery.reading() as connection:
            return workshop_of(rooms).versions.get(connection, task.job.organization, task.job.beside[VERSION])
    except NoSuchResource:
        raise JobFailed("The version was deleted.") from None


def _learned(task: Task, rooms: Rooms, version: Version, material: Material) -> tuple[Seen, Lesson]:
    """What was seen of the pictures, and what was learned from them. Raises CannotTrain, JobFailed."""
    try:
        boxes = material.choose() == BOXES
        sources = sources_of(material.manifests)
        steps = look_at(task, rooms, version.project, sources, boxes)
        seen = seen_in(parts_of(task, rooms)[1 : 1 + steps], sources)
        seen.spoil(material.manifests)
        material.require_usable()
        material.split()
        require_standing(task, rooms)
        require_unchanged(task, rooms, version)
        people = require_training(task, rooms, version, material, seen).of(version.project).of_people
        task.step(lambda: _taught(rooms, version, material, seen, people))
        return seen, msgspec.msgpack.decode(parts_of(task, rooms)[1 + steps], type=Lesson)
    except CannotTrain as error:
        if not error.leaves_files:
            raise
        told = _left_of_manifests(Leaving(task, rooms, version), version, material, error)
        raise JobFailed(str(error), **{"Code": str(error.fault), TOLD: told | {"StatusMessage": str(error)}}) from None


def _taught(rooms: Rooms, version: Version, material: Material, seen: Seen, people: bool) -> Step:
    # What learns is slow to import: a service that answers need not wait for it.
    from regard.operations.custom.versions.teaching import Lessons

    lesson = Lessons(rooms, version, material, seen, people).learned()
    return Step((Part(msgspec.msgpack.encode(lesson), 1),), 0, len(seen.glances))


def _ended(task: Task, rooms: Rooms, version: Version, material: Material, seen: Seen, lesson: Lesson) -> Outcome:
    """Write the files, keep the model, and say what came of it. Each may be done again, and comes to the same."""
    workshop, leaving = workshop_of(rooms), Leaving(task, rooms, version)
    told = _left_of_manifests(leaving, version, material, None)
    testing = material.testing
    assert testing is not None
    sides = shown(material.training, seen.sizes), shown(testing, seen.sizes)
    job = f"regard/{version.project.name}/{version.name}"
    kind = "adapter" if version.project.feature is Feature.CONTENT_MODERATION else material.training.use_case
    pairs: list[list[tuple[Shown, Told | None]]]
    pairs = [[(each, None) for each in sides[0]], list(zip(sides[1], lesson.told, strict=True))]
    for side, each in zip(("Training", "Testing"), pairs, strict=True):
        file = ground_truth.lines(each, kind, job, lesson.at)
        told[f"{side}DataResult"]["Output"] = leaving.assets(f"{side}GroundTruth", file)
    summary = _summary(task, lesson, sides)
    f1 = msgspec.json.decode(summary)["AggregatedEvaluationResults"]["F1Score"]
    told["EvaluationResult"] = {"F1Score": f1, "Summary": leaving.put("EvaluationResultSummary", summary)}
    told["StatusMessage"] = lesson.message
    told["BillableTrainingTimeInSeconds"] = max(1, round(lesson.at - (task.job.started_at or lesson.at)))
    files = {"EvaluationResultSummary": summary, "ManifestSummary": _summary_of_manifests(material, None)}
    files |= pictured(rooms, version, material, seen).file() | lesson.tested.file()
    model = ModelFile(lesson.onnx, lesson.manifest, files)
    with rooms.gallery.writing() as connection:
        keep_model(connection, workshop.versions, version.id, model)
    names = [each.name for each in lesson.labels]
    # Once the model is there: who leaves from now on finds it, and takes it along.
    require_unchanged(task, rooms, version)
    kept = require_training(task, rooms, version, material, seen)
    kept = probed(rooms, version, kept, lambda: read(model))
    told[LAW] = msgspec.to_builtins(kept)
    logged = {"labels": names, "people": kept.of(version.project).of_people}
    counts = {"pictures": len(seen.glances), "found": len(names)}
    return Outcome({TOLD: told, DIGEST: model.digest, LOGGED: logged, "StatusMessage": lesson.message}, counts)


def _summary(task: Task, lesson: Lesson, sides: tuple[Sequence[Shown], Sequence[Shown]]) -> bytes:
    counts = len(sides[0]), len(sides[1])
    aggregated = dict(lesson.aggregated)
    if lesson.confused:
        names = [each.name for each in lesson.labels]
        aggregated["ConfusionMatrix"] = summaries.confusion(names, list(zip(sides[1], lesson.told, strict=True)))
    arn = task.job.beside["arn"]
    return summaries.evaluation_summary(arn, lesson.at, counts, lesson.labels, aggregated, lesson.more, lesson.beside)


def _left_of_manifests(leaving: Leaving, version: Version, material: Material, error: CannotTrain | None) -> Json:
    """Write what came of the lines of the manifests; the members of a description that say where."""
    asked = version.asked
    inputs: list[Json] = [
        {"Assets": asked.get("TrainingData", {})["Assets"]} if "TrainingData" in asked else {},
        asked.get("TestingData") or {"AutoCreate": False},
    ]
    told: Json = {}
    for side, given, manifest in zip(
        ("Training", "Testing"), inputs, (material.training, material.testing), strict=True
    ):
        told[f"{side}DataResult"] = {"Input": given}
        if manifest is not None:
            file = b"".join(line.validated() + b"\n" for line in manifest.lines)
            told[f"{side}DataResult"]["Validation"] = leaving.assets(f"{side}ManifestWithValidation", file)
    told["ManifestSummary"] = leaving.put("ManifestSummary", _summary_of_manifests(material, error))
    return told


def _summary_of_manifests(material: Material, error: CannotTrain | None) -> bytes:
    errors = [] if error is None else [{"code": str(error.fault), "message": str(error)}]
    statistics = material.training.statistics(), _statistics(material.testing)
    return summaries.manifest_summary(*statistics, errors)


def _statistics(manifest: Manifest | None) -> summaries.Statistics:
    return summaries.Statistics() if manifest is None else manifest.statistics()
