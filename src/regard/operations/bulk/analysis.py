"""StartMediaAnalysisJob and its kin: the pictures that a manifest lists are looked at, the results go to the bucket."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime
from itertools import islice
from typing import Any

from regard.jobs.job import Job, State
from regard.operations.common.errors import ApiError, invalid_parameter
from regard.operations.common.registry import Answer, operation
from regard.operations.common.rooms import Rooms
from regard.operations.images.adapters import adapter_at
from regard.operations.images.moderation import NAME
from regard.operations.videos.starting import desk_of, handed_in
from regard.operations.videos.telling import job_of
from regard.stewardship.policy.call import Call, Capability, DataClass
from regard.stores.errors import BucketRefused, ObjectTooLarge
from regard.stores.stored import Stored

START = "StartMediaAnalysisJob"
# Of a manifest, which is held in memory.
MOST_BYTES = 16 << 20
MOST_JOBS = 100
_STATUS = {
    State.QUEUED: "QUEUED",
    State.RUNNING: "IN_PROGRESS",
    State.SUCCEEDED: "SUCCEEDED",
    State.FAILED: "FAILED",
}
_GIVEN = ("JobName", "OperationsConfig", "Input", "OutputConfig")
_LACKS = (
    f"Labels are those of {NAME}. KmsKeyId is refused: the key would be used with the operator's "
    "credentials. A manifest has 16 MiB and 100,000 lines at most."
)


@operation(START, Capability.DETECT, DataClass.OBJECTS, lacks=_LACKS)
def start_media_analysis_job(call: Call, rooms: Rooms) -> Answer:
    """Begin to look at the pictures that a manifest in a bucket lists."""
    given = call.parameters
    config = given["OperationsConfig"].get(NAME)
    if config is None:
        raise invalid_parameter(f"OperationsConfig must name an operation: {NAME}.")
    if "ProjectVersion" in config:
        adapter_at(config["ProjectVersion"], rooms, call.caller.organization, lambda: call)
    if "KmsKeyId" in given:
        raise invalid_parameter("KmsKeyId is not taken: results are written as the bucket's own settings encrypt them.")
    bucket, folder = given["OutputConfig"]["S3Bucket"], folder_of(given["OutputConfig"])
    try:
        rooms.pictures.buckets.require_writable(call.caller.organization, bucket, folder)
    except BucketRefused as error:
        raise invalid_parameter(str(error)) from None
    return handed_in(call, rooms, {"etag": _manifest(call, rooms).etag})


@operation("GetMediaAnalysisJob", Capability.DETECT, DataClass.OBJECTS)
def get_media_analysis_job(call: Call, rooms: Rooms) -> Answer:
    """Where a job stands, and where its results are."""
    return _described(job_of(call, rooms, START))


@operation("ListMediaAnalysisJobs", Capability.DETECT, DataClass.OBJECTS)
def list_media_analysis_jobs(call: Call, rooms: Rooms) -> Answer:
    """The jobs of the caller's organization, the newest first, at most a hundred a page."""
    most = call.parameters.get("MaxResults", MOST_JOBS)
    listing, pages = [call.caller.organization, call.operation.name], rooms.gallery.pages
    behind = pages.read(listing, call.parameters.get("NextToken") or None)
    jobs = desk_of(rooms).all(call.caller.organization, START)
    # The newest first: a job that is new by the next page has a higher place, and moves nothing.
    page = list(islice(((at, job) for at, job in _placed(jobs) if not behind or at < behind), most + 1))
    answer: Answer = {"MediaAnalysisJobs": [_described(job) for _, job in page[:most]]}
    return answer | ({"NextToken": pages.issue(listing, page[most - 1][0])} if len(page) > most else {})


def folder_of(output: dict[str, Any]) -> str:
    """What the names of all that is written for an OutputConfig begin with: empty, or with a slash at its end."""
    prefix = output.get("S3KeyPrefix", "")
    return prefix if not prefix or prefix.endswith("/") else f"{prefix}/"


def _manifest(call: Call, rooms: Rooms) -> Stored:
    """The manifest of a call, which is not read yet. Raises ApiError and what buckets raise."""
    place = call.parameters["Input"]["S3Object"]
    if not (place.get("Bucket") and place.get("Name")):
        raise invalid_parameter("Input must have an S3Object with a Bucket and a Name.")
    where = call.caller.organization, place["Bucket"], place["Name"], place.get("Version")
    try:
        found = rooms.pictures.buckets.found(*where, MOST_BYTES)
    except ObjectTooLarge as error:
        raise ApiError("InvalidManifestException", f"The manifest is too large. {error}") from None
    if not found.size:
        raise ApiError("InvalidManifestException", f"The manifest {found.name} is empty.")
    return found


def _placed(jobs: list[Job]) -> Iterator[tuple[int, Job]]:
    """Jobs, the newest first, each with its place: the microsecond in which it was handed in, and which of those."""
    last, same = -1, 0
    for job in jobs:
        at = int(job.created_at * 1_000_000)
        last, same = at, same + 1 if at == last else 0
        yield at * 1000 + 999 - same, job


def _described(job: Job) -> Answer:
    answer: Answer = {"JobId": job.id, "Status": _STATUS[job.state], "CreationTimestamp": _when(job.created_at)}
    answer |= {name: job.given[name] for name in _GIVEN if name in job.given}
    answer |= {name: job.end[name] for name in ("Results", "ManifestSummary") if name in job.end}
    if job.ended_at is not None:
        answer["CompletionTimestamp"] = _when(job.ended_at)
    if job.state is State.FAILED:
        answer["FailureDetails"] = {"Code": job.end.get("Code", "INTERNAL_ERROR"), "Message": job.cause}
    return answer


def _when(at: float) -> datetime:
    return datetime.fromtimestamp(at, UTC)
