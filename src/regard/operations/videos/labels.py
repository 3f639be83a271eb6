"""StartLabelDetection and GetLabelDetection: what a stored film shows."""

from __future__ import annotations

from typing import Any

from regard.jobs.job import Outcome
from regard.jobs.working import Task
from regard.operations.common.errors import ApiError
from regard.operations.common.registry import Answer, operation
from regard.operations.common.rooms import Rooms
from regard.operations.common.works import work
from regard.operations.images.labels import may_tell_faces
from regard.operations.videos.arranging import arranged, order_of
from regard.operations.videos.frames import looked_at
from regard.operations.videos.questions import of_labels
from regard.operations.videos.starting import started
from regard.operations.videos.telling import job_of, told
from regard.stewardship.policy.call import Call, Capability, DataClass
from regard.stewardship.policy.withholding import FACES
from regard.vision.things.labels import VERSION

START = "StartLabelDetection"
_OF_FACES = (
    "The job was started while the policy let you hear of faces, and some of its labels hang on them. It does not any "
    "more: start the job again."
)


@operation(START, Capability.DETECT, DataClass.OBJECTS)
def start_label_detection(call: Call, rooms: Rooms) -> Answer:
    """Begin to look for labels in a film."""
    return started(call, rooms, {"faces": may_tell_faces(call)})


@work(START)
def label_detection(task: Task, rooms: Rooms) -> Outcome:
    """The labels of each frame."""
    return looked_at(task, rooms, of_labels(rooms, task.job.given, faces=task.job.beside["faces"]))


@operation(
    "GetLabelDetection",
    Capability.DETECT,
    DataClass.OBJECTS,
    lacks="The labels are those of DetectLabels. What hangs on faces is kept from whoever may not hear of faces.",
)
def get_label_detection(call: Call, rooms: Rooms) -> Answer:
    """The labels of a film: every label above a label is an element of its own."""
    job = job_of(call, rooms, START)
    if FACES in call.withheld and job.beside["faces"]:
        raise ApiError("AccessDeniedException", _OF_FACES)
    answer = told(call, rooms, job, "Labels", arranged("Label", call.parameters, rooms.films.interval))
    more: dict[str, Any] = {"LabelModelVersion": VERSION, "GetRequestMetadata": order_of(call.parameters)}
    return more | answer
