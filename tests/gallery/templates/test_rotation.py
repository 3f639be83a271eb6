"""Rotations: scores stay, and nothing links the templates of two collections."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

from regard.gallery.templates.rotation import SEED_BYTES, rotation
from regard.gallery.templates.vault import Vault, open_vault
from regard.sealing import SealingKey

PEOPLE, DIMENSIONS = 400, 128


def _people(spread: float, seed: int = 1) -> NDArray[np.float32]:
    """Embeddings of the same people again and again: `spread` is how far pictures of one are apart."""
    centres = np.random.default_rng(7).standard_normal((PEOPLE, DIMENSIONS))
    noise = np.random.default_rng(seed).standard_normal((PEOPLE, DIMENSIONS))
    found = centres + spread * noise
    return np.asarray(found / np.linalg.norm(found, axis=1, keepdims=True), np.float32)


def _seed(number: int) -> bytes:
    return bytes([number]) * SEED_BYTES


def d_sys(mated: NDArray[np.float64], others: NDArray[np.float64], bins: int = 40) -> float:
    """How linkable two sets of templates are, 0 (not) to 1 (fully), from scores of mated and of other pairs.

    Gomez-Barrero et al., General Framework to Evaluate Unlinkability in Biometric Template Protection Systems (2018),
    with the prior ratio 1.
    """
    edges = np.linspace(min(mated.min(), others.min()), max(mated.max(), others.max()), bins + 1)
    one, other = (np.histogram(scores, edges)[0] / len(scores) for scores in (mated, others))
    # 2 · LR / (1 + LR) − 1 where the likelihood ratio is above 1, which is (one − other) / (one + other).
    above = one > other
    return float((((one - other)[above] / (one + other)[above]) * one[above]).sum())


@pytest.mark.parametrize("dimensions", [128, 512])
def test_a_rotation_is_orthogonal_and_the_same_each_time(dimensions: int) -> None:
    found = rotation(_seed(1), dimensions)
    np.testing.assert_allclose(found @ found.T, np.eye(dimensions), atol=2e-6)
    rotation.cache_clear()
    np.testing.assert_array_equal(rotation(_seed(1), dimensions), found)


def test_a_rotation_does_not_change_with_versions_of_numpy() -> None:
    found = rotation(_seed(1), 8)
    np.testing.assert_allclose(found[0, :3], [0.0609325, 0.4890321, 0.5590488], atol=1e-6)


def test_scores_stay_within_a_millionth() -> None:
    people, turned = _people(0.3), _people(0.3) @ rotation(_seed(1), DIMENSIONS)
    np.testing.assert_allclose(turned @ turned.T, people @ people.T, atol=1e-6)


def test_templates_of_two_collections_are_not_linkable() -> None:
    one, two = _people(0.1, 1), _people(0.1, 2)
    assert d_sys(*_pairs(one, two)) > 0.99
    turned = _pairs(one @ rotation(_seed(1), DIMENSIONS), two @ rotation(_seed(2), DIMENSIONS))
    strangers = _pairs(one @ rotation(_seed(1), DIMENSIONS), np.roll(two, 1, axis=0) @ rotation(_seed(2), DIMENSIONS))
    assert d_sys(*turned) < d_sys(*strangers) + 0.05


def test_a_template_under_the_rotation_of_another_collection_never_matches() -> None:
    people = _people(0.0)
    scores = ((people @ rotation(_seed(1), DIMENSIONS)) * (people @ rotation(_seed(2), DIMENSIONS))).sum(axis=1)
    assert float(np.abs(scores).max()) < 0.45


def test_what_lies_sealed_is_turned(tmp_path: Path) -> None:
    key = SealingKey(b"m" * 32)
    vault: Vault = open_vault(tmp_path / "keys.db", key)
    template = _people(0.0)[0]
    opened = []
    for collection in (1, 2):
        (sealed,) = vault.seal(collection, [("s", "f")], [template])
        subject_key = vault.keys.find(collection, {"s"})["s"]
        clear = SealingKey(subject_key).open(sealed, f"template/{collection}/f".encode())
        opened.append(np.frombuffer(clear, "<f4"))
    assert abs(float(opened[0] @ template)) < 0.5
    assert abs(float(opened[0] @ opened[1])) < 0.5


def _pairs(one: NDArray[np.float32], two: NDArray[np.float32]) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    scores = (one @ two.T).astype(np.float64)
    return np.diag(scores).copy(), scores[~np.eye(len(scores), dtype=bool)]
