"""Faces searched in live pictures, frame by frame, where a motion that carries lets it.

Who matches nobody leaves nothing: their faces are embedded in memory and forgotten, no record names them, and no figure
counts them. There is no number by which a person is known again in the next frame, let alone before another camera.
"""

from __future__ import annotations

import threading
from typing import Any, NamedTuple

import msgspec
from sqlalchemy import Connection

from regard.database import writing
from regard.gallery.collections.collections import Kept
from regard.gallery.faces import KeptFace
from regard.gallery.search import Probe
from regard.operations.common.likeness import Compared, Like, least_score, like_face, told
from regard.operations.common.registry import answered
from regard.operations.common.rendering import face_detail, wanted_attributes
from regard.operations.common.rooms import Rooms
from regard.operations.common.warming import nobody
from regard.operations.gallery.kept import kept_face
from regard.operations.streams.asking import LEAST_THRESHOLD, streams_of
from regard.stewardship.policy.call import Call, Caller
from regard.streams.cameras.watching import Moment
from regard.streams.errors import NotAllowed
from regard.streams.messages import KINESIS, WEBHOOK, Message, Records, records_of, words_of
from regard.streams.processor import Processor
from regard.streams.telling import frame_record, of_hook
from regard.vision.faces.faces import Face

# Faces of a collection that one in a frame is like, at most: so many SearchFaces gives where no number is asked for.
MOST_FACES = 80
_DEFAULT = wanted_attributes(None)
# Records of frames on which nobody is known go out by so many: they say nothing of people, and may be lost.
_TOGETHER = 5
# Where so many messages wait already, those of such frames are left out.
_MOST_OWED = 1000


class _Match(NamedTuple):
    """A face that is like somebody: {DetectedFace, MatchedFaces}, and the subject."""

    told: dict[str, Any]
    whose: str


def _people(call: Call) -> list[tuple[str, dict[str, Any]]]:
    """Who was told of, each with the details that are sealed, as of any search."""
    collection = call.parameters["CollectionId"]
    told = {"operation": call.operation.name, "request_id": call.request_id, "collection": collection}
    told |= {"purpose": call.caller.purpose}
    return [(f"{collection}/{whose}", told | details) for whose, details in call.people]


