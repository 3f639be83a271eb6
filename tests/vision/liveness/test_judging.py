"""Rendered sessions are judged: people pass, attacks do not, and a film that was tampered with does not either."""

from __future__ import annotations

from collections.abc import Sequence
from functools import lru_cache
from pathlib import Path
from random import Random

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from msgspec.structs import replace

from regard.evaluation.liveness.films import compressed
from regard.evaluation.liveness.fitting import digest
from regard.evaluation.liveness.sessions import ATTACKS, HEIGHT, LIVE, WIDTH, Session, session
from regard.evaluation.liveness.surfaces import portrait
from regard.settings import from_environment
from regard.vision.faces.faces import FaceAnalyzer
from regard.vision.liveness.challenge import draw
from regard.vision.liveness.findings import Findings
from regard.vision.liveness.fit import shipped
from regard.vision.liveness.judging import judge, judged
from regard.vision.liveness.looking import Frame, Looked, look
from regard.vision.liveness.timing import starts
from regard.vision.pictures.images import decode

PEOPLE = (2, 9, 30)


class Studio:
    """Sessions with generated people, rendered and looked at once."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.finder = FaceAnalyzer.opened(from_environment())

    @lru_cache(maxsize=12)  # noqa: B019 one studio lives as long as its module
    def session(self, kind: str, seed: int, *, light: bool = True) -> tuple[Session, Looked]:
        """The session of a kind and seed, and its film as it was looked at."""
        picture = decode((self.folder / f"face_{PEOPLE[seed % len(PEOPLE)]}_0.jpeg").read_bytes())
        person = portrait(picture, self.finder)
        assert person is not None
        made = session(kind, person, 1000 + seed, light=light)
        return made, look(made.frames, self.finder)

    def found(self, kind: str, seed: int, *, light: bool = True) -> Findings:
        """What it comes to."""
        made, looked = self.session(kind, seed, light=light)
        return judged(looked, made.challenge, made.told)


@pytest.fixture(scope="module")
def studio(shared_data: Path) -> Studio:
    return Studio(shared_data / "synthetic_faces")


SEEDS = [0, pytest.param(1, marks=pytest.mark.long), pytest.param(2, marks=pytest.mark.long)]


def _refused(found: Findings) -> set[str]:
    return {check.name for check in found.checks if not check.passed}


@pytest.mark.slow("renders and judges a session")
@pytest.mark.parametrize("seed", SEEDS)
def test_a_person_passes(studio: Studio, seed: int) -> None:
    made, looked = studio.session(LIVE, seed)
    found = studio.found(LIVE, seed)
    assert _refused(found) == set()
    assert found.passed
    assert found.confidence > 80
    # The reference is taken before the colours, which would tint it.
    assert found.reference is not None
    assert made.frames[found.reference][0] < starts(made.challenge, made.told)[0]
    assert len(set(found.audits) | {found.reference}) == 5
    assert list(found.audits) == sorted(found.audits)
    assert judged(looked, made.challenge, made.told) == found


@pytest.mark.long
@pytest.mark.parametrize("seed", SEEDS)
@pytest.mark.parametrize(
    ("kind", "by"),
    list(zip(ATTACKS, ("solid", "solid", "colours", "solid", "colours"), strict=True)),
)
def test_an_attack_is_refused_by_what_it_cannot_do(studio: Studio, kind: str, by: str, seed: int) -> None:
    found = studio.found(kind, seed)
    assert by in _refused(found)
    assert (found.passed, found.confidence) == (False, 0.0)


@pytest.mark.long
def test_without_colours_a_person_passes_and_a_photograph_does_not(studio: Studio) -> None:
    for kind, passes in ((LIVE, True), ("printed photo", False)):
        made, looked = studio.session(kind, 0)
        bare = replace(draw(WIDTH, HEIGHT, light=False, random=Random(0)), oval=made.challenge.oval)
        found = judged(looked, bare, made.told)
        assert found.passed is passes
        assert "colours" not in {check.name for check in found.checks}


def _again(studio: Studio, frames: Sequence[Frame]) -> Looked:
    return look(compressed(frames, WIDTH, HEIGHT, 8e5), studio.finder)


@pytest.mark.long
def test_a_film_that_was_stopped_repeated_or_cut_is_refused(studio: Studio) -> None:
    made, _ = studio.session(LIVE, 0)
    other, _ = studio.session("printed photo", 0)
    frames, last = made.frames, len(made.frames) - 1
    stopped = [(ms, frames[min(at, last - 15)][1]) for at, (ms, _) in enumerate(frames)]
    looped = [(ms, frames[at if at < last - 10 else at - 10][1]) for at, (ms, _) in enumerate(frames)]
    cut = [*frames[:20], *((frames[at][0], other.frames[at][1]) for at in range(20, min(last, len(other.frames))))]
    for film, check in ((stopped, "no stop"), (looped, "no repetition"), (cut, "no cut")):
        found = judged(_again(studio, film), made.challenge, made.told)
        assert check in _refused(found)


def test_a_second_face_is_refused(studio: Studio) -> None:
    made, looked = studio.session(LIVE, 0)
    box, first = looked.sights[0].box, made.frames[0][1]
    left, top = round((box.left - 0.02) * WIDTH), round((box.top - 0.1) * HEIGHT)
    face = first[top : top + round((box.height + 0.15) * HEIGHT), left : left + round((box.width + 0.04) * WIDTH)]
    beside = []
    for ms, pixels in made.frames:
        both = pixels.copy()
        both[: face.shape[0], : face.shape[1]] = face
        beside.append((ms, both))
    assert "one face" in _refused(judge(beside, made.challenge, made.told, studio.finder))


@pytest.mark.long
@settings(max_examples=4)
@given(st.permutations(range(7)))
def test_another_order_of_the_colours_never_raises_confidence(studio: Studio, order: list[int]) -> None:
    made, looked = studio.session(LIVE, 0)
    flashes = made.challenge.flashes
    other = replace(made.challenge, flashes=tuple(flashes[at] for at in order))
    assert judged(looked, other, made.told).confidence <= studio.found(LIVE, 0).confidence


def test_an_oval_elsewhere_is_another_session(studio: Studio) -> None:
    made, looked = studio.session(LIVE, 0)
    oval = replace(made.challenge.oval, center_x=made.challenge.oval.center_x + 90)
    assert "oval" in _refused(judged(looked, replace(made.challenge, oval=oval), made.told))


def test_the_fit_that_ships_was_made_with_the_models_that_ship(studio: Studio) -> None:
    assert shipped().weights == studio.finder.weights_used
    assert shipped().pictures == digest(studio.folder)


@pytest.mark.parametrize("frames", [0, 1, 40])
def test_a_film_without_a_face_fails_and_nothing_is_raised(studio: Studio, frames: int) -> None:
    made, _ = studio.session(LIVE, 0)
    grey = [(at * 100.0, np.full((HEIGHT, WIDTH, 3), 90, np.uint8)) for at in range(frames)]
    found = judge(grey, made.challenge, made.told, studio.finder)
    assert (found.passed, found.confidence, found.reference, found.audits) == (False, 0.0, None, ())
