"""The kernel: right, on whatever processor the suite runs."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from regard.gallery.kernel import HEAVIEST, LINE, WIDTH, cosines, products


@given(st.integers(0, 2**32), st.integers(1, 20), st.integers(0, 20), st.integers(0, 5))
def test_products_are_those_of_the_dimensions_asked_for(seed: int, probes: int, groups: int, lines: int) -> None:
    chance = np.random.default_rng(seed)
    codes = chance.integers(-127, 128, (200, lines * LINE + 30), np.int8)
    steps = chance.random(lines * LINE, np.float32)
    dimensions = chance.permutation(200)[: groups * WIDTH]
    weights = chance.integers(-HEAVIEST, HEAVIEST + 1, (probes, groups * WIDTH), np.int16)
    units = chance.random(probes, np.float32)
    right = (weights @ codes[dimensions, : len(steps)].astype(np.int64)) * np.outer(units, steps).astype(np.float64)
    for weights_as_they_lie in (weights, np.asfortranarray(weights)):
        found = products(weights_as_they_lie, units, dimensions, codes, steps)
        assert found.dtype == np.float32
        np.testing.assert_allclose(found, right, rtol=3e-7)


@pytest.mark.parametrize("sign", [-1, 1])
def test_the_greatest_products_do_not_overflow(sign: int) -> None:
    codes = np.full((64 * WIDTH, LINE), sign * 127, np.int8)
    weights = np.full((1, len(codes)), HEAVIEST, np.int16)
    found = products(weights, np.ones(1, np.float32), np.arange(len(codes)), codes, np.ones(LINE, np.float32))
    assert set(found[0].tolist()) == {float(sign * 127 * HEAVIEST * len(codes))}


@pytest.mark.parametrize("probes", [1, 3, 16, 40])
def test_more_rows_than_are_added_up_at_once_are_all_multiplied(probes: int) -> None:
    rows = 3 * 2**16 // min(probes, 16) + LINE
    codes = np.random.default_rng(0).integers(-127, 128, (WIDTH, rows), np.int8)
    units = np.arange(1, probes + 1, dtype=np.float32)
    found = products(np.ones((probes, WIDTH), np.int16), units, np.arange(WIDTH), codes, np.ones(rows, np.float32))
    np.testing.assert_array_equal(found, np.outer(np.arange(1, probes + 1), codes.sum(axis=0, dtype=np.int64)))


def test_a_row_without_a_step_has_no_product() -> None:
    steps, one = np.ones(LINE, np.float32), np.ones(1, np.float32)
    steps[5] = np.nan
    found = products(np.ones((1, WIDTH), np.int16), one, np.arange(WIDTH), np.zeros((WIDTH, LINE), np.int8), steps)
    assert np.isnan(found[0, 5])
    assert np.isnan(found).sum() == 1


@given(st.integers(0, 2**32), st.integers(0, 50), st.integers(1, 600))
def test_cosines_are_those_of_float64(seed: int, count: int, dimensions: int) -> None:
    chance = np.random.default_rng(seed)
    vectors = chance.standard_normal((30, dimensions), np.float32)
    probe = chance.standard_normal(dimensions)
    places = chance.integers(0, 30, count)
    np.testing.assert_allclose(cosines(probe, vectors, places), vectors[places].astype(np.float64) @ probe, atol=1e-11)
