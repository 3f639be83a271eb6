"""A detector of one's own is made of what tells things apart, finds them where they are, and says what it is worth."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import onnx
import pytest
from onnx.reference import ReferenceEvaluator

from regard.evaluation.custom.detections import Detections
from regard.evaluation.custom.detector import Pictured, TrainedDetector, train_detector
from regard.evaluation.custom.errors import TooFew, Weak
from regard.vision.heads.box_head import CELLS, PROPOSALS
from tests.helpers.shapes import NAMES, pictured

LESSON = [pictured(number) for number in range(16)]


@pytest.fixture(scope="module")
def trained() -> TrainedDetector:
    return train_detector(LESSON, NAMES, test=[pictured(number) for number in range(100, 106)])


def test_things_are_found_where_they_are(trained: TrainedDetector) -> None:
    fresh = [pictured(number) for number in range(200, 210)]
    told = Detections.of([trained.find(each.seen) for each in fresh], [each.truth for each in fresh], len(NAMES))
    assert told.right.sum() >= 0.8 * told.there.sum()
    assert told.right.mean() >= 0.8


def test_the_way_that_sees_something_is_taken(trained: TrainedDetector) -> None:
    assert (trained.way, trained.manifest["way"]) == (PROPOSALS, PROPOSALS)
    other = [replace(each, seen={PROPOSALS: each.seen[CELLS], CELLS: each.seen[PROPOSALS]}) for each in LESSON]
    assert train_detector(other, NAMES).way == CELLS


def test_figures_are_of_the_test_and_all_else_is_not(trained: TrainedDetector) -> None:
    alone = train_detector(LESSON, NAMES)
    assert (alone.onnx, alone.manifest) == (trained.onnx, trained.manifest)
    assert [each.n for each in trained.labels] == [6, 6]
    assert [each.trained for each in trained.labels] == [16, 16]
    summary = trained.summary
    assert summary.interval.low <= summary.f1 <= summary.interval.high
    assert summary.f1 == pytest.approx(np.mean([each.f1 for each in trained.labels]))
    assert 0.8 < trained.precision <= 1
    assert trained.recall >= summary.recall


def test_the_file_answers_as_the_head_does(trained: TrainedDetector) -> None:
    seen = LESSON[0].seen[PROPOSALS]
    ran = ReferenceEvaluator(onnx.load_model_from_string(trained.onnx))
    found = ran.run(None, {"features": seen.features.astype(np.float32)})
    scores, moves = map(np.asarray, found)
    assert moves.shape == (len(seen.boxes), 4)
    told = trained.head(seen, np.zeros(len(NAMES), np.float32))
    assert told.scores[0] == pytest.approx(scores.max(), abs=1e-5)


def test_without_boxes_or_with_one_picture_of_each_it_is_said_what_to_add() -> None:
    nothing = np.empty((0, 4), np.float32), np.empty(0, np.int64)
    with pytest.raises(TooFew, match="Draw boxes") as none:
        train_detector([Pictured(each.seen, nothing) for each in LESSON], NAMES)
    assert none.value.code == "MANIFEST_TOO_FEW_LABELS"
    with pytest.raises(TooFew, match="leaf, wave: no label has two pictures") as few:
        train_detector(LESSON[:1], NAMES)
    assert few.value.code == "MANIFEST_TOO_FEW_USABLE_LABELS"


def test_what_cannot_be_found_is_named() -> None:
    speck = np.full((81, 4), 0.01, np.float32)
    blind = [replace(each, seen={CELLS: replace(each.seen[CELLS], boxes=speck)}) for each in LESSON[:6]]
    with pytest.raises(Weak, match=r"leaf \(6\), wave \(6\)") as error:
        train_detector(blind, NAMES)
    assert error.value.labels == ("leaf", "wave")
