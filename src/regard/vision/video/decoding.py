"""What decodes one film, in a process of its own: the film on standard input, what is told of it on standard output.

It reads what strangers made, by a library of a million lines of C: :mod:`regard.vision.video.confinement` says what it
may use, :mod:`regard.vision.video.forking` starts it, and :mod:`regard.vision.video.film` believes none of what it says
unseen. Frames are decoded in sequence, without seeking.
"""

from __future__ import annotations

import io
import os
from collections import deque
from collections.abc import Iterator
from fractions import Fraction
from typing import Any, BinaryIO, NamedTuple, cast

import av
import av.subtitles.codeccontext
import av.subtitles.stream
import numpy as np
from av.audio.stream import AudioStream
from av.container import InputContainer
from av.video.frame import VideoFrame
from av.video.stream import VideoStream

from regard.vision.video.confinement import Confinement
from regard.vision.video.containers import NotWhole, require_whole
from regard.vision.video.measures import Hearing, Measures
from regard.vision.video.messages import (
    MOST_PIXELS,
    REACH,
    About,
    Ended,
    Failed,
    Garbled,
    Heard,
    Request,
    Shown,
    Sound,
    require_size,
    send,
)
from regard.vision.video.sampling import Sampled, Sampler, Thrift, Unforeseen
from regard.vision.video.sealed import BLOCK, Unsealing

# What begins as an MP4 may be a list of other files ("ffconcat"), or a playlist: only these are ever taken for a film.
FORMATS = "mov,mp4,m4a,3gp,3g2,mj2,matroska,webm"
CODECS = {"h264": "H.264", "hevc": "HEVC", "vp8": "VP8", "vp9": "VP9", "av1": "AV1"}
# The codecs are those that are tried to find out what a film holds; which one is decoded then, `_stream_of` decides.
OPTIONS = {
    "format_whitelist": FORMATS,
    "protocol_whitelist": "file",
    "codec_whitelist": "h264,hevc,vp8,vp9,libdav1d,av1,aac,mp3,mp3float,opus,libopus,vorbis,ac3,eac3,flac,alac",
}
SOUNDS = frozenset({"aac", "mp3", "opus", "vorbis", "ac3", "eac3", "flac", "alac"})
# One packet that cannot be decoded spoils a moment, and happens; of more than one in a hundred nobody knows what was
# to be seen. While a film runs some may come at once.
MOST_DAMAGED, _AT_ONCE = 0.01, 10
# A film that is so much shorter than its video says was cut short: more than what programs round.
_SHORTER, _SECONDS_SHORTER = 0.05, 1.0
_BUFFER = 1 << 18
# A film is not called damaged where there is less address space left than this, a few frames of 4K.
_SPARE = 64 << 20
# Disposition of a picture that is a cover and not a film.
_COVER = "attached_pic"


class Undecodable(ValueError):
    """Why a film cannot be decoded, in a sentence for people."""


class LeftOut(NamedTuple):
    """A frame that was not decoded, since nobody looks at it: its time, as a frame has it."""

    pts: int
    time_base: Fraction | None
    duration: int = 0