class Faces:
    """Looks for the people of collections. Thread-safe."""

    def __init__(self, rooms: Rooms) -> None:
        self._rooms = rooms
        self._streams = streams_of(rooms)
        self._empty, self._lock = dict[int, list[dict[str, Any]]](), threading.Lock()

    def ready(self, processor: Processor) -> None:
        """Load the models and the collection. Raises NotAllowed, CollectionSealed and NoSuchCollection."""
        kept, (picture, face) = self._collection(processor), nobody()
        of = self._rooms.faces
        of.detect(picture)
        of.describe(picture, face, _DEFAULT)
        (embedding,) = of.embed(picture, [face], kept.face_model)
        probe = Probe(embedding=embedding, face_model=kept.face_model)
        # What is found is nobody's: nothing is this much like it.
        self._rooms.gallery.search.faces(processor.organization, kept.collection_id, probe, 1, 1.0)

    def look(self, processor: Processor, moment: Moment) -> Processor:
        """Tell of a frame, to Kinesis. Raises Superseded, NotAllowed, CollectionSealed and NoSuchCollection."""
        call = self._call(processor)
        matches = self._matches(processor, call, moment)
        if not matches:
            self._tell_nobody(processor, moment.at)
            return processor
        processors = self._streams.processors
        with writing(processors.engine, f"stream/{processor.id}") as connection:
            own = processors.own(connection, processor)
            for match in matches:
                # One record a person: after an erasure theirs alone is not sent.
                record = frame_record(processor, moment.at, [match.told])
                self._owe(connection, own, record, moment.at, match.whose)
            processors.tell(connection, own, "matched", _people(call))
            assert own.session is not None
            session = msgspec.structs.replace(own.session, told_at=processors.clock())
            own = processors.change(connection, own, session=session)
        if self._rooms.found_notices is not None:
            self._rooms.found_notices.owe(call)
        return own

    def end(self, processor: Processor) -> None:
        """Forget what was not told yet of frames on which nobody is known."""
        with self._lock:
            self._empty.pop(processor.id, None)

    def _call(self, processor: Processor) -> Call:
        """A call as whoever started the processor made it: what is compared is told by the same rules."""
        session = processor.session
        assert session is not None
        caller = Caller(session.access_key, processor.organization, session.purpose)
        asked = {"CollectionId": processor.given["Settings"]["FaceSearch"]["CollectionId"]}
        operation = answered()[session.operation]
        return Call(caller, operation, asked, processor.region, session.id, floor=session.floor)

    def _matches(self, processor: Processor, call: Call, moment: Moment) -> list[_Match]:
        rooms, collection = self._rooms, call.parameters["CollectionId"]
        face_model = self._collection(processor).face_model
        asked = processor.given["Settings"]["FaceSearch"].get("FaceMatchThreshold", LEAST_THRESHOLD)
        at_least = least_score(call, face_model, asked)
        faces = [face for face in rooms.faces.detect(moment.picture) if not face.doubtful]
        if not faces:
            return []
        embeddings = rooms.faces.embed(moment.picture, faces, face_model)
        found: list[_Match] = []
        for face, embedding in zip(faces, embeddings, strict=True):
            probe = Probe(embedding=embedding, face_model=face_model)
            near, _ = rooms.gallery.search.faces(processor.organization, collection, probe, MOST_FACES, at_least)
            likes = [like_face(score, each, each) for score, each in near]
            found += self._told(call, face_model, moment, face, likes, at_least)
        return found

    def _collection(self, processor: Processor) -> Kept:
        """The collection that a processor searches, as long as it is the one that it was started with."""
        gallery, name = self._rooms.gallery, processor.given["Settings"]["FaceSearch"]["CollectionId"]
        gallery.require_open(processor.organization, name)
        with gallery.reading() as connection:
            kept = gallery.collections.find(connection, processor.organization, name)
        if processor.session is None or kept.id != processor.session.collection:
            raise NotAllowed(f"{name} is another collection than when it was started. Start it again.")
        return kept

    def _told(
        self, call: Call, face_model: str, moment: Moment, face: Face, likes: list[Like[KeptFace]], at_least: float
    ) -> list[_Match]:
        """Whom a face is like, of those who may be told of: each once, with all their faces."""
        by_subject: dict[str, list[Like[KeptFace]]] = {}
        for like in likes:
            by_subject.setdefault(like.whose, []).append(like)
        found: list[_Match] = []
        for whose, theirs in by_subject.items():
            # The same each time that they pass: two people look at a person of a session once.
            compared = Compared(f"{call.request_id}/{whose}".encode(), moment.picture, face, alone=True)
            shown = told(call, self._rooms, face_model, compared, theirs, at_least)
            if shown:
                detail = face_detail(face, self._rooms.faces.describe(moment.picture, face, _DEFAULT))
                matched = [{"Similarity": each.similarity, "Face": kept_face(each.found)} for each in shown]
                found.append(_Match({"DetectedFace": detail, "MatchedFaces": matched}, whose))
        return found

    def _owe(self, connection: Connection, processor: Processor, record: dict[str, Any], at: float, whose: str) -> None:
        """Owe the record of somebody to Kinesis, and to the webhook."""
        messages, about = self._streams.messages, {"whose": whose, "search": processor.arn}
        messages.owe(connection, processor.organization, self._records(processor, [record]), KINESIS, **about)
        if messages.webhook is not None:
            words = words_of(of_hook("stream.face", processor, record, at))
            messages.owe(connection, processor.organization, Message(messages.webhook.address, words), WEBHOOK, **about)

    def _tell_nobody(self, processor: Processor, at: float) -> None:
        """The record of a frame on which nobody is known: the same, whether there are people on it or not."""
        with self._lock:
            waiting = self._empty.setdefault(processor.id, [])
            waiting.append(frame_record(processor, at, []))
            if len(waiting) < _TOGETHER:
                return
            del self._empty[processor.id]
        messages = self._streams.messages
        if messages.owed() < _MOST_OWED:
            with writing(self._streams.processors.engine, f"stream/{processor.id}") as connection:
                messages.owe(connection, processor.organization, self._records(processor, waiting), KINESIS)

    def _records(self, processor: Processor, told: list[dict[str, Any]]) -> Records:
        stream = processor.given["Output"]["KinesisDataStream"]["Arn"]
        return Records(stream, processor.name, records_of(told))
