"""Runners: each works on one processor, from the camera to what is told, until its session is over.

A camera that is lost is connected to again, after pauses that grow; one that stays away, or gives what is not looked at
here, fails the processor with the cause. A worker that is killed loses nothing but the moment: another goes on with the
session as it stands in the database.
"""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable
from contextlib import AbstractContextManager
from typing import NamedTuple, Protocol

import msgspec
from sqlalchemy import Connection
from sqlalchemy.exc import SQLAlchemyError

from regard.database import writing
from regard.streams.cameras.watching import Moment
from regard.streams.errors import CameraLost, CameraUnfit, NoSource, NotAllowed, ProcessorChanged, Superseded
from regard.streams.processor import Processor, Status
from regard.streams.processors import Processors
from regard.streams.sources import Source, Sources

# Seconds from one try to connect to the next: doubled each time, up to the most.
FIRST_PAUSE, MOST_PAUSE = 1.0, 30.0
# How soon a runner hears that it is to stop while no frame comes.
_LOOK_SECONDS = 0.5
_BEAT_SECONDS, _SWEEP_SECONDS = 5.0, 0.5
# One worker works on so many processors at once, each with threads of its own.
MOST_AT_ONCE = 10
_log = logging.getLogger(__name__)


class Camera(Protocol):
    """What gives frames."""

    def next(self, seconds: float) -> Moment | None:
        """As :meth:`regard.streams.cameras.watching.Watching.next`."""


class Looking(Protocol):
    """What is done with frames."""

    def ready(self, processor: Processor) -> None:
        """Load what its frames are looked at with, before there is one that would wait for it. Raises NotAllowed."""

    def look(self, processor: Processor, moment: Moment) -> Processor:
        """Look at a frame; the processor as it stands then. Raises Superseded, NotAllowed."""

    def end(self, connection: Connection, processor: Processor, cause: str) -> Processor:
        """Tell, within the transaction that ends a session, that it is over; the processor as it stands then."""


class Tools(NamedTuple):
    """What runners work with. `watch` opens a camera; after `patience` seconds without a frame it is given up."""

    processors: Processors
    sources: Sources
    watch: Callable[[Source], AbstractContextManager[Camera]]
    looking: Looking
    patience: float


class Runner:
    """Works on one processor. `wait` sleeps for so many seconds, or says at once that this worker ends."""

    def __init__(self, tools: Tools, holder: str, wait: Callable[[float], bool]) -> None:
        self._tools, self._holder, self._wait = tools, holder, wait
        self._clock = tools.processors.clock
        self._lag = 0.0

    def lag(self) -> float:
        """By how many seconds a frame was late, at most, since this was asked the last time."""
        lag, self._lag = self._lag, 0.0
        return lag

    def run(self, number: int) -> None:
        """Work on a processor until its session is over, or this worker ends; on one of somebody else's not at all."""
        try:
            processor = self._tools.processors.begin(number, self._holder)
        except (Superseded, ProcessorChanged) as reason:
            _log.info("nothing to do on the stream processor %d: %s", number, reason)
            return
        try:
            cause = self._worked(processor)
            if cause is not None:
                self._end(processor, cause)
        except Superseded:
            _log.info("the stream processor %d is over, or somebody else's", number)

    def _worked(self, processor: Processor) -> str | None:
        """Why the session is over: empty where that is well. None where it is not, and this worker ends."""
        seen_at, pause = self._clock(), FIRST_PAUSE
        while True:
            try:
                if (over := self._is_over(processor)) or self._wait(0.0):
                    return "" if over else None
                source = self._source(processor)
                self._tools.looking.ready(processor)
                with self._tools.watch(source) as camera:
                    while True:
                        moment = camera.next(_LOOK_SECONDS)
                        # A frame that comes after the stop is not looked at.
                        if self._is_over(processor) or self._wait(0.0):
                            break
                        if moment is not None:
                            seen_at, pause = self._clock(), FIRST_PAUSE
                            processor = self._looked(processor, moment)
            except EOFError:
                return ""
            except (CameraUnfit, NotAllowed) as error:
                return str(error)
            except CameraLost as error:
                if self._clock() - seen_at > self._tools.patience:
                    return f"No picture for {self._clock() - seen_at:.0f} seconds. {error}"
                _log.warning("the stream processor %d has no camera: %s", processor.id, error)
            except (Superseded, SQLAlchemyError):
                raise
            except Exception:
                # What went wrong may have been said in words of the camera: only the operator reads it.
                _log.exception("the stream processor %d failed", processor.id)
                return "An error of the service; its log says more."
            else:
                # The session is over, or this worker ends: which, is asked above.
                continue
            self._pause(processor, pause)
            pause = min(2 * pause, MOST_PAUSE)

    def _pause(self, processor: Processor, seconds: float) -> None:
        """Wait for a while, unless the session is over meanwhile, or this worker ends."""
        until = self._clock() + seconds
        while (left := until - self._clock()) > 0 and not self._is_over(processor):
            if self._wait(min(left, _LOOK_SECONDS)):
                return

    def _source(self, processor: Processor) -> Source:
        try:
            source = self._tools.sources.get(processor.stream)
        except (NoSource, ProcessorChanged) as error:
            raise CameraUnfit(str(error)) from None
        session = processor.session
        if processor.searches_faces and session is not None and source.created_at != session.source_at:
            raise CameraUnfit("The source of the stream is another one than when it was started. Start it again.")
        return source

    def _is_over(self, processor: Processor) -> bool:
        """Whether a session is to end: it was stopped, or its time is over. Raises Superseded."""
        session = processor.session
        assert session is not None
        if self._tools.processors.status(processor) is Status.STOPPING:
            return True
        if session.seconds is None or session.first_at is None:
            return False
        return self._clock() >= session.first_at + session.seconds

    def _looked(self, processor: Processor, moment: Moment) -> Processor:
        session = processor.session
        assert session is not None
        if moment.at < session.begins_at:
            return processor
        processor = self._tools.looking.look(processor, moment)
        if session.first_at is None:
            # Only now: a worker that loads its models, or is killed while it does, takes nothing of the session's time.
            processor = self._begun(processor, self._clock())
        self._lag = max(self._lag, self._clock() - moment.at)
        return processor

    def _begun(self, processor: Processor, at: float) -> Processor:
        """Note when the first frame was looked at. One that searches faces is RUNNING from here on, as at AWS."""
        processors = self._tools.processors
        with writing(processors.engine, f"stream/{processor.id}") as connection:
            own = processors.own(connection, processor)
            assert own.session is not None
            session = msgspec.structs.replace(own.session, first_at=at, last_at=at)
            runs = own.searches_faces and own.status is Status.STARTING
            status = Status.RUNNING if runs else own.status
            return processors.change(connection, own, session=session, status=status)

    def _end(self, processor: Processor, cause: str) -> None:
        processors = self._tools.processors
        with writing(processors.engine, f"stream/{processor.id}") as connection:
            own = processors.own(connection, processor)
            assert own.session is not None
            if own.session.first_at is not None:
                last = own.session.first_at + self._lasted(own)
                session = msgspec.structs.replace(own.session, last_at=last)
                own = processors.change(connection, own, session=session)
            own = self._tools.looking.end(connection, own, cause)
            processors.end(connection, own, cause)

    def _lasted(self, processor: Processor) -> float:
        """For how many seconds of video a session was."""
        session = processor.session
        assert session is not None
        assert session.first_at is not None
        lasted = max(0.0, self._clock() - session.first_at)
        return lasted if session.seconds is None else min(lasted, float(session.seconds))


