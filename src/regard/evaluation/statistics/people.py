"""Pairs of people: each weighs one, however many pictures either person has.

Counted by pictures, two brothers with hundreds of pictures each weigh as much as ten thousand strangers with one. A
rate by pairs of people says what happens between two people who are drawn by lot. Pairs that are one person under two
names are `apart`: neither a false match nor a comparison. Relatives and twins are two people, and stay in.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

Ints = NDArray[np.int64]
Floats = NDArray[np.float64]

NOBODY: Ints = np.empty((0, 2), np.int64)


def shares(subjects: Ints) -> Floats:
    """What each picture is of its person: 1 over the number of that person's pictures.

    The product of two pictures' shares is what their comparison weighs; over all of two people they add up to 1.
    """
    found: Floats = 1 / np.bincount(subjects)[subjects]
    return found


def pairs_of_people(subjects: Ints, apart: Ints = NOBODY) -> int:
    """How many pairs of people are compared: all but those `apart`, which are numbers of subjects of shape (n, 2)."""
    there = np.unique(subjects)
    known = np.isin(apart, there).all(axis=1)
    left_out = {(min(pair), max(pair)) for pair in apart[known].tolist() if pair[0] != pair[1]}
    return len(there) * (len(there) - 1) // 2 - len(left_out)
