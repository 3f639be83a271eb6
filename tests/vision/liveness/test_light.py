"""The colours of the screen are found on what is near, in their order and time, and on nothing else."""

from __future__ import annotations

from random import Random

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from regard.vision.liveness.challenge import Flash, draw
from regard.vision.liveness.light import reflection, regions, screen
from regard.vision.pictures.findings import Box
from tests.helpers.filmed import FACE, painted

FLASHES = draw(640, 480, light=True, random=Random(7)).flashes
STARTS = tuple(
    np.cumsum([500.0] + [(flash.scroll_ms if at else 0) + flash.flat_ms for at, flash in enumerate(FLASHES[:-1])])
)


def test_a_colour_comes_down_the_screen_and_stays() -> None:
    flashes = (Flash((255, 0, 0), 200, 300), Flash((0, 0, 255), 200, 300))
    light = screen(flashes, (0, 300), np.array([-50.0, 100, 400, 500, 900]))
    assert light == pytest.approx(np.array([[1, 0, 0], [1, 0, 0], [0.5, 0, 0.5], [0, 0, 1], [0, 0, 1]]))


@settings(max_examples=10)
@given(st.floats(0.05, 0.8), st.integers(0, 200))
def test_a_near_face_takes_the_colours_when_the_camera_lags(strength: float, lag: int) -> None:
    seen = reflection(painted(FLASHES, STARTS, strength, behind=0.02 * strength, lag=lag), FLASHES, STARTS)
    assert seen.follows > 0.95
    assert seen.lag == pytest.approx(lag, abs=40)
    assert seen.apart > 0.8


def test_a_wall_as_near_as_the_face_is_told_from_a_room_behind_it() -> None:
    assert reflection(painted(FLASHES, STARTS, 0.3, behind=0.3), FLASHES, STARTS).apart < 0.3


def test_a_face_that_takes_no_colours_does_not_follow_them() -> None:
    assert reflection(painted(FLASHES, STARTS, 0.0, behind=0.0), FLASHES, STARTS).follows < 0.6


@pytest.mark.long
@settings(max_examples=10)
@given(st.permutations(range(len(FLASHES))))
def test_another_order_of_the_colours_never_fits_better_than_theirs(order: list[int]) -> None:
    looked = painted(FLASHES, STARTS, 0.3, behind=0.0)
    told = tuple(
        Flash(FLASHES[at].rgb, flash.scroll_ms, flash.flat_ms) for at, flash in zip(order, FLASHES, strict=True)
    )
    assert reflection(looked, told, STARTS).follows <= reflection(looked, FLASHES, STARTS).follows


def test_colours_that_come_late_do_not_follow() -> None:
    assert reflection(painted(FLASHES, STARTS, 0.3, behind=0.0, lag=700), FLASHES, STARTS).follows < 0.8


def test_without_frames_or_flashes_nothing_is_measured() -> None:
    looked = painted(FLASHES, STARTS, 0.3, behind=0.0)
    assert reflection(looked, (), ()).measured == 0
    assert reflection(looked, FLASHES, STARTS[:3]).measured == 0


def test_skin_and_background_share_nothing() -> None:
    skin, behind = regions(72, 96, FACE)
    assert skin.any()
    assert behind.any()
    assert not (skin & behind).any()
    skin, behind = regions(72, 96, Box(0.05, 0.0, 0.9, 1.0))
    assert skin.any()
    assert behind.mean() < 0.02
