"""Redaction: what is covered, what is left of it, and what a file may still tell."""

from __future__ import annotations

import io
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image

from benchmarks.covering import covers
from regard.settings import from_environment
from regard.vision.faces.faces import Box, FaceAnalyzer
from regard.vision.pictures.images import Picture, decode
from regard.vision.pictures.redaction import Style, covered, encoded, head

ratio = st.floats(-0.5, 1.5)
size = st.floats(0, 1.5)


@pytest.fixture(scope="module")
def analyzer() -> FaceAnalyzer:
    return FaceAnalyzer.opened(from_environment())


def _noise(width: int, height: int) -> Picture:
    return Picture(np.random.default_rng(1).integers(1, 255, (height, width, 3), np.uint8), "PNG")


@given(left=ratio, top=ratio, width=size, height=size, style=st.sampled_from(Style))
@settings(max_examples=60, deadline=None)
def test_what_is_outside_the_areas_stays_as_it_was(
    left: float, top: float, width: float, height: float, style: Style
) -> None:
    picture = _noise(40, 30)
    found = covered(picture, [Box(left, top, width, height)], style)
    rows, columns = np.nonzero((found.pixels != picture.pixels).any(axis=2))
    assert found.pixels.shape == picture.pixels.shape
    assert all(left * 40 - 1 < column < (left + width) * 40 + 1 for column in columns)
    assert all(top * 30 - 1 < row < (top + height) * 30 + 1 for row in rows)


def test_a_filled_area_holds_nothing_of_what_was_there() -> None:
    found = covered(_noise(100, 100), [Box(0.25, 0.25, 0.5, 0.5)])
    assert not found.pixels[25:75, 25:75].any()


def test_the_cover_is_wider_than_the_face() -> None:
    face, cover = Box(0.4, 0.4, 0.1, 0.1), head(Box(0.4, 0.4, 0.1, 0.1))
    assert cover.left < face.left
    assert cover.top < face.top
    assert cover.left + cover.width > face.left + face.width
    assert cover.top + cover.height > face.top + face.height


@pytest.mark.parametrize("format", ["JPEG", "PNG"])
def test_a_file_carries_nothing_but_pixels(format: str) -> None:
    exif = Image.Exif()
    exif[0x010E] = "a secret"
    exif.get_ifd(0x8825)[1] = "N"
    file = io.BytesIO()
    Image.new("RGB", (64, 48), "red").save(file, format, exif=exif, icc_profile=b"a secret profile")
    assert b"secret" in file.getvalue()
    written = encoded(decode(file.getvalue()))
    assert b"secret" not in written
    with Image.open(io.BytesIO(written)) as image:
        assert image.format == format
        assert image.size == (64, 48)
        assert not image.getexif()
        assert not image.info.keys() - {"jfif", "jfif_version", "jfif_unit", "jfif_density"}


def test_a_turned_picture_is_written_upright() -> None:
    exif = Image.Exif()
    exif[0x0112] = 6
    file = io.BytesIO()
    Image.new("RGB", (64, 48), "red").save(file, "JPEG", exif=exif)
    with Image.open(io.BytesIO(encoded(decode(file.getvalue())))) as image:
        assert image.size == (48, 64)


@pytest.mark.long
@pytest.mark.slow("looks at hundreds of pictures")
def test_faces_in_boxes_drawn_by_hand_are_covered(analyzer: FaceAnalyzer, shared_data: Path, scale: float) -> None:
    found = covers(analyzer, shared_data, (Style.FILL,), 1 if scale == 1 else 4)
    assert found.large.of >= 25
    assert found.large.rate >= (0.98 if scale == 1 else 0.95), found.lost
    assert max(found.likeness[Style.FILL]) < 0.3


@pytest.mark.long
def test_faces_of_ten_pixels_are_found(analyzer: FaceAnalyzer, shared_data: Path) -> None:
    found = 0
    places = [(x, y) for y in (60, 180) for x in range(60, 600, 60)]
    canvas = Image.new("RGB", (640, 240), (96, 104, 92))
    for number, place in enumerate(places, 1):
        with Image.open(shared_data / "synthetic_faces" / f"face_{number}_0.jpeg") as face:
            # The face takes about half of the width of these pictures.
            canvas.paste(face.resize((22, 22), Image.Resampling.LANCZOS), place)
    faces = analyzer.detect_all(Picture(np.array(canvas), "PNG"))
    for x, y in places:
        found += any(
            abs((face.box.left + face.box.width / 2) * 640 - x - 11) < 6
            and abs((face.box.top + face.box.height / 2) * 240 - y - 11) < 6
            for face in faces
        )
    assert found >= 0.9 * len(places)


@pytest.mark.long
def test_a_small_face_in_a_large_picture_is_found(analyzer: FaceAnalyzer, portrait: bytes) -> None:
    canvas = Image.new("RGB", (4200, 2300), (96, 104, 92))
    with Image.open(io.BytesIO(portrait)) as face:
        canvas.paste(face.resize((72, 72)), (4000, 2100))
    faces = analyzer.detect_all(Picture(np.array(canvas), "PNG"))
    assert any(0.95 < face.box.left < 0.98 and face.box.top > 0.9 for face in faces)
