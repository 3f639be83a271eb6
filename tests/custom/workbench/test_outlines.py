"""The boxes of a test: what is there and what was told, for the eye and in words."""

from __future__ import annotations

import numpy as np

from regard.custom.workbench.outlines import Outline, in_words, outlined
from regard.vision.heads.box_head import Framed


def test_what_is_there_comes_before_what_was_told_and_both_are_ratios() -> None:
    truth = np.array([[0.1, 0.2, 0.3, 0.4]], np.float32), np.array([1], np.int64)
    told = Framed(
        np.array([[0.5, 0.5, 1 / 3, 0.25], [0.1, 0.2, 0.3, 0.4]], np.float32),
        np.array([0, 1], np.intp),
        np.array([0.9, 0.8], np.float32),
    )
    nothing = Framed(np.zeros((0, 4), np.float32), np.zeros(0, np.intp), np.zeros(0, np.float32))
    none = np.zeros((0, 4), np.float32), np.zeros(0, np.int64)
    assert outlined([truth, none], [told, nothing]) == [
        [
            Outline(1, True, 0.1, 0.2, 0.3, 0.4),
            Outline(0, False, 0.5, 0.5, 0.3333, 0.25),
            Outline(1, False, 0.1, 0.2, 0.3, 0.4),
        ],
        [],
    ]


def test_whoever_does_not_see_boxes_is_told_how_many_of_what_are_there_and_were_told() -> None:
    places = (0.1, 0.1, 0.2, 0.2)
    boxes = [
        Outline(0, True, *places),
        Outline(1, True, *places),
        Outline(0, True, *places),
        Outline(1, False, *places),
    ]
    assert in_words(boxes, ["nut", "screw"]) == "Boxes that are there: 2 nut, 1 screw. Boxes that were told: 1 screw."
    assert in_words(boxes[:1], ["nut", "screw"]) == "Boxes that are there: 1 nut. Boxes that were told: none."
