"""The probe: a model whose predictions tell groups apart is found, another is not, and few people say little."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import msgspec
import numpy as np
import pytest
from numpy.typing import NDArray

from regard.evaluation.bias.association import APART, LIMIT, PASSED, UNCLEAR, Association, association, probe
from regard.evaluation.samples.pictures_on_disk import Labelled
from regard.evaluation.training.regression import FOLDS, calibrated, linear
from regard.settings import Settings
from regard.vision.models.runtime import Runtime
from regard.vision.models.weights import Weights
from regard.vision.pictures.images import decode
from regard.vision.things.labels import classifier, prepared

GROUPS = 5
Floats = NDArray[np.float64]


def _of(scores: Floats, groups: NDArray[np.int64], people: list[str] | None = None) -> Association:
    names = [str(each) for each in groups]
    who = people or [str(place) for place in range(len(groups))]
    return association("group", scores, np.full(scores.shape[1], 0.5), names, who)


def _told_apart(chance: np.random.Generator, number: int, share: float) -> tuple[Floats, NDArray[np.int64]]:
    """Scores of as many labels as groups, of which the group's own is sure in `share` of its people."""
    groups = np.arange(number) % GROUPS
    scores = chance.random((number, GROUPS)) * 0.6
    sure = chance.random(number) < share
    scores[sure, groups[sure]] = 0.9
    return scores, groups


def test_predictions_that_are_luck_pass() -> None:
    chance = np.random.default_rng(1)
    outcomes = [_of(chance.random((500, 3)), np.arange(500) % GROUPS) for _ in range(10)]
    assert [each.outcome for each in outcomes].count(PASSED) >= 9
    assert sum(each.by_chance <= 0.05 for each in outcomes) <= 3


def test_a_model_that_says_nothing_passes() -> None:
    assert _of(np.zeros((500, 2)), np.arange(500) % GROUPS).outcome == PASSED


def test_neutral_names_that_stand_for_groups_are_found_at_the_rate_that_was_seen() -> None:
    # .2 by chance and .21 of the rest: right in .37 of five groups, which is what the feature's issue measured.
    found = _of(*_told_apart(np.random.default_rng(2), 1000, 0.21))
    assert found.outcome == APART
    assert found.interval.low > 0.2
    assert 0.3 < found.guessed < 0.45
    assert found.by_chance == 0.005


def test_one_label_for_one_group_is_found_though_nothing_else_is_told() -> None:
    groups = np.arange(400) % GROUPS
    scores = ((np.random.default_rng(3).random(400) < 0.6) & (groups == 2))[:, None].astype(np.float64)
    assert _of(scores, groups).outcome == APART


def test_a_score_that_differs_by_hundredths_tells_nothing() -> None:
    groups = np.arange(500) % GROUPS
    scores = np.asarray((0.01 + 0.01 * groups)[:, None], np.float64)
    assert _of(scores, groups).outcome == PASSED


def test_few_people_do_not_pass_what_many_would() -> None:
    chance = np.random.default_rng(4)
    found = _of(chance.random((60, 3)), np.arange(60) % GROUPS)
    assert found.outcome == UNCLEAR
    assert "more people" in found.told


def test_many_pictures_of_few_people_are_few_people() -> None:
    # Whoever has twenty pictures of each of thirty people tells the people apart, and learns nothing of groups.
    chance = np.random.default_rng(5)
    who = np.repeat(np.arange(30), 20)
    scores = chance.random((30, 6))[who]
    found = _of(scores, who % 3, [str(each) for each in who])
    assert found.people == 30
    assert found.outcome == UNCLEAR


def test_the_interval_holds_what_as_many_people_show_on_average() -> None:
    chance = np.random.default_rng(6)
    found = [_of(*_told_apart(chance, 400, 0.3)) for _ in range(20)]
    mean = float(np.mean([each.effect for each in found]))
    assert sum(each.interval.holds(mean) for each in found) >= 18


