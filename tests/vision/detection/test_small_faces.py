"""The second look: faces that the first detector misses, and no look where it is not worth its time."""

from __future__ import annotations

import io

import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import Image

from regard.settings import from_environment
from regard.vision.eyes import open_analyzer
from regard.vision.faces.faces import FaceAnalyzer
from regard.vision.pictures.images import Picture

WIDTH, HEIGHT, COLUMNS, ROWS = 1920, 1080, 6, 3
# The face fills this share of the crop that is pasted.
FACE = 0.45


def _crowd(portrait: bytes, side: int) -> Picture:
    """Eighteen faces of `side` pixels in a wide picture."""
    face = Image.open(io.BytesIO(portrait)).crop((110, 0, 330, 220))
    size = round(side / FACE)
    scene = Image.new("RGB", (WIDTH, HEIGHT), (96, 110, 120))
    small = face.resize((size, size), Image.Resampling.LANCZOS)
    for number in range(COLUMNS * ROWS):
        column, row = number % COLUMNS, number // COLUMNS
        scene.paste(small, (40 + column * WIDTH // COLUMNS, 40 + row * HEIGHT // ROWS))
    pixels: NDArray[np.uint8] = np.asarray(scene)
    return Picture(np.ascontiguousarray(pixels), "PNG")


@pytest.fixture(scope="module")
def analyzers() -> dict[str, FaceAnalyzer]:
    return {when: open_analyzer(from_environment(small_faces=when)) for when in ("never", "auto", "always")}


@pytest.mark.long
def test_faces_of_twenty_pixels_are_found_by_the_second_look(
    analyzers: dict[str, FaceAnalyzer], portrait: bytes
) -> None:
    crowd = _crowd(portrait, 20)
    found = {when: len(analyzer.detect(crowd)) for when, analyzer in analyzers.items()}
    assert found["always"] == COLUMNS * ROWS
    assert found["never"] < found["always"]


@pytest.mark.long
def test_no_face_is_told_twice(analyzers: dict[str, FaceAnalyzer], portrait: bytes) -> None:
    for side in (30, 60, 120):
        assert len(analyzers["always"].detect(_crowd(portrait, side))) == COLUMNS * ROWS


@pytest.mark.long
def test_a_picture_of_large_faces_is_not_looked_at_again(analyzers: dict[str, FaceAnalyzer], portrait: bytes) -> None:
    analyzer = open_analyzer(from_environment(small_faces="auto"))
    analyzer.detect(_crowd(portrait, 120))
    assert "_small_face_detector" not in vars(analyzer)
    analyzer.detect(_crowd(portrait, 30))
    assert "_small_face_detector" in vars(analyzer)
