"""Decoding: what a picture is, how it stands, and what is refused."""

from __future__ import annotations

import io
import random
import struct
import tracemalloc
import zlib
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image, ImageOps

from regard.vision.pictures.images import (
    MOST_PIXELS,
    Damaged,
    ImageError,
    Picture,
    TooManyPixels,
    TooSmall,
    UnknownFormat,
    decode,
    require_side,
)

_PNG_END_BYTES = 12


def _scene(width: int = 48, height: int = 32) -> Image.Image:
    y, x = np.mgrid[:height, :width]
    return Image.fromarray(np.stack([x * 255 // width, y * 255 // height, 255 - x * 255 // width], 2).astype(np.uint8))


def _file(image: Image.Image, kind: str, **options: Any) -> bytes:
    file = io.BytesIO()
    image.save(file, kind, **options)
    return file.getvalue()


def _chunk(kind: bytes, body: bytes) -> bytes:
    return struct.pack(">I", len(body)) + kind + body + struct.pack(">I", zlib.crc32(kind + body))


def _png(width: int, height: int, pixels: bytes, depth: int = 8, colour: int = 2, extra: bytes = b"") -> bytes:
    header = _chunk(b"IHDR", struct.pack(">IIBBBBB", width, height, depth, colour, 0, 0, 0))
    data = _chunk(b"IDAT", zlib.compress(pixels))
    return b"\x89PNG\r\n\x1a\n" + header + extra + data + _chunk(b"IEND", b"")


def _interlaced(width: int, height: int, pixels: bytes) -> bytes:
    header = _chunk(b"IHDR", struct.pack(">IIBBBBB", width, height, 8, 0, 0, 0, 1))
    data = _chunk(b"IDAT", zlib.compress(pixels))
    return b"\x89PNG\r\n\x1a\n" + header + data + _chunk(b"IEND", b"")


def _away(picture: Picture, image: Image.Image) -> float:
    return float(np.abs(picture.pixels.astype(int) - np.asarray(image.convert("RGB"))).mean())


@pytest.mark.parametrize("orientation", range(1, 9))
def test_a_jpeg_is_turned_upright_by_its_exif(orientation: int) -> None:
    exif = Image.Exif()
    exif[0x0112] = orientation
    data = _file(_scene(), "JPEG", quality=95, exif=exif)
    expected = ImageOps.exif_transpose(Image.open(io.BytesIO(data)))
    picture = decode(data)
    assert (picture.width, picture.height) == expected.size
    assert _away(picture, expected) < 1
    assert picture.pixels.flags.c_contiguous


def test_the_exif_of_a_png_is_not_applied() -> None:
    exif = Image.Exif()
    exif[0x0112] = 6
    assert _away(decode(_file(_scene(), "PNG", exif=exif)), _scene()) == 0


@pytest.mark.parametrize("options", [{}, {"progressive": True}, {"subsampling": 0}, {"optimize": True}])
def test_every_kind_of_jpeg_gives_what_the_reference_gives(options: dict[str, Any]) -> None:
    data = _file(_scene(), "JPEG", quality=90, **options)
    picture = decode(data)
    assert picture.format == "JPEG"
    assert _away(picture, Image.open(io.BytesIO(data))) < 1


def test_a_grey_jpeg_becomes_rgb() -> None:
    grey = _scene().convert("L")
    assert _away(decode(_file(grey, "JPEG", quality=95)), grey) < 2


def test_a_cmyk_jpeg_with_inverted_channels_has_its_own_colours() -> None:
    assert _away(decode(_file(_scene().convert("CMYK"), "JPEG", quality=95)), _scene()) < 4


@pytest.mark.parametrize("mode", ["1", "L", "LA", "P", "RGB", "RGBA"])
def test_every_mode_of_png_becomes_rgb(mode: str) -> None:
    image = _scene().convert(mode)
    picture = decode(_file(image, "PNG"))
    assert picture.format == "PNG"
    assert _away(picture, image) == 0


def test_sixteen_bits_become_eight_and_are_not_cut_off() -> None:
    grey = np.asarray(_scene().convert("L"))
    data = _file(Image.fromarray(grey.astype(np.uint16) * 257), "PNG")
    assert np.array_equal(decode(data).pixels[:, :, 0], grey)


def test_sixteen_bit_colour_keeps_its_upper_bits() -> None:
    row = b"\0" + struct.pack(">6H", 0x1234, 0x5678, 0x9ABC, 0xFFFF, 0, 0x8000)
    assert decode(_png(2, 1, row, depth=16)).pixels.tolist() == [[[0x12, 0x56, 0x9A], [255, 0, 0x80]]]


def test_what_is_transparent_lies_over_white() -> None:
    image = Image.new("RGBA", (2, 1), (200, 0, 0, 0))
    image.putpixel((1, 0), (200, 0, 0, 255))
    assert decode(_file(image, "PNG")).pixels.tolist() == [[[255, 255, 255], [200, 0, 0]]]


def test_a_transparent_palette_colour_lies_over_white() -> None:
    image = Image.new("P", (2, 1))
    image.putpalette([10, 20, 30, 40, 50, 60])
    image.putpixel((1, 0), 1)
    data = _file(image, "PNG", transparency=bytes([0, 255]))
    assert decode(data).pixels.tolist() == [[[255, 255, 255], [40, 50, 60]]]


@pytest.mark.parametrize("kind", ["GIF", "BMP", "WebP", "TIFF", "AVIF"])
def test_other_formats_are_unknown_and_named(kind: str) -> None:
    with pytest.raises(UnknownFormat, match=f"are a {kind} file, neither JPEG nor PNG"):
        decode(_file(_scene(), kind))


def test_a_file_is_what_its_first_bytes_say() -> None:
    jpeg, png = _file(_scene(), "JPEG"), _file(_scene(), "PNG")
    assert decode(png + jpeg).format == "PNG"
    assert decode(jpeg + png).format == "JPEG"
    with pytest.raises(UnknownFormat):
        decode(b"%PDF-1.7\n" + jpeg)
    with pytest.raises(UnknownFormat):
        decode(b"")


@pytest.mark.parametrize("options", [{}, {"progressive": True}])
@pytest.mark.parametrize("share", [0.02, 0.3, 0.6, 0.9])
def test_a_truncated_jpeg_is_refused_with_its_cause(share: float, options: dict[str, Any]) -> None:
    data = _file(_scene(400, 300), "JPEG", **options)
    with pytest.raises(Damaged, match=r"breaks off|truncated"):
        decode(data[: int(len(data) * share)])


@pytest.mark.parametrize("share", [0.1, 0.5, 0.99])
def test_a_truncated_png_is_refused_with_its_cause(share: float) -> None:
    data = _file(_scene(400, 300), "PNG")
    end = len(data) - _PNG_END_BYTES
    with pytest.raises(Damaged, match="breaks off"):
        decode(data[: int(end * share)])


@pytest.mark.parametrize("missing", range(1, 13))
@pytest.mark.parametrize("mode", ["RGB", "P", "L", "RGBA", "1"])
def test_a_png_that_lacks_its_end_alone_is_shown_and_says_so(mode: str, missing: int) -> None:
    data = _file(_scene(60, 40).convert(mode), "PNG")
    whole, cut = decode(data), decode(data[:-missing])
    assert (whole.lacks_end, cut.lacks_end) == (False, True)
    assert (cut.pixels == whole.pixels).all()


@pytest.mark.parametrize("missing", [1, 2])
@pytest.mark.parametrize("mode", ["RGB", "L", "CMYK"])
@pytest.mark.parametrize("progressive", [True, False])
def test_a_jpeg_that_lacks_its_end_alone_is_shown_and_says_so(mode: str, missing: int, progressive: bool) -> None:
    data = _file(_scene(90, 70).convert(mode), "JPEG", progressive=progressive)
    whole, cut = decode(data), decode(data[:-missing])
    assert (whole.lacks_end, cut.lacks_end) == (False, True)
    assert (cut.pixels == whole.pixels).all()
    with pytest.raises(Damaged, match="truncated"):
        decode(data[:-40])


@given(st.binary(max_size=2000), st.sampled_from([True, False]))
def test_what_follows_the_end_of_a_jpeg_is_not_looked_at(film: bytes, progressive: bool) -> None:
    data = _file(_scene(90, 70), "JPEG", progressive=progressive, restart_marker_blocks=2)
    found = decode(data + b"MotionPhoto_Data" + film + b"\xff\xda" * 100_000)
    assert not found.lacks_end
    assert (found.pixels == decode(data).pixels).all()


def test_a_palette_with_fewer_transparent_entries_than_colours_is_whole() -> None:
    image = _scene(60, 40).quantize(200)
    found = decode(_file(image, "PNG", transparency=bytes([255] * 10)))
    assert _away(found, image) == 0


def test_a_png_of_palette_colours_without_a_palette_names_what_lacks() -> None:
    data = _file(_scene(60, 40).quantize(200), "PNG")
    at = data.index(b"PLTE") - 4
    end = at + 12 + int.from_bytes(data[at : at + 4], "big")
    with pytest.raises(Damaged, match="no palette"):
        decode(data[:at] + data[end:])


def test_a_jpeg_of_twelve_bits_is_refused_by_its_bits() -> None:
    data = _file(_scene(), "JPEG")
    with pytest.raises(Damaged, match="12 bits a colour"):
        decode(data.replace(b"\xff\xc0\x00\x11\x08", b"\xff\xc1\x00\x11\x0c", 1))


def test_a_png_with_fewer_rows_than_it_says_is_refused() -> None:
    with pytest.raises(Damaged, match="truncated"):
        decode(_png(100, 100, b"\0" + bytes(300)))


def test_an_interlaced_png_is_whole_with_all_its_rows_and_refused_without_the_last() -> None:
    # One column, three rows: passes 1, 5 and 7 of Adam7 hold rows 0, 2 and 1.
    rows = b"\0\x01" + b"\0\x03" + b"\0\x02"
    whole = _interlaced(1, 3, rows)
    assert decode(whole).pixels[:, 0, 0].tolist() == [1, 2, 3]
    with pytest.raises(Damaged, match="2 bytes of its pixels"):
        decode(_interlaced(1, 3, rows[:-2]))


def test_a_jpeg_with_two_frame_headers_is_refused() -> None:
    data = _file(_scene(), "JPEG")
    at = data.index(b"\xff\xc0")
    frame = data[at : at + 2 + int.from_bytes(data[at + 2 : at + 4], "big")]
    with pytest.raises(Damaged, match="2 frame headers"):
        decode(data[:at] + frame + data[at:])


@pytest.mark.parametrize("kind", ["JPEG", "PNG"])
def test_a_header_that_promises_too_many_pixels_is_refused_before_decoding(kind: str) -> None:
    if kind == "PNG":
        data = _png(60000, 60000, b"")
    else:
        data = _file(_scene(), kind)
        at = data.index(b"\xff\xc0") + 5
        data = data[:at] + struct.pack(">HH", 60000, 60000) + data[at + 4 :]
    tracemalloc.start()
    try:
        with pytest.raises(TooManyPixels, match=rf"60000×60000.*{MOST_PIXELS:,}"):
            decode(data)
        assert tracemalloc.get_traced_memory()[1] < 1_000_000
    finally:
        tracemalloc.stop()


@pytest.mark.parametrize(("width", "height"), [(100_000_000, 1), (1, 100_000_000), (65_536, 1), (1, 65_536)])
def test_a_side_that_no_picture_has_is_refused_before_decoding(width: int, height: int) -> None:
    with pytest.raises(TooManyPixels, match="no side may have more than 65,535"):
        decode(_png(width, height, b"", colour=0))


@pytest.mark.long
def test_the_longest_side_and_the_most_pixels_are_decoded() -> None:
    assert decode(_png(65_535, 1, bytes(1 + 65_535), colour=0)).width == 65_535
    assert decode(_png(1, 65_535, bytes(2 * 65_535), colour=0)).height == 65_535
    assert decode(_png(10_000, 10_000, bytes(1251 * 10_000), depth=1, colour=0)).pixels.shape == (10_000, 10_000, 3)


def test_a_picture_without_pixels_is_refused() -> None:
    with pytest.raises(Damaged, match="0×5"):
        decode(_png(0, 5, b""))


def _assert_decoded_in_little_memory(data: bytes) -> None:
    tracemalloc.start()
    try:
        assert decode(data).pixels.tolist() == [[[1, 2, 3]]]
        assert tracemalloc.get_traced_memory()[1] < 10_000_000
    finally:
        tracemalloc.stop()


@pytest.mark.parametrize("kind", [b"zTXt", b"iCCP", b"iTXt"])
def test_a_text_or_profile_that_unpacks_to_much_is_never_unpacked(kind: bytes) -> None:
    head = {b"zTXt": b"a\0\0", b"iCCP": b"a\0\0", b"iTXt": b"a\0\1\0\0\0"}[kind]
    bomb = _chunk(kind, head + zlib.compress(bytes(100_000_000)))
    data = _png(1, 1, b"\0\1\2\3", extra=bomb * 3)
    _assert_decoded_in_little_memory(data)


def test_pixels_that_unpack_to_more_than_the_header_says_take_no_memory() -> None:
    data = _png(1, 1, b"\0\1\2\3" + bytes(100_000_000))
    _assert_decoded_in_little_memory(data)


def test_a_jpeg_with_endless_scans_is_refused() -> None:
    data = _file(_scene(2000, 2000), "JPEG", progressive=True)
    at = data.rindex(b"\xff\xda")
    with pytest.raises(Damaged, match="more scans"):
        decode(data[:at] + data[at:-2] * 400 + b"\xff\xd9")
    with pytest.raises(Damaged, match="more scans"):
        decode(data[:at] + data[at:-2] * 400)


def test_a_damaged_exif_is_ignored() -> None:
    for body in (b"", b"II*\0", b"MM\0*\xff\xff\xff\xff", b"II*\0\x08\0\0\0\xff\xff" + bytes(20)):
        data = _file(_scene(), "JPEG")
        exif = b"Exif\0\0" + body
        segment = struct.pack(">BBH", 0xFF, 0xE1, len(exif) + 2) + exif
        assert decode(data[:2] + segment + data[2:]).width == 48


def test_a_side_that_is_too_short_is_refused() -> None:
    picture = decode(_file(_scene(100, 79), "PNG"))
    require_side(picture, 79)
    with pytest.raises(TooSmall, match=r"100×79.*80"):
        require_side(picture, 80)


@settings(max_examples=100, deadline=None)
@given(st.sampled_from([b"\xff\xd8\xff", b"\x89PNG\r\n\x1a\n", b""]), st.binary(max_size=300))
def test_any_bytes_decode_or_are_an_image_error(start: bytes, rest: bytes) -> None:
    try:
        assert decode(start + rest).pixels.ndim == 3
    except ImageError:
        return


def test_mutated_files_decode_or_are_an_image_error(scale: float) -> None:
    chance = random.Random(20)
    exif = Image.Exif()
    exif[0x0112] = 6
    seeds = [
        _file(_scene(), "JPEG", exif=exif),
        _file(_scene(), "JPEG", progressive=True),
        _file(_scene().convert("CMYK"), "JPEG"),
        _file(_scene(), "PNG"),
        _file(_scene().convert("P"), "PNG", transparency=3),
        _file(_scene().convert("RGBA"), "PNG"),
    ]
    decoded = refused = 0
    for _ in range(int(2000 * scale)):
        data = bytearray(chance.choice(seeds))
        for _ in range(chance.randint(1, 4)):
            at = chance.randrange(len(data))
            match chance.randrange(4):
                case 0:
                    data[at] = chance.randrange(256)
                case 1:
                    del data[at : at + chance.randint(1, 20)]
                case 2:
                    data[at:at] = chance.randbytes(chance.randint(1, 20))
                case _:
                    data[at : at + 1] = chance.choice([b"\xff", b"\0", b"\xff\xda", b"\xff\xc4"])
        try:
            picture = decode(bytes(data))
            assert picture.pixels.dtype == np.uint8
            assert picture.pixels.ndim == 3
            assert picture.pixels.size <= 3 * MOST_PIXELS
            decoded += 1
        except ImageError:
            refused += 1
    assert decoded
    assert refused
