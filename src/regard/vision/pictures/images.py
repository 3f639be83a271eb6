"""Pictures: JPEG and PNG files decoded into upright RGB, within bounds of memory and time.

What a file is, its first bytes say, not its name or what follows. Before any library sees a file it is cut
down to the parts that carry pixels, so that thumbnails, texts, profiles and animations are neither read nor a
danger:

- the rotation of a JPEG's EXIF is applied; a PNG's is not, as the API documents;
- colour profiles are not applied, and CMYK is converted without one, by the plain formula;
- what is transparent in a PNG is laid over white, as on a page;
- 16 bits a channel become 8 by dropping the lower ones;
- what follows the end of the picture is not looked at (phones keep a film there);
- a file that lacks its end alone, not a pixel, is decoded, and the picture says so.

What other bytes are, `formats` tells.
"""

from __future__ import annotations

import io
import re
import struct
import zlib
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Literal

import numpy as np
import simplejpeg
from numpy.typing import NDArray
from PIL import Image

from regard.vision.pictures.formats import cause

Pixels = NDArray[np.uint8]

# Refused before decoding. A picture at the limit takes about 1 GB for a moment; cameras of phones give 50
# million.
MOST_PIXELS = 100_000_000
# The longest that a JPEG can have. A PNG could have more; each row costs Pillow some 80 bytes beside its pixels.
MOST_SIDE = 65_535
# A progressive JPEG is decoded scan by scan: pixels times scans bound the time.
MOST_SCANNED = 1_280_000_000

_JPEG, _PNG = b"\xff\xd8\xff", b"\x89PNG\r\n\x1a\n"
_START_OF_SCAN, _END_OF_IMAGE, _APPLICATION_0, _EXIF, _ADOBE, _COMMENT = 0xDA, 0xD9, 0xE0, 0xE1, 0xEE, 0xFE
# What may stand between scans. Any other byte after 0xFF belongs to the scan, or is damage that decoders skip.
_BETWEEN_SCANS = re.compile(rb"\xff[\xc4\xd9-\xdd\xe0-\xef\xfe]")
_WITHOUT_LENGTH = frozenset([0x01, *range(0xD0, 0xD9)])
_FRAMES = frozenset(range(0xC0, 0xD0)) - {0xC4, 0xC8, 0xCC}
# First column, first row, step right and step down of each pass (PNG specification, section 8.2).
_ADAM7 = [
    *((0, 0, 8, 8), (4, 0, 8, 8), (0, 4, 4, 8), (2, 0, 4, 4)),
    *((0, 2, 2, 4), (1, 0, 2, 2), (0, 1, 1, 2)),
]
_PIXEL_CHUNKS = frozenset([b"IHDR", b"PLTE", b"tRNS", b"IDAT", b"IEND"])
_PNG_END = struct.pack(">I", 0) + b"IEND" + struct.pack(">I", zlib.crc32(b"IEND"))
_BY_PALETTE = 3
# What is too large is refused here before Pillow sees it; its own warning comes at nine tenths of that.
if Image.MAX_IMAGE_PIXELS is not None:
    Image.MAX_IMAGE_PIXELS = max(Image.MAX_IMAGE_PIXELS, MOST_PIXELS)


class ImageError(ValueError):
    """The bytes are no picture that can be used; the text says why."""


class UnknownFormat(ImageError):
    """Neither JPEG nor PNG."""


class Damaged(ImageError):
    """The file breaks off, contradicts itself or cannot be decoded."""


class TooManyPixels(ImageError):
    """The picture has more than MOST_PIXELS, or a side of more than MOST_SIDE."""


class TooSmall(ImageError):
    """A side of the picture is shorter than the operation needs."""


@dataclass(frozen=True, slots=True)
class Picture:
    """A decoded picture. `pixels` is uint8 of shape (H, W, 3), RGB, upright, C-contiguous.

    `lacks_end` is true of a file that breaks off after its last pixel.
    """

    pixels: Pixels
    format: Literal["JPEG", "PNG"]
    lacks_end: bool = False

    @property
    def width(self) -> int:
        """In pixels."""
        return int(self.pixels.shape[1])

    @property
    def height(self) -> int:
        """In pixels."""
        return int(self.pixels.shape[0])


def decode(data: bytes) -> Picture:
    """The picture in a JPEG or PNG file. Raises UnknownFormat, Damaged or TooManyPixels, and nothing else."""
    if data.startswith(_JPEG):
        return _jpeg(data)
    if data.startswith(_PNG):
        return _png(data)
    raise UnknownFormat(cause(data))


def require_side(picture: Picture, least: int) -> None:
    """Raise TooSmall when a side of the picture is shorter than `least` pixels."""
    if min(picture.width, picture.height) < least:
        raise TooSmall(f"The picture is {picture.width}×{picture.height} pixels; each side needs at least {least}.")


