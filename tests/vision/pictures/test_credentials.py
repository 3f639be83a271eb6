"""Content credentials: a picture that forbids mining is known, in one segment or in many; no other is."""

from __future__ import annotations

import struct
import zlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from regard.vision.pictures.credentials import forbids_mining
from tests.helpers.fakes import picture_of


def _box(kind: bytes, body: bytes) -> bytes:
    return struct.pack(">I4s", 8 + len(body), kind) + body


def _assertion(use: bytes, label: bytes = b"cawg.training-mining") -> bytes:
    entry = b"\xa1\x63use" + bytes([0x60 + len(use)]) + use
    content = b"\xa1\x67entries\xa1\x70cawg.data_mining" + entry
    description = _box(b"jumd", b"cbor" + bytes(12) + b"\x03" + label + b"\0")
    return _box(b"jumb", description + _box(b"cbor", content))


def _manifest(use: bytes, padding: int = 0) -> bytes:
    other = _box(b"jumb", _box(b"jumd", b"c2pa.actions\0") + _box(b"cbor", b"\x63use\x6anotAllowed" + bytes(padding)))
    return _box(b"jumb", _box(b"jumd", b"c2pa\0") + other + _assertion(use))


def forbidding() -> bytes:
    """The segments of a JPEG file that say that it may not be mined."""
    return _segments(_manifest(b"notAllowed"))


def _segments(manifest: bytes, most: int = 60_000) -> bytes:
    parts = [manifest[:most]]
    parts += [manifest[:8] + manifest[at : at + most] for at in range(most, len(manifest), most)]
    return b"".join(
        b"\xff\xeb" + struct.pack(">H", 2 + 8 + len(part)) + b"JP\0\1" + struct.pack(">I", number) + part
        for number, part in enumerate(parts, 1)
    )


def _jpeg(manifest: bytes, most: int = 60_000) -> bytes:
    return b"\xff\xd8\xff\xe0\0\4ab" + _segments(manifest, most) + b"\xff\xda\0\2" + b"pixels"


def _png(manifest: bytes) -> bytes:
    plain = picture_of(1)
    chunk = b"caBX" + manifest
    return plain[:33] + struct.pack(">I", len(manifest)) + chunk + struct.pack(">I", zlib.crc32(chunk)) + plain[33:]


@pytest.mark.parametrize("wrapped", [_jpeg, _png])
def test_a_picture_that_forbids_mining_is_known(wrapped: object) -> None:
    assert callable(wrapped)
    assert forbids_mining(wrapped(_manifest(b"notAllowed")))
    assert not forbids_mining(wrapped(_manifest(b"allowed")))


def test_a_manifest_longer_than_a_segment_is_read_whole() -> None:
    manifest = _manifest(b"notAllowed", padding=150_000)
    for most in (60_000, 59_983, 40_000):
        assert forbids_mining(_jpeg(manifest, most))


def test_the_older_name_of_the_assertion_counts() -> None:
    assert forbids_mining(_jpeg(_assertion(b"notAllowed", b"c2pa.training-mining")))


def test_a_picture_without_credentials_forbids_nothing(portrait: bytes) -> None:
    assert not forbids_mining(portrait)
    assert not forbids_mining(picture_of(1))


@given(st.binary(max_size=200), st.sampled_from([b"", b"\xff\xd8", b"\x89PNG\r\n\x1a\n", b"\xff\xd8\xff\xeb\0\x09JP"]))
def test_any_bytes_are_read_without_an_error(data: bytes, head: bytes) -> None:
    forbids_mining(head + data)
