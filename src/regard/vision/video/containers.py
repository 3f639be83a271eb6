"""Whether a file is whole: the boxes of an MP4 or MOV file, and the elements of a Matroska or WebM file, lie within it.

What decodes films takes what is left of one that was cut short, and says nothing. Only what is on the upper levels is
looked at, and nothing of what is in it.
"""

from __future__ import annotations

import struct
from collections.abc import Iterator
from typing import BinaryIO

_EBML = b"\x1aE\xdf\xa3"
_SEGMENT, _CLUSTER = 0x18538067, 0x1F43B675
_BOXES = frozenset({b"ftyp", b"moov", b"mdat", b"moof", b"free", b"skip", b"wide", b"mfra", b"sidx", b"styp", b"pnot"})
# More boxes and elements than this are not walked through: a film of 6 hours has fewer, and what follows is decoded.
_MOST = 1_000_000


class NotWhole(ValueError):
    """The file is no film, or only the beginning of one; the text says which."""


def require_whole(file: BinaryIO, size: int) -> None:
    """Raise NotWhole for a file of `size` bytes that breaks off, and for one that is neither MP4, MOV, MKV nor WebM."""
    if not size:
        raise NotWhole("The file is empty.")
    file.seek(0)
    head = file.read(8)
    if head.startswith(_EBML):
        ends = _elements(file, size)
    elif head[4:] in _BOXES:
        ends = _boxes(file, size)
    else:
        raise NotWhole("The file is no MP4, MOV, MKV or WebM. Convert it to MP4 with H.264.")
    for number, end in enumerate(ends):
        if end > size:
            missing = f"{end - size:,} bytes and more are missing"
            raise NotWhole(f"The file was cut short, or damaged: {missing}. Copy or upload it again.")
        if number > _MOST:
            return


def _boxes(file: BinaryIO, size: int) -> Iterator[int]:
    """Where each box ends; nothing more where what follows is no box, as some programs leave there."""
    at = 0
    while at + 8 <= size:
        file.seek(at)
        length, kind = struct.unpack(">I4s", file.read(8))
        if length == 1:
            length = int.from_bytes(file.read(8), "big")
        # A length of 0 says "to the end of the file"; a name is of printable letters, or begins with ©.
        if length < 8 or not all(0x20 <= letter < 0x7F or letter == 0xA9 for letter in kind):
            return
        at += length
        yield at


def _elements(file: BinaryIO, size: int) -> Iterator[int]:
    """Where each element ends: the segment, each element in it, and each in a cluster whose size is not known.

    In one line, without a stack: what holds others is entered, and what comes after it begins where the last of them
    ends.
    """
    at = 0
    while at < size:
        file.seek(at)
        name, length = _number(file, marked=True), _number(file, marked=False)
        if name is None or length is None:
            return
        at = file.tell()
        if length >= 0:
            yield at + length
        elif name not in (_SEGMENT, _CLUSTER):
            return
        if length >= 0 and name != _SEGMENT:
            at += length


def _number(file: BinaryIO, *, marked: bool) -> int | None:
    """A number of variable length; with its mark, as names have it. -1 stands for "not known", None for none."""
    first = file.read(1)
    if not first or not first[0]:
        return None
    length = 9 - first[0].bit_length()
    rest = file.read(length - 1)
    if len(rest) < length - 1:
        return None
    whole = int.from_bytes(first + rest, "big")
    if marked:
        return whole
    value = whole & ((1 << (7 * length)) - 1)
    return -1 if value == (1 << (7 * length)) - 1 else value
