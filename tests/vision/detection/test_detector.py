"""The first detector: its decoding and its suppression of doubles, held to loops that are slow and obvious."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray

from regard.vision.detection.detector import LEAST_SCORE, OVERLAP, Candidates, Detector, canvas_of, without_doubles
from regard.vision.models.runtime import Model

SIDE = 64


def _outputs(seed: int) -> list[NDArray[np.float32]]:
    """What the network could say of a canvas of 64×64: class, presence, box and points of strides 8, 16, 32."""
    random = np.random.default_rng(seed)
    cells = [(SIDE // stride) ** 2 for stride in (8, 16, 32)]
    return [
        (random.random((1, n, width)) if width == 1 else random.normal(0, 1, (1, n, width))).astype(np.float32)
        for width in (1, 1, 4, 10)
        for n in cells
    ]


def _slowly(outputs: list[NDArray[np.float32]]) -> list[tuple[float, list[float], list[list[float]]]]:
    found = []
    for level, stride in enumerate((8, 16, 32)):
        classes, presence, boxes, points = (outputs[level + 3 * kind][0] for kind in range(4))
        columns = SIDE // stride
        for cell in range(len(classes)):
            score = math.sqrt(float(classes[cell, 0]) * float(presence[cell, 0]))
            if score < LEAST_SCORE:
                continue
            column, row = cell % columns, cell // columns
            x, y, w, h = map(float, boxes[cell])
            width, height = math.exp(w) * stride, math.exp(h) * stride
            box = [(column + x) * stride - width / 2, (row + y) * stride - height / 2, width, height]
            marks = [
                [(float(points[cell, 2 * i]) + column) * stride, (float(points[cell, 2 * i + 1]) + row) * stride]
                for i in range(5)
            ]
            found.append((score, box, marks))
    kept: list[tuple[float, list[float], list[list[float]]]] = []
    for each in sorted(found, key=lambda one: -one[0]):
        if all(_overlap(each[1], other[1]) <= OVERLAP for other in kept):
            kept.append(each)
    return kept


def _overlap(one: list[float], other: list[float]) -> float:
    across = min(one[0] + one[2], other[0] + other[2]) - max(one[0], other[0])
    down = min(one[1] + one[3], other[1] + other[3]) - max(one[1], other[1])
    shared = max(across, 0) * max(down, 0)
    return shared / (one[2] * one[3] + other[2] * other[3] - shared)


@given(st.integers(0, 10_000))
def test_what_the_network_says_is_read_cell_by_cell(seed: int) -> None:
    outputs = _outputs(seed)
    detector = Detector(Model(lambda _: outputs, 1, lambda _: None))
    found, expected = detector(np.zeros((SIDE, SIDE, 3), np.uint8)), _slowly(outputs)
    assert found.scores == pytest.approx([score for score, _, _ in expected], abs=1e-5)
    assert found.boxes.ravel() == pytest.approx(np.ravel([box for _, box, _ in expected]), rel=1e-3, abs=1e-2)
    assert found.points.ravel() == pytest.approx(np.ravel([marks for _, _, marks in expected]), rel=1e-3, abs=1e-2)


def test_of_two_boxes_on_one_face_the_surer_stays() -> None:
    boxes = np.array([[10, 10, 20, 20], [11, 11, 20, 20], [100, 100, 20, 20]], np.float32)
    found = Candidates(boxes, np.array([0.8, 0.9, 0.75], np.float32), np.zeros((3, 5, 2), np.float32))
    assert without_doubles(found).scores == pytest.approx([0.9, 0.75])


@given(st.integers(1, 3000), st.integers(1, 3000))
def test_a_canvas_holds_the_picture_in_sides_that_are_multiples_of_32(width: int, height: int) -> None:
    pixels = np.broadcast_to(np.uint8(200), (height, width, 3))
    canvas, scale = canvas_of(np.ascontiguousarray(pixels), 640, bgr=True)
    assert canvas.shape[:2] == (1, 3)
    assert canvas.shape[2] % 32 == canvas.shape[3] % 32 == 0
    assert max(canvas.shape) <= 640
    assert 0 < scale <= 1
    assert canvas[0, 0, 0, 0] == 200
