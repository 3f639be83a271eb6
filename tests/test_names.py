"""Names that others wrote: nothing in them that is not seen, or that turns what is."""

from __future__ import annotations

import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from regard.names import legible, shown

BIDI = "\u061c\u200e\u200f\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069"
CONTROLS = "".join(map(chr, (*range(32), *range(127, 160))))


@pytest.mark.parametrize(
    ("written", "kept"),
    [
        ("Palantir", "Palantir"),
        (" Acme  Ltd ", "Acme  Ltd"),
        ("Pal\x07an\u202etir\u2069", "Palantir"),
        ("Pal\u200ban\u00adtir\ufeff", "Palantir"),
        ("National\nPolice\u2028of\u00a0the\tNorth", "National Police of the North"),
        ("\x1b[31mAcme\x9b0m", "[31mAcme0m"),
        ("\u202e\u200b", ""),
        ("\u0ddd\u0dca\u200d\u0dbb", "\u0ddd\u0dca\u200d\u0dbb"),
        ("Zo\u00eb \u5f35\u5049 \u05e9\u05dc\u05d5\u05dd", "Zo\u00eb \u5f35\u5049 \u05e9\u05dc\u05d5\u05dd"),
    ],
)
def test_a_name_loses_control_and_bidi_characters_and_nothing_else(written: str, kept: str) -> None:
    assert legible(written) == kept


def test_a_name_loses_halves_of_a_pair_which_nothing_can_keep() -> None:
    assert legible("half a pair \ud800") == "half a pair"


@given(st.text(st.characters(), max_size=30))
def test_no_name_keeps_a_character_that_steers_or_turns(written: str) -> None:
    kept = legible(written)
    assert not {*kept} & {*BIDI, *CONTROLS}
    assert "\n" not in kept
    assert legible(kept) == kept


@given(st.text(st.characters(), max_size=30))
def test_words_keep_their_lines_and_no_character_that_steers_or_turns(written: str) -> None:
    told = shown(written)
    assert not {*told} & ({*BIDI, *CONTROLS} - {"\n", "\t"})
    assert told.count("\n") == written.count("\n")
    assert [each for each in told if unicodedata.category(each)[0] in "LNPS"] == [
        each for each in written if unicodedata.category(each)[0] in "LNPS"
    ]
