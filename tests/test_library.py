"""The library: `import regard`, three kinds of pictures, no server and no gallery."""

from __future__ import annotations

import io
from pathlib import Path

import numpy as np
import pytest
from PIL import Image, ImageOps

import regard
from regard.vision.pictures.images import UnknownFormat, decode


def test_a_path_its_bytes_and_its_pixels_give_the_same_faces(portrait: bytes, tmp_path: Path) -> None:
    path = tmp_path / "portrait.jpg"
    path.write_bytes(portrait)
    found = [regard.detect(source) for source in (path, str(path), portrait, decode(portrait).pixels)]
    assert all(repr(each) == repr(found[0]) for each in found)
    assert len(found[0]) == 1


def test_two_pictures_of_one_person_are_similar(portrait: bytes) -> None:
    mirrored = np.asarray(ImageOps.mirror(Image.open(io.BytesIO(portrait))))
    comparison = regard.compare(portrait, mirrored)
    assert comparison.matches[0].similarity > 90


def test_a_comparison_without_a_face_says_which_picture_lacks_it(portrait: bytes) -> None:
    empty = np.zeros((100, 100, 3), np.uint8)
    with pytest.raises(regard.NoFace, match="target"):
        regard.compare(portrait, empty)
    with pytest.raises(regard.NoFace, match="source"):
        regard.compare(empty, portrait)


def test_emotions_are_not_for_the_library(portrait: bytes) -> None:
    (finding,) = regard.detect(portrait, frozenset({"EMOTIONS", "AGE_RANGE"}))
    assert finding.description.emotions is None
    assert finding.description.age_range is not None


def test_what_is_no_picture_is_refused() -> None:
    with pytest.raises(UnknownFormat):
        regard.detect(b"GIF89a")
    with pytest.raises(ValueError, match="uint8 RGB"):
        regard.detect(np.zeros((10, 10), np.uint8))
