"""What decodes live pictures, in the process that decodes films: packets of one codec, each with the time it came.

It has no file and no network: whoever talks to the camera hands packets over by standard input. What is told of them is
as :mod:`regard.vision.video.decoding` tells it, and as little of it is believed unseen.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from typing import Any, BinaryIO

import av
from av.codec.context import CodecContext
from av.video.codeccontext import VideoCodecContext
from av.video.frame import VideoFrame

from regard.vision.video.confinement import Confinement
from regard.vision.video.decoding import upright
from regard.vision.video.messages import CODECS, HEAD, MOST_PIXELS, Failed, Garbled, Request, Shown, send

# One frame of 8K in MJPEG has less.
MOST_BYTES = 32 << 20
# So many packets one after another that cannot be decoded are no moment any more: a stream that begins within a group
# of pictures has as many until the next one begins.
_MOST_SPOILED = 600


def decode(request: Request) -> None:
    """Decode what comes until nothing does; in a process that ends with it, and used `warm` before."""
    confinement = Confinement(request.memory, request.milliseconds)
    packets, listener = os.fdopen(0, "rb", closefd=False), os.fdopen(1, "wb", closefd=False)
    try:
        _decode(request, packets, listener, confinement)
    except BrokenPipeError:
        os._exit(0)
    except MemoryError:
        send(listener, Failed(f"Decoding it takes more than {request.memory} MiB of memory (REGARD_VIDEO_MEMORY)."))
    except Garbled as error:
        send(listener, Failed(str(error)))
    except Exception as error:
        send(listener, Failed(f"It cannot be decoded: {str(error).rstrip('.')}."))


def warm() -> None:
    """Use once what loads more when it is first used."""
    for codec in CODECS:
        _context(codec)


def _decode(request: Request, packets: BinaryIO, listener: BinaryIO, confinement: Confinement) -> None:
    context, number, due, first, spoiled = _context(request.codec), 0, 0, -1, 0
    for milliseconds, packet in _packets(packets):
        first = milliseconds if first < 0 else first
        confinement.give((milliseconds - first) / 1000)
        frames = _frames(context, packet)
        spoiled = 0 if frames else spoiled + 1
        if spoiled > _MOST_SPOILED:
            raise Garbled(f"{spoiled} packets one after another that cannot be decoded.")
        # What a camera sends in a burst is one moment: the last of it is looked at.
        if frames and milliseconds >= due:
            pixels = upright(frames[-1])
            shown = Shown(number, milliseconds, pixels.shape[1], pixels.shape[0])
            send(listener, shown, pixels.data.cast("B"))
            number, due = number + 1, milliseconds + request.interval


def _context(codec: str) -> VideoCodecContext:
    context: Any = CodecContext.create(codec, "r")
    context.thread_count = 1
    context.options = {"max_pixels": str(MOST_PIXELS)}
    # A frame is given as soon as it is whole: nobody waits for the ones after it.
    context.flags |= 1 << 19
    found: VideoCodecContext = context
    return found


def _packets(stream: BinaryIO) -> Iterator[tuple[int, bytes]]:
    while head := stream.read(HEAD.size):
        length, milliseconds = HEAD.unpack(head)
        if length > MOST_BYTES:
            raise Garbled(f"a packet of {length:,} bytes; at most {MOST_BYTES:,} are decoded")
        data = stream.read(length)
        if len(data) == length:
            yield milliseconds, data


def _frames(context: VideoCodecContext, data: bytes) -> list[VideoFrame]:
    try:
        return list(context.decode(av.Packet(data)))
    except av.error.FFmpegError as error:
        if isinstance(error, MemoryError | BrokenPipeError):
            raise
        return []
