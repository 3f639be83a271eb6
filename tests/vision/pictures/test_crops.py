"""Crops: held to slow and obvious references."""

from __future__ import annotations

import cmath

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray

from regard.vision.pictures.crops import TEMPLATE, Placement, aligned, crop, fitted, square

SIZE = 24


def _bilinear(pixels: NDArray[np.uint8], placement: Placement, size: int) -> NDArray[np.float64]:
    """Every pixel of the crop looked up by itself; outside the picture is black."""
    height, width = pixels.shape[:2]
    found = np.zeros((size, size, 3))
    for row in range(size):
        for column in range(size):
            place = placement.turn * complex(column, row) + placement.origin
            x, y = place.real, place.imag
            if not (-0.5 <= x < width - 0.5 and -0.5 <= y < height - 0.5):
                continue
            left, top = int(np.floor(x)), int(np.floor(y))
            for across, down in ((0, 0), (1, 0), (0, 1), (1, 1)):
                share = (1 - abs(x - left - across)) * (1 - abs(y - top - down))
                nearest = pixels[min(max(top + down, 0), height - 1), min(max(left + across, 0), width - 1)]
                found[row, column] += share * nearest
    return found


def _smooth() -> NDArray[np.uint8]:
    rows, columns = np.mgrid[0:60, 0:80]
    return np.stack([rows * 4, columns * 3, (rows + columns) * 1.5], axis=-1).astype(np.uint8)


@given(st.floats(-3, 3), st.floats(0.4, 1.4), st.floats(20, 60), st.floats(15, 45))
def test_a_crop_is_what_a_bilinear_look_up_gives(angle: float, scale: float, x: float, y: float) -> None:
    placement = square(complex(x, y), scale * SIZE, angle, SIZE)
    found, expected = crop(_smooth(), placement, SIZE), _bilinear(_smooth(), placement, SIZE)
    inside = expected.sum(axis=-1) > 0
    # Along the border the two may differ in which pixels still belong to the picture.
    assert np.abs(found - expected)[inside].max(initial=0) <= 4 or np.mean(np.abs(found - expected) > 4) < 0.1


def test_what_lies_outside_the_picture_is_black() -> None:
    assert crop(_smooth(), square(complex(500, 500), 20, 0, SIZE), SIZE).max() == 0


def test_a_crop_that_shrinks_averages_instead_of_skipping() -> None:
    checkers = ((np.indices((512, 512)).sum(axis=0) % 2) * 255).astype(np.uint8)
    pixels = np.repeat(checkers[:, :, None], 3, axis=2)
    small = crop(pixels, square(complex(255.5, 255.5), 480, 0, SIZE), SIZE)
    assert np.abs(small.astype(float) - 127.5).max() < 20


@given(st.lists(st.tuples(st.floats(-50, 50), st.floats(-50, 50)), min_size=5, max_size=5, unique=True))
def test_a_fit_is_the_least_squares_one(places: list[tuple[float, float]]) -> None:
    points = np.array(places)
    spread = points - points.mean(axis=0)
    if np.linalg.norm(spread) < 10:
        return
    template = np.array([[10, 10], [20, 10], [15, 15], [11, 20], [19, 20]], float)
    z = points[:, 0] + 1j * points[:, 1]
    aim = template[:, 0] + 1j * template[:, 1]
    (turn, shift), *_ = np.linalg.lstsq(np.column_stack([z, np.ones(5)]), aim, rcond=None)
    if abs(turn) < 1e-6:
        return
    placement = fitted(template, points)
    assert placement.turn == pytest.approx(1 / turn, rel=1e-6)
    assert placement.origin == pytest.approx(-shift / turn, rel=1e-6, abs=1e-6)


@given(st.floats(-3, 3), st.floats(0.5, 4), st.floats(-100, 100), st.floats(-100, 100))
def test_a_turned_and_scaled_template_is_found_exactly(angle: float, scale: float, x: float, y: float) -> None:
    turn = cmath.rect(scale, angle)
    straight = Placement(turn, complex(x, y))
    placement = aligned(straight.to_picture(TEMPLATE))
    assert placement.turn == pytest.approx(turn)
    assert placement.origin == pytest.approx(complex(x, y), abs=1e-6)
