"""The bootstrap against a slow reference that looks at every comparison, and its cost at full size."""

from __future__ import annotations

import subprocess
import sys
from itertools import combinations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from regard.evaluation.statistics.bootstrap import Units, between_subjects, drawn, within_subjects

Ints = NDArray[np.int64]


@st.composite
def samples(draw: st.DrawFn) -> tuple[Ints, Ints, int, list[tuple[int, int]]]:
    """Subjects and groups of pictures, where a subject may stand in several groups, and the pairs that match."""
    number, groups = draw(st.integers(4, 14)), draw(st.integers(1, 3))
    subjects = np.array(draw(st.lists(st.integers(0, 5), min_size=number, max_size=number)))
    labels = np.array(draw(st.lists(st.integers(0, groups - 1), min_size=number, max_size=number)))
    impostors = [(i, j) for i, j in combinations(range(number), 2) if subjects[i] != subjects[j]]
    matched = draw(st.lists(st.sampled_from(impostors), unique=True, max_size=12)) if impostors else []
    return subjects, labels, groups, matched


def _cell(subjects: Ints, labels: Ints, probe: int, other: int, groups: int) -> list[tuple[int, int]]:
    """The comparisons of a probe's group with another's, or with everybody's when `other` is `groups`."""
    everybody = other == groups
    return [
        (i, j)
        for i in range(len(subjects))
        for j in range(len(subjects))
        if subjects[i] != subjects[j] and labels[i] == probe and (everybody or labels[j] == other)
    ]


@given(samples())
@settings(deadline=None, max_examples=60)
def test_impostor_rates_under_draws_equal_the_sum_over_every_comparison(
    sample: tuple[Ints, Ints, int, list[tuple[int, int]]],
) -> None:
    subjects, labels, groups, matched = sample
    draws = drawn(6, 20, seed=1)
    first = np.array([i for i, _ in matched], dtype=np.int64)
    second = np.array([j for _, j in matched], dtype=np.int64)
    found = between_subjects(Units.of(subjects, labels, groups), first, second, draws)
    both_ways = {*matched, *((j, i) for i, j in matched)}
    for probe in range(groups):
        for other in range(groups + 1):
            pairs = _cell(subjects, labels, probe, other, groups)
            hits = np.array([pair in both_ways for pair in pairs], dtype=float)
            weights = np.array([draws[subjects[i]] * draws[subjects[j]] for i, j in pairs]).reshape(len(pairs), 20)
            assert found.errors[probe, other] == hits.sum()
            assert found.trials[probe, other] == len(pairs)
            if not hits.any():
                continue
            share = _share(subjects, labels, pairs, hits)
            tried = weights.sum(axis=0)
            rates = np.divide(hits @ weights, tried, out=np.full(20, np.nan), where=tried > 0)
            shrunk = hits.mean() * (rates / hits.mean()) ** np.sqrt(share)
            np.testing.assert_allclose(found.replicates[probe, other], shrunk, rtol=1e-5)
            known = rates[np.isfinite(rates)]
            if len(known) > 1:
                np.testing.assert_allclose(
                    found.variance[probe, other], share * known.var(ddof=1), rtol=1e-5, atol=1e-15
                )


def _share(subjects: Ints, labels: Ints, pairs: list[tuple[int, int]], hits: NDArray[np.float64]) -> float:
    """Of the pigeonhole bootstrap's variance, what the dyadic cluster-robust one says is due."""
    residuals: dict[frozenset[tuple[int, int]], float] = {}
    for (i, j), hit in zip(pairs, hits, strict=True):
        two = frozenset(((int(subjects[i]), int(labels[i])), (int(subjects[j]), int(labels[j]))))
        residuals[two] = residuals.get(two, 0.0) + float(hit - hits.mean())
    own = sum(value**2 for value in residuals.values())
    each = set(subjects.tolist())
    sums = [sum(value for two, value in residuals.items() if one in {who for who, _ in two}) for one in each]
    people = sum(value**2 for value in sums)
    return max(people - own, own) / (people + own) if people > 1e-12 else 1.0


@given(samples(), st.data())
@settings(deadline=None, max_examples=40)
def test_rates_within_subjects_equal_the_sum_over_every_unit(
    sample: tuple[Ints, Ints, int, list[tuple[int, int]]], data: st.DataObject
) -> None:
    subjects, labels, groups, _ = sample
    units, draws = Units.of(subjects, labels, groups), drawn(6, 20, seed=2)
    size = len(units.subject)
    trials = np.array(data.draw(st.lists(st.integers(0, 4), min_size=size, max_size=size)), dtype=float)
    errors = np.minimum(trials, data.draw(st.integers(0, 2)))
    found = within_subjects(units, errors, trials, draws)
    for group in range(groups):
        of = units.group == group
        weights = draws[units.subject[of]]
        tried = trials[of] @ weights
        rates = np.divide(errors[of] @ weights, tried, out=np.full(20, np.nan), where=tried > 0)
        np.testing.assert_allclose(found.replicates[group], rates, rtol=1e-6)


def test_every_replicate_draws_as_many_people_as_there_are() -> None:
    assert (drawn(37, 50).sum(axis=0) == 37).all()


def test_comparisons_that_share_nothing_count_their_own_chance_once() -> None:
    rng = np.random.default_rng(5)
    number = 200
    first, second = np.triu_indices(number, 1)
    units = Units.of(np.arange(number), np.zeros(number, np.int64), 1)
    variances = []
    for seed in range(12):
        matched = rng.random(len(first)) < 0.01
        found = between_subjects(units, first[matched], second[matched], drawn(number, 300, seed))
        variances.append(found.variance[0, 0])
    # Without the correction it would be three times as much.
    assert np.mean(variances) == pytest.approx(0.01 * 0.99 / len(first), rel=0.2)


_FULL_SIZE = """
import time
from pathlib import Path
import numpy as np
from regard.evaluation.bias.audit import Threshold, at_rate, findings
from regard.evaluation.samples.sample import Attribute, Sample
rng = np.random.default_rng(0)
subjects = rng.integers(0, 2400, 7100)
vectors = rng.standard_normal((2400, 128))[subjects] + 0.6 * rng.standard_normal((7100, 128))
vectors = (vectors / np.linalg.norm(vectors, axis=1)[:, None]).astype(np.float32)
labels = Attribute.of("group", [f"group {subject % 8}" for subject in subjects])
sample = Sample(subjects, (labels,), np.ones(7100, bool), vectors, {})
begun = time.perf_counter()
found = findings(sample, [Threshold("loose", at_rate(sample, 1e-2)), Threshold("strict", at_rate(sample, 1e-4))])
trials = sum(rate.trials for rate in found.attributes[0].thresholds[0].everybody) / 2
assert trials > 25e6, trials
# Not of getrusage, which counts what the process was copied from, too.
peak = next(line.split()[1] for line in Path("/proc/self/status").read_text().splitlines() if line.startswith("VmHWM"))
print(time.perf_counter() - begun, int(peak) / 1024**2)
"""


@pytest.mark.long
def test_25_million_comparisons_with_500_replicates_take_under_a_minute_and_2_gib() -> None:
    told = subprocess.run([sys.executable, "-c", _FULL_SIZE], check=True, capture_output=True, text=True).stdout
    seconds, gigabytes = map(float, told.split())
    assert seconds < 60
    assert gigabytes < 2
