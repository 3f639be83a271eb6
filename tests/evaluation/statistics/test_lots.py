"""Deals by lot: everybody keeps their errors, and chance is what a slow look at every deal says."""

from __future__ import annotations

from itertools import combinations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray
from scipy.stats import fisher_exact

from regard.evaluation.statistics.bootstrap import Units
from regard.evaluation.statistics.lots import apart, chances, dealt_between, dealt_within, lots

Ints = NDArray[np.int64]


@st.composite
def people(draw: st.DrawFn) -> Units:
    """A few people of one to three pictures each, in two or three groups."""
    pictures = draw(st.lists(st.integers(1, 3), min_size=4, max_size=9))
    labels = draw(st.lists(st.integers(0, 2), min_size=len(pictures), max_size=len(pictures)))
    subjects = np.repeat(np.arange(len(pictures)), pictures)
    return Units.of(subjects, np.array(labels)[subjects], 3)


@given(people())
@settings(deadline=None, max_examples=40)
def test_every_deal_gives_each_group_as_many_people_as_it_has(units: Units) -> None:
    drawn = lots(units, 30)
    for lot in drawn:
        assert np.bincount(lot, minlength=3).tolist() == np.bincount(units.group, minlength=3).tolist()
    assert (lots(units, 30) == drawn).all()
    assert (lots(units, 30, seed=1) != drawn).any() or len(set(units.group.tolist())) == 1


@given(people(), st.data())
@settings(deadline=None, max_examples=40)
def test_what_a_deal_counts_is_what_a_slow_loop_counts(units: Units, data: st.DataObject) -> None:
    size, whose = len(units.subject), units.of_picture
    trials = np.array(data.draw(st.lists(st.integers(0, 4), min_size=size, max_size=size)), float)
    errors = np.minimum(trials, data.draw(st.integers(0, 2)))
    pairs = [(i, j) for i, j in combinations(range(len(whose)), 2) if whose[i] != whose[j]]
    matched = data.draw(st.lists(st.sampled_from(pairs), unique=True, max_size=12))
    first, second = np.array(matched, np.int64).reshape(-1, 2).T
    drawn = lots(units, 10)
    own, strangers = dealt_within(units, errors, trials, drawn), dealt_between(units, first, second, drawn)
    for deal, lot in enumerate(drawn):
        for group in range(3):
            of = lot == group
            assert (own.errors[group, deal], own.trials[group, deal]) == (errors[of].sum(), trials[of].sum())
            within = [pair for pair in pairs if of[whose[pair[0]]] and of[whose[pair[1]]]]
            assert strangers.trials[group, deal] == len(within)
            assert strangers.errors[group, deal] == len(set(within) & set(matched))


@pytest.mark.parametrize(("one", "other"), [((13, 122), (17, 484)), ((30, 200), (18, 250)), ((9, 40), (20, 400))])
def test_of_independent_trials_the_chance_is_that_of_fishers_exact_test(
    one: tuple[int, int], other: tuple[int, int]
) -> None:
    exact = float(fisher_exact([[one[0], one[1] - one[0]], [other[0], other[1] - other[0]]]).pvalue)
    size = one[1] + other[1]
    units = Units.of(np.arange(size), (np.arange(size) >= one[1]).astype(np.int64), 2)
    errors = np.concatenate([np.arange(of) < failed for failed, of in (one, other)]).astype(float)
    dealt = dealt_within(units, errors, np.ones(size), lots(units, 20_000))
    found = apart(np.array([one[0], other[0]], float), np.array([one[1], other[1]], float))
    (told,) = chances([float(found)], apart(*dealt)[None])
    assert told == pytest.approx(exact, rel=0.5, abs=2e-3)


def test_one_person_with_all_the_errors_is_no_evidence() -> None:
    units = Units.of(np.arange(60), np.arange(60) % 2, 2)
    errors, trials = np.where(np.arange(60) == 0, 12.0, 0), np.full(60, 12.0)
    dealt = dealt_within(units, errors, trials, lots(units))
    (told,) = chances([float(apart(np.array([12.0, 0]), np.array([360.0, 360])))], apart(*dealt)[None])
    assert told == 1


@given(st.integers(0, 1000))
@settings(deadline=None, max_examples=30)
def test_the_chance_in_any_comparison_is_what_a_slow_look_at_every_deal_says(seed: int) -> None:
    rng = np.random.default_rng(seed)
    dealt = rng.integers(0, 12, (4, 60)).astype(float)
    found = rng.integers(4, 14, 4).astype(float)
    whole = np.concatenate([found[:, None], dealt], axis=1)
    reached = np.array([[(row >= value).sum() for value in row] for row in whole])
    slow = [(reached.min(axis=0) <= own).mean() for own in reached[:, 0]]
    assert chances(found.tolist(), dealt) == pytest.approx(slow)


def test_the_same_comparison_again_is_no_second_one_and_another_is() -> None:
    rng = np.random.default_rng(0)
    dealt = rng.standard_normal((5, 4_000)) ** 2
    (alone,) = chances([7.0], dealt[:1])
    assert chances([7.0] * 5, dealt[:1].repeat(5, axis=0)) == [alone] * 5
    assert chances([7.0] * 5, dealt)[0] == pytest.approx(5 * alone, rel=0.3)
    assert chances([], dealt[:0]) == []
    assert chances([1000.0], dealt[:1]) == [1 / 4_001]


def test_nothing_to_compare_is_not_apart() -> None:
    assert apart(np.array([0.0, 0.0]), np.array([10.0, 10.0])) == 0
    assert apart(np.array([1.0, 0.0]), np.array([10.0, 0.0])) == 0
    assert (
        apart(np.array([3.0, 1.0]), np.array([10.0, 10.0])) == apart(np.array([1.0, 3.0]), np.array([10.0, 10.0])) > 0
    )