class Decoder:
    """Decodes one film, and tells what is in it by messages."""

    def __init__(self, request: Request, film: BinaryIO, listener: BinaryIO, confinement: Confinement) -> None:
        self._request = request
        self._film = film
        self._listener = listener
        self._confinement = confinement
        self._measures = None if request.black is None else Measures(request.black)
        self._hearing = Hearing()
        self._heard: deque[Heard] = deque()
        self._thrift: Thrift | None = None
        self._begun, self._told_until = False, -1
        self._packets = 0
        self._damaged = 0

    def run(self) -> None:
        """Tell about the film, show its frames, and tell its end. Raises Undecodable and what PyAV raises."""
        size = self._film.seek(0, os.SEEK_END)
        require_whole(self._film, size)
        try:
            self._decode(thrifty=True)
        except Unforeseen:
            # What was shown so far stands: it is what comes of the whole film.
            self._packets = self._damaged = 0
            self._decode(thrifty=False)

    def _decode(self, *, thrifty: bool) -> None:
        self._film.seek(0)
        with opened(self._film) as container:
            stream = _stream_of(container)
            stream.codec_context.thread_count = self._request.threads
            stream.codec_context.options = {"max_pixels": str(MOST_PIXELS)}
            self._thrift = _thrift_for(stream, self._request) if thrifty else None
            told = _declared(stream)
            self._require_length(told or _seconds(container.duration))
            sampler: Sampler[VideoFrame | LeftOut] = Sampler(self._request.interval)
            for number, milliseconds, frame in self._sampled(container, stream, sampler):
                if isinstance(frame, LeftOut):
                    raise Unforeseen
                if not self._begun:
                    send(self._listener, _about(container, stream, frame))
                    self._begun = True
                if milliseconds > self._told_until or not self._request.interval:
                    self._tell(Sampled(number, milliseconds, frame))
                    self._told_until = milliseconds
            if not self._begun:
                raise Undecodable("The file has no frame that can be decoded.")
            self._require_whole(sampler.time, told)
            while self._heard:
                send(self._listener, self._heard.popleft())
            send(self._listener, Ended(sampler.frames, int(sampler.time * 1000), self._damaged))

    def _sampled(
        self, container: InputContainer, stream: VideoStream, sampler: Sampler[VideoFrame | LeftOut]
    ) -> Iterator[Sampled[VideoFrame | LeftOut]]:
        """The frames that are chosen. Times count from the first frame."""
        start: Fraction | None = None
        last, rate = Fraction(0), stream.average_rate or stream.guessed_rate or Fraction(25)
        length = 1 / Fraction(rate)
        for frame in self._frames(container, stream):
            base = frame.time_base or stream.time_base
            if frame.pts is None or base is None:
                time = sampler.time + length if sampler.frames else Fraction(0)
            else:
                at = Fraction(frame.pts * base)
                start = at if start is None else start
                time = max(at - start, sampler.time)
            self._require_length(time)
            self._confinement.give(float(time))
            yield from sampler.add(time, frame)
            lasting = Fraction(frame.duration * base) if frame.duration and base else length
            last = min(lasting, Fraction(1)) if lasting > 0 else length
        yield from sampler.end(last)

    def _frames(self, container: InputContainer, stream: VideoStream) -> Iterator[VideoFrame | LeftOut]:
        packets = self._packets_of(container, stream)
        for packet in packets if self._thrift is None else self._thrift.needed(packets):
            if packet.stream is not stream:
                self._hear(packet)
                continue
            try:
                frames = packet.decode()
            except av.error.FFmpegError as error:
                _pass_on(error)
                self._count_damage()
                continue
            for frame in frames:
                if frame.is_corrupt:
                    self._count_damage()
                if self._thrift is not None:
                    yield from (LeftOut(time, frame.time_base) for time in self._thrift.before(frame.pts))
                yield frame
        if self._thrift is not None:
            self._thrift.end()
        if self._damaged > max(1, MOST_DAMAGED * self._packets):
            raise self._too_damaged()

    def _packets_of(self, container: InputContainer, stream: VideoStream) -> Iterator[Any]:
        """Every packet of the video, and at last an empty one, after which the decoder gives what it still has.

        Where frames are measured, those of the sound as well.
        """
        sound = container.streams.best("audio") if self._measures is not None else None
        streams = [stream] if sound is None or not _is_heard(sound.codec_context) else [stream, sound]
        while True:
            try:
                for packet in container.demux(streams):
                    self._packets += packet.stream is stream and packet.size > 0
                    yield packet
                return
            except av.error.FFmpegError as error:
                _pass_on(error)
                self._count_damage()

    def _count_damage(self) -> None:
        if self._thrift is not None:
            raise Unforeseen
        self._damaged += 1
        if self._damaged > _AT_ONCE + MOST_DAMAGED * self._packets:
            raise self._too_damaged()

    def _too_damaged(self) -> Undecodable:
        # Of frames that it has no memory for the decoder of H.264 says that they are damaged: that raises MemoryError.
        bytearray(_SPARE)
        return Undecodable(f"The video is damaged: {self._damaged} of {self._packets} packets cannot be decoded.")

    def _require_length(self, seconds: Fraction | float) -> None:
        if seconds * 1000 > self._request.milliseconds:
            raise Undecodable(f"The video is longer than {self._request.milliseconds / 60_000:g} minutes.")

    def _require_whole(self, seconds: Fraction, told: Fraction) -> None:
        if float(told - seconds) > max(_SECONDS_SHORTER, _SHORTER * told):
            raise Undecodable(f"The video breaks off after {float(seconds):.1f} of its {float(told):.1f} seconds.")

    def _hear(self, packet: Any) -> None:
        """Listen to a packet of sound. What cannot be decoded of it is silence."""
        try:
            frames = packet.decode()
        except av.error.FFmpegError as error:
            _pass_on(error)
            return
        for frame in frames:
            for heard in self._hearing.add(frame):
                self._heard.append(heard)

    def _tell(self, sampled: Sampled[VideoFrame]) -> None:
        """Show a frame, or tell what is measured of it."""
        if self._measures is None:
            self._show(sampled)
            return
        # What is heard before the first frame must not come before the film is told about.
        while self._heard:
            send(self._listener, self._heard.popleft())
        send(self._listener, self._measures.of(*sampled))

    def _show(self, sampled: Sampled[VideoFrame]) -> None:
        pixels = upright(sampled.frame)
        shown = Shown(sampled.number, sampled.milliseconds, pixels.shape[1], pixels.shape[0])
        send(self._listener, shown, pixels.data.cast("B"))


