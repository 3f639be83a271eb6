"""StartContentModeration and GetContentModeration: what a moderator would look at in a stored film."""

from __future__ import annotations

from typing import Any

from regard.jobs.job import Outcome
from regard.jobs.working import Task
from regard.operations.common.registry import Answer, operation
from regard.operations.common.rooms import Rooms
from regard.operations.common.works import work
from regard.operations.images.moderation import LACKING_LABELS
from regard.operations.videos.arranging import arranged, order_of
from regard.operations.videos.frames import looked_at
from regard.operations.videos.questions import of_moderation
from regard.operations.videos.starting import started
from regard.operations.videos.telling import job_of, told
from regard.stewardship.policy.call import Call, Capability, DataClass
from regard.vision.things.moderation import VERSION

START = "StartContentModeration"


@operation(START, Capability.DETECT, DataClass.OBJECTS)
def start_content_moderation(call: Call, rooms: Rooms) -> Answer:
    """Begin to look at a film as a moderator would."""
    return started(call, rooms)


@work(START)
def content_moderation(task: Task, rooms: Rooms) -> Outcome:
    """What each frame shows of the taxonomy."""
    return looked_at(task, rooms, of_moderation(rooms, task.job.given))


@operation("GetContentModeration", Capability.DETECT, DataClass.OBJECTS, lacks=LACKING_LABELS)
def get_content_moderation(call: Call, rooms: Rooms) -> Answer:
    """What a moderator would look at, with every label above."""
    job = job_of(call, rooms, START)
    answer = told(
        call, rooms, job, "ModerationLabels", arranged("ModerationLabel", call.parameters, rooms.films.interval)
    )
    more: dict[str, Any] = {"ModerationModelVersion": VERSION, "GetRequestMetadata": order_of(call.parameters)}
    return more | answer
