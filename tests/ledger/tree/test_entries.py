"""Entries: one text a meaning."""

from __future__ import annotations

import pytest

from regard.ledger.tree.entries import EntryError, canonical


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
