"""Which frames of a film are looked at: two a second, each the last at or before k × 500 ms, as AWS's answers show."""

from __future__ import annotations

from fractions import Fraction
from itertools import pairwise

import numpy as np
import pytest

from regard.vision.video.sampling import Sampler


def _sampled(times: list[Fraction], lasting: Fraction, interval: int = 500) -> list[tuple[int, int]]:
    sampler: Sampler[int] = Sampler(interval)
    chosen = [each for number, time in enumerate(times) for each in sampler.add(time, number)]
    chosen += sampler.end(lasting)
    assert all(each.number == each.frame for each in chosen)
    return [(each.number, each.milliseconds) for each in chosen]


def _by_the_rule(times: list[Fraction], lasting: Fraction, interval: int = 500) -> list[tuple[int, int]]:
    """The rule as it is written, slowly: for each k the last frame at or before it; each frame once."""
    found, k = [], 0
    while (due := Fraction(k * interval, 1000)) < times[-1] + lasting:
        number = max(number for number, time in enumerate(times) if time <= due)
        found.append((number, int(times[number] * 1000)))
        k += 1
    return list(dict.fromkeys(found))


@pytest.mark.parametrize(
    ("rate", "told"),
    [
        (Fraction(25), [0, 480, 1000, 1480, 2000]),
        (Fraction(30_000, 1001), [0, 467, 967, 1468, 1968]),
        (Fraction(24_000, 1001), [0, 458, 959, 1459, 1960]),
        (Fraction(30), [0, 500, 1000, 1500, 2000]),
        (Fraction(10), [0, 500, 1000, 1500, 2000]),
    ],
)
def test_timestamps_are_those_of_aws(rate: Fraction, told: list[int]) -> None:
    times = [number / rate for number in range(int(rate * 3))]
    assert [time for _, time in _sampled(times, 1 / rate)][:5] == told
    assert _sampled(times, 1 / rate) == _by_the_rule(times, 1 / rate)


def test_frames_of_any_rate_are_chosen_by_the_rule() -> None:
    rng = np.random.default_rng(3)
    for _ in range(200):
        steps = rng.choice([1, 7, 33, 40, 499, 500, 501, 1700], rng.integers(1, 40))
        times = [Fraction(int(time), 1000) for time in np.concatenate([[0], np.cumsum(steps)])]
        lasting, interval = Fraction(int(rng.integers(1, 900)), 1000), int(rng.integers(1, 900))
        assert _sampled(times, lasting, interval) == _by_the_rule(times, lasting, interval)


def test_a_frame_that_stands_for_long_is_looked_at_once() -> None:
    assert _sampled([Fraction(0), Fraction(10)], Fraction(5)) == [(0, 0), (1, 10_000)]


def test_times_that_go_back_do_not() -> None:
    times = [time for _, time in _sampled([Fraction(0), Fraction(1), Fraction(1, 2), Fraction(3)], Fraction(1))]
    assert all(one <= two for one, two in pairwise(times))


def test_an_interval_of_nothing_chooses_every_frame() -> None:
    times = [Fraction(number, 25) for number in range(30)]
    assert [number for number, _ in _sampled(times, Fraction(1, 25), 0)] == list(range(30))
