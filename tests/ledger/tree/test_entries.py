"""Entries: one text a meaning."""

from __future__ import annotations

from typing import Any

import pytest
import rfc8785
from hypothesis import example, given
from hypothesis import strategies as st

from regard.ledger.tree.entries import EntryError, canonical, canonical_json

TEXTS = st.text('az"\\/\0\n\x1f\x7fé\ufb33\U0001f600', max_size=3)
LEAVES = st.none() | st.booleans() | st.integers(-(2**53) + 1, 2**53 - 1) | st.floats(-1e300, 1e300) | TEXTS
VALUES = st.recursive(
    LEAVES, lambda inner: st.lists(inner, max_size=3) | st.dictionaries(TEXTS, inner, max_size=3), max_leaves=8
)


def test_the_order_of_names_does_not_matter() -> None:
    assert canonical({"b": 1, "a": "é"}) == canonical({"a": "é", "b": 1}) == '{"a":"é","b":1}'.encode()


@pytest.mark.parametrize("value", [float("nan"), b"bytes", 2**53 + 1, object(), "\ud800"])
def test_what_json_has_no_one_text_for_is_refused(value: object) -> None:
    with pytest.raises(EntryError):
        canonical({"value": value})


def test_an_entry_fits_a_bundle() -> None:
    assert len(canonical({"a": "x" * 65_527})) == 65_535
    with pytest.raises(EntryError, match="65536"):
        canonical({"a": "x" * 65_528})


@given(VALUES)
@example("".join(map(chr, range(0x80))))
@example({"\U0001f600": 1, "\ufb33": 2})
@example({"threshold": {"applied": 80.0, "asked": None}})
def test_what_is_written_the_short_way_is_the_same_text(value: Any) -> None:
    assert canonical_json(value) == rfc8785.dumps(value)
