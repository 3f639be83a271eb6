"""Boxes that are told are right once for each thing, and figures follow from that."""

from __future__ import annotations

import numpy as np
import pytest

from regard.evaluation.custom.detections import Detections, across, interval_of_f1, overlaps, rates
from regard.vision.heads.box_head import Framed

THERE = np.array([(0.1, 0.1, 0.2, 0.2), (0.6, 0.6, 0.2, 0.2)], np.float32), np.array([0, 0])
# Right, the same thing again, beside everything, right.
TOLD = Framed(
    np.array([(0.1, 0.1, 0.2, 0.2), (0.11, 0.1, 0.2, 0.2), (0.4, 0.1, 0.2, 0.2), (0.6, 0.6, 0.2, 0.25)], np.float32),
    np.zeros(4, np.intp),
    np.array([0.9, 0.8, 0.5, 0.4], np.float32),
)


def test_a_thing_that_is_told_twice_is_right_once() -> None:
    found = Detections.of([TOLD], [THERE], 1)
    assert found.right.tolist() == [True, False, False, True]
    # Precision is 1 up to half of the things, and 2 of 4 from there on.
    assert found.average_precision(0) == pytest.approx((1 + 0.5) / 2)
    assert rates(found.counts(np.array([0.45]))).tolist() == [pytest.approx([2 / 5, 1 / 3, 1 / 2])]


def test_the_threshold_is_where_f1_is_best() -> None:
    found = Detections.of([TOLD], [THERE], 1)
    # Told from 0.9 on F1 is 2 of 3, as from 0.4 on; the surer one is taken, half way to the next.
    assert found.threshold(0) == pytest.approx(0.85)


def test_a_thing_of_another_label_is_not_found() -> None:
    found = Detections.of([TOLD], [(THERE[0], np.array([1, 1]))], 2)
    assert not found.right.any()
    assert rates(found.counts(np.zeros(2))).tolist() == [[0, 0, 0], [0, 0, 0]]


def test_overlap_is_what_is_common_of_what_both_cover() -> None:
    assert overlaps(THERE[0], np.array([(0.2, 0.1, 0.2, 0.2)])).tolist() == [[pytest.approx(1 / 3)], [0]]


def test_an_interval_narrows_with_pictures() -> None:
    counts = np.tile(Detections.of([TOLD, TOLD], [THERE, THERE], 1).counts(np.array([0.45])), (2, 1, 1))
    counts[::2, 0, 0] = 0
    few, many = (interval_of_f1(np.tile(counts, (times, 1, 1)), 0) for times in (1, 25))
    assert few.low < many.low < many.high < few.high


def test_thresholds_of_a_fold_come_from_the_others() -> None:
    found = Detections.of([TOLD, TOLD._replace(scores=TOLD.scores * np.float32(0.5))], [THERE, THERE], 1)
    # The first is told from 0.425 on, half way between the second's first two: all but its last. The second has nothing
    # from 0.85 on.
    assert across(found, np.array([0, 1]))[..., :2].tolist() == [[[1, 3]], [[0, 0]]]
