"""ConnectedHome: one message for the first of each class that is seen, with the frame, and one at the end, with a
summary in the bucket.
"""

from __future__ import annotations

import io
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any
from uuid import uuid4

import msgspec
import numpy as np
from PIL import Image
from sqlalchemy import Connection

from regard.database import writing
from regard.streams import messages, telling
from regard.streams.cameras.watching import Moment
from regard.streams.messages import Frame, Message, Messages, words_of
from regard.streams.processor import Processor, Session
from regard.streams.processors import Processors
from regard.streams.regions import Regions
from regard.vision.pictures.findings import Box
from regard.vision.pictures.images import Picture

PERSON, PET, PACKAGE, ALL = "PERSON", "PET", "PACKAGE", "ALL"
# What each class stands for among the labels of the object detector. No model here tells packages.
CLASSES: Mapping[str, frozenset[str]] = {PERSON: frozenset({"Person"}), PET: frozenset({"Cat", "Dog"})}
DEFAULT_CONFIDENCE = 50.0
_QUALITY = 90
# What a model is loaded with: a frame with nobody on it.
_NOBODY = Picture(np.zeros((480, 640, 3), np.uint8), "JPEG")


@dataclass(frozen=True, slots=True)
class Seen:
    """Something that was seen: its label, how sure that is (0 to 100), and its box."""

    label: str
    confidence: float
    box: Box


Finder = Callable[[Picture], Sequence[Seen]]


class Home:
    """Looks at the frames of ConnectedHome processors. Thread-safe."""

    def __init__(self, processors: Processors, outbox: Messages, find: Finder) -> None:
        self._processors, self._outbox, self._find = processors, outbox, find

    def ready(self, _processor: Processor) -> None:
        """Load the model. Raises MissingWeights."""
        self._find(_NOBODY)

    def look(self, processor: Processor, moment: Moment) -> Processor:
        """Tell of the classes that are in this frame for the first time; the processor as it stands then.

        Raises Superseded, MissingWeights.
        """
        session = processor.session
        assert session is not None
        wanted = [each for each in classes_of(processor.given) if each not in session.seen]
        found = self._first_of(wanted, processor.given, moment.picture) if wanted else {}
        if not found:
            return processor
        with writing(self._processors.engine, f"stream/{processor.id}") as connection:
            own = self._processors.own(connection, processor)
            last: dict[str, str] = {}
            labels = list(session.labels)
            for name, seen in found.items():
                last, label = self._tell(connection, own, session, name, seen, moment)
                labels.append(label)
            session = msgspec.structs.replace(
                session,
                seen=(*session.seen, *found),
                told=last,
                told_at=self._processors.clock(),
                last_at=moment.at,
                labels=tuple(labels),
            )
            return self._processors.change(connection, own, session=session)

    def end(self, connection: Connection, processor: Processor, cause: str) -> Processor:
        """Tell, within the transaction that ends a session, that it is over, and put its summary into the bucket."""
        session, event, now = processor.session, str(uuid4()), self._processors.clock()
        assert session is not None
        told = telling.completed(processor, session, event, cause)
        if output := processor.given["Output"].get("S3Destination"):
            data = words_of(telling.summary(processor, session, cause)).encode()
            place, kms = _folder(processor, session), processor.given.get("KmsKeyId", "")
            frame = Frame(output["Bucket"], f"{place}/summary.json", data, kms, "application/json")
            self._outbox.owe(connection, processor.organization, frame, messages.FRAME)
        self._owe(connection, processor, told, "stream.ended", session.told, now)
        return self._processors.change(connection, processor, session=msgspec.structs.replace(session, told_at=now))

    def _first_of(self, wanted: Sequence[str], given: Mapping[str, Any], picture: Picture) -> dict[str, Seen]:
        """The surest of each class that is wanted and in the frame."""
        least = given["Settings"]["ConnectedHome"].get("MinConfidence", DEFAULT_CONFIDENCE)
        regions = Regions(given.get("RegionsOfInterest", ()))
        seen = [each for each in self._find(picture) if each.confidence >= least and regions.hold(each.box)]
        found: dict[str, Seen] = {}
        for each in sorted(seen, key=lambda one: one.confidence, reverse=True):
            for name in wanted:
                if each.label in CLASSES[name]:
                    found.setdefault(name, each)
        return found

    def _tell(
        self, connection: Connection, processor: Processor, session: Session, name: str, seen: Seen, moment: Moment
    ) -> tuple[dict[str, str], dict[str, Any]]:
        """Tell of a class: the names of the messages, by kind, and what they say of it."""
        event = str(uuid4())
        label = {"id": str(uuid4()), "name": name, "confidence": seen.confidence}
        label |= {"boundingBox": telling.of_box(seen.box)}
        output, after, images = processor.given["Output"].get("S3Destination"), "", None
        if output is not None:
            folder = _folder(processor, session)
            whole, part = f"{folder}/{event}.frame.jpg", f"{folder}/{event}.crop.jpg"
            kms = processor.given.get("KmsKeyId", "")
            for place, picture in ((whole, moment.picture), (part, _cut(moment.picture, seen.box))):
                frame = Frame(output["Bucket"], place, _jpeg(picture), kms)
                after = self._outbox.owe(connection, processor.organization, frame, messages.FRAME, after=after)
            images = f"s3://{output['Bucket']}/{whole}", f"s3://{output['Bucket']}/{part}"
        told = telling.label_detected(processor, session, event, label, images, moment.at)
        waiting = dict.fromkeys((messages.SNS, messages.WEBHOOK), after)
        return self._owe(connection, processor, told, "stream.label", waiting, moment.at), told["labels"][0]

    def _owe(
        self,
        connection: Connection,
        processor: Processor,
        told: dict[str, Any],
        kind: str,
        after: Mapping[str, str],
        at: float,
    ) -> dict[str, str]:
        """Owe a message, to the topic and to the webhook, each after one of its kind; their names."""
        owed: dict[str, Message] = {}
        if channel := processor.given.get("NotificationChannel"):
            owed[messages.SNS] = Message(channel["SNSTopicArn"], words_of(told))
        if self._outbox.webhook is not None:
            words = words_of(telling.of_hook(kind, processor, told, at))
            owed[messages.WEBHOOK] = Message(self._outbox.webhook.address, words)
        return {
            to: self._outbox.owe(connection, processor.organization, message, to, after=after.get(to, ""))
            for to, message in owed.items()
        }


def classes_of(given: Mapping[str, Any]) -> list[str]:
    """The classes that a processor looks for; ALL are those that a model tells."""
    asked = given["Settings"]["ConnectedHome"]["Labels"]
    return [each for each in CLASSES if each in asked or ALL in asked]


def _folder(processor: Processor, session: Session) -> str:
    """Where in the bucket what a session finds is put."""
    prefix = processor.given["Output"]["S3Destination"].get("KeyPrefix", "").rstrip("/")
    return f"{prefix}/{processor.name}/{session.id}".lstrip("/")


def _cut(picture: Picture, box: Box) -> Picture:
    left, top = max(0, int(box.left * picture.width)), max(0, int(box.top * picture.height))
    right = min(picture.width, max(left + 1, round((box.left + box.width) * picture.width)))
    bottom = min(picture.height, max(top + 1, round((box.top + box.height) * picture.height)))
    return Picture(np.ascontiguousarray(picture.pixels[top:bottom, left:right]), picture.format)


def _jpeg(picture: Picture) -> bytes:
    file = io.BytesIO()
    Image.fromarray(picture.pixels).save(file, "JPEG", quality=_QUALITY)
    return file.getvalue()
