"""Drawing: marks on a copy, the picture itself untouched."""

from __future__ import annotations

import numpy as np

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
