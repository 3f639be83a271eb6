"""Thirty landmarks in the order and with the sides of the API."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from regard.stewardship.policy.service_model import service_model
from regard.vision.faces.landmarks import FIVE, NAMES, five, thirty

POINTS = np.array([[40, 50], [80, 50], [60, 70], [45, 90], [75, 90]], np.float32)
# A face whose points lie on a line from the picture's left to its right, numbered as the mesh numbers them.
MESH = np.random.default_rng(1).uniform(0, 100, (468, 3))


def test_the_names_are_those_of_the_api() -> None:
    assert set(NAMES) == set(service_model().shape_for("LandmarkType").metadata["enum"])
    assert len(NAMES) == 30


def test_the_five_are_in_the_order_of_the_api() -> None:
    found = five(POINTS, 120, 100)
    assert [landmark.name for landmark in found] == list(FIVE)
    assert [(landmark.x * 120, landmark.y * 100) for landmark in found] == [
        pytest.approx(each) for each in ((40, 50), (80, 50), (45, 90), (75, 90), (60, 70))
    ]


def test_the_thirty_begin_with_the_five_and_pupils_are_the_eyes() -> None:
    found = {landmark.name: landmark for landmark in thirty(POINTS, MESH, 120, 100)}
    assert list(found) == list(NAMES)
    assert [found[name] for name in FIVE] == list(five(POINTS, 120, 100))
    for pupil, eye in (("leftPupil", "eyeLeft"), ("rightPupil", "eyeRight")):
        assert (found[pupil].x, found[pupil].y) == (found[eye].x, found[eye].y)


@given(st.integers(1, 5000), st.integers(1, 5000))
def test_landmarks_are_ratios_of_the_picture(width: int, height: int) -> None:
    scale = np.array([width, height]) / 100
    found = thirty(POINTS * scale, MESH * [*scale, 1], width, height)
    expected = thirty(POINTS, MESH, 100, 100)
    assert [(each.x, each.y) for each in found] == [pytest.approx((each.x, each.y)) for each in expected]


def test_left_is_the_left_of_the_picture() -> None:
    # The canonical face, seen from the front: x grows to the right of the picture.
    mesh = np.zeros((468, 3))
    for point, x in ((33, 1), (133, 2), (362, 3), (263, 4), (64, 5), (294, 6), (234, 7), (454, 8)):
        mesh[point, 0] = x
    found = {landmark.name: landmark.x for landmark in thirty(POINTS, mesh, 1, 1)}
    assert found["leftEyeLeft"] < found["leftEyeRight"] < found["rightEyeLeft"] < found["rightEyeRight"]
    assert found["noseLeft"] < found["noseRight"]
    assert found["upperJawlineLeft"] < found["upperJawlineRight"]
