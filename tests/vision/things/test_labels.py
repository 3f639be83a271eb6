"""The taxonomy is whole, and what two networks say becomes one list of labels."""

from __future__ import annotations

import numpy as np
import pytest

from regard.vision.pictures.colors import dominant, light, luma_of, properties
from regard.vision.pictures.findings import Box, overlap
from regard.vision.things.labels import joined
from regard.vision.things.objects import FoundObject
from regard.vision.things.taxonomy import ancestors, categories, of_coco, of_imagenet, taxonomy

NO_SCENE = np.zeros(1000, np.float32)


def test_every_parent_is_a_label_and_none_is_above_itself() -> None:
    seen: set[str] = set()
    left = set(taxonomy())
    while ready := {name for name in left if set(taxonomy()[name].parents) <= seen}:
        seen |= ready
        left -= ready
    assert not left


def test_every_label_has_a_category_and_a_class_at_or_below_it() -> None:
    above = {each for name in taxonomy() for each in ancestors(name)}
    for name, term in taxonomy().items():
        assert categories(name), name
        assert name in above or term.coco or term.imagenet, name


def test_every_class_of_the_models_has_exactly_one_label() -> None:
    imagenet = sorted(number for term in taxonomy().values() for number in term.imagenet)
    assert imagenet == list(range(1000)) == sorted(of_imagenet())
    coco = [term.coco for term in taxonomy().values() if term.coco]
    assert len(coco) == 80 == len(of_coco())


def test_no_alias_is_the_name_of_another_label() -> None:
    names = {name.casefold() for name in taxonomy()}
    assert not [alias for term in taxonomy().values() for alias in term.aliases if alias.casefold() in names]


def test_a_label_above_many_has_the_sum_of_their_chances() -> None:
    scene = NO_SCENE.copy()
    scene[[151, 162]] = 0.4
    found = {label.name: label.confidence for label in joined([], scene)}
    assert found["Dog"] > found["Beagle"]
    assert found["Animal"] >= found["Mammal"] >= found["Dog"]
    assert {"Canine", "Pet"} <= set(found)


def test_an_object_is_an_instance_of_its_label_and_lifts_those_above() -> None:
    found = {label.name: label for label in joined([FoundObject(18, Box(0, 0, 1, 1), 0.9)], NO_SCENE)}
    assert len(found["Dog"].instances) == 1
    assert found["Animal"].confidence == found["Dog"].confidence > 90
    assert not found["Animal"].instances


def test_overlap_is_shared_over_whole() -> None:
    assert overlap(Box(0, 0, 1, 1), Box(0.5, 0, 1, 1)) == pytest.approx(1 / 3)
    assert overlap(Box(0, 0, 1, 1), Box(2, 0, 1, 1)) == 0


def test_two_halves_are_two_colours_of_fifty_percent() -> None:
    pixels = np.zeros((100, 3), np.uint8)
    pixels[:50] = (255, 0, 0)
    red, black = sorted(dominant(pixels, 10), key=lambda color: -color.red)
    assert (red.hex, red.css, red.simple, red.percent) == ("#ff0000", "red", "red", 50)
    assert (black.hex, black.css, black.simple) == ("#000000", "black", "black")
    assert light(luma_of(np.repeat(np.array([[0, 0, 0], [255, 255, 255]], np.uint8), 9, axis=0))) == pytest.approx(
        (50, 100)
    )


def test_noise_is_sharper_than_a_plain_page() -> None:
    noise = np.random.default_rng(0).integers(0, 256, (100, 100, 3), np.uint8)
    assert properties(noise).sharpness > 90
    assert properties(np.full((100, 100, 3), 255, np.uint8)).sharpness == 0
