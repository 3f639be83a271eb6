"""The kernel: exact, on whatever processor the suite runs."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from regard.gallery.kernel import HIGHEST_BYTE, product


@given(st.integers(0, 2**32), st.integers(1, 20), st.integers(1, 600), st.integers(1, 300))
def test_products_are_exact(seed: int, count: int, dimensions: int, rows: int) -> None:
    chance = np.random.default_rng(seed)
    probes = chance.integers(0, HIGHEST_BYTE + 1, (count, dimensions), np.uint8)
    codes = chance.integers(-127, 128, (dimensions, rows), np.int8)
    np.testing.assert_array_equal(product(probes, codes), probes.astype(np.int32) @ codes.astype(np.int32))


@pytest.mark.parametrize("count", [1, 5])
@pytest.mark.parametrize("code", [-127, 127])
def test_the_greatest_bytes_do_not_overflow(count: int, code: int) -> None:
    probes = np.full((count, 512), HIGHEST_BYTE, np.uint8)
    codes = np.full((512, 100), code, np.int8)
    assert (product(probes, codes) == HIGHEST_BYTE * code * 512).all()


def test_a_product_is_the_callers_to_change() -> None:
    probes, codes = np.ones((1, 8), np.uint8), np.ones((8, 3), np.int8)
    first = product(probes, codes)
    first -= 8
    assert (first == 0).all()
    assert (product(probes, codes) == 8).all()
