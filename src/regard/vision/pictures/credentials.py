"""Content credentials (C2PA): whether a picture says that nobody may mine it or train on it; who made it is not asked.

Only this one assertion is read, from the boxes that JPEG and PNG files carry it in. Its signature is not checked: a
wish that anybody may write, and that forbids, is honoured; to forge one hurts nobody.
"""

from __future__ import annotations

import struct
from collections.abc import Iterator

# C2PA 1.4, 17.17 "Training and Data Mining"; from 2.1 on the assertion is the CAWG's, with the same form.
_ASSERTIONS = (b"c2pa.training-mining", b"cawg.training-mining")
# In CBOR: the text "use" of 3 bytes, then the text "notAllowed" of 10.
_NOT_ALLOWED = b"\x63use\x6anotAllowed"
_BOX = b"jumb"
_JPEG, _PNG = b"\xff\xd8", b"\x89PNG\r\n\x1a\n"
_APP11, _START_OF_SCAN = 0xEB, 0xDA
_LONELY = (0x01, *range(0xD0, 0xD9))


def forbids_mining(data: bytes) -> bool:
    """Whether the content credentials of a JPEG or PNG file forbid a use of it by machines; others are not read."""
    boxes = _boxes_of(data)
    for assertion in _ASSERTIONS:
        start = boxes.find(assertion)
        while start >= 0:
            end = boxes.find(_BOX, start)
            if _NOT_ALLOWED in boxes[start : end if end >= 0 else len(boxes)]:
                return True
            start = boxes.find(assertion, start + 1)
    return False


def _boxes_of(data: bytes) -> bytes:
    if data.startswith(_JPEG):
        # A box that is longer than a segment goes on in the next ones, each with the head of the box again.
        return b"".join(part if first else part[8:] for first, part in _jpeg_boxes(data))
    if data.startswith(_PNG):
        return b"".join(_png_boxes(data))
    return b""


def _jpeg_boxes(data: bytes) -> Iterator[tuple[bool, bytes]]:
    at = 2
    while at + 4 <= len(data) and data[at] == 0xFF:
        marker = data[at + 1]
        if marker == 0xFF or marker in _LONELY:
            at += 1 if marker == 0xFF else 2
            continue
        if marker == _START_OF_SCAN:
            return
        (length,) = struct.unpack_from(">H", data, at + 2)
        segment = data[at + 4 : at + 2 + length]
        if marker == _APP11 and segment[:2] == b"JP" and len(segment) >= 8:
            yield segment[4:8] == b"\0\0\0\1", segment[8:]
        at += 2 + max(length, 2)


def _png_boxes(data: bytes) -> Iterator[bytes]:
    at = len(_PNG)
    while at + 8 <= len(data):
        length, kind = struct.unpack_from(">I4s", data, at)
        if kind == b"caBX":
            yield data[at + 8 : at + 8 + length]
        at += 12 + length
