"""What is no picture we read is named, with what to do about it."""

from __future__ import annotations

import base64
import gzip
import io

import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image

from regard.vision.pictures.formats import cause


def _jpeg() -> bytes:
    file = io.BytesIO()
    Image.new("RGB", (90, 90), "white").save(file, "JPEG")
    return file.getvalue()


def _wrapped(data: bytes) -> bytes:
    return base64.encodebytes(data)


@pytest.mark.parametrize("encode", [base64.b64encode, base64.urlsafe_b64encode, _wrapped])
@pytest.mark.parametrize(("start", "name"), [(_jpeg(), "JPEG"), (b"\x89PNG\r\n\x1a\n" + bytes(80), "PNG")])
def test_base64_of_a_picture_is_told_as_such(encode: type, start: bytes, name: str) -> None:
    assert f"a {name} file in base64" in cause(encode(start))
    assert "as it is" in cause(encode(start))


@pytest.mark.parametrize("kind", ["data:image/jpeg;base64,", "DATA:image/png,"])
def test_a_data_url_is_told_as_such(kind: str) -> None:
    assert "data URL" in cause(kind.encode() + base64.b64encode(_jpeg()))


def test_a_packed_picture_is_told_as_such() -> None:
    assert "a JPEG file packed by gzip" in cause(gzip.compress(_jpeg()))
    assert "a file packed by gzip" in cause(gzip.compress(b"hello"))
    assert "a file packed by gzip" in cause(b"\x1f\x8b and no more")


@pytest.mark.parametrize(
    ("start", "name"),
    [
        (b"\0\0\0\x18ftypheic\0\0\0\0", "HEIC"),
        (b"\0\0\0\x18ftypmif1\0\0\0\0", "HEIF"),
        (b"\0\0\0\x1cftypavif\0\0\0\0", "AVIF"),
        (b"\0\0\0\x18ftypmp42\0\0\0\0", "film"),
        (b"RIFF\0\0\0\0WEBPVP8 ", "WebP"),
        (b"\xff\x0a\0\0", "JPEG XL"),
        (b"%PDF-1.7", "PDF"),
        (b"<svg xmlns=", "SVG"),
    ],
)
def test_other_formats_are_named(start: bytes, name: str) -> None:
    assert f"are a {name}" in cause(start + bytes(100))
    assert "Convert" in cause(start + bytes(100))


def test_no_bytes_at_all_are_told() -> None:
    assert cause(b"") == "There are no bytes."


@given(st.binary(max_size=300))
def test_any_bytes_have_a_cause_that_says_no_byte_of_them(data: bytes) -> None:
    assert cause(data).isprintable()
