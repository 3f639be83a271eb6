"""What the decoding process and the one that asked for it tell each other: JSON with its length before it, then pixels.

The process that decodes reads files of strangers. What it says is checked here as theirs is: by its shape, and within
bounds.
"""

from __future__ import annotations

import struct
from typing import BinaryIO

import msgspec

# No side of a frame is longer, and no frame has more pixels: 8K, as DCI has it, in whole blocks of 64.
MOST_SIDE = 16_384
MOST_PIXELS = 8192 * 4352
_MOST_WORDS = 65_536
# Over so many frames on each side a change is looked at for being one that goes on evenly, or a flash.
REACH = 4
_LENGTH = struct.Struct(">I")
# What cameras send here. Sound is not taken.
CODECS = ("mjpeg", "h264", "hevc")
# A packet of theirs before its bytes: how many they are, and the milliseconds at which it came.
HEAD = struct.Struct(">IQ")


class Request(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What is asked of the decoding process.

    A frame at or before each multiple of `interval` milliseconds, or every frame where it is 0. At most `milliseconds`
    of film, `memory` MiB of address space, and decoding on `threads` threads. Where `black` is given, 0 to 1, frames
    are not shown but measured, and black up to that share of the range of luma; sound is listened to. `key` is what a
    film is sealed under, in hexadecimal: it goes by a socket, where nobody else reads it. Where a `codec` is given,
    what comes is no file but packets of it, as they come (:mod:`regard.vision.video.live.packets`).
    """

    interval: int
    milliseconds: int
    memory: int
    threads: int
    black: float | None = None
    key: str = ""
    codec: str = ""


class Sound(msgspec.Struct, frozen=True):
    """What the file says of a sound of it."""

    codec: str
    milliseconds: int
    rate: int
    channels: int


class About(msgspec.Struct, frozen=True, tag=True):
    """What the file says of itself; `width` and `height` are those of upright frames.

    `milliseconds` is 0 where the file says no duration. `rate` is in frames a second, 0 where it is not known. The
    first frame `begins` at that time of the file, in milliseconds.
    """

    format: str
    codec: str
    rate: float
    milliseconds: int
    width: int
    height: int
    full_range: bool
    begins: int = 0
    sounds: tuple[Sound, ...] = ()


class Shown(msgspec.Struct, frozen=True, tag=True):
    """A frame: its number, from 0 on, its time, and its size; its pixels follow, uint8 RGB, row after row."""

    number: int
    milliseconds: int
    width: int
    height: int


class Measured(msgspec.Struct, frozen=True, tag=True):
    """What was measured of a frame, in luma and chroma of 0 to 255.

    `change` is its mean difference to the frame before it, `back` those to the frames before that one; `even` how much
    a change goes on, -1 to 1; `spread` the deviation of its luma; `black` the share of its pixels that are, 0 to 1.
    """

    number: int
    milliseconds: int
    change: float
    back: tuple[float, ...]
    even: float
    spread: float
    black: float
    bars: bool


class Heard(msgspec.Struct, frozen=True, tag=True):
    """From this time of the file on, in milliseconds, there is sound, or none."""

    milliseconds: int
    loud: bool


class Ended(msgspec.Struct, frozen=True, tag=True):
    """The film is over: so many frames, so long, and so many packets that could not be decoded."""

    frames: int
    milliseconds: int
    damaged: int


class Failed(msgspec.Struct, frozen=True, tag=True):
    """The film cannot be decoded, or not to its end; why, in a sentence."""

    cause: str


class Begun(msgspec.Struct, frozen=True):
    """A decoding process began, of that number."""

    pid: int


class Over(msgspec.Struct, frozen=True):
    """A decoding process ended: its exit code, negative for a signal; processor seconds; and KiB of memory at most."""

    code: int
    seconds: float
    memory: int


Message = About | Shown | Measured | Heard | Ended | Failed
_decoder: msgspec.json.Decoder[Message] = msgspec.json.Decoder(Message)


class Garbled(ValueError):
    """What came is no message, or one that is out of bounds."""


def send(stream: BinaryIO, message: Message, pixels: memoryview | None = None) -> None:
    """Write a message, and the pixels that belong to it. Raises BrokenPipeError where nobody listens any more."""
    words = msgspec.json.encode(message)
    stream.write(_LENGTH.pack(len(words)) + words)
    if pixels is not None:
        stream.write(pixels)
    stream.flush()


def receive(stream: BinaryIO) -> Message | None:
    """The next message; of a frame the pixels are left to read. None at the end. Raises Garbled."""
    head = stream.read(_LENGTH.size)
    if not head:
        return None
    length = _LENGTH.unpack(head)[0] if len(head) == _LENGTH.size else 0
    words = stream.read(length) if 0 < length <= _MOST_WORDS else b""
    try:
        message = _decoder.decode(words)
    except msgspec.DecodeError as error:
        raise Garbled(f"no message: {error}") from None
    if isinstance(message, About | Shown):
        require_size(message.width, message.height)
    return message


def require_size(width: int, height: int) -> None:
    """Raise Garbled for a frame that has no pixels, or too many."""
    if not (0 < width <= MOST_SIDE and 0 < height <= MOST_SIDE and width * height <= MOST_PIXELS):
        raise Garbled(f"frames of {width}×{height} pixels; at most {MOST_PIXELS:,} pixels are decoded")
