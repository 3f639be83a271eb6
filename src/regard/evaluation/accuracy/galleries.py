"""Identification, one to many, measured: probes searched in galleries of growing size, drawn from the pictures
themselves. Reckoned from rates on pairs it is in :mod:`regard.evaluation.statistics.identification`.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import msgspec
import numpy as np
from numpy.typing import NDArray

from regard.evaluation.statistics.identification import any_of

Ints = NDArray[np.int64]
Floats32 = NDArray[np.float32]

DRAWS = 10
AT_RATE = 0.01
_ROWS = 1_024


class AtThreshold(msgspec.Struct, frozen=True):
    """FPIR is the share of probes of strangers that meet any match; FNIR that of probes of people in the gallery whose
    own entry is not the best one at or above the threshold.
    """

    similarity: float
    score: float
    false_positive_rate: float
    false_negative_rate: float


class Gallery(msgspec.Struct, frozen=True):
    """Galleries of `people`, one picture each. `mated` probes show someone in it, `strangers` nobody, over all draws.

    `first_rank` is the share of mated probes whose own entry scores best. `missed_at_rate` is FNIR at the threshold
    where AT_RATE of strangers meet a match.
    """

    people: int
    mated: int
    strangers: int
    first_rank: float
    missed_at_rate: float
    thresholds: list[AtThreshold]


class Expected(msgspec.Struct, frozen=True):
    """What a false match rate on pairs becomes in a gallery: matches of strangers a probe, and the chance of any."""

    gallery: int
    similarity: float
    false_matches: float
    any: float


def identified(
    embeddings: Floats32,
    subjects: Ints,
    sizes: Sequence[int],
    thresholds: dict[float, float],
    seed: int = 0,
) -> list[Gallery]:
    """Search galleries of each of `sizes` people, one row a size.

    `embeddings`, float32 (n, d), are of length 1, `subjects`, (n,), number their people from 0, `thresholds` gives the
    score of each similarity.

    A size that leaves no stranger is left out. Raises ValueError when nobody has two pictures.
    """
    people = int(subjects.max(initial=-1)) + 1
    if people == len(subjects):
        raise ValueError("Nobody has two pictures, one to enrol and one to search with.")
    rng = np.random.default_rng(seed)
    return [_gallery(embeddings, subjects, size, thresholds, rng) for size in sizes if size < people]


def expected(rates: dict[float, float], sizes: Sequence[int]) -> list[Expected]:
    """What `rates`, false match rates by similarity, become in galleries of `sizes`, were comparisons independent."""
    return [
        Expected(size, similarity, size * rate, any_of(rate, size))
        for size in sizes
        for similarity, rate in rates.items()
    ]


class _Searched(NamedTuple):
    """Of each mated probe its best score and whether its own entry has it; of each stranger's the best score."""

    mated: Floats32
    own_first: NDArray[np.bool_]
    strangers: Floats32


def _gallery(
    embeddings: Floats32, subjects: Ints, size: int, thresholds: dict[float, float], rng: np.random.Generator
) -> Gallery:
    draws = [_searched(embeddings, subjects, size, rng) for _ in range(DRAWS)]
    all_draws = _Searched(*(np.concatenate(parts) for parts in zip(*draws, strict=True)))
    return Gallery(
        size,
        len(all_draws.mated),
        len(all_draws.strangers),
        float(all_draws.own_first.mean()),
        _missed(all_draws, float(np.quantile(all_draws.strangers, 1 - AT_RATE))),
        [
            AtThreshold(similarity, score, float((all_draws.strangers >= score).mean()), _missed(all_draws, score))
            for similarity, score in thresholds.items()
        ],
    )


def _missed(searched: _Searched, score: float) -> float:
    return float(1 - (searched.own_first & (searched.mated >= score)).mean())


def _searched(embeddings: Floats32, subjects: Ints, size: int, rng: np.random.Generator) -> _Searched:
    several = np.flatnonzero(np.bincount(subjects) > 1)
    # One who has two pictures at least, so that there is a mated probe in every gallery.
    others = rng.permutation(np.setdiff1d(np.arange(int(subjects.max()) + 1), chosen := rng.choice(several, 1)))
    enrolled = np.concatenate([chosen, others[: size - 1]])
    order = rng.permutation(len(subjects))
    first_of = dict(zip(subjects[order].tolist(), order.tolist(), strict=True))
    entries = np.array([first_of[person] for person in enrolled.tolist()])
    probes = np.setdiff1d(np.arange(len(subjects)), entries)
    best, whose = _best(embeddings[probes], embeddings[entries])
    is_mated = np.isin(subjects[probes], enrolled)
    own = subjects[probes] == subjects[entries[whose]]
    return _Searched(best[is_mated], own[is_mated], best[~is_mated])


def _best(probes: Floats32, entries: Floats32) -> tuple[Floats32, Ints]:
    best, whose = np.empty(len(probes), np.float32), np.empty(len(probes), np.int64)
    for start in range(0, len(probes), _ROWS):
        scores = probes[start : start + _ROWS] @ entries.T
        whose[start : start + _ROWS] = scores.argmax(axis=1)
        best[start : start + _ROWS] = scores.max(axis=1)
    return best, whose
