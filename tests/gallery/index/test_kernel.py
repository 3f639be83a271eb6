"""The kernel: right, on whatever processor the suite runs."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray

from regard.gallery.index.codes import ABREAST, FOUR, HEAVIEST, THREE, WORDS, Codes, Rounded
from regard.gallery.index.kernel import ceilings, cosines, encode

MANY = st.sampled_from([THREE, FOUR])


def _room(tiles: int, words: int, many: int) -> Codes:
    places = tiles * ABREAST
    return Codes(
        np.zeros((tiles, words, ABREAST), np.uint16),
        np.full(places, np.nan, np.float32),
        np.zeros(places, np.float32),
        many,
    )


def _read(words: NDArray[np.uint16], many: int) -> NDArray[np.int64]:
    """The whole numbers that the codes of each place stand for, (places, codes a vector)."""
    bits = 16 // many
    codes = np.stack([words >> bits * k & (1 << bits) - 1 for k in range(many)], axis=2).astype(np.int64)
    return 2 * codes.transpose(0, 3, 1, 2).reshape(len(words) * ABREAST, words.shape[1] * many) - (1 << bits) + 1


@given(st.integers(0, 2**32), st.integers(1, 70), st.integers(1, 100), st.integers(0, 50), MANY)
def test_codes_are_no_further_from_their_vectors_than_is_told(
    seed: int, dimensions: int, count: int, start: int, many: int
) -> None:
    chance = np.random.default_rng(seed)
    vectors = chance.standard_normal((count, dimensions), np.float32) * chance.choice([0, 1e-6, 1, 50], (count, 1))
    vectors[chance.random(count) < 0.2, :1] *= 30
    vectors = vectors.astype(np.float32)
    codes = _room(3, -(-dimensions // many) + 1, many)
    encode(vectors, codes, start)
    words, steps, errors, _ = codes
    here = slice(start, start + count)
    numbers = _read(words, many)[here, :dimensions]
    away = np.linalg.norm(vectors - numbers * steps[here, None].astype(np.float64), axis=1)
    assert (away <= errors[here]).all()
    # And they are no further than where the greatest number has the highest code, and all others are rounded.
    coarse = np.abs(vectors).max(axis=1) / ((1 << 16 // many) - 1) * np.sqrt(dimensions)
    assert (errors[here] <= coarse * 1.001 + 2e-6).all()
    assert np.isnan(np.delete(steps, np.arange(start, start + count))).all()


@given(st.integers(0, 2**32), st.integers(1, 20), st.integers(0, 10), st.integers(0, 5), MANY)
def test_a_ceiling_is_the_product_of_codes_and_what_they_may_be_wrong_about(
    seed: int, probes: int, groups: int, tiles: int, many: int
) -> None:
    chance = np.random.default_rng(seed)
    words = chance.integers(0, 1 << 16 // many * many, (tiles, groups * WORDS, ABREAST), np.uint16)
    steps, errors = chance.random((2, tiles * ABREAST), np.float32)
    weights = chance.integers(-HEAVIEST, HEAVIEST + 1, (probes, groups * WORDS * many), np.int16)
    units, lengths = chance.random((2, probes), np.float32)
    right = (weights @ _read(words, many).T) * np.outer(units, steps).astype(np.float64) + np.outer(lengths, errors)
    found = ceilings(Rounded(weights, units, lengths), Codes(words, steps, errors, many))
    assert found.dtype == np.float32
    np.testing.assert_allclose(found, right, rtol=1e-6, atol=1e-4)


@pytest.mark.parametrize("many", [THREE, FOUR])
@pytest.mark.parametrize("sign", [-1, 1])
def test_the_greatest_products_do_not_overflow(many: int, sign: int) -> None:
    count, one, steps = 50 * WORDS, np.ones(1, np.float32), np.ones(ABREAST, np.float32)
    highest = (1 << 16 // many) - 1
    words = np.full((1, count, ABREAST), (1 << 16 // many * many) - 1, np.uint16)
    weights = np.full((1, count * many), sign * HEAVIEST, np.int16)
    found = ceilings(Rounded(weights, one, one), Codes(words, steps, 0 * steps, many))
    assert set(found[0].tolist()) == {float(sign * highest * HEAVIEST * count * many)}


def test_a_place_without_a_step_has_no_ceiling() -> None:
    one, codes = np.ones(1, np.float32), _room(1, WORDS, FOUR)
    codes.steps[:] = 1
    codes.steps[5] = np.nan
    found = ceilings(Rounded(np.ones((1, WORDS * FOUR), np.int16), one, one), codes)
    assert np.isnan(found[0, 5])
    assert np.isnan(found).sum() == 1


@given(st.integers(0, 2**32), st.integers(0, 50), st.integers(1, 600))
def test_cosines_are_those_of_float64(seed: int, count: int, dimensions: int) -> None:
    chance = np.random.default_rng(seed)
    vectors = chance.standard_normal((30, dimensions), np.float32)
    probe = chance.standard_normal(dimensions)
    places = chance.integers(0, 30, count)
    np.testing.assert_allclose(cosines(probe, vectors, places), vectors[places].astype(np.float64) @ probe, atol=1e-11)
