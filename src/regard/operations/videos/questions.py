"""What may be asked of a film: one question is asked of each frame that is looked at, and told in the API's words.

No question follows anybody from one frame to the next, and none says who somebody is.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from typing import Any

from regard.operations.common.rendering import face_detail, wanted_attributes
from regard.operations.common.rooms import Rooms
from regard.operations.images import labels, moderation, text
from regard.vision.pictures.images import Picture
from regard.vision.things.labels import VERSION as LABELS
from regard.vision.things.moderation import VERSION as MODERATION
from regard.vision.things.text import VERSION as TEXT
from regard.vision.video.film import Frame

Found = list[dict[str, Any]]
# The API's, for video.
DEFAULT_CONFIDENCE = 50.0
# What the API does not tell of faces in video.
_NOT_IN_VIDEO = frozenset({"EYE_DIRECTION", "FACE_OCCLUDED"})


@dataclass(frozen=True, slots=True)
class Question:
    """What is asked of each frame. `member` is the list of the answer that `found` fills, beside what is in `versions`.

    `found` gives, of frames that follow each other, the elements of each but for their Timestamp.
    """

    member: str
    found: Callable[[Sequence[Picture]], Iterable[Found]]
    versions: dict[str, Any] = field(default_factory=dict)

    def of(self, frames: Sequence[Frame]) -> Found:
        """The elements of frames that follow each other."""
        found = self.found([frame.picture for frame in frames])
        told = zip(frames, found, strict=True)
        return [{"Timestamp": frame.milliseconds, **each} for frame, elements in told for each in elements]


def _each(found: Callable[[Picture], Found]) -> Callable[[Sequence[Picture]], Iterable[Found]]:
    """What is found in each picture on its own."""
    return lambda pictures: map(found, pictures)


def of_labels(rooms: Rooms, given: dict[str, Any], *, faces: bool) -> Question:
    """As of GetLabelDetection: every label above a label is an element of its own. No colours in video.

    `faces` says whether who asks may hear of faces: without it none is looked for.
    """
    at_least = given.get("MinConfidence", DEFAULT_CONFIDENCE)
    filters = given.get("Settings", {}).get("GeneralLabels", {})

    def found(picture: Picture) -> Found:
        kept = labels.kept_of(rooms.labels(picture, faces=faces), at_least, filters)
        return [{"Label": labels.told_label(label, at_least)} for label in kept]

    return Question("Labels", _each(found), {"LabelModelVersion": LABELS})


def of_faces(rooms: Rooms, given: dict[str, Any], *, emotions: bool | None = None) -> Question:
    """As of GetFaceDetection; FaceAttributes is DEFAULT or ALL. `emotions` says whether the policy allows them.

    Where it does not and ALL is asked for, there is an empty list, as of pictures. Where nobody asked it there is none.
    """
    asked = wanted_attributes([given.get("FaceAttributes", "DEFAULT")]) - _NOT_IN_VIDEO
    wanted = asked if emotions else asked - {"EMOTIONS"}
    withheld = frozenset() if emotions is None else asked - wanted

    def found(pictures: Sequence[Picture]) -> Iterable[Found]:
        for picture, faces in zip(pictures, rooms.faces.detect_each(pictures), strict=True):
            told = ((face, rooms.faces.describe(picture, face, wanted)) for face in faces)
            yield [{"Face": face_detail(face, description, withheld)} for face, description in told]

    return Question("Faces", found)


def of_text(rooms: Rooms, given: dict[str, Any]) -> Question:
    """As of GetTextDetection: at most a hundred words a frame. Raises ApiError for filters that are none."""
    told = text.telling(given.get("Filters", {}))
    return Question(
        "TextDetections",
        _each(lambda picture: [{"TextDetection": each} for each in told(rooms.text(picture))]),
        {"TextModelVersion": TEXT},
    )


def of_moderation(rooms: Rooms, given: dict[str, Any]) -> Question:
    """As of GetContentModeration."""
    at_least = given.get("MinConfidence", DEFAULT_CONFIDENCE)

    def found(picture: Picture) -> Found:
        kept: Iterable[Any] = (label for label in rooms.moderator(picture) if label.confidence >= at_least)
        return [{"ModerationLabel": moderation.told_label(label), "ContentTypes": []} for label in kept]

    return Question("ModerationLabels", _each(found), {"ModerationModelVersion": MODERATION})
