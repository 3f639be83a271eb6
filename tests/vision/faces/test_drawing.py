"""Drawing: marks on a copy, the picture itself untouched."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from regard.vision.faces.drawing import Mark, drawn
from regard.vision.faces.faces import Box
from regard.vision.pictures.images import Picture


def test_a_box_is_drawn_where_it_is_and_the_picture_stays() -> None:
    pixels = np.zeros((300, 400, 3), np.uint8)
    image = np.asarray(drawn(Picture(pixels, "PNG"), [Mark(Box(0.25, 0.25, 0.5, 0.5), dots=((0.5, 0.5),))]))
    assert pixels.max() == 0
    assert image[75, 200].max() > 0
    assert image[150, 200].max() > 0
    assert image[20, 20].max() == 0


def test_what_was_found_stands_out_from_the_rest() -> None:
    picture = Picture(np.zeros((300, 400, 3), np.uint8), "PNG")
    box = Box(0.25, 0.25, 0.5, 0.5)
    found, other = (np.asarray(drawn(picture, [Mark(box, "a", found=found)])) for found in (True, False))
    assert np.ptp(found[75, 200].astype(int)) > 50
    assert np.ptp(other[75, 200].astype(int)) == 0


def test_a_face_at_the_edge_is_drawn_as_far_as_it_goes() -> None:
    picture = Picture(np.zeros((100, 100, 3), np.uint8), "PNG")
    drawn(picture, [Mark(Box(-0.2, -0.2, 1.5, 1.5), "wide")])


_PLATES = {True: (0, 200, 120), False: (160, 160, 160)}


def _plate(picture: Picture, mark: Mark) -> tuple[np.ndarray, tuple[int, int, int, int]]:
    """The picture with words, and the box of what the words changed: left, top, right and bottom."""
    bare = np.asarray(drawn(picture, [Mark(mark.box, "", mark.found)])).astype(int)
    worded = np.asarray(drawn(picture, [mark])).astype(int)
    rows, columns = np.nonzero(np.abs(worded - bare).any(axis=2))
    return worded, (int(columns.min()), int(rows.min()), int(columns.max()), int(rows.max()))


def _dark(image: np.ndarray) -> int:
    return int((image.max(axis=2) < 40).sum())


@pytest.mark.parametrize("found", [True, False])
@settings(max_examples=25, deadline=None)
@given(
    size=st.tuples(st.integers(64, 700), st.integers(64, 700)),
    corner=st.tuples(st.floats(-0.3, 1.2), st.floats(-0.3, 1.2)),
    extent=st.tuples(st.floats(0.01, 1.4), st.floats(0.01, 1.4)),
)
def test_words_stand_whole_inside_the_frame(
    found: bool, size: tuple[int, int], corner: tuple[float, float], extent: tuple[float, float]
) -> None:
    picture = Picture(np.full((size[1], size[0], 3), 255, np.uint8), "PNG")
    elsewhere = Mark(Box(0.4, 0.4, 0.01, 0.01), "99.9", found)
    _, there = _plate(picture, elsewhere)
    worded, here = _plate(picture, Mark(Box(*corner, *extent), "99.9", found))
    # As many black pixels as where there is room all around: nothing of the letters is cut off.
    assert _dark(worded) == _dark(np.asarray(drawn(picture, [elsewhere]))) > 10
    assert here[2] - here[0] <= there[2] - there[0] + 1


@pytest.mark.long
@pytest.mark.parametrize(
    ("width", "height", "box"),
    [
        (4000, 3000, Box(0.9, 0.9, 0.1, 0.1)),
        (250, 250, Box(0, 0, 1, 1)),
        (250, 250, Box(0.8, 0, 0.4, 1)),
        (600, 900, Box(0, 0.95, 0.2, 0.2)),
        (80, 80, Box(0, 0, 1, 1)),
    ],
)
def test_words_at_an_edge_are_moved_inside_and_grow_with_the_picture(width: int, height: int, box: Box) -> None:
    white = Picture(np.full((height, width, 3), 255, np.uint8), "PNG")
    worded, (left, top, right, bottom) = _plate(white, Mark(box, "no match 12.3"))
    assert 0 <= left < right < width
    assert 0 <= top < bottom < height
    assert worded.shape == (height, width, 3)
    assert bottom - top >= max(8, round(max(width, height) / 40) * 0.6) or width < 100


@pytest.mark.parametrize("found", [True, False])
def test_letters_stand_out_from_their_plate(found: bool) -> None:
    picture = Picture(np.zeros((300, 300, 3), np.uint8), "PNG")
    plate = _PLATES[found]
    image = np.asarray(drawn(picture, [Mark(Box(0.3, 0.3, 0.3, 0.3), "99.9", found)]))
    assert (image == plate).all(axis=2).sum() > 100
    assert _luminance(plate) + 0.05 >= 7 * 0.05


def _luminance(color: tuple[int, int, int]) -> float:
    """Relative luminance of an sRGB colour, 0 to 1 (WCAG 2.2)."""
    shares = [each / 255 for each in color]
    linear = [each / 12.92 if each <= 0.04045 else ((each + 0.055) / 1.055) ** 2.4 for each in shares]
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]
