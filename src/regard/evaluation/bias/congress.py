"""The ACLU's test of 2018 on two folders of one's own: who is falsely matched with strangers, and does it fall on some
more than on others.

The American Civil Liberties Union of Northern California compared 535 members of Congress with 25,000 arrest
photographs ("Amazon's Face Recognition Falsely Matched 28 Members of Congress With Mugshots", July 2018). Here any two
folders take their places; nobody in the one is in the other.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from fractions import Fraction
from math import comb

import msgspec
import numpy as np
from numpy.typing import NDArray

from regard.evaluation.samples.pictures_on_disk import NotLabelled

SIMILARITIES = (80.0, 95.0, 99.0)
_ROWS = 1024

Floats32 = NDArray[np.float32]


class Share(msgspec.Struct, frozen=True):
    """Of the `people` of a group, `matched` met a false match.

    `chance` is how likely so many or more would be if false matches fell on people regardless of group: the upper tail
    of the hypergeometric distribution.
    """

    attribute: str
    group: str
    people: int
    matched: int
    chance: float


class Outcome(msgspec.Struct, frozen=True):
    """How many of the people are falsely matched at a threshold of similarity, in all and by group."""

    similarity: float
    people: int
    matched: int
    shares: list[Share]


def closest(probes: Floats32, gallery: Floats32) -> Floats32:
    """The highest score of each probe with anybody in the gallery. Rows of zeros, without a face, match nobody."""
    found = np.full(len(probes), -1, np.float32)
    for first in range(0, len(gallery), _ROWS):
        np.maximum(found, (probes @ gallery[first : first + _ROWS].T).max(axis=1), out=found)
    found[~probes.any(axis=1)] = -1
    return found


def outcomes(
    people: Sequence[str],
    scores: Sequence[float],
    groups: Mapping[str, Mapping[str, str]],
    thresholds: Mapping[float, float],
) -> list[Outcome]:
    """For each similarity and its score in `thresholds`. A person is matched when any of the pictures is.

    `people` and `scores` are one a probe that shows a face. Raises NotLabelled for people without groups.
    """
    highest: dict[str, float] = {}
    for person, score in zip(people, scores, strict=True):
        highest[person] = max(score, highest.get(person, -1.0))
    if groups and (unknown := sorted(set(highest) - set(groups))):
        raise NotLabelled(f"{len(unknown)} of {len(highest)} people are in no group: the file does not name them.")
    return [
        Outcome(similarity, len(highest), len(matched), _shares(highest, matched, groups))
        for similarity, least in thresholds.items()
        for matched in [{person for person, score in highest.items() if score >= least}]
    ]


def upper_tail(drawn: int, marked: int, all_marked: int, total: int) -> float:
    """The chance that of `drawn` out of `total`, `marked` or more are among the `all_marked`; exact."""
    ways = sum(
        comb(all_marked, each) * comb(total - all_marked, drawn - each)
        for each in range(marked, min(drawn, all_marked) + 1)
    )
    return float(Fraction(ways, comb(total, drawn)))


def _shares(highest: Mapping[str, float], matched: set[str], groups: Mapping[str, Mapping[str, str]]) -> list[Share]:
    attributes = list(next(iter(groups.values()), {}))
    made = []
    for attribute in attributes:
        of = {person: groups[person][attribute] for person in highest}
        for group in sorted(set(of.values())):
            people = [person for person in highest if of[person] == group]
            hit = sum(person in matched for person in people)
            chance = upper_tail(len(matched), hit, len(people), len(highest))
            made.append(Share(attribute, group, len(people), hit, chance))
    return made
