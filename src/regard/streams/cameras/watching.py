"""Watching a camera: threads that read and decode, and the newest frame for whoever looks. What comes meanwhile is
dropped: nobody falls behind.
"""

from __future__ import annotations

import time
from collections import deque
from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path
from threading import Condition, Event, Lock, Thread
from types import TracebackType
from typing import NamedTuple, Self

from regard.streams.cameras.films import played
from regard.streams.cameras.mjpeg import Mjpeg
from regard.streams.cameras.packets import Packet, Stream
from regard.streams.cameras.pipes import Pipe
from regard.streams.cameras.places import FILE, PIPE, Place
from regard.streams.cameras.reaching import Reach
from regard.streams.cameras.rtsp import Rtsp
from regard.streams.errors import CameraLost, CameraUnfit
from regard.vision.pictures.images import Picture
from regard.vision.video.film import Limits, VideoError
from regard.vision.video.live.live import Live

# Milliseconds from one frame that is looked at to the next, at the least: what peers advise for cameras.
INTERVAL = 200
# Packets that wait for the decoder: 2 seconds of a camera of 30 frames a second, or so many bytes. One that has more is
# behind.
_MOST_WAITING, _MOST_BYTES = 60, 32 << 20
Opening = Callable[[Place], Stream]


class Moment(NamedTuple):
    """A frame, and the time at which it came, in seconds since 1970."""

    at: float
    picture: Picture


class Watching:
    """A camera that is watched from the beginning of a block to its end."""

    def __init__(self, place: Place, opening: Opening, limits: Limits, clock: Callable[[], float] = time.time) -> None:
        """`opening` connects to the place of a camera; limits are those of decoding it."""
        self._place, self._opening, self._limits, self._clock = place, opening, limits, clock
        self._over, self._ready = Event(), Condition()
        self._moment: Moment | None = None
        self._ended: Exception | None = None
        self._is_ended = False
        self._closing: list[Callable[[], None]] = []
        self._thread = Thread(target=self._run, name="camera", daemon=True)
        self.dropped = 0

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(
        self, _kind: type[BaseException] | None, _error: BaseException | None, _trace: TracebackType | None
    ) -> None:
        self._over.set()
        for close in list(self._closing):
            with suppress(OSError):
                close()
        self._thread.join()

    def next(self, seconds: float) -> Moment | None:
        """The newest frame that nobody saw, or None where none comes within so many seconds.

        Raises EOFError at the end of a film, CameraLost, CameraUnfit, AddressRefused.
        """
        with self._ready:
            self._ready.wait_for(lambda: self._moment is not None or self._is_ended, seconds)
            if self._moment is not None:
                moment, self._moment = self._moment, None
                return moment
            if self._ended is not None:
                raise self._ended
            if self._is_ended:
                raise EOFError
            return None

    def _give(self, moment: Moment) -> None:
        with self._ready:
            self.dropped += self._moment is not None
            self._moment = moment
            self._ready.notify_all()

    def _run(self) -> None:
        ended: Exception | None = None
        try:
            for moment in self._moments():
                self._give(moment)
        except VideoError as error:
            ended = CameraUnfit(error.cause)
        except Exception as error:
            ended = error
        with self._ready:
            self._ended, self._is_ended = ended, True
            self._ready.notify_all()

    def _moments(self) -> Iterator[Moment]:
        if self._place.kind == FILE:
            for at, picture in played(Path(self._place.path), INTERVAL, self._limits, self._over, self._clock):
                yield Moment(at, picture)
            return
        stream = self._opening(self._place)
        self._closing.append(stream.close)
        try:
            with Live(stream.codec, INTERVAL, self._limits) as live, Feeding(stream, live, self._clock) as feeding:
                for frame in live:
                    yield Moment(frame.milliseconds / 1000, frame.picture)
                raise feeding.cause or CameraLost(f"{self._place.shown} ended")
        finally:
            stream.close()


class Feeding:
    """Two threads between a camera and its decoder, so that reading never waits for decoding."""

    def __init__(self, stream: Stream, live: Live, clock: Callable[[], float]) -> None:
        self._stream, self._live, self._clock = stream, live, clock
        self._waiting, self._ready, self._over = deque[tuple[int, Packet]](), Condition(Lock()), False
        self._threads = [Thread(target=each, name="packets", daemon=True) for each in (self._read, self._feed)]
        self.cause: Exception | None = None

    def __enter__(self) -> Self:
        for each in self._threads:
            each.start()
        return self

    def __exit__(
        self, _kind: type[BaseException] | None, _error: BaseException | None, _trace: TracebackType | None
    ) -> None:
        self._stream.close()
        with self._ready:
            self._over = True
            self._waiting.clear()
            self._ready.notify_all()
        # Who waits for a decoder that takes no more is let go by its end.
        self._live.close()
        for each in self._threads:
            each.join()

    def _read(self) -> None:
        last, behind = 0, False
        try:
            for packet in self._stream.packets():
                now = int(self._clock() * 1000)
                # Of pictures that need no other, those too many are not even decoded.
                if self._stream.codec == "mjpeg" and now - last < INTERVAL - 10:
                    continue
                last = now
                with self._ready:
                    size = sum(len(each.data) for _, each in self._waiting)
                    if len(self._waiting) >= _MOST_WAITING or size > _MOST_BYTES:
                        self._waiting.clear()
                        behind = True
                    behind = behind and not packet.whole
                    if not behind:
                        self._waiting.append((now, packet))
                        self._ready.notify_all()
        except Exception as error:
            self.cause = error
        with self._ready:
            self._over = True
            self._ready.notify_all()

    def _feed(self) -> None:
        try:
            while True:
                with self._ready:
                    self._ready.wait_for(lambda: self._waiting or self._over)
                    if not self._waiting:
                        break
                    now, packet = self._waiting.popleft()
                self._live.feed(now, packet.data)
        except (OSError, ValueError):
            # The decoder ended, which whoever reads its frames hears.
            pass
        self._live.finish()


def opening(reach: Reach, pipes: Path, arn: str) -> Opening:
    """What connects to cameras on the network, and to the pipe of a stream."""

    def opened(place: Place) -> Stream:
        if place.kind in ("http", "https"):
            return Mjpeg(place, reach)
        return Pipe(pipes, arn) if place.kind == PIPE else Rtsp(place, reach)

    return opened
