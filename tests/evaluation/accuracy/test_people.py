"""Rates by people: what a slow look at every pair of people says, however many pictures they have."""

from __future__ import annotations

from itertools import combinations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from regard.evaluation.accuracy.people import rates_by_people
from regard.evaluation.samples.sample import Sample
from regard.evaluation.statistics.bootstrap import Units, between_subjects, drawn
from regard.evaluation.statistics.people import pairs_of_people, shares


def _sample(subjects: list[int], seed: int, apart: list[tuple[int, int]] | None = None) -> Sample:
    rng = np.random.default_rng(seed)
    rows = rng.standard_normal((len(subjects), 3)).astype(np.float32)
    rows /= np.linalg.norm(rows, axis=1)[:, None]
    pairs = np.array(apart or [], np.int64).reshape(-1, 2)
    return Sample(np.array(subjects), (), np.ones(len(subjects), np.bool_), rows, {}, pairs)


def _share_above(sample: Sample, one: int, other: int, score: float) -> float | None:
    """The share of the pairs of pictures of two people, or of one, that reach the score; None where there are none."""
    first, second = (np.flatnonzero(sample.subjects == who).tolist() for who in (one, other))
    pairs = list(combinations(first, 2)) if one == other else [(i, j) for i in first for j in second]
    scores = [float(sample.embeddings[i] @ sample.embeddings[j]) for i, j in pairs]
    return float(np.mean([each >= score for each in scores])) if scores else None


@st.composite
def samples(draw: st.DrawFn) -> Sample:
    """A few people, of one to five pictures each, and pairs of them that are one person."""
    people = draw(st.integers(3, 7))
    pictures = draw(st.lists(st.integers(1, 5), min_size=people, max_size=people))
    apart = draw(st.lists(st.sampled_from(list(combinations(range(people), 2))), unique=True, max_size=2))
    subjects = [who for who, number in enumerate(pictures) for _ in range(number)]
    return _sample(draw(st.permutations(subjects)), draw(st.integers(0, 99)), apart)


@given(samples(), st.floats(-0.9, 0.9))
@settings(deadline=None, max_examples=80)
def test_rates_are_the_mean_over_pairs_of_people_and_over_people(sample: Sample, score: float) -> None:
    apart = {tuple(pair) for pair in sample.apart.tolist()}
    people = sorted(set(sample.subjects.tolist()))
    told = [_share_above(sample, *pair, score) for pair in combinations(people, 2) if pair not in apart]
    own = [share for who in people if (share := _share_above(sample, who, who, score)) is not None]
    (found,) = rates_by_people(sample, [score])
    assert found.false_match.trials == len(told) == pairs_of_people(sample.subjects, sample.apart)
    assert found.false_match.rate == pytest.approx(np.mean([share or 0 for share in told]))
    assert found.false_match.errors == sum(bool(share) for share in told)
    assert found.false_non_match.trials == len(own)
    if own:
        assert found.false_non_match.rate == pytest.approx(1 - np.mean(own), abs=1e-12)
        assert found.false_non_match.errors == sum(share < 1 for share in own)


def test_two_brothers_with_hundreds_of_pictures_weigh_one_pair_of_people() -> None:
    rows = np.eye(40, dtype=np.float32)
    alike = np.concatenate([rows[:1].repeat(200, axis=0), rows[:1].repeat(100, axis=0), rows[2:]])
    subjects = np.array([0] * 200 + [1] * 100 + list(range(2, 40)))
    sample = Sample(subjects, (), np.ones(len(subjects), np.bool_), alike, {})
    (found,) = rates_by_people(sample, [0.5])
    assert (found.false_match.errors, found.false_match.trials) == (1, 40 * 39 // 2)
    assert found.false_match.rate == pytest.approx(1 / (40 * 39 // 2))
    one_person = Sample(subjects, (), np.ones(len(subjects), np.bool_), alike, {}, np.array([[1, 0]]))
    (left_out,) = rates_by_people(one_person, [0.5])
    assert (left_out.false_match.errors, left_out.false_match.trials) == (0, 40 * 39 // 2 - 1)


def test_rates_come_in_the_order_asked_and_only_enrolled_pictures_count() -> None:
    sample = _sample([0, 0, 1, 1, 2, 3, 4, 5, 5], 7, [(2, 5)])
    strict, lax = rates_by_people(sample, [0.9, -0.9])
    assert (strict.false_match.rate or 0) < (lax.false_match.rate or 0)
    sample.enrolled[4] = False
    (fewer,) = rates_by_people(sample, [-0.9])
    assert (fewer.false_match.trials, fewer.false_non_match.trials) == (5 * 4 // 2, 3)


def test_intervals_hold_the_rate_of_very_many_people() -> None:
    def alike(people: int, seed: int) -> Sample:
        rng = np.random.default_rng(seed)
        subjects = np.repeat(np.arange(people), rng.integers(1, 6, people))
        # Some people look like many others: comparisons that share one are not independent.
        rows = rng.standard_normal((people, 12))[subjects] + 0.5 * rng.standard_normal((len(subjects), 12))
        rows += 0.8 * np.eye(12)[0] * (rng.random(people) < 0.3)[subjects, None]
        rows /= np.linalg.norm(rows, axis=1)[:, None]
        return Sample(subjects, (), np.ones(len(subjects), np.bool_), rows.astype(np.float32), {})

    (truth,) = rates_by_people(alike(2_000, 1_000), [0.75])
    held = 0
    for seed in range(40):
        (found,) = rates_by_people(alike(120, seed), [0.75])
        assert found.false_match.interval is not None
        held += found.false_match.interval.holds(truth.false_match.rate or 0)
    assert held >= 35


@given(samples(), st.data())
@settings(deadline=None, max_examples=40)
def test_under_draws_of_people_a_pair_counts_the_product_of_its_draws(sample: Sample, data: st.DataObject) -> None:
    subjects = sample.subjects
    pairs = [pair for pair in combinations(range(len(subjects)), 2) if subjects[pair[0]] != subjects[pair[1]]]
    matched = data.draw(st.lists(st.sampled_from(pairs), unique=True, min_size=1, max_size=12))
    first, second = np.array(matched).T
    counting = shares(subjects)[first] * shares(subjects)[second]
    people = int(subjects.max()) + 1
    draws = drawn(people, 30, seed=3)
    units = Units.of(subjects, np.zeros(len(subjects), np.int64), 1).counted_once()
    found = between_subjects(units, first, second, draws, counting)
    of_pair = dict.fromkeys(combinations(range(people), 2), 0.0)
    for one, other, share in zip(subjects[first], subjects[second], counting, strict=True):
        of_pair[min(one, other), max(one, other)] += share
    rate = sum(of_pair.values()) / len(of_pair)
    assert found.rates[0, 0] == pytest.approx(rate)
    weights = np.array([draws[one] * draws[other] for one, other in of_pair])
    tried = weights.sum(axis=0)
    slow = np.divide(np.array(list(of_pair.values())) @ weights, tried, out=np.full(30, np.nan), where=tried > 0)
    # What is due of the spread under draws of both sides, as the module says, is a root of the ratio to the rate.
    both = np.isfinite(slow) & (slow > 0)
    logs, shrunk = np.log(slow[both] / rate), np.log(found.replicates[0, 0][both] / rate)
    np.testing.assert_allclose(shrunk * np.abs(logs).max(initial=0), logs * np.abs(shrunk).max(initial=0), atol=1e-4)
