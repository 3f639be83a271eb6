"""What is done with the frames of live video, for the runners of a worker."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from typing import Any, NamedTuple

from sqlalchemy import Connection

from regard.gallery.collections.errors import CollectionSealed, NoSuchCollection, TermsChanged
from regard.operations.common.rooms import Rooms
from regard.operations.streams.asking import streams_of
from regard.operations.streams.faces import Faces
from regard.stewardship.policy.denied import Denied
from regard.streams.cameras.watching import Moment, Watching, opening
from regard.streams.errors import CameraUnfit, NotAllowed
from regard.streams.homes import Home, Seen
from regard.streams.processor import Processor, Session
from regard.streams.running import Tools
from regard.streams.sources import Source
from regard.vision.models.manifest import WeightsError
from regard.vision.models.runtime import RuntimeUnavailable
from regard.vision.pictures.images import Picture
from regard.vision.things.taxonomy import of_coco
from regard.vision.video.live.live import make_ready

# How often the gate is asked again about a processor that searches no faces, in seconds.
_ASK_SECONDS = 1.0


class _Started(NamedTuple):
    """What the gate is asked again: the start of a processor, by whoever started it."""

    id: str
    access_key: str
    operation: str
    given: dict[str, Any]


class Eyes:
    """Looks at the frames of processors, as long as they may be looked at. Thread-safe."""

    def __init__(self, rooms: Rooms) -> None:
        self._rooms = rooms
        streams = streams_of(rooms)
        self._clock = streams.processors.clock
        self._home = Home(streams.processors, streams.messages, partial(_seen, rooms))
        self._faces = Faces(rooms)
        self._asked, self._lock = dict[str, float](), threading.Lock()
        self._loading = threading.Lock()

    def ready(self, processor: Processor) -> None:
        """Load what the frames of a processor are looked at with. Raises NotAllowed where that is not there."""
        # One loads, and those who come meanwhile wait: they would load the same.
        with _allowed(), self._loading:
            make_ready(self._rooms.films.limits)
            if processor.searches_faces:
                self._faces.ready(processor)
            else:
                self._home.ready(processor)

    def look(self, processor: Processor, moment: Moment) -> Processor:
        """Look at a frame; the processor as it stands then. Raises Superseded, NotAllowed."""
        with _allowed():
            self._require(processor)
            if processor.searches_faces:
                return self._faces.look(processor, moment)
            return self._home.look(processor, moment)

    def end(self, connection: Connection, processor: Processor, cause: str) -> Processor:
        """Tell that a session is over, where that is told."""
        assert processor.session is not None
        with self._lock:
            self._asked.pop(processor.session.id, None)
        if processor.searches_faces:
            self._faces.end(processor)
            return processor
        return self._home.end(connection, processor, cause)

    def _require(self, processor: Processor) -> None:
        """Raise Denied where whoever started a processor might not start it now; of faces, at each frame."""
        session, now = processor.session, self._clock()
        assert session is not None
        if processor.searches_faces:
            self._rooms.live_search(processor, None)
        elif now - self._asked.get(session.id, 0.0) < _ASK_SECONDS:
            return
        if self._rooms.standing is not None:
            self._rooms.standing.require(_started(session))
        with self._lock:
            self._asked[session.id] = now


@contextmanager
def _allowed() -> Iterator[None]:
    """Raise NotAllowed for whatever keeps frames from being looked at."""
    try:
        yield
    except (Denied, CollectionSealed, NoSuchCollection, TermsChanged, WeightsError, RuntimeUnavailable) as error:
        raise NotAllowed(str(error)) from error


def _started(session: Session) -> _Started:
    return _Started(session.id, session.access_key, session.operation, dict(session.asked))


def tools(rooms: Rooms) -> Tools:
    """What the runners of a worker work with."""
    streams = streams_of(rooms)

    def watch(source: Source) -> Watching:
        try:
            place = source.place
        except ValueError as error:
            raise CameraUnfit(str(error)) from None
        connect = opening(streams.reach, streams.pipes, source.arn)
        return Watching(place, connect, rooms.films.limits, streams.processors.clock)

    return Tools(streams.processors, streams.sources, watch, Eyes(rooms), streams.patience)


def _seen(rooms: Rooms, picture: Picture) -> list[Seen]:
    return [Seen(of_coco()[each.kind], each.confidence, each.box) for each in rooms.labels.objects(picture)]