def opened(film: BinaryIO) -> InputContainer:
    """A film as FFmpeg reads it, within what is allowed above. Raises Undecodable."""
    try:
        return cast(InputContainer, av.open(film, options=OPTIONS, buffer_size=_BUFFER, metadata_errors="replace"))
    except av.error.FFmpegError as error:
        _pass_on(error)
        raise Undecodable(f"The file cannot be opened as MP4, MOV, MKV or WebM: {error.strerror}.") from None


def _stream_of(container: InputContainer) -> VideoStream:
    """The video of a film, ready to be decoded. Raises Undecodable."""
    films = [stream for stream in container.streams.video if _COVER not in str(stream.disposition)]
    best = container.streams.best("video")
    stream = best if best in films else films[0] if films else None
    if not isinstance(stream, VideoStream):
        what = "sound only" if container.streams.audio else "no video stream"
        raise Undecodable(f"The file has no video: {what}.")
    context = stream.codec_context
    if context is None or stream.codec.canonical_name not in CODECS:
        name = stream.codec.canonical_name if context is not None else "of this file"
        known = ", ".join(CODECS.values())
        raise Undecodable(f"Video of the codec {name} is not decoded; convert it to one of {known}.")
    require_size(context.width, context.height)
    return stream


def _thrift_for(stream: VideoStream, request: Request) -> Thrift | None:
    """What need not be decoded of a film, where it can be told: its packets say of each unit how long it is (avcC)."""
    told, base = stream.codec_context.extradata, stream.time_base
    if told is None or len(told) < 5 or told[0] != 1 or stream.codec.canonical_name != "h264":
        return None
    if not (base and request.interval) or request.black is not None:
        return None
    return Thrift(request.interval, Fraction(base), 1 + (told[4] & 3))


