"""Frames of AWS's event stream (application/vnd.amazon.eventstream): headers and a payload, under two checksums.

A frame is its length, the length of its headers and a CRC-32 of both; the headers; the payload; a CRC-32 of all that.
"""

from __future__ import annotations

import struct
from collections.abc import Mapping
from dataclasses import dataclass
from uuid import UUID
from zlib import crc32

Value = bool | int | bytes | str | UUID
_PRELUDE, _CHECKSUM = struct.Struct(">III"), struct.Struct(">I")
_LEAST = _PRELUDE.size + _CHECKSUM.size
# AWS's own bound is 128 KiB; those who stream a film send two or three headers of some letters.
MOST_HEADER_BYTES = 4096
# The types of values: of those with a length of their own, how it is packed.
_TRUE, _FALSE, _BYTES, _TEXT, _MOMENT, _UUID = 0, 1, 6, 7, 8, 9
_NUMBERS = {2: struct.Struct(">b"), 3: struct.Struct(">h"), 4: struct.Struct(">i"), 5: struct.Struct(">q")}
_LENGTH, _LONG = struct.Struct(">H"), struct.Struct(">q")


class Malformed(ValueError):
    """What came is no frame, or not one that belongs here; the text says what is wrong with it."""


class Moment(int):
    """A time, in milliseconds since 1970."""


@dataclass(frozen=True, slots=True)
class Message:
    """A frame, opened. Times are of the type :class:`Moment`."""

    headers: Mapping[str, Value]
    payload: bytes


def encoded(headers: Mapping[str, Value], payload: bytes) -> bytes:
    """The frame of these headers (texts, bytes and moments) and this payload."""
    told = packed(headers)
    prelude = struct.pack(">II", _LEAST + len(told) + len(payload), len(told))
    frame = prelude + _CHECKSUM.pack(crc32(prelude)) + told + payload
    return frame + _CHECKSUM.pack(crc32(frame))


def packed(headers: Mapping[str, Value]) -> bytes:
    """Headers alone (texts, bytes and moments), as they lie in a frame: what a chain of signatures covers of them."""
    return b"".join(bytes([len(name)]) + name.encode() + _packed(value) for name, value in headers.items())


def decoded(frame: bytes) -> Message:
    """What one whole frame says. Raises Malformed for anything else, be it a byte too long."""
    if len(frame) < _LEAST:
        raise Malformed(f"a frame has {_LEAST} bytes at least, and {len(frame)} came")
    length, of_headers, checksum = _PRELUDE.unpack_from(frame)
    if checksum != crc32(frame[:8]):
        raise Malformed("the checksum of the frame's beginning is wrong")
    if length != len(frame):
        raise Malformed(f"the frame says that it has {length} bytes, and {len(frame)} came")
    if of_headers > min(length - _LEAST, MOST_HEADER_BYTES):
        raise Malformed(f"the frame says that it has {of_headers} bytes of headers")
    if _CHECKSUM.unpack_from(frame, length - 4)[0] != crc32(memoryview(frame)[:-4]):
        raise Malformed("the checksum of the frame is wrong")
    begin = _PRELUDE.size
    return Message(_unpacked(frame[begin : begin + of_headers]), frame[begin + of_headers : -4])


def _packed(value: Value) -> bytes:
    if isinstance(value, Moment):
        return bytes([_MOMENT]) + _LONG.pack(value)
    if isinstance(value, bytes):
        return bytes([_BYTES]) + _LENGTH.pack(len(value)) + value
    assert isinstance(value, str)
    text = value.encode()
    return bytes([_TEXT]) + _LENGTH.pack(len(text)) + text


def _unpacked(data: bytes) -> dict[str, Value]:
    found: dict[str, Value] = {}
    at = 0
    try:
        while at < len(data):
            end = at + 1 + data[at]
            name = data[at + 1 : end].decode()
            value, at = _value(data, data[end], end + 1)
            if not name or name in found:
                raise Malformed("a header has no name, or came twice")
            found[name] = value
    except (struct.error, UnicodeDecodeError, IndexError):
        raise Malformed("the headers of the frame break off") from None
    return found


def _value(data: bytes, kind: int, at: int) -> tuple[Value, int]:
    """A value of this type that begins at `at`, and where it ends. Raises what `struct` raises, and Malformed."""
    if kind in (_TRUE, _FALSE):
        return kind == _TRUE, at
    if kind in _NUMBERS:
        return int(_NUMBERS[kind].unpack_from(data, at)[0]), at + _NUMBERS[kind].size
    if kind == _MOMENT:
        return Moment(_LONG.unpack_from(data, at)[0]), at + _LONG.size
    if kind == _UUID:
        return UUID(bytes=struct.unpack_from("16s", data, at)[0]), at + 16
    if kind not in (_BYTES, _TEXT):
        raise Malformed(f"no header has a value of the type {kind}")
    begin = at + _LENGTH.size
    end = begin + _LENGTH.unpack_from(data, at)[0]
    if end > len(data):
        raise Malformed("the headers of the frame break off")
    return (data[begin:end] if kind == _BYTES else data[begin:end].decode()), end
