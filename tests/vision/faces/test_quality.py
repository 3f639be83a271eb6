"""Quality: brightness and sharpness follow the picture, and a filter says why it turns a face away."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray
from PIL import Image, ImageFilter

from regard.vision.faces.faces import Box, Description, Face, Pose, Quality
from regard.vision.faces.quality import quality, rejections
from regard.vision.pictures.images import Picture

PICTURE = Picture(np.zeros((1000, 1000, 3), np.uint8), "PNG")
GOOD = Quality(50, 60)
STRAIGHT = Pose(0, 0, 0)


def _face(side: float = 0.2, confidence: float = 95) -> Face:
    return Face(Box(0.1, 0.1, side, side), confidence, np.zeros((5, 2), np.float32))


def _description(quality: Quality = GOOD, pose: Pose = STRAIGHT) -> Description:
    return Description((), pose, quality)


def _textured(seed: int) -> NDArray[np.uint8]:
    return np.random.default_rng(seed).integers(0, 256, (112, 112), dtype=np.uint8)


@given(st.integers(0, 255))
def test_brightness_is_the_share_of_white(level: int) -> None:
    flat = np.full((112, 112), level, np.uint8)
    assert quality(flat).brightness == pytest.approx(level / 2.55, abs=1e-3)
    assert quality(flat).sharpness == pytest.approx(0, abs=1e-3)


@given(st.integers(0, 1000), st.floats(0.3, 2), st.floats(0.2, 2))
def test_the_more_blurred_the_less_sharp(seed: int, radius: float, more: float) -> None:
    image = Image.fromarray(_textured(seed))
    a, b = (quality(np.asarray(image.filter(ImageFilter.GaussianBlur(by)))).sharpness for by in (radius, radius + more))
    assert 0 <= b < a <= 100


@pytest.mark.parametrize(
    ("face", "description", "reason"),
    [
        (_face(side=0.03), _description(), "SMALL_BOUNDING_BOX"),
        (_face(confidence=71), _description(), "LOW_CONFIDENCE"),
        (_face(), _description(Quality(5, 60)), "LOW_BRIGHTNESS"),
        (_face(), _description(Quality(50, 5)), "LOW_SHARPNESS"),
        (_face(), _description(pose=Pose(70, 0, 0)), "EXTREME_POSE"),
        (_face(), _description(pose=Pose(0, -50, 0)), "EXTREME_POSE"),
    ],
)
@pytest.mark.parametrize("level", ["AUTO", "LOW", "MEDIUM", "HIGH"])
def test_a_filter_says_why(face: Face, description: Description, reason: str, level: str) -> None:
    assert reason in rejections(face, description, level, PICTURE)
    assert rejections(face, description, "NONE", PICTURE) == ()


def test_several_reasons_are_all_told() -> None:
    found = rejections(_face(side=0.01), _description(Quality(1, 1)), "LOW", PICTURE)
    assert found == ("SMALL_BOUNDING_BOX", "LOW_BRIGHTNESS", "LOW_SHARPNESS")


@given(
    st.floats(0.001, 1),
    st.floats(70, 100),
    st.floats(0, 100),
    st.floats(0, 100),
    st.floats(-90, 90),
    st.floats(-90, 90),
)
def test_a_stricter_level_passes_nothing_that_a_milder_one_turns_away(
    side: float, confidence: float, brightness: float, sharpness: float, yaw: float, pitch: float
) -> None:
    face, description = _face(side, confidence), _description(Quality(brightness, sharpness), Pose(yaw, pitch, 0))
    low, medium, high = (set(rejections(face, description, level, PICTURE)) for level in ("LOW", "MEDIUM", "HIGH"))
    assert low <= medium <= high


def test_a_head_tilted_to_the_shoulder_is_no_extreme_pose() -> None:
    assert rejections(_face(), _description(pose=Pose(0, 0, 45)), "HIGH", PICTURE) == ()
