"""How right labels and text are, held to their bars: `python -m benchmarks labelling reading` prints the figures."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from shapely import box

from benchmarks.labelling import (
    BANDS,
    Claim,
    average_precision,
    bands,
    boxes,
    classes,
    fitted,
    held_out,
    precision_interval,
)
from benchmarks.reading import Written, errors, measured, recall
from regard.settings import from_environment
from regard.vision.pictures.images import Picture
from regard.vision.things.labels import LabelFinder
from regard.vision.things.text import Word

LEAST_LABELS, LEAST_FIVE, LEAST_PRECISION, LEAST_PIECES, LEAST_ANSWERED = 0.85, 0.97, 0.9, 0.9, 0.85
# 0.900 was measured; another processor rounds some letters otherwise.
LEAST_WORDS = 0.89


@pytest.fixture(scope="module")
def finder() -> LabelFinder:
    return LabelFinder.opened(from_environment())


def _holds(confidences: np.ndarray, claims: list[Claim]) -> None:
    """Of what is said with some confidence as much is right, as far as so few can tell."""
    told = list(bands(confidences, claims))
    assert len(told) == len(BANDS) - 1
    for low, high, mean, share in told:
        slack = 3 * np.sqrt(mean * (100 - mean) / share.of) + 1
        assert abs(100 * share.rate - mean) < slack, (low, high, mean, share)


@pytest.mark.long
@pytest.mark.slow("looks at hundreds of pictures")
def test_the_right_class_is_among_the_first_five_and_confidences_are_borne_out(
    finder: LabelFinder, shared_data: Path
) -> None:
    _, five, labels, scenes = classes(finder, shared_data / "imagenet")
    assert five.rate >= LEAST_FIVE
    assert labels.rate >= LEAST_LABELS
    _holds(held_out(scenes), scenes)


@pytest.mark.long
def test_boxes_are_found_and_their_confidences_are_borne_out(finder: LabelFinder, shared_data: Path) -> None:
    claims, counts = boxes(finder, shared_data / "voc100")
    mean, low, high = precision_interval(claims, counts)
    assert low < mean < high
    assert mean >= LEAST_PRECISION
    _holds(held_out(claims), claims)


@pytest.mark.long
@pytest.mark.slow("reads receipts of hundreds of words each")
def test_receipts_are_read(shared_data: Path, scale: float) -> None:
    found = measured(shared_data / "sroie", 1 if scale == 1 else 5)
    assert found.words.rate >= (LEAST_WORDS if scale == 1 else LEAST_WORDS - 0.1)
    assert found.pieces.rate >= LEAST_PIECES
    assert found.answered.rate >= (LEAST_ANSWERED if scale == 1 else LEAST_ANSWERED - 0.1)
    assert found.wrong < 0.1 * found.letters


def test_average_precision_is_the_area_under_precision_over_recall() -> None:
    claims = [Claim(0, 1, score, right) for score, right in ((0.9, True), (0.8, False), (0.7, True), (0.6, False))]
    assert average_precision(claims, 2) == pytest.approx((1 + 2 / 3) / 2)
    assert average_precision(claims, 4) == pytest.approx((1 + 2 / 3) / 4)
    assert average_precision([], 4) == 0


def test_a_fitted_curve_finds_the_one_that_answers_were_drawn_from() -> None:
    chance = np.random.default_rng(0)
    scores = chance.uniform(0.05, 0.95, 5000)
    right = chance.random(5000) < 1 / (1 + np.exp(-(1.5 * np.log(scores / (1 - scores)) - 0.5)))
    slope, offset = fitted([Claim(0, 1, score, bool(is_right)) for score, is_right in zip(scores, right, strict=True)])
    assert slope == pytest.approx(1.5, abs=0.15)
    assert offset == pytest.approx(-0.5, abs=0.15)


def test_a_word_counts_as_often_as_it_stands_there() -> None:
    truth = [Written("Tel: 12-3 Total", box(0, 0, 1, 1)), Written("total", box(0, 1, 1, 2))]
    assert str(recall(truth, ["TOTAL", "tel:12-3"])).startswith("1 of 4")
    assert str(recall(truth, ["TOTAL", "tel:12-3"], parted=True)).startswith("4 of 5")


def test_errors_are_edits_within_the_lines_of_the_truth() -> None:
    def word(text: str, x: float) -> Word:
        return Word(text, 90.0, np.array([[x, 0.0], [x + 0.1, 0.0], [x + 0.1, 0.1], [x, 0.1]]))

    picture = Picture(np.zeros((100, 100, 3), np.uint8), "PNG")
    truth = [Written("one two", box(0, 0, 50, 20))]
    assert errors(truth, [word("two", 0.3), word("One", 0.1), word("outside", 0.8)], picture) == 0
    assert errors(truth, [word("one", 0.1)], picture) == 4
