"""StartTextDetection and GetTextDetection: the text of a stored film."""

from __future__ import annotations

from regard.jobs.job import Outcome
from regard.jobs.working import Task
from regard.operations.common.registry import Answer, operation
from regard.operations.common.rooms import Rooms
from regard.operations.common.works import work
from regard.operations.images.text import LACKING_SCRIPTS, telling
from regard.operations.videos.frames import looked_at
from regard.operations.videos.questions import of_text
from regard.operations.videos.starting import started
from regard.operations.videos.telling import job_of, told
from regard.stewardship.policy.call import Call, Capability, DataClass
from regard.vision.things.text import VERSION

START = "StartTextDetection"


@operation(START, Capability.DETECT, DataClass.OBJECTS)
def start_text_detection(call: Call, rooms: Rooms) -> Answer:
    """Begin to read the text of a film."""
    # Filters that are none are refused now, and not by a job that fails.
    telling(call.parameters.get("Filters", {}))
    return started(call, rooms)


@work(START)
def text_detection(task: Task, rooms: Rooms) -> Outcome:
    """The text of each frame, at most a hundred words."""
    return looked_at(task, rooms, of_text(rooms, task.job.given))


@operation("GetTextDetection", Capability.DETECT, DataClass.OBJECTS, lacks=LACKING_SCRIPTS)
def get_text_detection(call: Call, rooms: Rooms) -> Answer:
    """The text of a film, by time."""
    return {"TextModelVersion": VERSION} | told(call, rooms, job_of(call, rooms, START), "TextDetections")
