"""What bytes are that are no picture we read: other formats, and pictures that were wrapped on the way.

`images` decodes JPEG and PNG; this file only names the rest, so that an error tells its true cause and the next step.
"""

from __future__ import annotations

import base64
import binascii
import zlib

# By their first bytes, or, where the first four are a length, by those that follow.
_STARTS = {
    b"GIF8": "GIF",
    b"BM": "BMP",
    b"II*\0": "TIFF",
    b"MM\0*": "TIFF",
    b"%PDF": "PDF",
    b"\0\0\1\0": "ICO",
    b"\xff\x0a": "JPEG XL",
    b"\0\0\0\x0cJXL ": "JPEG XL",
    b"\0\0\0\x0cjP  ": "JPEG 2000",
    b"<svg": "SVG",
    b"<?xml": "XML",
    b"<!DOCTYPE": "HTML",
    b"<html": "HTML",
    b"PK\3\4": "ZIP",
}
# Brands of ISO base media files (ISO/IEC 14496-12 and 23008-12) that hold pictures.
_BRANDS = {b"avif": "AVIF", b"avis": "AVIF", b"heic": "HEIC", b"heix": "HEIC", b"hevc": "HEIC", b"mif1": "HEIF"}
_PICTURES = {b"\xff\xd8\xff": "JPEG", b"\x89PNG\r\n\x1a\n": "PNG"}
_START = 48  # bytes that are enough to know a picture by, also once they are base64


def cause(data: bytes) -> str:
    """Why `data`, which begin as neither a JPEG nor a PNG file, are no picture, and what to do about it."""
    if not data:
        return "There are no bytes."
    if data[:5].lower() == b"data:":
        return "The bytes are a data URL. Send what it holds: the part after the comma, decoded from base64."
    if held := _picture_in(_from_base64(data)):
        return f"The bytes are a {held} file in base64. Clients encode the bytes themselves: pass the file as it is."
    if data.startswith(b"\x1f\x8b"):
        held = _picture_in(_unpacked(data))
        return f"The bytes are {f'a {held} file' if held else 'a file'} packed by gzip. Send the picture unpacked."
    if name := _format(data):
        return f"The bytes are a {name} file, neither JPEG nor PNG. Convert the picture to one of them."
    return "The bytes are neither a JPEG nor a PNG file. Convert the picture to one of them."


def _format(data: bytes) -> str | None:
    if data[:4] == b"RIFF" and data[8:12] == b"WEBP":
        return "WebP"
    if data[4:8] == b"ftyp":
        return _BRANDS.get(data[8:12], "film (MP4 or QuickTime)")
    return next((name for start, name in _STARTS.items() if data.startswith(start)), None)


def _picture_in(data: bytes) -> str | None:
    return next((name for start, name in _PICTURES.items() if data.startswith(start)), None)


def _from_base64(data: bytes) -> bytes:
    start = b"".join(data[: 2 * _START].split())[:_START]
    try:
        return base64.b64decode(start[: len(start) // 4 * 4].translate(bytes.maketrans(b"-_", b"+/")), validate=True)
    except (binascii.Error, ValueError):
        return b""


def _unpacked(data: bytes) -> bytes:
    try:
        return zlib.decompressobj(zlib.MAX_WBITS | 16).decompress(data[:4096], _START)
    except zlib.error:
        return b""