def _declared(stream: VideoStream) -> Fraction:
    """How many seconds the video says that it lasts; 0 where it says nothing."""
    if stream.duration and stream.time_base:
        return Fraction(stream.duration * stream.time_base)
    # Matroska has it as "00:00:05.000000000" for each track, where whoever wrote the file put it.
    try:
        hours, minutes, seconds = stream.metadata["DURATION"].split(":")
        return 3600 * int(hours) + 60 * int(minutes) + Fraction(seconds)
    except (KeyError, ValueError):
        return Fraction(0)


def _about(container: InputContainer, stream: VideoStream, frame: VideoFrame) -> About:
    turned = _quarters(frame) % 2
    context = stream.codec_context
    length = _declared(stream) or _seconds(container.duration)
    return About(
        format=container.format.long_name,
        codec=stream.codec.canonical_name,
        rate=float(stream.average_rate or 0),
        milliseconds=int(length * 1000),
        width=frame.height if turned else frame.width,
        height=frame.width if turned else frame.height,
        full_range=int(context.color_range) == _FULL or frame.format.name.startswith("yuvj"),
        begins=int((frame.pts or 0) * (frame.time_base or stream.time_base or 0) * 1000),
        sounds=tuple(_sound(each) for each in container.streams.audio),
    )


def _is_heard(context: Any) -> bool:
    """Whether sound is decoded: what is rare is not worth another decoder that reads strangers' files."""
    return context is not None and (context.codec.canonical_name in SOUNDS or context.name.startswith("pcm_"))


def _sound(stream: AudioStream) -> Sound:
    length = (stream.duration or 0) * (stream.time_base or 0)
    return Sound(stream.codec.canonical_name, int(length * 1000), stream.rate or 0, stream.channels or 0)


# AVCOL_RANGE_JPEG.
_FULL = 2


def _seconds(duration: int | None) -> Fraction:
    return Fraction(duration, av.time_base) if duration and duration > 0 else Fraction(0)


def _quarters(frame: VideoFrame) -> int:
    """By how many quarters a frame is to be turned against the clock to be upright."""
    return round(frame.rotation / 90) % 4


def upright(frame: VideoFrame) -> np.ndarray[Any, np.dtype[np.uint8]]:
    """The pixels of a frame, turned upright. Raises Garbled for one that is too large."""
    require_size(frame.width, frame.height)
    return np.ascontiguousarray(np.rot90(frame.to_ndarray(format="rgb24"), _quarters(frame)))


def _pass_on(error: av.error.FFmpegError) -> None:
    """Raise what is no fault of the film."""
    if isinstance(error, MemoryError | BrokenPipeError):
        raise error


def warm() -> None:
    """Use once what loads more when it is first used: no file can be opened later. So is `av.subtitles` above."""
    av.logging.set_level(None)
    frame = VideoFrame(64, 64, "yuv420p")
    frame.to_ndarray(format="rgb24")
    measures = Measures(0.0)
    for number in range(2 * REACH + 1):
        measures.of(number, 0, frame)


def _film(key: str) -> BinaryIO:
    """What is on standard input, opened where it is sealed."""
    if not key:
        return os.fdopen(0, "rb", closefd=False)
    return io.BufferedReader(Unsealing(0, bytes.fromhex(key)), BLOCK)


def decode(request: Request) -> None:
    """Decode what is on standard input as it is asked for; in a process that ends with it, and used `warm` before."""
    confinement = Confinement(request.memory, request.milliseconds)
    film, listener = _film(request.key), os.fdopen(1, "wb", closefd=False)
    try:
        Decoder(request, film, listener, confinement).run()
    except BrokenPipeError:
        os._exit(0)
    except MemoryError:
        cause = f"Decoding it takes more than {request.memory} MiB of memory (REGARD_VIDEO_MEMORY)."
        send(listener, Failed(cause))
    except (Undecodable, NotWhole, Garbled) as error:
        send(listener, Failed(str(error)))
    except Exception as error:
        send(listener, Failed(f"It cannot be decoded: {str(error).rstrip('.')}."))
