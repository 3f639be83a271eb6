"""Fitting a calibration: which score has which false match rate, on one half of the people, tested on the other.
:mod:`regard.vision.faces.similarity` applies it.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

from regard.evaluation.accuracy.people import rates_by_people
from regard.evaluation.samples.sample import Sample
from regard.evaluation.statistics.bootstrap import drawn
from regard.evaluation.statistics.comparisons import Pairs, impostors
from regard.evaluation.statistics.people import shares
from regard.evaluation.statistics.rates import Rate
from regard.evaluation.statistics.scores import Scores
from regard.evaluation.statistics.tails import FEWEST, Tail, TailTooLong, fitted
from regard.vision.faces.similarity import RATES, SAME, Basis, Calibration, Measured, Point

Ints = NDArray[np.int64]
Floats = NDArray[np.float64]
Progress = Callable[[str], None]

# The tail is fitted to what reaches the first rate, and only counts what reaches the second: see `tails`.
TAIL_FROM, CENSORED_FROM = 1e-3, 1e-5
REPLICATES = 100
# A draw of people may hold fewer pairs than a tail of its own would be fitted to.
FEWEST_DRAWN = FEWEST / 3
# At thresholds laxer than this, rates need no clustered interval to be believed.
TESTED_FROM = 72.0


@dataclass(frozen=True, slots=True)
class Fit:
    """The score of each rate of RATES, whether it was extrapolated, and by which tail."""

    scores: dict[float, float]
    extrapolated: frozenset[float]
    tail: Tail


def calibrate(
    sample: Sample,
    described: str,
    *,
    version: str,
    face_model: str,
    embedder: str,
    seed: int = 0,
    progress: Progress = lambda _: None,
) -> Calibration:
    """The calibration that a sample of people gives, `described` in words without names.

    Each pair of people weighs one, however many pictures they have; those `apart` in the sample are left out. `version`
    is the calibration's own, `embedder` the SHA-256 of the weights. Raises TooFewScores for a sample too small for the
    tail: it takes about 500 people; and TailTooLong where many pairs that should be apart are not.
    """
    progress("halves")
    first, second = halves(sample, seed)
    made = fit(Scores.of_everybody(first.embeddings, first.subjects, first.apart))
    progress("intervals of the scores")
    intervals = _score_intervals(first, made, seed)
    progress("the other half")
    tested = measured(second, {level: made.scores[level] for level in RATES if level >= TESTED_FROM}, seed)

    return Calibration(
        version=version,
        face_model=face_model,
        embedder=embedder,
        fitted_on=f"{described}: one half, {_size(first)}, each pair of people weighing one",
        tested_on=f"the other half, {_size(second)}",
        tail=f"{made.tail}; what is above FMR {CENSORED_FROM:.0e} only counted",
        points=tuple(_point(level, made, intervals, tested) for level in RATES),
    )


def fit(scores: Scores) -> Fit:
    """Where FEWEST or more pairs of people reach a rate it is counted, beyond that the tail says. Rises everywhere.

    Raises TooFewScores, and TailTooLong where that leads beyond a cosine of 1.
    """
    tail = tail_of(scores)
    found: dict[float, float] = {}
    beyond = frozenset(level for level, rate in RATES.items() if rate * scores.pairs < FEWEST)
    for level, rate in RATES.items():
        found[level] = tail.score_at(rate) if level in beyond else scores.score_at(rate)
    for lower, higher in pairwise(sorted(found)):
        found[higher] = max(found[higher], found[lower] + _LEAST_STEP)
    if max(found.values()) >= SAME:
        raise TailTooLong(
            f"1 in {1 / RATES[max(found)]:,.0f} pairs of people would reach a cosine of {max(found.values()):.2f}, and "
            "there is none above 1: too many pairs score as high as one person does. Name those that are one person "
            "under two names (--same), or give more people."
        )
    return Fit(found, beyond, tail)


def tail_of(scores: Scores) -> Tail:
    """The tail of impostor scores from TAIL_FROM on. Raises TooFewScores."""
    level = scores.score_at(TAIL_FROM)
    rate = scores.false_match_rate(level)
    capped = scores.score_at(CENSORED_FROM)
    return fitted(*scores.above(level), level, rate, capped)


def halves(sample: Sample, seed: int = 0) -> tuple[Sample, Sample]:
    """The enrolled pictures of one half of the people, drawn by lot, and of the other."""
    people = np.unique(sample.subjects)
    chosen = np.random.default_rng(seed).permutation(people)[: len(people) // 2]
    in_first = np.isin(sample.subjects, chosen)
    return sample.of(in_first), sample.of(~in_first)


def measured(sample: Sample, thresholds: dict[float, float], seed: int = 0) -> dict[float, tuple[Rate, Rate]]:
    """FMR by pairs of people and FNMR by people at scores; the keys of `thresholds` are only names."""
    found = rates_by_people(sample, list(thresholds.values()), seed)
    return {level: (at.false_match, at.false_non_match) for level, at in zip(thresholds, found, strict=True)}


def counted(rate: Rate | None) -> Measured | None:
    """A rate as a calibration keeps it; None where nothing was measured."""
    if rate is None or rate.rate is None or rate.interval is None:
        return None
    return Measured(rate.rate, rate.interval.low, rate.interval.high, rate.errors, rate.trials)


def _size(sample: Sample) -> str:
    people = int(sample.subjects.max(initial=-1)) + 1
    left_out = f", without {len(sample.apart):,} of the pairs of names that are one person" if len(sample.apart) else ""
    return f"{people:,} people in {len(sample):,} pictures{left_out}"


def _score_intervals(sample: Sample, made: Fit, seed: int) -> dict[float, tuple[float, float]]:
    """95 % intervals of the scores, from fits to people drawn again with replacement."""
    tail = impostors(sample.embeddings, sample.subjects, made.tail.level, sample.apart)
    draws = drawn(int(sample.subjects.max()) + 1, REPLICATES, seed)
    refitted = [_refitted(tail, sample, draws[:, one], made) for one in range(REPLICATES)]
    low, high = np.nanquantile(np.array(refitted), [0.025, 0.975], axis=0)
    levels = [level for level in RATES if RATES[level] <= TAIL_FROM]
    return dict(zip(levels, zip(low.tolist(), high.tolist(), strict=True), strict=True))


def _refitted(tail: Pairs, sample: Sample, draw: NDArray[np.float32], made: Fit) -> list[float]:
    """The scores of the rates from TAIL_FROM on when people count as often as they were drawn.

    What was counted is counted again on the weighted pairs; what was extrapolated, the tail fitted to them says.
    """
    trials = (draw.sum(dtype=np.float64) ** 2 - (draw.astype(np.float64) ** 2).sum()) / 2
    each = draw[sample.subjects] * shares(sample.subjects)
    weights = each[tail.first] * each[tail.second]
    order = np.argsort(-tail.scores, kind="stable")
    scores, reached = tail.scores[order].astype(np.float64), np.cumsum(weights[order])

    def reached_by(rate: float) -> float:
        return float(scores[min(np.searchsorted(reached, rate * trials), len(scores) - 1)])

    rate = float(reached[-1]) / trials
    again = fitted(scores, weights[order], made.tail.level, rate, reached_by(CENSORED_FROM), FEWEST_DRAWN)
    levels = [level for level in RATES if RATES[level] <= TAIL_FROM]
    return [
        again.score_at(RATES[level]) if level in made.extrapolated else reached_by(RATES[level]) for level in levels
    ]


def _point(
    level: float,
    made: Fit,
    intervals: dict[float, tuple[float, float]],
    tested: dict[float, tuple[Rate, Rate]],
) -> Point:
    low, high = intervals.get(level, (None, None))
    matched, missed = (counted(rate) for rate in tested.get(level, (None, None)))
    basis: Basis = "extrapolated" if level in made.extrapolated else "measured"
    return Point(level, RATES[level], round(made.scores[level], 4), basis, low, high, matched, missed)


_LEAST_STEP = 1e-3
