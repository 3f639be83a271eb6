"""Objects: what the network tells of its anchors becomes boxes, as a slow reading of its authors' code says."""

from __future__ import annotations

import math
from typing import cast

import numpy as np
import pytest

from regard.settings import from_environment
from regard.vision.models.runtime import Model, Runtime
from regard.vision.models.weights import Weights
from regard.vision.pictures.findings import Box
from regard.vision.pictures.images import Picture, decode
from regard.vision.things.anchors import anchors, boxes
from regard.vision.things.objects import MOST, PERSON, SIDE, ObjectDetector
from regard.vision.things.taxonomy import of_coco

DOG = 18
GREY = Picture(np.full((200, 300, 3), 128, np.uint8), "PNG")


def _slow_anchors() -> list[tuple[float, float, float, float]]:
    """Every anchor, in pixels: the middle down and across, the height and the width."""
    found = []
    for level in (3, 4, 5, 6, 7):
        cells = math.ceil(SIDE / 2**level)
        step = SIDE / cells
        for row in range(cells):
            for column in range(cells):
                for third in (0, 1, 2):
                    for aspect in (1.0, 2.0, 0.5):
                        size = 3.0 * step * 2 ** (third / 3)
                        height, width = size / math.sqrt(aspect), size * math.sqrt(aspect)
                        found.append((step / 2 + row * step, step / 2 + column * step, height, width))
    return found


def test_anchors_are_those_of_a_slow_reading() -> None:
    assert len(anchors(SIDE)) == 19206
    np.testing.assert_allclose(anchors(SIDE) * SIDE, _slow_anchors(), rtol=1e-6)


def test_a_box_lies_and_measures_what_is_told_of_its_anchor() -> None:
    slow, chance = _slow_anchors(), np.random.default_rng(0)
    places = chance.integers(0, 19206, 500)
    told = chance.normal(0, 0.5, (500, 4)).astype(np.float32)
    for (down, across, higher, wider), place, found in zip(
        told.tolist(), places, boxes(told, anchors(SIDE)[places]).tolist(), strict=True
    ):
        y, x, height, width = (each / SIDE for each in slow[place])
        y, x = y + down * height, x + across * width
        height, width = height * math.exp(higher), width * math.exp(wider)
        edges = (x - width / 2, y - height / 2, x + width / 2, y + height / 2)
        left, top, right, bottom = (min(max(each, 0.0), 1.0) for each in edges)
        assert found == pytest.approx((left, top, right - left, bottom - top), abs=1e-5)


def _told(*said: tuple[int, int, float]) -> ObjectDetector:
    """A detector whose network says of anchors (place, class, score), and that boxes are the anchors themselves."""
    scores = np.zeros((1, 19206, 90), np.float32)
    for place, kind, score in said:
        scores[0, place, kind - 1] = score
    return ObjectDetector(cast(Model, lambda _: [scores, np.zeros((1, 19206, 4), np.float32)]))


def test_an_object_is_told_once_with_its_surest_box() -> None:
    # The largest anchors of two cells side by side, and one far away.
    found = _told((9 * 820 + 6, DOG, 0.6), (9 * 821 + 6, DOG, 0.8), (9 * 100 + 6, DOG, 0.7))(GREY, 0.1)
    assert [each.score for each in found] == pytest.approx([0.8, 0.7])
    height, width = anchors(SIDE)[9 * 821 + 6, 2:]
    assert (found[0].box.height, found[0].box.width) == pytest.approx((height, width))


def test_two_kinds_in_one_place_are_two_objects() -> None:
    found = _told((9 * 820, DOG, 0.6), (9 * 820, PERSON, 0.5))(GREY, 0.1)
    assert [each.kind for each in found] == [DOG, PERSON]


def test_what_scores_less_than_asked_for_is_no_object() -> None:
    detector = _told((9 * 820, DOG, 0.6), (9 * 100, DOG, 0.3))
    assert len(detector(GREY, 0.3)) == 2
    assert len(detector(GREY, 0.31)) == 1


def test_at_most_a_hundred_objects_are_told_the_surest_first() -> None:
    crowd = [(9 * place, PERSON, 0.3 + place / 1e4) for place in range(0, 1600, 2)]
    found = _told(*crowd)(GREY, 0.1)
    assert len(found) == MOST
    assert [each.score for each in found] == sorted((each.score for each in found), reverse=True)


@pytest.mark.long
def test_the_weights_find_a_person_and_only_classes_that_have_a_word(portrait: bytes) -> None:
    settings = from_environment()
    weights = Weights(settings.weights_dir, settings.weights_file)
    model = Runtime.opened(settings).load(weights.read("object-detector"), (1, SIDE, SIDE, 3), fine=True)
    found = ObjectDetector(model)(decode(portrait), 0.01)
    assert found[0].kind == PERSON
    assert found[0].score > 0.5
    # Somebody from the breast up, before a flag: most of the picture.
    assert found[0].box.height > 0.7
    assert {each.kind for each in found} <= set(of_coco())
    assert all(each.box.left >= 0 and each.box.left + each.box.width <= 1.0001 for each in found)
    assert isinstance(found[0].box, Box)