def test_the_worst_attribute_counts_and_pictures_without_one_are_left_out() -> None:
    scores, groups = _told_apart(np.random.default_rng(7), 500, 0.5)
    pictures = [
        Labelled(Path(f"{place}.jpg"), str(place), {"region": str(group), "luck": str(place % 7 // 4)})
        for place, group in enumerate(groups)
    ]
    found = probe(scores, np.full(GROUPS, 0.5), [*pictures[:-1], Labelled(Path("x"), "x", {"luck": "0"})])
    assert found is not None
    assert (found.attribute, found.outcome, found.people) == ("region", APART, 499)
    assert probe(scores, np.full(GROUPS, 0.5), [Labelled(each.picture, each.subject) for each in pictures]) is None


def test_the_same_pictures_give_the_same_answer() -> None:
    scores, groups = _told_apart(np.random.default_rng(8), 300, 0.1)
    assert _of(scores, groups) == _of(scores, groups)


# Planted.


@pytest.fixture(scope="module")
def seen() -> Callable[[list[Path]], Floats]:
    """What the classifier of things sees of pictures, which labels of one's own are learnt on: (n, d)."""
    settings = Settings()
    runtime = Runtime.opened(msgspec.structs.replace(settings, precision="f32"))
    model = classifier(Weights.opened(settings), runtime, ("Transpose 2",))

    def look(files: list[Path]) -> Floats:
        return np.array([np.asarray(model(prepared(decode(file.read_bytes())))[1].ravel()) for file in files], float)

    return look


def _trained(inputs: Floats, shown: NDArray[np.bool_]) -> Callable[[Floats], Floats]:
    """One against the rest on what is seen, its scores calibrated on pictures left out: labels of one's own."""
    mean, spread = inputs.mean(0), np.maximum(inputs.std(0), 1e-6)
    known, fold = (inputs - mean) / spread, np.random.default_rng(0).permutation(len(inputs)) % FOLDS
    heads = []
    for yes in shown.T:
        left = np.zeros(len(known))
        for held in range(FOLDS):
            weights, start = linear(known[fold != held], yes[fold != held], 0.1)
            left[fold == held] = known[fold == held] @ weights + start
        heads.append((*linear(known, yes, 0.1), *calibrated(left, yes, float(yes.mean()))))

    def scores(of: Floats) -> Floats:
        odds = [slope * ((of - mean) / spread @ weights + start) + offset for weights, start, slope, offset in heads]
        return np.asarray(1 / (1 + np.exp(-np.column_stack(odds))))

    return scores


@pytest.mark.long("looks at 860 pictures, which takes 12 to 40 seconds of a core")
@pytest.mark.slow("trains and probes heads")
def test_planted_five_groups_under_neutral_names_are_stopped_and_masks_are_not(
    shared_data: Path, seen: Callable[[list[Path]], Floats]
) -> None:
    kept = [sorted((shared_data / "utkface").glob(f"*_*_{group}_*.jpg"))[::3][:140] for group in range(GROUPS)]
    faces, group = seen([file for each in kept for file in each]), np.repeat(np.arange(GROUPS), 140)
    taught = np.tile(np.arange(140) < 40, GROUPS)
    names = [str(each) for each in group[~taught]]
    people = [str(place) for place in range(len(names))]

    def probed(scores: Floats, least: float) -> Association:
        return association("group", scores, np.full(scores.shape[1], least), names, people)

    neutral = _trained(faces[taught], np.eye(GROUPS, dtype=bool)[group[taught]])
    told = probed(neutral(faces[~taught]), 0.35)
    assert told.outcome == APART, told.told
    assert told.interval.low > LIMIT
    masked = [sorted((shared_data / "facemask" / each).glob("*"))[:80] for each in ("with_mask", "without_mask")]
    shown = np.repeat(np.eye(2, dtype=bool), [len(each) for each in masked], axis=0)
    masks = _trained(seen([file for each in masked for file in each]), shown)
    found = probed(masks(faces[~taught]), 0.5)
    assert found.outcome == PASSED, found.told
