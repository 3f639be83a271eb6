"""Pose: a face that was turned by known angles is told to be turned by these angles, with the API's signs."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray

from regard.vision.faces.mesh import POINTS
from regard.vision.faces.pose import _FRONTAL, pose

ANGLES = st.floats(-50, 50)


def _turned(yaw: float, pitch: float, roll: float, scale: float = 100.0) -> NDArray[np.float64]:
    """The straight face turned: about the vertical, then the horizontal, then in the picture. x right, y down."""
    a, b, c = map(math.radians, (yaw, pitch, roll))
    about_vertical = np.array([[math.cos(a), 0, -math.sin(a)], [0, 1, 0], [math.sin(a), 0, math.cos(a)]])
    about_horizontal = np.array([[1, 0, 0], [0, math.cos(b), math.sin(b)], [0, -math.sin(b), math.cos(b)]])
    in_picture = np.array([[math.cos(c), -math.sin(c), 0], [math.sin(c), math.cos(c), 0], [0, 0, 1]])
    mesh = np.zeros((POINTS, 3))
    mesh[list(_FRONTAL)] = np.array(list(_FRONTAL.values())) @ (in_picture @ about_horizontal @ about_vertical).T
    return mesh * scale + (300, 200, 5)


@given(ANGLES, st.floats(0.1, 1000))
def test_one_turn_alone_is_read_exactly_at_any_size(angle: float, scale: float) -> None:
    for name, turned in {
        "yaw": _turned(angle, 0, 0, scale),
        "pitch": _turned(0, angle, 0, scale),
        "roll": _turned(0, 0, angle, scale),
    }.items():
        found = pose(turned)
        assert getattr(found, name) == pytest.approx(angle, abs=1e-3)


def test_a_straight_face_has_no_angles() -> None:
    found = pose(_turned(0, 0, 0))
    assert (found.yaw, found.pitch, found.roll) == pytest.approx((0, 0, 0), abs=1e-6)


def test_yaw_is_positive_with_the_nose_toward_the_right_of_the_picture() -> None:
    mesh = _turned(30, 0, 0)
    tip, eyes = mesh[1], mesh[[33, 263]].mean(axis=0)
    assert tip[0] > eyes[0]
    assert pose(mesh).yaw > 0


def test_pitch_is_positive_with_the_head_up() -> None:
    straight, up = _turned(0, 0, 0), _turned(0, 30, 0)
    assert up[1, 1] < straight[1, 1]
    assert pose(up).pitch > 0
