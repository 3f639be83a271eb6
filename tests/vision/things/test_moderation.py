"""Moderation: the taxonomy as it is written down, and what the network says of harmless pictures."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray

from benchmarks.moderating import Look, claims, fitted, kind_of, kinds, looks
from regard.settings import from_environment
from regard.vision.pictures.images import Picture, decode
from regard.vision.things.labels import LabelFinder
from regard.vision.things.moderation import ModerationLabel, Moderator, chain, taxonomy, told
from regard.vision.things.taxonomy import of_imagenet

# Of each label what DetectLabels calls the classes that it stands for; several may have one name.
KINDS = {
    "Female Swimwear or Underwear": {"Bikini", "Brassiere", "Swimsuit"},
    "Male Swimwear or Underwear": {"Swimming Trunks"},
    "Weapons": {"Assault Rifle", "Bow Weapon", "Cannon", "Missile", "Revolver", "Rifle"},
    "Products": {"Tobacco Shop"},
    "Pills": {"Pill Bottle"},
    "Drugs & Tobacco Paraphernalia & Use": {"Lighter", "Syringe"},
    "Alcoholic Beverages": {
        "Beer Bottle", "Beer Glass", "Cocktail Shaker", "Eggnog", "Red Wine", "Whiskey Jug", "Wine Bottle",
    },
    "Gambling": {"Slot Machine"},
}  # fmt: skip


@pytest.fixture(scope="module")
def asked() -> list[str]:
    """The first words of the names of the networks that were asked, in their order."""
    return []


@pytest.fixture(scope="module")
def labels(asked: list[str]) -> LabelFinder:
    return LabelFinder.opened(from_environment(), lambda name, _: asked.append(name.partition("-")[0]))


@pytest.fixture(scope="module")
def moderator(labels: LabelFinder, asked: list[str]) -> Moderator:
    return Moderator.opened(from_environment(), labels.scene, lambda name, _: asked.append(name.partition("-")[0]))


def scene(**chances: float) -> NDArray[np.float32]:
    """What the classifier would say: the chance of each class, by the name of its label; of the rest nothing."""
    found = np.zeros(1000, np.float32)
    for name, chance in chances.items():
        found[next(number for number, label in of_imagenet().items() if label == name.replace("_", " "))] = chance
    return found


def confidences(found: list[ModerationLabel]) -> dict[str, float]:
    return {label.name: label.confidence for label in found}


def test_every_label_stands_below_one_that_is_there() -> None:
    seen: set[str] = set()
    for label in taxonomy().values():
        assert label.parent == "" or label.parent in seen
        seen.add(label.name)
    assert len(seen) == len(taxonomy())


def test_the_taxonomy_has_three_levels_and_ten_branches() -> None:
    levels = [len(chain(name)) for name in taxonomy()]
    assert max(levels) == 3
    assert levels.count(1) == 10


def test_a_label_stands_for_the_classes_that_mean_it() -> None:
    meant = {label.name: {of_imagenet()[number] for number in label.imagenet} for label in taxonomy().values()}
    assert {name: classes for name, classes in meant.items() if classes} == KINDS


@given(st.floats(0, 1), st.lists(st.tuples(st.integers(0, 999), st.floats(0, 1)), max_size=8))
def test_no_label_is_surer_than_the_one_above_it(score: float, chances: list[tuple[int, float]]) -> None:
    classes = np.zeros(1000, np.float32)
    for number, chance in chances:
        classes[number] = chance / len(chances)
    found = {label.name: label for label in told(score, classes)}
    for label in found.values():
        assert 1 <= label.confidence <= 100
        assert label.level == len(chain(label.name))
        assert not label.parent or found[label.parent].confidence >= label.confidence


def test_classes_of_one_label_add_up_and_so_do_labels_of_one_above() -> None:
    rifle = confidences(told(0, scene(Rifle=0.2)))["Weapons"]
    assert confidences(told(0, scene(Rifle=0.1, Revolver=0.1)))["Weapons"] == pytest.approx(rifle)
    drugs = confidences(told(0, scene(Pill_Bottle=0.3, Syringe=0.2)))
    assert drugs["Drugs & Tobacco"] == pytest.approx(confidences(told(0, scene(Pill_Bottle=0.5)))["Pills"])
    assert drugs["Drugs & Tobacco"] > drugs["Products"] == drugs["Pills"] > drugs["Drugs & Tobacco Paraphernalia & Use"]


def test_what_the_network_for_pornography_is_undecided_about_is_not_reported() -> None:
    # A towel folded into a swan, and an advertisement for bikinis.
    for score in (0.55, 0.58):
        assert confidences(told(score, scene(Bikini=0.9))) == pytest.approx(
            confidences(told(0, scene(Bikini=0.9))) | dict.fromkeys(("Explicit", "Explicit Nudity"), 18), abs=3
        )
    assert confidences(told(0.8, scene()))["Explicit Nudity"] == pytest.approx(80, abs=0.1)


def test_a_picture_without_content_has_no_labels(moderator: Moderator) -> None:
    noise = np.random.default_rng(2).integers(0, 256, (300, 200, 3), np.uint8)
    assert moderator(Picture(noise, "PNG")) == []


def test_each_network_is_asked_once_a_picture(moderator: Moderator, asked: list[str], portrait: bytes) -> None:
    asked.clear()
    moderator(decode(portrait))
    assert sorted(asked) == ["pornography", "things"]


@pytest.mark.slow("looks at hundreds of pictures")
def test_harmless_pictures_are_not_reported(
    moderator: Moderator, labels: LabelFinder, shared_data: Path, scale: float
) -> None:
    folders = ("imagenet", "voc100/images", "coco20", "aws_docs_media", "utkface", "lfw")
    steps = dict.fromkeys(folders, 1) | {"utkface": 40, "lfw": 40}
    seen = [look for each in folders for look in looks(moderator, labels, each, steps[each] * round(1 / scale))]
    hits = [look.labels for look in seen if not look.shows and look.labels]
    assert len(hits) <= 1 + len(seen) // 200, hits


def test_what_is_moderated_is_found(moderator: Moderator, labels: LabelFinder, shared_data: Path) -> None:
    # The whole test set that is here: four of the classes, one picture each.
    files = sorted((shared_data / "imagenet").iterdir())
    shown = {number: kind_of(number) for number in range(0, 1000, 10) if kind_of(number)}
    assert [of_imagenet()[number] for number in shown] == ["Beer Bottle", "Pill Bottle", "Slot Machine", "Tobacco Shop"]
    told_of = {
        number: confidences(moderator(decode(files[number // 10].read_bytes()))).get(name, 0)
        for number, name in shown.items()
    }
    assert sum(sure >= 50 for sure in told_of.values()) >= 3, told_of


def test_the_curves_come_from_what_stands_in_and_from_harmless_pictures() -> None:
    chance = np.random.default_rng(1)
    stand_ins = [Look("imagenet", 0, scene(Beaver=float(each)), number=337) for each in chance.beta(8, 2, 200)]
    assert of_imagenet()[337] == "Beaver"
    harmless = [Look("lfw", 0, scene(Rifle=float(each))) for each in chance.beta(1, 30, 2000)]
    given = claims([*stand_ins, *harmless], ["Violence"])
    assert given.weights[given.right].sum() == pytest.approx(len(given.weights) * 0.01, rel=0.5)
    slope, offset = fitted(given)
    # Sure where stand-ins are, and not where harmless pictures are.
    assert slope * np.log(0.8 / 0.2) + offset > 1
    assert slope * np.log(0.03 / 0.97) + offset < -3
    assert {"Violence", "Alcohol", "Gambling", "Drugs & Tobacco", "Swimwear or Underwear", "Explicit"} == set(kinds())


def test_the_score_is_that_of_the_network_as_its_authors_feed_it(moderator: Moderator, shared_data: Path) -> None:
    # 0.0043 with their own preparation in Pillow; JPEG decoders differ a little.
    data = (shared_data / "coco20" / "000000005001.jpg").read_bytes()
    assert moderator.pornography(decode(data)) == pytest.approx(0.0043, abs=0.002)
