"""The test of 2018, and the arithmetic of its last column."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.stats import hypergeom

from regard.evaluation.bias.congress import closest, outcomes, upper_tail
from regard.evaluation.samples.pictures_on_disk import NotLabelled


@given(st.data())
def test_the_tail_is_that_of_the_hypergeometric_distribution(data: st.DataObject) -> None:
    total = data.draw(st.integers(1, 600))
    marked, drawn = data.draw(st.integers(0, total)), data.draw(st.integers(0, total))
    found = data.draw(st.integers(0, min(marked, drawn)))
    expected = hypergeom.sf(found - 1, total, marked, drawn)
    assert upper_tail(drawn, found, marked, total) == pytest.approx(expected, abs=1e-9)


def test_what_was_seen_in_2018_was_hardly_chance() -> None:
    # 28 members matched, 11 of them people of colour, who were 20 % of 535.
    assert upper_tail(28, 11, 107, 535) == pytest.approx(0.0126, abs=1e-4)


def test_the_closest_stranger_decides_and_no_face_matches_nobody() -> None:
    probes = np.array([[1, 0], [0, 1], [0, 0]], np.float32)
    gallery = np.array([[0.6, 0.8], [0, 0]], np.float32)
    np.testing.assert_allclose(closest(probes, gallery), [0.6, 0.8, -1])


def test_false_matches_are_counted_by_person_threshold_and_group() -> None:
    groups = {"a": {"party": "x"}, "b": {"party": "y"}, "c": {"party": "y"}}
    strict, lax = outcomes(["a", "a", "b", "c"], [0.2, 0.7, 0.5, 0.1], groups, {99: 0.6, 80: 0.4})
    assert (strict.similarity, strict.people, strict.matched) == (99, 3, 1)
    assert [(one.group, one.people, one.matched) for one in strict.shares] == [("x", 1, 1), ("y", 2, 0)]
    assert strict.shares[0].chance == pytest.approx(1 / 3)
    assert [one.matched for one in lax.shares] == [1, 1]


def test_without_groups_only_the_whole_is_counted() -> None:
    (told,) = outcomes(["a", "b"], [0.9, 0.1], {}, {80: 0.5})
    assert (told.matched, told.shares) == (1, [])


def test_a_person_in_no_group_is_an_error_that_names_nobody() -> None:
    with pytest.raises(NotLabelled, match="1 of 2 people") as error:
        outcomes(["a", "secret"], [0.9, 0.1], {"a": {"party": "x"}}, {80: 0.5})
    assert "secret" not in str(error.value)
