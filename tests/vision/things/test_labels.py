"""The taxonomy is whole, and what two networks say becomes one list of labels."""

from __future__ import annotations

import re
from collections import Counter
from pathlib import Path

import numpy as np
import pytest
from msgspec import structs
from PIL import Image, ImageDraw

from regard.settings import from_environment
from regard.vision.eyes import open_eyes
from regard.vision.pictures.colors import dominant, light, luma_of, properties
from regard.vision.pictures.findings import Box, FoundLabel, Instance, overlap
from regard.vision.pictures.images import Picture, decode
from regard.vision.things.labels import LabelFinder, joined
from regard.vision.things.objects import FoundObject
from regard.vision.things.taxonomy import ancestors, categories, of_coco, of_imagenet, taxonomy
from regard.vision.things.text import Line, Word, words_seen

# Labels that no class of a network stands for: of people counted, of faces, of light.
TOLD = {"Face", "Head", "Portrait", "Group", "Crowd", "Dark", "Text"}
# Whose name ends with that of another label, and is none of its kind.
BY_NAME_ALONE = {
    *("Wild Cat", "Madagascar Cat", "Hot Dog", "African Hunting Dog", "Teddy Bear", "Guinea Pig", "Sea Lion"),
    *("Sea Slug", "Sea Cucumber", "Snow Leopard", "Border Collie", "Black and Gold Garden Spider", "Custard Apple"),
    *("Computer Hardware", "Street Furniture", "Freight Car", "Passenger Car", "Fire Screen", "Window Screen"),
    *("Dutch Oven", "Waffle Iron", "Measuring Cup", "Medicine Chest", "Sofa Bed", "Punching Bag", "Sleeping Bag"),
    *("Academic Gown", "Totem Pole"),
}

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
        assert name in above | TOLD or term.coco or term.imagenet, name


def test_what_is_a_kind_of_another_by_its_name_lies_below_it() -> None:
    ends = {name: [" ".join(name.split()[place:]) for place in range(1, len(name.split()))] for name in taxonomy()}
    astray = {name for name in taxonomy() for end in ends[name] if end in taxonomy() and end not in ancestors(name)}
    assert astray == BY_NAME_ALONE


def test_the_page_on_labels_counts_the_vocabulary() -> None:
    page = (Path(__file__).parents[3] / "docs" / "labels.md").read_text()
    every, boxed = Counter[str](), Counter[str]()
    for name, term in taxonomy().items():
        every.update(categories(name))
        boxed.update(categories(name) if term.coco else ())
    assert f"There are {len(taxonomy()):,} labels, of which {len(of_coco())} come with boxes" in page
    told = dict(re.findall(r"^\| ([A-Z][\w ]+) \| (\d+ \| \d+) \|$", page, re.MULTILINE))
    assert told == {name: f"{count} | {boxed[name]}" for name, count in every.items()}


@pytest.mark.parametrize("name", ["Gown", "Bow Tie", "Lab Coat", "Sandal", "Crash Helmet", "Sunglasses", "Swimsuit"])
def test_what_is_worn_is_clothing_or_an_accessory(name: str) -> None:
    assert {"Clothing", "Accessories"} & set(ancestors(name))


def test_one_thing_has_one_label_whatever_the_networks_call_it() -> None:
    for number, other in ((836, 837), (638, 639), (620, 681), (987, 998), (657, 744)):
        assert of_imagenet()[number] == of_imagenet()[other]


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


def test_what_others_say_is_told_with_the_labels_above_it() -> None:
    face = Instance(Box(0.4, 0.1, 0.2, 0.3), 93.0)
    found = {label.name: label for label in joined([], NO_SCENE, [FoundLabel("Face", 93.0, (face,))])}
    assert found["Face"].instances == (face,)
    assert found["Head"].confidence == found["Person"].confidence == 93
    assert not found["Person"].instances


def test_nothing_hangs_on_faces_where_none_are_looked_for(portrait: bytes, monkeypatch: pytest.MonkeyPatch) -> None:
    finder = LabelFinder.opened(from_environment())
    monkeypatch.setattr(finder, "_faces", lambda *_: pytest.fail("a face was looked for"))
    found = {label.name for label in finder(decode(portrait), faces=False)}
    assert "Person" in found
    assert not {"Face", "Head", "Portrait", "Dark"} & found


@pytest.mark.long
def test_text_is_told_where_words_are_read_if_the_operator_wants_it() -> None:
    page = Image.new("RGB", (400, 200), "white")
    ImageDraw.Draw(page).text((40, 70), "Mind the step", "black", font_size=48)
    picture, settings = Picture(np.asarray(page), "PNG"), from_environment()
    (sure,) = (
        label.confidence
        for label in open_eyes(structs.replace(settings, label_text=True)).labels(picture)
        if label.name == "Text"
    )
    assert sure >= 80
    assert "Text" not in {label.name for label in open_eyes(settings).labels(picture)}


def test_one_letter_is_no_text() -> None:
    outline = np.zeros((4, 2))
    words = [Word(text, sure, outline) for text, sure in (("A", 99.0), ("on", 81.0), ("7 b", 92.0), ("!?", 97.0))]
    (label,) = words_seen([Line("", 99.0, outline, tuple(words))])
    assert label == FoundLabel("Text", 92.0)
    assert not words_seen([Line("", 99.0, outline, tuple(words[:1]))])


def test_a_large_picture_has_the_labels_of_a_small_one(portrait: bytes) -> None:
    finder = LabelFinder.opened(from_environment())
    small = decode(portrait)
    large = Picture(np.ascontiguousarray(small.pixels.repeat(5, 0).repeat(5, 1)[3:, 2:]), "PNG")
    one, other = ({label.name: label for label in finder(picture)} for picture in (small, large))
    sure = {name for name, label in one.items() if label.confidence >= 80}
    assert {"Person", "Face", "Head", "Portrait"} <= sure <= {name for name in other if other[name].confidence >= 70}
    for name in ("Person", "Face"):
        assert overlap(one[name].instances[0].box, other[name].instances[0].box) > 0.85


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
