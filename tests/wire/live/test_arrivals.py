"""A film that did not come in the time that it shows was not recorded now, whatever the client tells of its times."""

from __future__ import annotations

import asyncio

import pytest

from regard.wire.live.arrivals import Arrivals
from tests.helpers.live import Judging, Stage, film, ticking, whole


# The film is told to last nine seconds, and comes in three parts.
@pytest.mark.parametrize(
    ("wait", "between", "code", "words"),
    [
        (60.0, 3.0, 1000, ""),
        (1.0, 6.0, 1000, ""),
        (60.1, 4.5, 4001, "No film began within 60 seconds"),
        (1.0, 0.0, 1008, "The film did not come as it was recorded"),
        (1.0, 2.9, 1008, "The film did not come as it was recorded"),
        (1.0, 6.1, 1008, "The film did not come as it was recorded"),
    ],
)
def test_a_film_comes_in_the_time_that_it_shows_or_is_not_judged(
    stage: Stage, judge: Judging, wait: float, between: float, code: int, words: str
) -> None:
    session = stage.create()
    peer = asyncio.run(whole(stage, stage.app(arrivals=ticking(wait, between)), session, film()))
    assert peer.code == code
    assert peer.told[-1][1].get("Message", "").startswith(words)
    assert (stage.kept(session).status, len(judge.seen)) == (("SUCCEEDED", 1) if code == 1000 else ("FAILED", 0))


def test_times_count_from_the_challenge_and_between_the_first_part_and_the_last() -> None:
    times = iter([100.0, 140.0, 150.0, 200.0])
    arrivals = Arrivals(lambda: next(times))
    assert [arrivals.came() for _ in range(3)] == [True, True, True]
    assert arrivals.off(60_000) == pytest.approx(0.0)
    assert arrivals.off(9_000) == pytest.approx(51.0)
