"""Pictures out of RTP: H.264 (RFC 6184) and H.265 (RFC 7798) put together again from their packets.

What comes is not believed: lengths are looked at, and a picture that lacks a packet is left out whole, with all that
follow it up to the next one that needs none before it.
"""

from __future__ import annotations

import base64
import binascii
import struct
from collections.abc import Iterable, Iterator

from regard.streams.cameras.packets import MOST_BYTES, Packet
from regard.streams.errors import CameraLost

_HEAD = struct.Struct(">BBHII")
_START = b"\x00\x00\x00\x01"
# Kinds of units (RFC 6184, 5.2; RFC 7798, 4.4): many in one packet, and one in many packets.
_H264_MANY, _H264_PART, _H264_KEY = 24, 28, (5,)
_H265_MANY, _H265_PART, _H265_KEY = 48, 49, range(16, 22)


class Assembly:
    """Puts pictures together. `before` are the parameter sets that the camera told beforehand."""

    def __init__(self, codec: str, before: Iterable[bytes] = ()) -> None:
        self._is_h265 = codec == "hevc"
        self._before = b"".join(_START + each for each in before)
        self._picture = bytearray()
        self._unit: bytearray | None = None
        self._time: int | None = None
        self._expected: int | None = None
        self._spoiled = True
        self._whole = self._broken = False

    def add(self, packet: bytes) -> Iterator[Packet]:
        """The pictures that are whole with this packet. Raises CameraLost for what is no RTP."""
        if len(packet) < _HEAD.size:
            raise CameraLost("it sends packets that are no RTP")
        flags, kind, number, time, _ = _HEAD.unpack_from(packet)
        payload = _payload(packet, flags)
        gap = self._expected is not None and number != self._expected
        self._expected = (number + 1) & 0xFFFF
        # What is lost may be the end of the picture before, or the beginning of this one: neither is whole.
        self._broken = self._broken or gap
        if self._time is not None and time != self._time:
            yield from self._finished()
            self._broken = gap
        self._time = time
        if payload:
            self._units(payload)
        if kind & 0x80:
            yield from self._finished()

    def _finished(self) -> Iterator[Packet]:
        picture, whole, broken = bytes(self._picture), self._whole, self._broken
        self._picture.clear()
        self._unit, self._whole, self._broken = None, False, False
        if broken or whole:
            self._spoiled = broken
        if picture and not self._spoiled:
            yield Packet((self._before + picture) if whole else picture, whole)

    def _units(self, payload: bytes) -> None:
        kind = (payload[0] >> 1) & 0x3F if self._is_h265 else payload[0] & 0x1F
        many, part = (_H265_MANY, _H265_PART) if self._is_h265 else (_H264_MANY, _H264_PART)
        if kind == many:
            at = 2 if self._is_h265 else 1
            while at + 2 <= len(payload):
                length = int.from_bytes(payload[at : at + 2])
                self._add(payload[at + 2 : at + 2 + length])
                at += 2 + length
        elif kind == part:
            self._part(payload)
        else:
            self._add(payload)

    def _part(self, payload: bytes) -> None:
        """A part of a unit: its head is put together from the two that the packet has."""
        at = 2 if self._is_h265 else 1
        if len(payload) <= at:
            return
        begins, ends = payload[at] & 0x80, payload[at] & 0x40
        if begins:
            if self._is_h265:
                head = bytes([(payload[0] & 0x81) | (payload[at] & 0x3F) << 1, payload[1]])
            else:
                head = bytes([(payload[0] & 0xE0) | (payload[at] & 0x1F)])
            self._unit = bytearray(head)
        if self._unit is None:
            return
        self._unit += payload[at + 1 :]
        self._require(len(self._unit))
        if ends:
            self._add(bytes(self._unit))
            self._unit = None

    def _add(self, unit: bytes) -> None:
        if not unit:
            return
        kind = (unit[0] >> 1) & 0x3F if self._is_h265 else unit[0] & 0x1F
        self._whole = self._whole or kind in (_H265_KEY if self._is_h265 else _H264_KEY)
        self._picture += _START + unit
        self._require(len(self._picture))

    def _require(self, size: int) -> None:
        if size > MOST_BYTES:
            raise CameraLost(f"it sends a picture of more than {MOST_BYTES:,} bytes")


def parameter_sets(text: str) -> list[bytes]:
    """What an SDP says of parameter sets: base64, separated by commas. What is no base64 is left out."""
    found = []
    for each in filter(None, text.split(",")):
        try:
            found.append(base64.b64decode(each + "=" * (-len(each) % 4), validate=True))
        except binascii.Error:
            continue
    return found


def _payload(packet: bytes, flags: int) -> bytes:
    """What a packet carries, without its head, its extension and its padding."""
    at = _HEAD.size + 4 * (flags & 0x0F)
    if flags & 0x10:
        at += 4 + 4 * int.from_bytes(packet[at + 2 : at + 4])
    end = len(packet) - (packet[-1] if flags & 0x20 else 0)
    if flags >> 6 != 2 or at > end:
        raise CameraLost("it sends packets that are no RTP")
    return packet[at:end]
