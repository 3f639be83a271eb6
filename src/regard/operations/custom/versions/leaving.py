"""Files that a training leaves in the bucket: each whole, and under a name that is the same each time."""

from __future__ import annotations

from typing import Any

from regard.custom.versions.faults import CannotTrain, Fault
from regard.custom.versions.versions import Version
from regard.jobs.working import Task
from regard.operations.common.rooms import Rooms
from regard.stores.errors import BucketRefused, ObjectUnavailable
from regard.stores.patience import persist

_JSON, _LINES = "application/json", "application/jsonlines"
Place = dict[str, Any]


class Leaving:
    """Writes the files of one version. Raises CannotTrain where the bucket does not take them."""

    def __init__(self, task: Task, rooms: Rooms, version: Version) -> None:
        self._task, self._rooms = task, rooms
        self._output = task.job.given["OutputConfig"]
        self._tail = f"{version.project.name}-{version.name}.json"

    def put(self, kind: str, data: bytes) -> Place:
        """Write a file of this kind; where it is, as S3Object."""
        bucket, name = self._output["S3Bucket"], f"{folder_of(self._output)}{kind}-{self._tail}"
        media = _JSON if kind.endswith("Summary") else _LINES
        organization, buckets = self._task.job.organization, self._rooms.pictures.buckets
        try:
            persist(lambda: buckets.write(organization, bucket, name, data, media))
        except (BucketRefused, ObjectUnavailable) as error:
            raise CannotTrain(Fault.CANNOT_WRITE, str(error)) from None
        return {"S3Object": {"Bucket": bucket, "Name": name}}

    def assets(self, kind: str, data: bytes) -> dict[str, Any]:
        """Write a file of this kind; where it is, as Assets."""
        return {"Assets": [{"GroundTruthManifest": self.put(kind, data)}]}


def folder_of(output: dict[str, Any]) -> str:
    """What the names of all files of an OutputConfig begin with: empty, or with a slash at its end."""
    prefix: str = output.get("S3KeyPrefix", "")
    return prefix if not prefix or prefix.endswith("/") else f"{prefix}/"
