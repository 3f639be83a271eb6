"""Frozen features: even lengths, all of the picture, and their model by digest."""

from __future__ import annotations

import numpy as np
import pytest

from regard.settings import from_environment
from regard.vision.models.weights import Weights
from regard.vision.pictures.images import Picture
from regard.vision.things.features import INNER, LAST, Features


def test_both_layers_have_their_length_and_what_lies_at_an_edge_is_seen() -> None:
    features = Features.opened(from_environment())
    pixels = np.random.default_rng(0).integers(0, 90, (120, 360, 3)).astype(np.uint8)
    edge = pixels.copy()
    edge[:, :100] = (240, 200, 20)
    plain, other = (features.features_of(Picture(each, "PNG")) for each in (pixels, edge))
    assert np.linalg.norm(plain[-LAST:]) == pytest.approx(1, abs=1e-5)
    assert np.linalg.norm(plain[:-LAST]) == pytest.approx(INNER, abs=1e-5)
    assert np.linalg.norm(plain - other) > 0.2
    assert features.base.sha256 == Weights.opened(from_environment()).digest("things-and-scenes")
