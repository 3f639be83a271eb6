"""VideoLabels, VideoFaces, VideoText and VideoModeration, our own operations: what a film on this machine shows.

They answer as AWS's Get operations do, without a job, for whoever waits: the command line.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

from regard.operations.common.registry import Answer, operation
from regard.operations.common.rooms import Rooms
from regard.operations.images.labels import may_tell_faces
from regard.operations.videos.frames import in_steps, metadata
from regard.operations.videos.questions import Question, of_faces, of_labels, of_moderation, of_text
from regard.stewardship.policy.call import Call, Capability, DataClass
from regard.vision.video.film import Film, Frame
from regard.vision.video.messages import About

# Told of each frame before it is looked at. It learns nothing of what was found: that leaves with the answer, once the
# log has the call.
Watching = Callable[[About, Frame], None]


@operation("VideoLabels", Capability.DETECT, DataClass.OBJECTS, ours=True)
def video_labels(call: Call, rooms: Rooms) -> Answer:
    """What each frame shows."""
    return _looked_at(call, rooms, of_labels(rooms, call.parameters, faces=may_tell_faces(call)))


@operation("VideoFaces", Capability.DETECT, DataClass.FACES, ours=True)
def video_faces(call: Call, rooms: Rooms) -> Answer:
    """The faces of each frame, on its own."""
    answer = _looked_at(call, rooms, of_faces(rooms, call.parameters))
    call.account["counts"] = {"found": len(answer["Faces"])}
    return answer


@operation("VideoText", Capability.DETECT, DataClass.OBJECTS, ours=True)
def video_text(call: Call, rooms: Rooms) -> Answer:
    """The text of each frame."""
    return _looked_at(call, rooms, of_text(rooms, call.parameters))


@operation("VideoModeration", Capability.DETECT, DataClass.OBJECTS, ours=True)
def video_moderation(call: Call, rooms: Rooms) -> Answer:
    """What a moderator would look at in each frame."""
    return _looked_at(call, rooms, of_moderation(rooms, call.parameters))


def _looked_at(call: Call, rooms: Rooms, question: Question) -> Answer:
    found: list[dict[str, Any]] = []
    with rooms.films.sampled(Path(call.parameters["Video"])) as film:
        for some in in_steps(film):
            for frame in some:
                watched(call, film, frame)
            found += question.of(some)
    remark_damage(call, film)
    return {"VideoMetadata": metadata(film), question.member: found, **question.versions}


def watched(call: Call, film: Film, frame: Frame) -> None:
    """Tell whoever watches the call how far it is."""
    watching: Watching | None = call.parameters.get("Watching")
    if watching is not None:
        watching(film.about, frame)


def remark_damage(call: Call, film: Film) -> None:
    """Say in the remarks of the call what could not be decoded of a film that is over."""
    if film.ended is not None and film.ended.damaged:
        call.remarks["x-regard-video"] = f"{film.ended.damaged} packets of the video are damaged and were left out."
