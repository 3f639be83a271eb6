"""A classifier of one's own labels: what it tells, what it says of itself, and what it is not made of."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from benchmarks.custom import RUNS, measured, probed
from benchmarks.labelled import sets_of
from regard.evaluation.custom.background import background
from regard.evaluation.custom.classifier import READY, train_classifier, with_more
from regard.evaluation.custom.errors import TooFew, Weak
from regard.evaluation.custom.manifest import written
from regard.evaluation.custom.results import Learnt, Trained
from regard.settings import from_environment
from regard.vision.pictures.images import decode
from regard.vision.things.features import Features
from tests.helpers.clouds import clouds, unrelated

NAMES = ["anvil", "bellows", "chisel"]


@pytest.fixture(scope="module")
def trained() -> Trained:
    features, labels = clouds()
    return train_classifier(features, labels, NAMES, background=unrelated(), test=clouds(each=20, seed=1))


def test_labels_that_differ_are_told_apart_on_new_pictures(trained: Trained) -> None:
    features, labels = clouds(each=50, seed=2)
    assert (trained.scores(features).argmax(axis=1) == labels.argmax(axis=1)).mean() > 0.9
    assert trained.summary.message == READY
    assert trained.summary.interval.low <= trained.summary.f1 <= trained.summary.interval.high < 1 + 1e-9


def test_a_picture_of_something_else_has_no_label_but_without_unrelated_ones_it_has(trained: Trained) -> None:
    def labelled(by: Trained) -> float:
        return float((by.scores(unrelated(200, seed=5)) >= [each.threshold for each in by.labels]).any(axis=1).mean())

    features, labels = clouds()
    without = train_classifier(features, labels, NAMES, background=unrelated(0))
    assert labelled(trained) <= 0.05 < labelled(without)
    assert trained.summary.false_labels is not None
    assert trained.summary.false_labels <= 0.05
    assert without.summary.false_labels is None


def test_thresholds_come_from_the_training_and_not_from_the_test_pictures(trained: Trained) -> None:
    features, labels = clouds()
    other = train_classifier(features, labels, NAMES, background=unrelated(), test=clouds(each=5, apart=0.5, seed=8))
    assert [each.threshold for each in other.labels] == [each.threshold for each in trained.labels]
    assert other.onnx == trained.onnx
    assert other.summary.f1 < trained.summary.f1


def test_the_same_pictures_make_the_same_bytes(trained: Trained) -> None:
    features, labels = clouds()
    again = train_classifier(features, labels, NAMES, background=unrelated())
    assert (again.onnx, written(again.manifest)) == (trained.onnx, written(trained.manifest))
    assert train_classifier(features, labels, NAMES, background=unrelated(), seed=1).manifest != trained.manifest


def test_a_score_of_80_is_right_four_times_in_five() -> None:
    features, labels = clouds(each=150, apart=1.5)
    made = train_classifier(features, labels, NAMES, background=unrelated())
    features, labels = clouds(each=1000, apart=1.5, seed=3)
    sure = made.scores(features)
    near = (sure > 0.7) & (sure < 0.9)
    assert near.sum() > 100
    assert labels[near].mean() == pytest.approx(float(sure[near].mean()), abs=0.07)


def test_a_picture_may_show_several_labels() -> None:
    drawn = np.random.default_rng(0)
    labels = drawn.random((120, 3)) < 0.4
    features = np.pad(4.0 * labels, ((0, 0), (0, 13))) + drawn.normal(size=(120, 16))
    made = train_classifier(
        features[:90], labels[:90], NAMES, background=unrelated(), test=(features[90:], labels[90:])
    )
    both = (made.scores(features[90:]) >= [each.threshold for each in made.labels]) & labels[90:]
    assert made.summary.f1 > 0.85
    assert both.sum(axis=1).max() == 3
    assert made.summary.confusion is None


def test_what_is_taken_for_what_is_counted(trained: Trained) -> None:
    matrix = trained.summary.confusion
    assert matrix is not None
    assert matrix.sum(axis=1).tolist() == [20, 20, 20]
    assert np.trace(matrix) > 50


def test_the_learning_curve_says_what_more_pictures_would_give(trained: Trained) -> None:
    curve = trained.summary.curve
    assert [each.pictures for each in curve] == sorted(each.pictures for each in curve)
    assert curve[-1].f1 >= curve[0].f1
    assert trained.summary.with_more is not None
    # What is wrong halves with each doubling: of 100 pictures 0.1, of 200 then 0.05.
    halving = [Learnt(25, 0.6), Learnt(50, 0.8), Learnt(100, 0.9)]
    assert with_more(halving, 150) == pytest.approx(0.95)
    assert with_more(halving[:1], 100) is None


def test_a_weak_label_is_named_with_what_would_help() -> None:
    features, labels = clouds()
    mixed = labels.copy()
    swapped = np.random.default_rng(3).random(60) < 0.5
    mixed[30:, 1:] = np.where(swapped[:, None], labels[30:, :0:-1], labels[30:, 1:])
    made = train_classifier(features, mixed, NAMES, background=unrelated())
    assert made.summary.message.startswith(READY)
    weak = [each for each in made.labels if each.advice]
    assert weak
    for each in weak:
        other = "chisel" if each.name == "bellows" else "bellows"
        assert each.advice.startswith(f"{each.name}: F1 0.")
        assert f"taken for {other} most" in each.advice
        assert each.advice in made.summary.message
    assert "anvil:" not in made.summary.message


def test_labels_that_are_luck_are_refused_by_name() -> None:
    features, _ = clouds()
    luck = np.eye(3, dtype=bool)[np.random.default_rng(1).integers(0, 3, len(features))]
    with pytest.raises(Weak, match=r"no better than by chance.*anvil \(\d+\)") as error:
        train_classifier(features, luck, NAMES, background=unrelated())
    assert error.value.code == "MANIFEST_TOO_FEW_USABLE_LABELS"


def test_too_few_labels_or_pictures_have_the_codes_of_the_contract() -> None:
    features, labels = clouds()
    many = np.zeros((len(features), 251), bool)
    many[np.arange(251) % len(features), np.arange(251)] = True
    tested = clouds(seed=1)[1] & [True, False, False]
    for shown, names, test, code in (
        (labels[:, :1], NAMES[:1], None, "MANIFEST_TOO_FEW_LABELS"),
        (many, [str(each) for each in range(251)], None, "MANIFEST_TOO_MANY_LABELS"),
        (np.pad(labels, ((0, 0), (0, 1))), [*NAMES, "drill"], None, "MANIFEST_TOO_FEW_USABLE_LABELS"),
        (labels, NAMES, (features, tested), "INSUFFICIENT_LABEL_OVERLAP"),
    ):
        with pytest.raises(TooFew) as error:
            train_classifier(features, shown, names, background=unrelated(), test=test)
        assert error.value.code == code


def test_progress_is_told_and_ends_at_one() -> None:
    features, labels = clouds()
    done: list[float] = []
    train_classifier(features, labels, NAMES, background=unrelated(), progress=done.append)
    assert done == sorted(done)
    assert done[-1] == 1


@pytest.mark.long
@pytest.mark.slow("looks at 130 pictures")
def test_masks_are_told_as_well_as_by_a_linear_probe_and_photographs_are_given_no_label(shared_data: Path) -> None:
    features = Features.opened(from_environment())

    def seen(folder: str, step: int) -> np.ndarray:
        files = sorted((shared_data / folder).iterdir())[::step]
        return np.stack([features.features_of(decode(each.read_bytes())) for each in files])

    masks, bare = seen("facemask/with_mask", 6), seen("facemask/without_mask", 6)
    inputs, labels = np.concatenate([masks, bare]), np.eye(2, dtype=bool)[np.repeat([0, 1], [len(masks), len(bare)])]
    made_of, rest = np.arange(len(inputs)) % 2 == 0, np.arange(len(inputs)) % 2 == 1
    made = train_classifier(inputs[made_of], labels[made_of], ["mask", "none"], background=background(features.base))
    right = (made.scores(inputs[rest]).argmax(axis=1) == labels[rest].argmax(axis=1)).mean()
    probe = probed(inputs[made_of], labels[made_of], 0)(inputs[rest])
    assert right >= (probe.argmax(axis=1) == labels[rest].argmax(axis=1)).mean() - 0.02
    photographs = made.scores(seen("imagenet", 2))
    assert (photographs >= [each.threshold for each in made.labels]).any(axis=1).mean() <= 0.02


@pytest.mark.long
@pytest.mark.slow("looks at 2,000 pictures, and makes 60 heads")
@pytest.mark.usefixtures("shared_data")
def test_on_public_sets_heads_are_as_good_as_a_probe_and_their_intervals_hold() -> None:
    told: list[tuple[float, bool]] = []
    for one in sets_of(Features.opened(from_environment())):
        for number in one.trained:
            found = measured(one, number)
            if found.refused:
                # Of so few pictures that some heads are luck, which is what they are refused for.
                continue
            assert np.mean(found.ours) >= np.mean(found.probed) - 0.02, found.row()
            assert found.inside >= 0.9 * RUNS, found.row()
            assert not found.unrelated or np.mean(found.unrelated) <= 0.02, found.row()
            told += found.near
    assert len(told) > 500
    assert np.mean([right for _, right in told]) >= np.mean([score for score, _ in told]) - 0.03