def _jpeg(data: bytes) -> Picture:
    kept, sizes, orientation, scans, lacks_end = [b"\xff\xd8"], [], 1, 0, False
    for marker, body in _segments(data):
        if marker == _EXIF and orientation == 1:
            orientation = _orientation(body)
        if marker in _FRAMES:
            sizes.append(_size(body))
        if marker == _START_OF_SCAN:
            end, scans = _end_of_scans(body)
            lacks_end = end < 0
            kept.append(body.rstrip(b"\xff") + b"\xff\xd9" if lacks_end else body[:end])
        elif not (0xE0 <= marker <= 0xEF or marker == _COMMENT) or _says_the_colours(marker, body):
            kept.append(struct.pack(">BBH", 0xFF, marker, len(body) + 2) + body)
    if len(sizes) != 1:
        raise Damaged(f"The JPEG has {len(sizes)} frame headers before its first scan; it must have one.")
    height, width = sizes[0]
    _require_pixels(width, height)
    if scans * width * height > MOST_SCANNED:
        raise Damaged("The JPEG has more scans than a picture of its size needs.")
    pixels = _decoded_jpeg(b"".join(kept), (height, width, 3), whole=lacks_end)
    return Picture(_turned(pixels, orientation), "JPEG", lacks_end)


def _size(frame: bytes) -> tuple[int, int]:
    """Height and width in pixels that a frame header states."""
    if len(frame) < 6:
        raise Damaged("The JPEG's frame header is too short.")
    bits, height, width = struct.unpack_from(">BHH", frame)
    if bits != 8:
        raise Damaged(f"The JPEG has {bits} bits a colour; convert it to one of 8 bits.")
    return height, width


def _segments(data: bytes) -> Iterator[tuple[int, bytes]]:
    """Marker and body of each segment up to the first scan, which comes with all that follows it."""
    at = 2
    while True:
        at = data.find(b"\xff", at)
        if at < 0 or at + 4 > len(data):
            raise Damaged("The JPEG breaks off in its header.")
        marker = data[at + 1]
        if marker == _START_OF_SCAN:
            yield marker, data[at:]
            return
        if marker in (0x00, 0xFF) or marker in _WITHOUT_LENGTH:
            at += 1 if marker == 0xFF else 2
            continue
        if marker == _END_OF_IMAGE:
            raise Damaged("The JPEG ends before its first scan.")
        end = at + 2 + int.from_bytes(data[at + 2 : at + 4], "big")
        if end < at + 4 or end > len(data):
            raise Damaged("The JPEG breaks off in its header.")
        yield marker, data[at + 4 : end]
        at = end


def _end_of_scans(scans: bytes) -> tuple[int, int]:
    """Where a picture ends in what begins with its first scan, -1 where it has no end; and how many scans it has."""
    at, number = 0, 0
    while found := _BETWEEN_SCANS.search(scans, at):
        at, marker = found.end(), scans[found.end() - 1]
        if marker == _END_OF_IMAGE:
            return at, number
        number += marker == _START_OF_SCAN
        at += int.from_bytes(scans[at : at + 2], "big")
    return -1, number


def _says_the_colours(marker: int, body: bytes) -> bool:
    """Whether decoders tell YCbCr, RGB, CMYK and YCCK apart by this segment."""
    return (marker == _APPLICATION_0 and body.startswith(b"JFIF\0")) or (marker == _ADOBE and body.startswith(b"Adobe"))


def _orientation(body: bytes) -> int:
    """The EXIF orientation, 1 to 8; 1 where the segment has none that can be read."""
    order = {b"II*\0": "<", b"MM\0*": ">"}.get(body[6:10])
    if not body.startswith(b"Exif\0\0") or order is None:
        return 1
    tiff = body[6:]
    try:
        (first,) = struct.unpack_from(f"{order}I", tiff, 4)
        (count,) = struct.unpack_from(f"{order}H", tiff, first)
        for entry in range(count):
            tag, kind, _, value = struct.unpack_from(f"{order}HHIH", tiff, first + 2 + 12 * entry)
            if tag == 0x0112:
                return value if kind == 3 and 1 <= value <= 8 else 1
    except struct.error:
        pass
    return 1


def _turned(pixels: Pixels, orientation: int) -> Pixels:
    """The pixels upright, by the table of EXIF 2.3, section 4.6.4."""
    if orientation >= 5:
        pixels = pixels.transpose(1, 0, 2)
    if orientation in (3, 4, 7, 8):
        pixels = pixels[::-1]
    if orientation in (2, 3, 6, 7):
        pixels = pixels[:, ::-1]
    return np.ascontiguousarray(pixels)