class Runners:
    """The runners of one worker, from `start` to `close`. `holder` is a name that no other worker has meanwhile.

    `is_gone` says of the name of another worker whether nobody has it any more: what such a one was at is gone on with
    before its lease is over.
    """

    def __init__(self, tools: Tools, holder: str, is_gone: Callable[[str], bool] = lambda _name: False) -> None:
        self._tools, self._holder, self._is_gone = tools, holder, is_gone
        self._over = threading.Event()
        self._running: dict[int, tuple[Runner, threading.Thread]] = {}
        self._thread = threading.Thread(target=self._run, name="streams", daemon=True)

    def start(self) -> None:
        """Begin to look for processors that nobody works on; first those that a worker of this name left."""
        self._thread.start()

    def close(self) -> None:
        """Work on nothing more. Sessions are gone on with by whoever works next."""
        self._over.set()
        self._thread.join()
        for _, thread in self._running.values():
            thread.join()
        try:
            self._tools.processors.leave(self._holder)
        except SQLAlchemyError:
            _log.warning("the database does not answer", exc_info=True)

    def _run(self) -> None:
        beat_at, left = 0.0, False
        while not self._over.is_set():
            try:
                if not left:
                    self._tools.processors.leave(self._holder)
                    left = True
                for each in self._tools.processors.holders() - {self._holder}:
                    if self._is_gone(each):
                        self._tools.processors.leave(each)
                self._sweep()
                if time.monotonic() >= beat_at:
                    beat_at = time.monotonic() + _BEAT_SECONDS
                    for number, (runner, _) in self._running.items():
                        self._tools.processors.beat(number, self._holder, runner.lag())
                    if not self._running:
                        self._stand_by()
            except SQLAlchemyError:
                _log.warning("the database does not answer", exc_info=True)
            self._over.wait(_SWEEP_SECONDS)

    def _stand_by(self) -> None:
        """Keep loaded what others work with, so that this worker goes on at once where one of them ends."""
        try:
            for each in self._tools.processors.wanted():
                self._tools.looking.ready(each)
        except (NotAllowed, ProcessorChanged) as error:
            _log.info("nothing is made ready: %s", error)

    def _sweep(self) -> None:
        for number in [number for number, (_, thread) in self._running.items() if not thread.is_alive()]:
            del self._running[number]
        for number in self._tools.processors.alone():
            if number not in self._running and len(self._running) < MOST_AT_ONCE:
                runner = Runner(self._tools, self._holder, self._over.wait)
                thread = threading.Thread(target=self._work, args=(runner, number), name="stream", daemon=True)
                self._running[number] = runner, thread
                thread.start()

    def _work(self, runner: Runner, number: int) -> None:
        try:
            runner.run(number)
        except SQLAlchemyError:
            # Its lease runs out, and it is gone on with.
            _log.warning("the database does not answer", exc_info=True)
