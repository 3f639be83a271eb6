"""Frames of AWS's event stream: botocore reads what is written, and what is no frame is refused."""

from __future__ import annotations

import struct
from typing import Any, cast
from zlib import crc32

import pytest
from botocore.eventstream import EventStreamBuffer
from hypothesis import given, settings
from hypothesis import strategies as st

from regard.wire.live.frames import MOST_HEADER_BYTES, Malformed, Moment, decoded, encoded

_NAMES = st.text("abcdefghij-:", min_size=1, max_size=12)
_VALUES = st.one_of(st.text(max_size=40), st.binary(max_size=40), st.integers(0, 2**45).map(Moment))


def _framed(headers: bytes, payload: bytes = b"") -> bytes:
    prelude = struct.pack(">II", 16 + len(headers) + len(payload), len(headers))
    frame = prelude + struct.pack(">I", crc32(prelude)) + headers + payload
    return frame + struct.pack(">I", crc32(frame))


def _by_botocore(frame: bytes) -> tuple[dict[str, Any], bytes]:
    buffer = EventStreamBuffer()
    buffer.add_data(frame)
    ((headers, payload),) = [(cast(Any, each.headers), each.payload) for each in buffer]
    return headers, payload


@settings(max_examples=30)
@given(st.dictionaries(_NAMES, _VALUES, max_size=5), st.binary(max_size=300))
def test_what_is_written_is_what_botocore_reads_and_what_is_read(
    headers: dict[str, str | bytes | Moment], payload: bytes
) -> None:
    frame = encoded(headers, payload)
    assert _by_botocore(frame) == (headers, payload)
    found = decoded(frame)
    assert (dict(found.headers), found.payload) == (headers, payload)


def test_values_of_every_type_are_read_as_botocore_does() -> None:
    values = [b"\x00", b"\x01", b"\x02\xff", b"\x03\xff\xfe", b"\x04\x00\x00\x01\x00", b"\x05" + b"\xff" * 8]
    values += [b"\x08" + bytes(7) + b"\x07", b"\x09" + bytes(range(16))]
    headers = b"".join(b"\x01" + bytes([97 + place]) + value for place, value in enumerate(values))
    theirs, _ = _by_botocore(_framed(headers))
    found = decoded(_framed(headers)).headers
    assert found["a"] is True
    assert {name: value for name, value in found.items() if name != "h"} == {
        name: value for name, value in theirs.items() if name != "h"
    }
    assert str(found["h"]) == "00010203-0405-0607-0809-0a0b0c0d0e0f"


@settings(max_examples=100)
@given(st.data())
def test_a_frame_with_a_bit_turned_or_cut_off_is_refused(data: st.DataObject) -> None:
    frame = bytearray(encoded({":date": Moment(1), ":chunk-signature": bytes(32)}, b"a part of a film"))
    bit = data.draw(st.integers(0, 8 * len(frame) - 1))
    frame[bit // 8] ^= 1 << bit % 8
    with pytest.raises(Malformed):
        decoded(bytes(frame))
    with pytest.raises(Malformed):
        decoded(bytes(frame[: bit // 8]))


@settings(max_examples=100)
@given(st.binary(max_size=80))
def test_headers_that_are_none_are_refused_and_raise_nothing_else(headers: bytes) -> None:
    try:
        found = decoded(_framed(headers)).headers
    except Malformed:
        return
    assert all(isinstance(name, str) and name for name in found)


@pytest.mark.parametrize(
    "frame",
    [
        b"",
        bytes(16),
        encoded({"a": "b"}, b"c") + b"d",
        _framed(b"\x01a\x00\x01a\x00"),
        _framed(b"\x00\x00"),
        _framed(b"\x01a\x0a"),
        _framed(b"\x01a\x07\xff\xffb"),
        _framed(b"\x01a\x07\x00\x01\xff"),
        _framed(b"".join(b"\x02" + struct.pack(">H", 0x6161 + place) + b"\x00" for place in range(1500))),
    ],
)
def test_a_frame_of_another_shape_is_refused(frame: bytes) -> None:
    with pytest.raises(Malformed):
        decoded(frame)
    assert MOST_HEADER_BYTES == 4096
