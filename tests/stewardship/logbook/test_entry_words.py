"""What entries say in words."""

from __future__ import annotations

from typing import Any, get_args

import pytest

from regard.stewardship.logbook.entry_words import KINDS, hour_in_words, in_words
from regard.stewardship.logbook.public_entries import Known

pytestmark = pytest.mark.sqlite("words need no database")
HASH = "0123456789abcdef" * 4
CALL = {"kind": "regard/call", "operation": "SearchFacesByImage", "purpose": "access", "sector": "retail"}


def test_a_call_that_was_answered_says_what_was_found() -> None:
    counts = {"found": 2, "searched": 1000, "matched": 1}
    told = CALL | {"decision": "allowed", "outcome": "answered", "counts": counts}
    assert in_words(told | {"threshold": {"asked": None, "applied": 99.0}}) == (
        "SearchFacesByImage for access by the sector retail: answered, 2 faces found, 1,000 searched, roughly, "
        "1 matched. Similarity from 99 on counted; none was asked for."
    )


def test_a_call_that_was_refused_names_the_rule() -> None:
    told = CALL | {"decision": "denied", "outcome": "denied", "rules": ["no-crowds"]}
    assert in_words(told) == "SearchFacesByImage for access by the sector retail: refused by no-crowds."


def test_a_call_that_failed_says_how() -> None:
    told = CALL | {"decision": "allowed", "outcome": "InvalidImageFormatException"}
    assert in_words(told).endswith("allowed, and ended with InvalidImageFormatException.")


@pytest.mark.parametrize(
    ("entry", "words"),
    [
        ({"kind": "regard/ballot", "role": "union", "choice": "reject", "motion": HASH}, "A vote by union: reject."),
        ({"kind": "regard/key", "purpose": "access", "change": "issued"}, "An access key for access was issued."),
        (
            {"kind": "regard/erasure", "faces": 1, "collections": 2, "again": False},
            "A person was erased: 1 face in 2 collections.",
        ),
        (
            {"kind": "regard/suspension", "role": "union", "capability": "identify", "until": "2026-11-24T09:00Z"},
            "union stopped identify until 2026-11-24, 09–10 UTC.",
        ),
        ({"kind": "regard/shard", "previous": None}, "The log begins."),
        ({"kind": "regard/other"}, "An entry of the kind regard/other."),
        ({"kind": "regard/key"}, "An entry of the kind regard/key, which lacks what its kind has."),
        ({}, "An entry of the kind that is not told."),
    ],
)
def test_an_entry_is_told_in_a_sentence(entry: dict[str, Any], words: str) -> None:
    assert in_words(entry).startswith(words)


def test_names_in_the_text_of_a_motion_are_not_told() -> None:
    told = {"kind": "regard/motion", "about": "policy", "role": "union", "motion": HASH, "text": "by Ada Example"}
    assert "Ada" not in in_words(told)
    private = {name: text for name, text in told.items() if name != "text"}
    assert "names somebody" in in_words(private)


def test_every_kind_that_a_report_reads_has_words() -> None:
    assert {each.__struct_config__.tag for each in get_args(Known)} <= set(KINDS)


def test_no_minute_is_told() -> None:
    assert hour_in_words("2026-11-23T02:59Z") == "2026-11-23, 02–03 UTC"
    assert hour_in_words(None) == hour_in_words("") == "not told"
