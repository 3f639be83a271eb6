"""What a candidate teaches follows from what it lies on."""

from __future__ import annotations

import numpy as np
import pytest

from regard.evaluation.custom.assigning import NOTHING, UNCLEAR, assigned
from regard.vision.heads.box_head import CELLS, PROPOSALS, Candidates, moved

TRUTH = np.array([(0.2, 0.2, 0.4, 0.4)], np.float32), np.array([3])


def test_proposals_are_of_what_they_overlap() -> None:
    places = np.array([(0.2, 0.25, 0.4, 0.4), (0.2, 0.4, 0.4, 0.4), (0.6, 0.6, 0.3, 0.3)], np.float32)
    found = assigned(PROPOSALS, Candidates(places, np.zeros((3, 1), np.float16)), TRUTH)
    assert found.kinds.tolist() == [3, UNCLEAR, NOTHING]
    assert moved(places[:1], found.shifts[:1])[0] == pytest.approx(TRUTH[0][0], abs=1e-5)


def test_cells_are_of_what_they_are_in_the_middle_of_if_it_is_of_their_size() -> None:
    middles = np.array([(0.4, 0.4), (0.25, 0.4), (0.9, 0.9)])
    squares = [np.concatenate([middles - side / 2, np.full((3, 2), side)], axis=1) for side in (0.4, 0.1)]
    places = np.concatenate(squares).astype(np.float32)
    found = assigned(CELLS, Candidates(places, np.zeros((6, 1), np.float16)), TRUTH)
    assert found.kinds.tolist() == [3, UNCLEAR, NOTHING, NOTHING, NOTHING, NOTHING]


def test_a_picture_without_things_teaches_nothing_else() -> None:
    none = np.empty((0, 4), np.float32), np.empty(0, np.int64)
    places = Candidates(np.full((2, 4), 0.2, np.float32), np.zeros((2, 1), np.float16))
    assert assigned(PROPOSALS, places, none).kinds.tolist() == [NOTHING, NOTHING]
