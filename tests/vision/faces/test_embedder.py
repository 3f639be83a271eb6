"""Embeddings: the same whichever runtime and arithmetic made them, so that templates may mix."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from regard.settings import from_environment
from regard.vision.eyes import open_analyzer
from regard.vision.faces.embedder import DIMENSIONS, TOGETHER
from regard.vision.faces.faces import Face
from regard.vision.models.runtime import Runtime, RuntimeUnavailable
from regard.vision.pictures.images import Picture, decode

# The least cosine between two embeddings of one face by different arithmetic. An impostor pair in a thousand reaches
# 0.365 and Similarity 80 near 0.50: a shift by a hundredth of that moves no decision but at the very edge.
BF16, RUNTIMES = 0.995, 0.99999


@pytest.fixture(scope="module")
def found(portrait: bytes) -> list[tuple[Picture, Face]]:
    """Faces, detected once for all: what is compared is the embedder."""
    folder = Path(__file__).parents[4] / "shared" / "data" / "lfw"
    files = sorted(folder.rglob("*.jpg"))[::55]
    analyzer = open_analyzer(from_environment(precision="f32"))
    pictures = [decode(data) for data in (portrait, *(file.read_bytes() for file in files))]
    return [(picture, analyzer.detect(picture)[0]) for picture in pictures]


def _embeddings(found: list[tuple[Picture, Face]], **settings: Any) -> NDArray[np.float32]:
    analyzer = open_analyzer(from_environment(**settings))
    return np.stack([analyzer.embed(picture, [face])[0] for picture, face in found])


@pytest.mark.long
def test_bf16_and_f32_embeddings_may_stand_in_one_collection(found: list[tuple[Picture, Face]]) -> None:
    try:
        Runtime("openvino", "bf16")
    except RuntimeUnavailable:
        pytest.skip("this processor has no bf16 arithmetic")
    cosines = (_embeddings(found, precision="bf16") * _embeddings(found, precision="f32")).sum(axis=1)
    assert cosines.min() >= BF16
    assert cosines.min() < 1


@pytest.mark.long
def test_both_runtimes_make_the_same_embeddings(found: list[tuple[Picture, Face]]) -> None:
    pytest.importorskip("onnxruntime")
    some = found[:10]
    one = _embeddings(some, precision="f32")
    other = _embeddings(some, runtime="onnxruntime", precision="f32")
    assert (one * other).sum(axis=1).min() >= RUNTIMES


@pytest.mark.long
@pytest.mark.parametrize(
    ("profile", "runtime", "precision"),
    [
        ("fast", "openvino", "f32"),
        ("accurate", "openvino", "f32"),
        ("fast", "openvino", "bf16"),
        ("fast", "onnxruntime", "f32"),
    ],
)
def test_faces_of_one_picture_are_embedded_together_as_they_are_alone(
    found: list[tuple[Picture, Face]], profile: str, runtime: str, precision: str
) -> None:
    pytest.importorskip(runtime)
    try:
        analyzer = open_analyzer(from_environment(profile=profile, runtime=runtime, precision=precision))
    except RuntimeUnavailable:
        pytest.skip("this processor has no bf16 arithmetic")
    picture, face = found[0]
    moved = [
        replace(
            face,
            box=replace(face.box, left=face.box.left + 0.02 * step * face.box.width),
            points=face.points + 3 * step,
        )
        for step in range(2 * TOGETHER + 1)
    ]
    together = analyzer.embed(picture, moved)
    alone = np.concatenate([analyzer.embed(picture, [each]) for each in moved])
    assert together.shape == (len(moved), DIMENSIONS)
    # Other kernels may round otherwise: in f32 no score moves, in bf16 none by a hundredth of what decides.
    assert (together * alone).sum(axis=1).min() >= (1 - 1e-6 if precision == "f32" else BF16)
    assert np.abs(together[1:] - together[:-1]).max() > 0.01
    assert analyzer.embed(picture, []).shape == (0, DIMENSIONS)
