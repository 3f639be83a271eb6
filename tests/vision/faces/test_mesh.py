"""The mesh is answered in pixels of the picture, however the face is turned and wherever it is."""

from __future__ import annotations

import cmath
import io
import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image

from regard.vision.faces.mesh import POINTS, SIZE, Mesh
from regard.vision.models.runtime import Array, Model
from regard.vision.pictures.crops import ALIGNED, TEMPLATE


def _brightest(chip: Array) -> list[Array]:
    """In place of the network: every point of the mesh is the middle of what is bright, at half a crop's depth."""
    weight = chip[0, :, :, 0] ** 2
    rows, columns = np.mgrid[:SIZE, :SIZE]
    point = [(columns * weight).sum() / weight.sum(), (rows * weight).sum() / weight.sum(), SIZE / 2]
    return [np.tile(np.array(point, np.float32), POINTS)[None], np.zeros((1, 1), np.float32)]


@settings(max_examples=30, deadline=None)
@given(st.floats(-40, 40), st.floats(60, 160), st.integers(-10, 10), st.integers(-10, 10))
def test_a_point_seen_in_the_crop_is_where_it_is_in_the_picture(angle: float, side: float, x: int, y: int) -> None:
    pixels = np.zeros((300, 300, 3), np.uint8)
    spot = (150 + x, 150 + y)
    pixels[spot[1] - 3 : spot[1] + 4, spot[0] - 3 : spot[0] + 4] = 255
    turn = cmath.rect(side / ALIGNED, math.radians(angle))
    middle = complex(ALIGNED, ALIGNED) / 2
    five = [(complex(*point) - middle) * turn + 150 + 150j for point in TEMPLATE]
    points = np.array([(point.real, point.imag) for point in five])
    model = Model(lambda inputs: _brightest(inputs[0]), 1, lambda _seconds: None)
    mesh = Mesh(model)(pixels, np.array([150 - side / 2, 150 - side / 2, side, side]), points)
    assert mesh.shape == (POINTS, 3)
    assert mesh[:, 0] == pytest.approx(spot[0], abs=0.6)
    assert mesh[:, 1] == pytest.approx(spot[1], abs=0.6)
    # Depth is in pixels of the picture too: half a crop is half of what the crop shows.
    assert mesh[:, 2] == pytest.approx(1.33 * side / 2, rel=1e-3)


def test_the_mesh_lies_on_the_face(portrait: bytes) -> None:
    from regard.settings import from_environment
    from regard.vision.eyes import open_analyzer
    from regard.vision.models.manifest import MissingWeights
    from regard.vision.pictures.images import decode

    try:
        analyzer = open_analyzer(from_environment())
    except MissingWeights as error:
        pytest.skip(str(error))
    picture = decode(portrait)
    face = analyzer.detect(picture)[0]
    box = np.array([face.box.left, face.box.top, face.box.width, face.box.height]) * 512
    mesh = analyzer._mesh(picture.pixels, box, face.points)
    size = Image.open(io.BytesIO(portrait)).size
    assert (mesh[:, :2] >= 0).all()
    assert (mesh[:, :2] <= size).all()
    middle = box[:2] + box[2:] / 2
    assert np.linalg.norm(mesh[:, :2].mean(axis=0) - middle) < 0.2 * box[2]
    # The tip of the nose is nearest to the viewer of all points but its neighbours.
    assert mesh[1, 2] < np.quantile(mesh[:, 2], 0.05)
