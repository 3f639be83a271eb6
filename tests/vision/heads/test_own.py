"""A head of one's own answers from its file as the training did, in f32, and from no other file."""

from __future__ import annotations

import numpy as np
import pytest

from regard.evaluation.custom.classifier import train_classifier
from regard.settings import from_environment
from regard.vision.heads.head import DamagedHead
from regard.vision.heads.own import OwnHead
from regard.vision.models.runtime import Runtime
from tests.helpers.clouds import clouds, unrelated


def test_the_file_answers_as_the_training_did_and_no_other_file_does() -> None:
    runtime = Runtime.opened(from_environment())
    features, labels = clouds()
    trained = train_classifier(features, labels, ["anvil", "bellows", "chisel"], background=unrelated())
    head = OwnHead.opened(trained.onnx, trained.manifest["head"], runtime)
    assert np.abs(head.scores(features) - trained.scores(features)).max() < 1e-5
    assert head.scores(features[0]).shape == (1, 3)
    with pytest.raises(DamagedHead, match="its manifest names"):
        OwnHead.opened(trained.onnx + b" ", trained.manifest["head"], runtime)