def _decoded_jpeg(clean: bytes, shape: tuple[int, int, int], *, whole: bool) -> Pixels:
    """The pixels. `whole` wants each of them in the file, where other decoders may fill up what is lacking."""
    try:
        # Twice as fast as Pillow on a photograph, but it refuses four channels and small faults that do no
        # harm.
        pixels: Pixels = simplejpeg.decode_jpeg(clean, "RGB", strict=True)
        if pixels.shape == shape:
            return pixels
    except (ValueError, MemoryError):
        pass
    return np.array(_opened(clean.removesuffix(b"\xff\xd9") if whole else clean, "JPEG").convert("RGB"))


def _png(data: bytes) -> Picture:
    kept, lacks_end = [_PNG], True
    for kind, chunk in _chunks(data):
        if (len(kept) == 1) != (kind == b"IHDR") or (kind == b"IHDR" and len(chunk) != 25):
            raise Damaged("The PNG does not begin with one header of 13 bytes.")
        if kind in _PIXEL_CHUNKS:
            kept.append(chunk)
            lacks_end = kind != b"IEND"
        elif not kind[0] & 0x20:
            raise Damaged(f"The PNG has the chunk {kind.decode('latin-1')!r}, which must be understood and is not.")
    if len(kept) == 1:
        raise Damaged("The PNG breaks off in its header.")
    width, height = struct.unpack_from(">II", kept[1], 8)
    _require_pixels(width, height)
    _require_rows(kept, width, height)
    if kept[1][17] == _BY_PALETTE and not any(chunk[4:8] == b"PLTE" for chunk in kept):
        raise Damaged("The PNG's pixels name colours of a palette, and the file has no palette (PLTE).")
    image = _opened(b"".join([*kept, _PNG_END] if lacks_end else kept), "PNG")
    if image.mode.startswith("I"):
        image = Image.fromarray((np.asarray(image) >> 8).astype(np.uint8))
    if "A" in image.mode or "transparency" in image.info:
        image = image.convert("RGBA")
        page = Image.new("RGBA", image.size, "white")
        page.alpha_composite(image)
        image = page
    return Picture(np.array(image.convert("RGB")), "PNG", lacks_end)


def _chunks(data: bytes) -> Iterator[tuple[bytes, bytes]]:
    """Kind and whole bytes of each chunk, up to the end of the picture; what follows it is not looked at.

    A file may break off after its pixels: whether they are all there, who reads them has to see.
    """
    at, kind = len(_PNG), b""
    while kind != b"IEND":
        end = at + 12 + int.from_bytes(data[at : at + 4], "big")
        if at + 12 > len(data) or end > len(data):
            if kind == b"IDAT" and data[at + 4 : at + 8] != b"IDAT":
                return
            raise Damaged("The PNG breaks off before its end.")
        kind = data[at + 4 : at + 8]
        yield kind, data[at:end]
        at = end


def _require_rows(kept: list[bytes], width: int, height: int) -> None:
    """Refuse a PNG whose data end early, which Pillow fills up with black. Takes a fixed amount of memory."""
    depth, colour, _, _, interlace = kept[1][16:21]
    bits = depth * {0: 1, 2: 3, 3: 1, 4: 2, 6: 4}.get(colour, 1)
    passes = _ADAM7 if interlace else [(0, 0, 1, 1)]
    lacking = 0
    for left, top, right, down in passes:
        columns, rows = -((left - width) // right), -((top - height) // down)
        lacking += rows * (1 + (columns * bits + 7) // 8) if columns > 0 and rows > 0 else 0
    inflating = zlib.decompressobj()
    try:
        for chunk in kept:
            rest = chunk[8:-4] if chunk[4:8] == b"IDAT" else b""
            while rest and lacking > 0:
                lacking -= len(inflating.decompress(rest, 1 << 20))
                rest = inflating.unconsumed_tail
    except zlib.error as error:
        raise Damaged(f"The PNG cannot be decoded: {error}") from None
    if lacking > 0:
        raise Damaged(f"The PNG is truncated: {lacking} bytes of its pixels are lacking.")


def _require_pixels(width: int, height: int) -> None:
    if not (width and height):
        raise Damaged(f"The header says that the picture is {width}×{height} pixels.")
    if max(width, height) > MOST_SIDE:
        raise TooManyPixels(f"The picture is {width}×{height} pixels; no side may have more than {MOST_SIDE:,}.")
    if width * height > MOST_PIXELS:
        raise TooManyPixels(
            f"The picture is {width}×{height} pixels, more than {MOST_PIXELS:,} in all. Scale it down first."
        )


def _opened(clean: bytes, kind: Literal["JPEG", "PNG"]) -> Image.Image:
    try:
        image = Image.open(io.BytesIO(clean), formats=[kind])
        image.load()
    except Exception as error:  # Pillow's decoders raise many kinds: OSError, SyntaxError, struct.error, …
        raise Damaged(f"The {kind} cannot be decoded: {error}") from None
    return image
