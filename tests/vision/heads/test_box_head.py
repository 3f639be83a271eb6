"""A head tells each thing once, moved to where it lies."""

from __future__ import annotations

import numpy as np
import pytest

from regard.vision.heads.box_head import MOST, BoxHead, Candidates, moved, shifts_to

ONE = np.ones((1, 1), np.float32)
NONE = np.zeros(4, np.float32)


def test_shifts_lead_from_one_box_to_another() -> None:
    draw = np.random.default_rng(0)
    begins, sides = draw.uniform(0, 0.5, (2, 20, 2)), draw.uniform(0.1, 0.4, (2, 20, 2))
    one, other = np.concatenate([begins, sides], axis=2).astype(np.float32)
    assert moved(one, shifts_to(one, other)) == pytest.approx(other, abs=1e-5)


def test_a_box_ends_at_the_edges_of_the_picture() -> None:
    shift = np.array([(-1, 0, 1, 0)], np.float32)
    assert moved(np.array([(0.1, 0.1, 0.2, 0.2)], np.float32), shift)[0] == pytest.approx(
        [0, 0.1, 0.2718, 0.2], abs=1e-4
    )


def test_a_thing_is_told_once_by_the_surest_and_from_its_threshold_on() -> None:
    places = np.array([(0.1, 0.1, 0.2, 0.2), (0.12, 0.1, 0.2, 0.2), (0.6, 0.6, 0.2, 0.2)], np.float32)
    seen = Candidates(places, np.array([[1.0], [2.0], [-1.0]], np.float16))
    head = BoxHead(ONE, np.zeros(1, np.float32), np.zeros((1, 4), np.float32), NONE)
    told = head(seen, np.array([0.5], np.float32))
    assert told.boxes.tolist() == [pytest.approx([0.12, 0.1, 0.2, 0.2])]
    assert told.scores == pytest.approx([1 / (1 + np.exp(-2))])
    assert head(seen, np.zeros(1, np.float32)).kinds.tolist() == [0, 0]


def test_no_more_are_told_than_a_manifest_may_have() -> None:
    grid = np.array([(x / 20, y / 20, 0.04, 0.04) for x in range(20) for y in range(20)], np.float32)
    head = BoxHead(ONE, np.zeros(1, np.float32), np.zeros((1, 4), np.float32), NONE)
    assert len(head(Candidates(grid, np.ones((400, 1), np.float16)), np.zeros(1, np.float32)).boxes) == MOST
