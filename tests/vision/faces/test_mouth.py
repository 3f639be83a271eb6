"""The mouth: open or closed, smiling or not, whichever way the head is tilted."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray

from regard.vision.faces.mesh import POINTS
from regard.vision.faces.mouth import mouth_open, smile


def _mesh(gap: float = 0.0, lift: float = 0.0, width: float = 60.0) -> NDArray[np.float64]:
    """A face with eyes 100 pixels apart; corners of the mouth lifted by `lift`, lips `gap` apart."""
    mesh = np.zeros((POINTS, 3))
    mesh[[33, 133, 362, 263], 0] = (-50, -20, 20, 50)
    mesh[61, :2], mesh[291, :2] = (-width / 2, 60 - lift), (width / 2, 60 - lift)
    mesh[13, :2], mesh[14, :2] = (0, 60 - gap / 2), (0, 60 + gap / 2)
    return mesh


def _turned(mesh: NDArray[np.float64], degrees: float, scale: float) -> NDArray[np.float64]:
    angle = np.radians(degrees)
    turn = scale * np.array([[np.cos(angle), -np.sin(angle), 0], [np.sin(angle), np.cos(angle), 0], [0, 0, 1]])
    return mesh @ turn.T + (300, 200, 0)


def test_lips_together_are_closed_and_lips_apart_are_open() -> None:
    assert not mouth_open(_mesh(gap=0)).value
    assert mouth_open(_mesh(gap=20)).value


def test_lifted_corners_smile_and_hanging_ones_do_not() -> None:
    assert smile(_mesh(lift=12)).value
    assert not smile(_mesh(lift=-5)).value


def test_a_wide_mouth_smiles_more_than_a_narrow_one() -> None:
    assert not smile(_mesh(lift=2, width=55)).value
    assert smile(_mesh(lift=2, width=80)).value


@given(st.floats(0, 30), st.floats(-15, 15), st.floats(-80, 80), st.floats(0.2, 5))
def test_neither_tilt_nor_size_of_the_head_matters(gap: float, lift: float, degrees: float, scale: float) -> None:
    upright = _mesh(gap, lift)
    turned = _turned(upright, degrees, scale)
    for judge in (mouth_open, smile):
        assert judge(turned).confidence == pytest.approx(judge(upright).confidence, abs=1e-6)


@given(st.floats(0, 30))
def test_confidence_is_lowest_at_the_threshold_and_grows_away_from_it(gap: float) -> None:
    found = mouth_open(_mesh(gap))
    further = mouth_open(_mesh(gap + 3 if found.value else max(0.0, gap - 3)))
    assert 50 <= found.confidence <= further.confidence <= 100
