"""StartFaceDetection and GetFaceDetection: the faces of a stored film, each frame on its own."""

from __future__ import annotations

from regard.jobs.job import Outcome
from regard.jobs.working import Task
from regard.operations.common.registry import Answer, operation
from regard.operations.common.rendering import LACKING_ATTRIBUTES
from regard.operations.common.rooms import Rooms
from regard.operations.common.works import work
from regard.operations.videos.frames import looked_at
from regard.operations.videos.questions import of_faces
from regard.operations.videos.starting import started
from regard.operations.videos.telling import job_of, told
from regard.stewardship.policy.call import Call, Capability, DataClass
from regard.stewardship.policy.withholding import EMOTIONS

START = "StartFaceDetection"


@operation(START, Capability.DETECT, DataClass.FACES)
def start_face_detection(call: Call, rooms: Rooms) -> Answer:
    """Begin to look for faces in a film. Emotions that the policy withholds are not even worked out."""
    emotions = EMOTIONS not in call.withheld
    if not emotions and call.parameters.get("FaceAttributes") == "ALL":
        call.remarks["x-regard-withheld"] = EMOTIONS
    return started(call, rooms, {"emotions": emotions})


@work(START)
def face_detection(task: Task, rooms: Rooms) -> Outcome:
    """The faces of each frame. Nobody is followed from one to the next."""
    return looked_at(task, rooms, of_faces(rooms, task.job.given, emotions=task.job.beside["emotions"]))


@operation("GetFaceDetection", Capability.DETECT, DataClass.FACES, lacks=LACKING_ATTRIBUTES)
def get_face_detection(call: Call, rooms: Rooms) -> Answer:
    """The faces of a film, by time."""
    answer = told(call, rooms, job_of(call, rooms, START), "Faces")
    call.account["counts"] = {"found": len(answer["Faces"])}
    return answer
