"""StartSegmentDetection and GetSegmentDetection: the shots and technical cues of a stored film."""

from __future__ import annotations

from regard.jobs.job import Outcome, Step
from regard.jobs.working import Task
from regard.operations.common.registry import Answer, operation
from regard.operations.common.rooms import Rooms
from regard.operations.common.works import work
from regard.operations.videos.frames import fetched, part
from regard.operations.videos.segments import VERSION, segments_of
from regard.operations.videos.starting import started
from regard.operations.videos.telling import job_of, told
from regard.stewardship.policy.call import Call, Capability, DataClass

START = "StartSegmentDetection"
_BESIDE = ("VideoMetadata", "AudioMetadata")


@operation(START, Capability.DETECT, DataClass.OBJECTS)
def start_segment_detection(call: Call, rooms: Rooms) -> Answer:
    """Begin to measure a film."""
    return started(call, rooms)


@work(START)
def segment_detection(task: Task, rooms: Rooms) -> Outcome:
    """The segments of a film. It is measured in one go: a few numbers a frame, which are not worth keeping between."""
    with fetched(task, rooms) as path:
        found = segments_of(rooms, task.job.given, path)
    frames = found.pop("frames")
    segments = found.pop("Segments")
    task.step(lambda: Step((part(segments),), frames, frames))
    return Outcome(found, {"frames": frames})


@operation(
    "GetSegmentDetection",
    Capability.DETECT,
    DataClass.OBJECTS,
    lacks="Of technical cues BlackFrames, ColorBars and Content are told: credits, logos and slates are Content.",
)
def get_segment_detection(call: Call, rooms: Rooms) -> Answer:
    """The segments of a film, by type as asked, then by time."""
    job = job_of(call, rooms, START)
    selected = [{"Type": each, "ModelVersion": VERSION} for each in job.given["SegmentTypes"]]
    # Lists as well, in this operation: programs index them while the job is in progress.
    return {name: [] for name in _BESIDE} | {"SelectedSegmentTypes": selected} | told(call, rooms, job, "Segments")
