"""The work of a media analysis job: a few lines of its manifest a step, and at the end two objects in the bucket."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial
from typing import Any

import msgspec

from regard.custom.errors import CustomChanged, NoSuchResource, ResourceNotReady
from regard.custom.versions.loaded import Head
from regard.jobs.errors import JobFailed
from regard.jobs.job import Outcome, Part, Step
from regard.jobs.working import Task
from regard.operations.bulk.analysis import MOST_BYTES, START, folder_of
from regard.operations.bulk.manifests import Line, Report, Seen, lines_of
from regard.operations.common.pictures import LEAST_SIDE, MOST_BYTES_FROM_S3
from regard.operations.common.rooms import Rooms
from regard.operations.common.works import require_standing, work
from regard.operations.images.adapters import adapter_at
from regard.operations.images.moderation import DEFAULT_CONFIDENCE, NAME, seen, told
from regard.operations.videos.starting import desk_of
from regard.stewardship.policy.call import Call
from regard.stewardship.policy.denied import Denied
from regard.stores.errors import BucketRefused, ObjectTooLarge, ObjectUnavailable, StoreFaltered
from regard.stores.patience import persist
from regard.vision.pictures.images import Damaged, TooManyPixels, TooSmall, UnknownFormat, decode, require_side
from regard.vision.things.moderation import VERSION

# Pictures of a step: what a worker that is killed looks at again, at most.
LINES = 10
# Of a manifest: what came of all of them is put together in memory.
MOST_LINES = 100_000
# What the summary calls what is wrong with a line, and with the picture that it names.
_MANIFEST, _INVALID_LINE = "INVALID_MANIFEST", "INVALID_JSON_LINE"
_CODES: dict[type[Exception], str] = {
    BucketRefused: "ACCESS_DENIED",
    ObjectUnavailable: "INVALID_S3_OBJECT",
    ObjectTooLarge: "IMAGE_TOO_LARGE",
    TooManyPixels: "IMAGE_TOO_LARGE",
    UnknownFormat: "INVALID_IMAGE_FORMAT",
    Damaged: "INVALID_IMAGE_FORMAT",
    TooSmall: "INVALID_IMAGE",
}
# What FailureDetails call it where the adapter is gone, withdrawn, edited or refused.
_REFUSED: dict[type[Exception], str] = {
    NoSuchResource: "RESOURCE_NOT_FOUND",
    ResourceNotReady: "RESOURCE_NOT_READY",
    Denied: "ACCESS_DENIED",
    CustomChanged: "INTERNAL_ERROR",
}


@work(START)
def media_analysis(task: Task, rooms: Rooms) -> Outcome:
    """The labels of each picture that the manifest lists. Raises JobFailed, with a Code of the API's."""
    require_standing(task, rooms)
    lines = _lines(task, rooms)
    for first in range(0, len(lines), LINES):
        task.step(partial(_looked_at, task, rooms, lines[first : first + LINES], len(lines)))
    require_standing(task, rooms)
    return _written(task, rooms, lines)


def _lines(task: Task, rooms: Rooms) -> list[Line]:
    place = task.job.given["Input"]["S3Object"]
    where = task.job.organization, place["Bucket"], place["Name"], place.get("Version")
    try:
        found = persist(lambda: rooms.pictures.buckets.found(*where, MOST_BYTES))
        if found.etag != task.job.beside["etag"]:
            raise JobFailed(f"The manifest {found.name} was replaced since the job was started.", Code=_MANIFEST)
        lines = lines_of(b"".join(found.parts()))
        if len(lines) > MOST_LINES:
            raise JobFailed(f"The manifest {found.name} has more than {MOST_LINES:,} lines.", Code=_MANIFEST)
        return lines
    except (BucketRefused, ObjectUnavailable, ObjectTooLarge) as error:
        raise JobFailed(f"The manifest cannot be read. {error}", Code="INVALID_S3_OBJECT") from error


def _looked_at(task: Task, rooms: Rooms, lines: Sequence[Line], whole: int) -> Step:
    require_standing(task, rooms)
    adapter = _adapter(task, rooms)
    found = [_seen(task, rooms, line, adapter) for line in lines]
    return Step((Part(msgspec.json.encode(found), len(found)),), len(found), whole)


def _adapter(task: Task, rooms: Rooms) -> Head | None:
    """The adapter that the job names, as it stands now; None for the base alone."""
    arn: str | None = task.job.given["OperationsConfig"][NAME].get("ProjectVersion")
    if arn is None:
        return None

    def call() -> Call:
        assert rooms.standing is not None
        return rooms.standing.call(task.job)

    try:
        return adapter_at(arn, rooms, task.job.organization, call)
    except tuple(_REFUSED) as error:
        code = next(code for kind, code in _REFUSED.items() if isinstance(error, kind))
        raise JobFailed(str(error), Code=code) from error


def _seen(task: Task, rooms: Rooms, line: Line, adapter: Head | None) -> Seen:
    if not line.valid:
        return Seen(line.number, None, _INVALID_LINE, line.wrong)
    config = task.job.given["OperationsConfig"][NAME]
    where = task.job.organization, line.bucket, line.name, None
    try:
        picture = decode(persist(lambda: rooms.pictures.buckets.read(*where, MOST_BYTES_FROM_S3)))
        require_side(picture, LEAST_SIDE)
        least = config.get("MinConfidence", DEFAULT_CONFIDENCE)
        return Seen(line.number, told(seen(rooms, picture, least, adapter)))
    except StoreFaltered as error:
        # Of a store that is away every picture would be wrong. What is done stays done: the job can be retried.
        raise JobFailed(f"The store gave up at line {line.number}. {error}", Code="INVALID_S3_OBJECT") from error
    except tuple(_CODES) as error:
        code = next(code for kind, code in _CODES.items() if isinstance(error, kind))
        return Seen(line.number, None, code, str(error))


def _written(task: Task, rooms: Rooms, lines: Sequence[Line]) -> Outcome:
    """Write the results and the summary, each whole and under a name that is the same each time."""
    desk, output = desk_of(rooms), task.job.given["OutputConfig"]
    report, labels = Report(lines), 0
    for _, _, data in desk.found(desk.find(task.job.id)):
        for each in msgspec.json.decode(data, type=list[Seen]):
            report.add(each)
            labels += len(each.found["ModerationLabels"]) if each.found is not None else 0
    at = f"{folder_of(output)}{task.job.id}"
    end = {"ManifestSummary": _put(task, rooms, f"{at}/manifest-summary.json", report.summary)}
    if not any(line.valid for line in lines):
        raise JobFailed("The manifest names no picture.", Code=_MANIFEST, **end)
    placed = _put(task, rooms, f"{at}/results.jsonl", bytes(report.results))
    end["Results"] = placed | {"ModelVersions": {"Moderation": VERSION}}
    return Outcome(end, {"pictures": len(lines), "found": labels})


def _put(task: Task, rooms: Rooms, name: str, data: bytes) -> dict[str, Any]:
    bucket, organization = task.job.given["OutputConfig"]["S3Bucket"], task.job.organization
    kind = "application/json" if name.endswith(".json") else "application/jsonlines"
    try:
        persist(lambda: rooms.pictures.buckets.write(organization, bucket, name, data, kind))
    except (BucketRefused, ObjectUnavailable) as error:
        said = f"Nothing can be written to s3://{bucket}/{name}. {error}"
        raise JobFailed(said, Code="INVALID_OUTPUT_CONFIG") from error
    return {"S3Object": {"Bucket": bucket, "Name": name}}
