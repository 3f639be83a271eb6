"""A head taken along runs where there is none of this software, by the lines that come with it."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import msgspec
import numpy as np
import pytest
from PIL import Image

from regard.evaluation.custom.background import background
from regard.evaluation.custom.classifier import train_classifier
from regard.settings import from_environment
from regard.vision.models.weights import Weights
from regard.vision.pictures.images import decode
from regard.vision.things.alone import alone, lines
from regard.vision.things.features import Features


@pytest.mark.long
def test_ten_lines_of_python_give_the_same_scores_in_a_fresh_process(tmp_path: Path) -> None:
    pytest.importorskip("onnxruntime", reason="onnxruntime, which such a file is for, is not installed")
    features, weights = Features.opened(from_environment()), Weights.opened(from_environment())
    drawn = np.random.default_rng(0)
    for place in range(24):
        pixels = drawn.integers(0, 120, (96, 128, 3)).astype(np.uint8)
        pixels[20:60, (30 if place % 2 else 70) : (60 if place % 2 else 100)] = (250, 40, 40)
        Image.fromarray(pixels).save(tmp_path / f"{place}.png")
    pictures = [decode((tmp_path / f"{place}.png").read_bytes()) for place in range(24)]
    seen = np.stack([features.features_of(each) for each in pictures])
    labels = np.eye(2, dtype=bool)[np.arange(24) % 2]
    base = msgspec.to_builtins(features.base)
    trained = train_classifier(seen, labels, ["right", "left"], background=background(), base=base)

    file = tmp_path / "own.onnx"
    file.write_bytes(alone(weights, trained.onnx, trained.manifest))
    assert file.read_bytes() == alone(weights, trained.onnx, trained.manifest)
    script = tmp_path / "ask.py"
    script.write_text(lines(str(file)))
    assert len([line for line in script.read_text().splitlines() if line]) == 10
    asked = subprocess.run(
        [sys.executable, "-I", script, tmp_path / "1.png"], capture_output=True, text=True, check=True, timeout=60
    )
    told = {name: float(score) for name, score, *_ in (line.split("\t") for line in asked.stdout.splitlines())}
    ours = 100 * trained.scores(seen[1])[0]
    assert told == pytest.approx({"right": float(ours[0]), "left": float(ours[1])}, abs=0.1)
    assert told["left"] > told["right"]


def test_a_head_over_other_weights_is_not_joined() -> None:
    with pytest.raises(ValueError, match="made on other weights"):
        alone(Weights.opened(from_environment()), b"", {"base": {"sha256": "ab" * 32}, "labels": []})
