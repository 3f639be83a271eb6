"""What a picture is of its person, and how many pairs of people there are."""

from __future__ import annotations

from itertools import combinations

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from regard.evaluation.statistics.people import pairs_of_people, shares

SUBJECTS = st.lists(st.integers(0, 8), min_size=1, max_size=30)


@given(SUBJECTS)
def test_the_shares_of_a_persons_pictures_make_one_person(subjects: list[int]) -> None:
    found = shares(np.array(subjects))
    for who in set(subjects):
        np.testing.assert_allclose(found[np.array(subjects) == who].sum(), 1)


@given(SUBJECTS, st.lists(st.tuples(st.integers(0, 9), st.integers(0, 9)), max_size=5))
def test_pairs_of_people_are_all_but_those_apart_in_either_order(
    subjects: list[int], apart: list[tuple[int, int]]
) -> None:
    left_out = {frozenset(pair) for pair in apart}
    slow = [pair for pair in combinations(sorted(set(subjects)), 2) if frozenset(pair) not in left_out]
    assert pairs_of_people(np.array(subjects), np.array(apart, np.int64).reshape(-1, 2)) == len(slow)
