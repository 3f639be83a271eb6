"""Lines are drawn on one half of the people, what a session is worth never falls, and rates are those of the other."""

from __future__ import annotations

from itertools import pairwise

import msgspec
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from regard.evaluation.liveness.fitting import TooFew, fitted
from regard.evaluation.liveness.rates import blocks, rates
from regard.evaluation.liveness.running import Case, Half, Seen
from regard.evaluation.liveness.sessions import ATTACKS, KINDS, LIVE
from regard.vision.liveness.measures import Measures

# What a live session of the simulator comes to.
GOOD = Measures(
    follows=0.99,
    lag=60,
    strength=0.1,
    apart=0.97,
    grew=2.1,
    depth=0.75,
    alike=0.93,
    company=0,
    missed=0,
    jump=0.2,
    still=0,
    again=1.3,
    began=0.24,
    fits=0.87,
    off=60,
)
WEIGHTS, PICTURES = ("face-mesh-0",), "0" * 64


def _seen(kind: str, seed: int, half: Half = "fit", **other: float) -> Seen:
    rng = np.random.default_rng(seed)
    off = {name: getattr(GOOD, name) - 0.04 * rng.random() for name in ("follows", "apart", "depth", "alike", "fits")}
    return Seen(Case(half, kind, seed % 7, "", seed), msgspec.structs.replace(GOOD, **off | other))


def _all(half: Half = "fit", attacks: int = 20, passing: int = 0) -> list[Seen]:
    """40 live sessions, and attacks of each kind that lack depth, of which some pass as live."""
    live = [_seen(LIVE, seed, half) for seed in range(40)]
    bad = [_seen(kind, seed, half, depth=0.1) for kind in ATTACKS for seed in range(passing, attacks)]
    return live + bad + [_seen(kind, seed, half) for kind in ATTACKS for seed in range(passing)]


def test_a_line_is_midway_between_the_worst_people_and_the_best_attacks() -> None:
    fit = fitted(_all(), WEIGHTS, PICTURES)
    worst = min(each.measures.depth for each in _all() if each.case.kind == LIVE)
    assert fit.limits["depth"] == pytest.approx((worst + 0.1) / 2, abs=0.01)
    assert fit.typical["depth"] == pytest.approx(0.73, abs=0.01)
    assert (fit.live, fit.attacks) == (40, 100)


def test_where_people_and_attacks_meet_people_are_let_pass() -> None:
    fit = fitted(_all(passing=10), WEIGHTS, PICTURES)
    assert all(each.measures.depth >= fit.limits["depth"] for each in _all() if each.case.kind == LIVE)


@settings(max_examples=10)
@given(st.integers(0, 19))
def test_confidence_never_falls_as_the_margin_rises_and_no_trials_make_it_certain(passing: int) -> None:
    fit = fitted(_all(passing=passing), WEIGHTS, PICTURES)
    worth = [step.confidence for step in fit.light]
    assert all(one <= other for one, other in pairwise(worth))
    assert 0 < worth[-1] < 100


def test_without_an_attack_that_passed_confidence_is_what_their_number_carries() -> None:
    few, many = (fitted(_all(attacks=count), WEIGHTS, PICTURES).light[0].confidence for count in (4, 40))
    assert few < many < 100
    # Of 200 attacks none passed: at 95 % no more than 3 in 200 would.
    assert many == pytest.approx(100 / (1 + 3 / 200), abs=0.2)


def test_people_of_the_other_half_do_not_move_the_lines() -> None:
    other = [_seen(LIVE, seed, "test", depth=0.2) for seed in range(50)]
    assert fitted([*_all(), *other], WEIGHTS, PICTURES) == fitted(_all(), WEIGHTS, PICTURES)


def test_too_few_live_sessions_make_no_fit() -> None:
    with pytest.raises(TooFew, match="19 live sessions are too few"):
        fitted([_seen(LIVE, seed) for seed in range(19)], WEIGHTS, PICTURES)


def test_rates_are_of_the_half_that_nothing_was_fitted_to() -> None:
    fit = fitted(_all(), WEIGHTS, PICTURES)
    found = rates([*_all(), *_all("test", passing=5)], fit, light=True)
    assert [each.kind for each in found] == [*KINDS]
    assert [each.rate.errors for each in found] == [0, 5, 5, 5, 5, 5]
    assert found[1].rate.interval is not None
    assert found[1].rate.interval.holds(0.25)
    assert found[1].failed == {"solid": 15}


def test_a_session_without_colours_is_judged_without_them() -> None:
    dark = [_seen("printed photo", seed, "test", follows=0.0) for seed in range(10)]
    fit = fitted(_all(), WEIGHTS, PICTURES)
    assert [rates(dark, fit, light=light)[1].rate.errors for light in (True, False)] == [0, 10]
    assert len(blocks([*_all(), *dark], fit)) == 5
