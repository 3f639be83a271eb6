"""Calibration: what is fitted on one half of the people holds on the other, and what was not counted says so."""

from __future__ import annotations

import math
from dataclasses import replace
from itertools import pairwise

import msgspec
import numpy as np
import pytest

from regard.evaluation.accuracy.calibration import calibrate, fit, halves
from regard.evaluation.samples.sample import Sample
from regard.evaluation.statistics.people import NOBODY
from regard.evaluation.statistics.scores import Scores
from regard.evaluation.statistics.tails import TailTooLong, TooFewScores
from regard.vision.faces.similarity import RATES, Calibration, Measured, Point

_NONE = Measured(0, 0, 0, 0, 0)


def _calibrated(sample: Sample, described: str) -> Calibration:
    return calibrate(sample, described, version="t", face_model="1.0", embedder="0" * 64)


def _sample(people: int, pictures: int = 2, noise: float = 0.6) -> Sample:
    rng = np.random.default_rng(people)
    subjects = np.repeat(np.arange(people), pictures)
    rows = rng.standard_normal((people, 48))[subjects] + noise * rng.standard_normal((len(subjects), 48))
    rows = (rows / np.linalg.norm(rows, axis=1, keepdims=True)).astype(np.float32)
    return Sample(subjects, (), np.ones(len(subjects), np.bool_), rows, {})


@pytest.fixture(scope="module")
def made() -> Calibration:
    return _calibrated(_sample(2_400), "drawn at random")


def test_a_calibration_is_read_as_it_was_written(made: Calibration) -> None:
    assert Calibration.read(msgspec.json.encode(made)) == made
    assert [point.similarity for point in made.points] == list(RATES)


def test_a_rate_that_was_fitted_on_one_half_holds_on_the_other_within_a_factor_of_two(made: Calibration) -> None:
    point = _at(made, 72)
    assert point.rate == 1e-5
    assert point.false_match is not None
    assert point.false_match.errors > 5
    assert point.false_match.trials == 1_200 * 1_199 // 2
    assert abs(math.log(point.false_match.rate / 1e-5)) < math.log(2)
    assert point.false_match.low < point.false_match.rate < point.false_match.high


def test_people_with_many_pictures_who_look_alike_move_no_score() -> None:
    sample = _sample(900, pictures=1)
    twins = np.isin(sample.subjects, (1, 2))
    rows = np.where(twins[:, None], sample.embeddings[:1], sample.embeddings)
    alike = Sample(sample.subjects, (), sample.enrolled, rows, {})
    many = np.concatenate([np.arange(900), np.flatnonzero(twins).repeat(40)])
    often = Sample(alike.subjects[many], (), alike.enrolled[many], alike.embeddings[many], {})
    one, other = (fit(Scores.of_everybody(each.embeddings, each.subjects)) for each in (alike, often))
    assert other.scores == pytest.approx(one.scores, abs=2e-4)
    assert other.extrapolated == one.extrapolated


def test_a_pair_of_names_that_is_one_person_is_left_out_of_both_halves() -> None:
    sample = _sample(900)
    same = np.array([[each, each + 1] for each in range(0, 80, 2)])
    whose = np.where(sample.subjects < 80, sample.subjects // 2 * 2, sample.subjects)
    rows = sample.embeddings[2 * whose + np.arange(len(sample)) % 2]
    twice = Sample(sample.subjects, (), sample.enrolled, rows, {}, same)
    first, second = halves(twice)
    made = _calibrated(twice, "some under two names")
    assert 0 < len(first.apart) < 40
    assert f"without {len(first.apart):,} of the pairs of names that are one person" in made.fitted_on
    assert f"without {len(second.apart):,} of the pairs of names that are one person" in made.tested_on
    assert (_at(made, 99.9).false_match or _NONE).errors == 0
    with pytest.raises(TailTooLong, match="Name those that are one person under two names"):
        _calibrated(replace(twice, apart=NOBODY), "some under two names")


def test_the_stricter_the_more_genuine_pairs_are_missed(made: Calibration) -> None:
    missed = [_at(made, level).false_non_match for level in (80, 90, 99, 99.9)]
    assert all(missed)
    rates = [each.rate for each in missed if each]
    assert rates == sorted(rates)


def test_what_the_pairs_cannot_carry_is_extrapolated_and_the_tail_is_named(made: Calibration) -> None:
    assert _at(made, 64).basis == "measured"
    assert _at(made, 99).basis == _at(made, 99.9).basis == "extrapolated"
    assert made.tail.startswith("generalised Pareto")


def test_the_interval_of_a_score_holds_it_and_widens_to_the_rare(made: Calibration) -> None:
    widths = []
    for level in (48, 64, 80, 99):
        point = _at(made, level)
        assert point.low is not None
        assert point.high is not None
        assert point.low - 0.01 <= point.score <= point.high + 0.01
        widths.append(point.high - point.low)
    assert widths[0] < widths[2] < widths[3]


def test_halves_share_nobody_and_hold_everybody_who_was_enrolled() -> None:
    sample = _sample(50)
    sample.enrolled[0] = False
    first, second = halves(sample)
    assert len(first) + len(second) == len(sample) - 1
    assert first.subjects.max() + 1 == 25
    rows = {row.tobytes() for row in first.embeddings} & {row.tobytes() for row in second.embeddings}
    assert not rows


def test_scores_rise_even_where_many_pairs_tie() -> None:
    counts = np.zeros(20_000)
    counts[[9_000, 14_000, 14_001, 14_002]] = 1_000_000, 400, 100, 50
    scores = list(fit(Scores(counts, np.empty(0, np.float32))).scores.values())
    assert all(low < high for low, high in pairwise(scores))


def test_too_few_people_are_refused() -> None:
    with pytest.raises(TooFewScores):
        _calibrated(_sample(40), "a few")


@pytest.mark.slow("looks at 2,730 pictures")
@pytest.mark.xdist_group("press")
def test_the_method_holds_on_people_held_out(press: Sample) -> None:
    point = _at(_calibrated(press, "press photographs"), 72)
    assert point.false_match is not None
    print(f"false match rate at Similarity 72 on people held out: {point.false_match}")
    assert abs(math.log(point.false_match.rate / 1e-5)) < math.log(2)


def _at(made: Calibration, level: float) -> Point:
    return next(point for point in made.points if point.similarity == level)
