"""An adapter moves what labelled pictures speak for, and leaves the rest to the base."""

from __future__ import annotations

import numpy as np
import pytest

from regard.evaluation.custom.adapter import LEVELS, Adapted, compared, train_adapter
from regard.evaluation.custom.errors import TooFew
from regard.settings import from_environment
from regard.vision.heads.own import OwnHead
from regard.vision.models.runtime import Runtime
from tests.helpers.clouds import clouds

NAMES = ["Smoking", "Weapons"]
Array = np.ndarray


def _pictures(seed: int = 0, each: int = 60) -> tuple[Array, Array, Array]:
    """Features, base scores that are wrong one time in four, and what is right; a third of the pictures is safe."""
    features, shown = clouds(each=each, seed=seed)
    right = shown[:, :2]
    wrong = np.random.default_rng(seed).random(right.shape) < 0.25
    return features, np.where(right ^ wrong, 0.7, 0.2).astype(np.float32), right


@pytest.fixture(scope="module")
def adapter() -> Adapted:
    return train_adapter(*_pictures(), NAMES, test=_pictures(seed=1))


def test_what_the_base_tells_wrongly_the_adapter_tells_less_often(adapter: Adapted) -> None:
    features, base, right = _pictures(seed=2)
    table = compared(base, adapter.scores(np.concatenate([features, base], axis=1)), right, NAMES)
    assert [each.confidence for each in table] == list(LEVELS) == list(range(5, 101, 5))
    half = table[9]
    assert half.adapter.wrong < half.base.wrong / 2
    assert half.adapter.missed < half.base.missed / 2
    for counts in (half.base, half.adapter, *half.labels["Weapons"]):
        total = counts.right + counts.rightly_not + counts.wrong + counts.missed
        assert total in (right.size, len(right))


def test_a_base_that_is_honest_is_hardly_moved_by_luck() -> None:
    draw = np.random.default_rng(5)
    base = draw.uniform(0.02, 0.98, (180, 2)).astype(np.float32)
    features, right = draw.normal(size=(180, 16)).astype(np.float32), draw.random((180, 2)) < base
    made = train_adapter(features, base, right, NAMES)
    assert np.abs(made.scores(np.concatenate([features, base], axis=1)) - base).mean() < 0.08


def test_the_file_answers_as_the_training_did(adapter: Adapted) -> None:
    features, base, _ = _pictures(seed=3)
    both = np.concatenate([features, base], axis=1)
    head = OwnHead.opened(adapter.onnx, adapter.manifest["head"], Runtime.opened(from_environment()))
    assert np.abs(head.scores(both) - adapter.scores(both)).max() < 1e-5


def test_too_little_to_learn_is_said() -> None:
    features, base, right = _pictures(each=5)
    assert "are advised" in train_adapter(features, base, right, NAMES).summary.message
    with pytest.raises(TooFew, match="4 pictures"):
        train_adapter(features[:4], base[:4], right[:4], NAMES)
