"""What processors tell, in AWS's words: of a class that is seen the first time, of the end, and of faces.

There are no fragments here as Kinesis has them: a frame's number is the millisecond at which it came.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any

from regard.streams.processor import Processor, Session
from regard.vision.pictures.findings import Box

LABEL, END = "LABEL_DETECTED", "STREAM_PROCESSING_COMPLETE"
WELL = "The stream processor came to its end."


def label_detected(
    processor: Processor, session: Session, event: str, label: dict[str, Any], images: tuple[str, str] | None, at: float
) -> dict[str, Any]:
    """The message of the first of a class; `images` are the addresses of the frame and of what was cut out of it."""
    if images is not None:
        label |= {"frameImageUri": images[0], "croppedImageUri": images[1]}
    milliseconds = int(at * 1000)
    mapping = {
        "fragmentNumber": str(milliseconds),
        "serverTimestamp": milliseconds,
        "producerTimestamp": milliseconds,
        "frameOffsetMillis": 0,
    }
    told = label | {"videoMapping": {"kinesisVideoMapping": mapping}}
    about = {"kinesisVideo": {"streamArn": processor.stream}}
    return _event(processor, session, event, LABEL, about) | {"labels": [told]}


def completed(processor: Processor, session: Session, event: str, cause: str) -> dict[str, Any]:
    """The message of the end of a session: how long the video was, and why it failed, where it did."""
    told = _event(processor, session, event, END, _whole(processor, session))
    return told | {"streamProcessingResults": {"message": cause or WELL}}


def summary(processor: Processor, session: Session, cause: str) -> dict[str, Any]:
    """What is put into the bucket at the end of a session: how long the video was, and the first of each class."""
    return {
        "streamProcessorArn": processor.arn,
        "streamProcessorName": processor.name,
        "sessionId": session.id,
        "inputInformation": _whole(processor, session),
        "startStreamProcessorRequest": session.asked,
        "streamProcessingResults": {"message": cause or WELL},
        "labels": list(session.labels),
    }


def frame_record(processor: Processor, at: float, found: Sequence[dict[str, Any]]) -> dict[str, Any]:
    """The record of a frame: {DetectedFace, MatchedFaces} of each face that is like somebody, and of no other."""
    about = {
        "StreamArn": processor.stream,
        "FragmentNumber": str(int(at * 1000)),
        "ServerTimestamp": round(at, 3),
        "ProducerTimestamp": round(at, 3),
        "FrameOffsetInSeconds": 0.0,
    }
    return {
        "InputInformation": {"KinesisVideo": about},
        "StreamProcessorInformation": {"Status": "RUNNING"},
        "FaceSearchResponse": list(found),
    }


def of_box(box: Box) -> dict[str, float]:
    """A box as these messages have it."""
    return {"left": box.left, "top": box.top, "width": box.width, "height": box.height}


def of_hook(kind: str, processor: Processor, told: dict[str, Any], at: float) -> dict[str, Any]:
    """The same for the operator's webhook."""
    stamp = datetime.fromtimestamp(at, UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
    data = told | {"Organization": processor.organization, "StreamProcessorArn": processor.arn}
    return {"type": kind, "timestamp": stamp, "data": data}


def _whole(processor: Processor, session: Session) -> dict[str, Any]:
    """The video of a session, and how long it was."""
    lasted = (session.last_at or 0.0) - (session.first_at or 0.0)
    return {"kinesisVideo": {"streamArn": processor.stream, "processedVideoDurationMillis": max(0, int(lasted * 1000))}}


def _event(processor: Processor, session: Session, event: str, kind: str, about: dict[str, Any]) -> dict[str, Any]:
    return {
        "inputInformation": about,
        "eventNamespace": {"type": kind},
        "eventId": event,
        "tags": processor.tags,
        "sessionId": session.id,
        "startStreamProcessorRequest": session.asked,
    }
