"""A stored film, decoded in a process of its own: what it says of itself, and its frames in sequence."""

from __future__ import annotations

import logging
import os
import signal
import stat
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import BinaryIO, Self

import numpy as np

from regard.settings import Settings
from regard.vision.pictures.images import Picture
from regard.vision.video.decoders import Decoder, Decoders
from regard.vision.video.messages import About, Ended, Failed, Garbled, Heard, Measured, Over, Request, Shown, receive
from regard.vision.video.sealed import SealedFilm

# AWS's own words, which programs look for; the cause comes after them.
UNSUPPORTED = "Unsupported codec/format."
MIB = 1 << 20
# What fits into a pipe without a reader.
_MOST_WORDS = 4096
_log = logging.getLogger(__name__)
DECODERS = Decoders()


class VideoError(ValueError):
    """A film that cannot be decoded, or not to its end: AWS's words, and the cause."""

    def __init__(self, cause: str) -> None:
        super().__init__(f"{UNSUPPORTED} {cause}")
        self.cause = cause


@dataclass(frozen=True, slots=True)
class Limits:
    """What a film may be, and what decoding it may take: bytes, minutes, MiB of memory, threads."""

    size: int
    minutes: int
    memory: int
    threads: int = 1

    @classmethod
    def of(cls, settings: Settings) -> Limits:
        """Those of the settings."""
        return cls(settings.video_size * MIB, settings.video_minutes, settings.video_memory, settings.threads)


@dataclass(frozen=True, slots=True)
class Frame:
    """A frame, upright: its number in the film, from 0 on, and its time in whole milliseconds, floored."""

    number: int
    milliseconds: int
    picture: Picture


class Decoded:
    """What a decoding process tells: the part that films and live pictures share. Use it as a context."""

    def __init__(self, decoder: Decoder) -> None:
        self._decoder = decoder
        self._told = decoder.told
        self.over: Over | None = None

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, _kind: type[BaseException] | None, _error: BaseException | None, _trace: TracebackType | None
    ) -> None:
        self.close()

    def close(self) -> None:
        """End the process, whatever it is at."""
        self.over = self._decoder.close()

    def _next(self) -> About | Shown | Measured | Heard | Ended:
        message = receive(self._told)
        if message is None:
            raise VideoError(self._ended_early())
        if isinstance(message, Failed):
            raise VideoError(message.cause)
        return message

    def _ended_early(self) -> str:
        """Why the process is no more, where it did not say so. What Python says of it goes to the log."""
        code = self._decoder.wait().code
        words = os.read(self._decoder.errors.fileno(), _MOST_WORDS).decode(errors="replace")
        _log.warning("the decoder ended with code %d: %s", code, words)
        return _cause(code)

    def _picture(self, shown: Shown) -> Picture:
        pixels = np.empty((shown.height, shown.width, 3), np.uint8)
        into, at = pixels.data.cast("B"), 0
        while at < len(into):
            read = self._told.readinto(into[at:])  # type: ignore[attr-defined]
            if not read:
                raise VideoError(self._ended_early())
            at += read
        return Picture(pixels, "PNG")


class Film(Decoded):
    """A film that is being decoded; iterate over it once. Use it as a context, so that its process ends.

    `about` is what the file says of itself; once all frames came, `ended` says how many there were, how long the film
    was, and how many of its packets could not be decoded. Once it is closed, `over` says what decoding it took.
    """

    def __init__(self, film: Path | SealedFilm, interval: int, limits: Limits, black: float | None = None) -> None:
        """Begin to decode a film: a frame each `interval` milliseconds, or every frame where it is 0.

        Where `black` is given, 0 to 1, frames are measured (:meth:`measured`) in place of shown. Raises VideoError for
        what is no film or too large a one, and OSError for what cannot be read.
        """
        path, key = (film.path, film.key.hex()) if isinstance(film, SealedFilm) else (film, "")
        request = Request(interval, limits.minutes * 60_000, limits.memory, limits.threads, black, key)
        with path.open("rb") as file:
            _require_file(file, limits)
            super().__init__(DECODERS.begin(file, request))
        self.ended: Ended | None = None
        try:
            about = self._next()
            if not isinstance(about, About):
                raise Garbled("a film without a beginning")
        except Garbled as error:
            self.close()
            raise VideoError(f"The decoder stopped: {error}.") from None
        except BaseException:
            self.close()
            raise
        self.about = about

    def __iter__(self) -> Iterator[Frame]:
        """The frames in sequence. Raises VideoError where the film ends before its end."""
        for message in self._messages():
            if isinstance(message, Shown):
                yield Frame(message.number, message.milliseconds, self._picture(message))

    def measured(self) -> Iterator[Measured | Heard]:
        """What is measured of each frame, and what is heard, in sequence. Raises VideoError as above."""
        for message in self._messages():
            if isinstance(message, Measured | Heard):
                yield message

    def _messages(self) -> Iterator[Shown | Measured | Heard]:
        """What comes after the beginning, up to the end."""
        while True:
            try:
                message = self._next()
            except Garbled as error:
                raise VideoError(f"The decoder stopped: {error}.") from None
            if isinstance(message, About):
                raise VideoError("The decoder stopped: it told of two films.")
            if isinstance(message, Ended):
                self.ended = message
                return
            yield message


def _require_file(file: BinaryIO, limits: Limits) -> None:
    found = os.fstat(file.fileno())
    if not stat.S_ISREG(found.st_mode):
        raise VideoError("It is no regular file.")
    if found.st_size > limits.size:
        raise VideoError(
            f"The file has {found.st_size / MIB:,.0f} MiB, more than {limits.size / MIB:,.0f} (REGARD_VIDEO_SIZE)."
        )


def _cause(code: int) -> str:
    if -code == signal.SIGXCPU:
        return "Decoding it takes more processor time than a film of its length may."
    if -code == signal.SIGKILL:
        return "The decoder was stopped from outside; the system may have run out of memory."
    how = f"by {signal.Signals(-code).name}" if code < 0 else f"with code {code}"
    return f"The decoder ended {how}; the file may be damaged."


@dataclass(frozen=True, slots=True)
class Films:
    """Opens films within the limits of the settings."""

    interval: int
    limits: Limits

    @classmethod
    def of(cls, settings: Settings) -> Films:
        """Those of the settings."""
        return cls(settings.video_interval, Limits.of(settings))

    def sampled(self, film: Path | SealedFilm) -> Film:
        """A film whose frames are looked at. Raises VideoError and OSError."""
        return Film(film, self.interval, self.limits)

    def measured(self, film: Path | SealedFilm, black: float) -> Film:
        """A film whose frames are measured; `black` as :class:`Film` has it. Raises VideoError and OSError."""
        return Film(film, 0, self.limits, black)

    def whole(self, film: Path | SealedFilm) -> Film:
        """A film with every frame. Raises VideoError and OSError."""
        return Film(film, 0, self.limits)
