import numpy as np
import pytest

from regard.evaluation.custom.classifier import train_classifier
from regard.evaluation.custom.errors import TooFew


def _clouds(each: int = 30, labels: int = 3, width: int = 16, seed: int = 0) -> tuple[np.ndarray, np.ndarray]:
    draw = np.random.default_rng(seed)
    of = np.repeat(np.arange(labels), each)
    return (3 * np.eye(labels, width)[of] + draw.normal(size=(len(of), width))).astype(np.float32), np.eye(
        labels, dtype=bool
    )[of]


def _noise(number: int = 60, width: int = 16) -> np.ndarray:
    return np.random.default_rng(9).normal(size=(number, width)).astype(np.float32)


def test_labels_that_differ_are_told_apart() -> None:
    features, labels = _clouds()
    trained = train_classifier(features, labels, ["a", "b", "c"], background=_noise(), test=_clouds(seed=1))
    assert trained.summary.f1 > 0.8
    assert (trained.scores(_clouds(seed=2)[0]).argmax(axis=1) == labels.argmax(axis=1)).mean() > 0.8


def test_one_label_is_too_few() -> None:
    features, labels = _clouds()
    with pytest.raises(TooFew, match="takes two") as error:
        train_classifier(features, labels[:, :1], ["a"], background=_noise())
    assert error.value.code == "MANIFEST_TOO_FEW_LABELS"


def test_the_same_pictures_make_the_same_bytes() -> None:
    features, labels = _clouds()
    one, other = (train_classifier(features, labels, ["a", "b", "c"], background=_noise(), seed=3) for _ in range(2))
    assert (one.onnx, one.manifest) == (other.onnx, other.manifest)
