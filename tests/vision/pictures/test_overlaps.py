"""Boxes lie over each other as counting points one by one says."""

from __future__ import annotations

from random import Random

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from regard.vision.pictures.findings import Box, overlap
from regard.vision.pictures.overlaps import areas, best_of_each, shared

_BOXES = st.lists(
    st.tuples(st.integers(0, 8), st.integers(0, 8), st.integers(0, 6), st.integers(0, 6)), max_size=5
).map(lambda each: np.array(each, np.float32).reshape(-1, 4))


def _points(box: np.ndarray) -> set[tuple[int, int]]:
    left, top, width, height = box.astype(int)
    return {(x, y) for x in range(left, left + width) for y in range(top, top + height)}


@given(_BOXES, _BOXES)
def test_what_boxes_share_is_the_points_of_both(boxes: np.ndarray, others: np.ndarray) -> None:
    common = shared(boxes, others)
    assert common.shape == (len(boxes), len(others))
    assert areas(boxes).tolist() == [len(_points(box)) for box in boxes]
    for row, box in zip(common, boxes, strict=True):
        assert row.tolist() == [len(_points(box) & _points(other)) for other in others]


@given(_BOXES, _BOXES)
def test_two_boxes_overlap_by_what_they_share_of_what_they_cover(boxes: np.ndarray, others: np.ndarray) -> None:
    common = shared(boxes, others)
    for n, box in enumerate(boxes.tolist()):
        for m, other in enumerate(others.tolist()):
            whole = len(_points(boxes[n]) | _points(others[m]))
            assert overlap(Box(*box), Box(*other)) == (common[n, m] / whole if whole else 0)


@given(
    st.lists(st.tuples(st.integers(0, 8), st.integers(0, 8), st.integers(1, 6), st.integers(1, 6)), max_size=12),
    st.randoms(),
)
def test_of_each_object_the_best_box_stays(drawn: list[tuple[int, int, int, int]], chance: Random) -> None:
    scores = [chance.random() for _ in drawn]
    kinds = [chance.randrange(2) for _ in drawn]
    kept: list[int] = []
    for place in sorted(range(len(drawn)), key=lambda place: -scores[place]):
        box = Box(*map(float, drawn[place]))
        if all(kinds[of] != kinds[place] or overlap(Box(*map(float, drawn[of])), box) <= 0.5 for of in kept):
            kept.append(place)
    found = best_of_each(np.array(drawn, np.float32).reshape(-1, 4), np.array(scores), np.array(kinds, int), 0.5)
    assert found.tolist() == kept
