"""Sessions as they are rendered: one live kind and five attacks, every parameter drawn."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from random import Random

import cv2
import numpy as np
from numpy.typing import NDArray

from regard.evaluation.liveness import surfaces
from regard.evaluation.liveness.films import compressed
from regard.evaluation.liveness.motion import OVAL, UNDER, Path, path
from regard.evaluation.liveness.rendering import Camera, Placed, Scene
from regard.evaluation.liveness.surfaces import Portrait, Surface
from regard.vision.liveness.challenge import Challenge, draw
from regard.vision.liveness.light import screen
from regard.vision.liveness.looking import Frame
from regard.vision.liveness.told import InOval, Shown, Told
from regard.vision.pictures.findings import Box

Pixels = NDArray[np.uint8]

LIVE = "live"
ATTACKS = ("printed photo", "photo on a screen", "replayed session", "cut-out mask", "rendered head")
KINDS = (LIVE, *ATTACKS)
# Half of AWS's usual 640 x 480 each way, and fewer frames: what one core renders in a second. Cameras give more.
WIDTH, HEIGHT, EVERY = 360, 270, 120.0
# People differ from what the network thinks of their portrait: heads are so many times as deep.
_DEPTHS = (0.85, 1.2)
# The client waits so long between the oval and the first colour; films begin at a clock's arbitrary time.
_WAITS, _CLOCK = 1000.0, 1.8e12


@dataclass(frozen=True, slots=True)
class Session:
    """A rendered session: `kind` of KINDS, its film, what was asked, and what the client told."""

    kind: str
    frames: tuple[Frame, ...]
    challenge: Challenge
    told: Told


@dataclass(frozen=True, slots=True)
class _Plan:
    """What is filmed: the path, when each colour begins, and when the film ends."""

    path: Path
    starts: tuple[float, ...]
    ends: float


def session(kind: str, seen: Portrait, seed: int, *, light: bool = True) -> Session:
    """The session of this kind and seed with the person of a portrait: the same each time, by one codec."""
    random = Random(f"{kind} {seed}")
    challenge = draw(WIDTH, HEIGHT, light=light, random=random)
    camera = _camera(random)
    plan = _planned(challenge, camera, random)
    filmed, told = _FILMED[kind](seen, challenge, camera, plan, random)
    return Session(kind, compressed(filmed, WIDTH, HEIGHT, random.uniform(0.4, 1.0) * 1e6), challenge, told)


def _camera(random: Random) -> Camera:
    return Camera(
        WIDTH,
        HEIGHT,
        focal=WIDTH * random.uniform(0.70, 0.92),
        screen=0.06 * (0.8 / 0.06) ** random.random(),
        noise=random.uniform(0.5, 4.0),
        mixing=random.uniform(0.03, 0.15),
        adapts=random.uniform(0.1, 1.5),
        balances=random.uniform(0.0, 0.3),
        room=(random.uniform(0.85, 1.2), 1.0, random.uniform(0.75, 1.15)),
    )


def _planned(challenge: Challenge, camera: Camera, random: Random) -> _Plan:
    way = path(camera, challenge.oval, random)
    at, starts = way.arrives + _WAITS + random.uniform(0, 150), []
    for place, flash in enumerate(challenge.flashes):
        starts.append(at)
        at += (flash.scroll_ms if place else 0) + flash.flat_ms + random.uniform(0, 25)
    return _Plan(way, tuple(starts), at + random.uniform(100, 300))


def _scene(surface: Surface, camera: Camera, random: Random, *, lit: bool = True) -> Scene:
    rng = np.random.default_rng(random.getrandbits(32))
    clothes = random.uniform(0.02, 0.6), random.uniform(0.02, 0.6), random.uniform(0.02, 0.6)
    return Scene(
        surface,
        camera,
        _room(camera, rng),
        random.uniform(800, 3000),
        clothes,
        rng,
        lit=lit,
    )


def _room(camera: Camera, rng: np.random.Generator) -> NDArray[np.float32]:
    """A wall with things on it, in linear light: rectangles over a slope of colour, a little out of focus."""
    grey = rng.uniform(0.1, 0.7, (2, 2, 1))
    wall = (grey * rng.uniform(0.75, 1.25, (2, 2, 3))).astype(np.float32)
    made = cv2.resize(wall, (camera.width, camera.height), interpolation=cv2.INTER_CUBIC)
    for _ in range(int(rng.integers(3, 12))):
        x, y = int(rng.integers(0, camera.width)), int(rng.integers(0, camera.height))
        size = int(rng.integers(10, 120)), int(rng.integers(10, 120))
        cv2.rectangle(
            made, (x, y), (x + size[0], y + size[1]), (rng.uniform(0.02, 0.6) * rng.uniform(0.6, 1.4, 3)).tolist(), -1
        )
    return np.clip(cv2.GaussianBlur(made, (0, 0), float(rng.uniform(0.5, 3))), 0.01, 1).astype(np.float32)


def _times(ends: float, random: Random) -> list[float]:
    times, at = [], 0.0
    while at < ends:
        times.append(at)
        at += EVERY * random.uniform(0.85, 1.15) * (2 if random.random() < 0.02 else 1)
    return times


def _light_at(challenge: Challenge, plan: _Plan, ms: float) -> NDArray[np.float64]:
    """What the screen shows: white round the oval before and after, the colours between, at nine tenths over it."""
    if not plan.starts or ms < plan.starts[0] or ms > plan.ends - 100:
        return np.ones(3)
    colors = screen(challenge.flashes, plan.starts, np.array([ms]))[0]
    return np.asarray(0.85 * colors + 0.1)


def _film(
    scene: Scene, challenge: Challenge, plan: _Plan, random: Random, late: float = 0.0
) -> list[tuple[float, Pixels]]:
    """Frames with their times. The camera is `late` by so many milliseconds with light alone, and a little with all."""
    lag = random.uniform(20, 120)
    return [
        (
            ms,
            scene.frame(
                ms,
                plan.path.at(ms - lag),
                _light_at(challenge, plan, ms - lag - late),
                plan.path.shaken(ms - lag),
            ),
        )
        for ms in _times(plan.ends, random)
    ]


def _told(challenge: Challenge, camera: Camera, plan: _Plan, random: Random) -> Told:
    """What a client that runs as it should tells, its clock off by what a recorder's start is uncertain by."""
    begun = _CLOCK + random.gauss(0, 30)
    oval = challenge.oval
    boxed = Box(
        (oval.center_x - oval.width / 2) / WIDTH,
        (oval.center_y - oval.height / 2) / HEIGHT,
        oval.width / WIDTH,
        oval.height / HEIGHT,
    )
    first = plan.path.at(0)
    shown = [Shown(place, _CLOCK + start) for place, start in enumerate(plan.starts)]
    return Told(
        begun,
        _CLOCK + plan.ends,
        _boxed(first, camera),
        InOval(_CLOCK + plan.path.arrives - 100, _CLOCK + plan.path.arrives + 900, boxed),
        tuple(shown),
        WIDTH,
        HEIGHT,
    )


def _boxed(placed: Placed, camera: Camera) -> Box:
    """The face's box as AWS's client makes it."""
    across = camera.focal * OVAL / placed.away
    x = camera.width / 2 + camera.focal * placed.right / placed.away
    y = camera.height / 2 + camera.focal * (placed.down + UNDER) / placed.away
    return Box((x - across / 2) / WIDTH, (y - 0.8 * across) / HEIGHT, across / WIDTH, 1.6 * across / HEIGHT)


_Made = tuple[list[tuple[float, Pixels]], Told]


def _before(surface: Surface, challenge: Challenge, camera: Camera, plan: _Plan, random: Random) -> _Made:
    scene = _scene(surface, camera, random)
    return _film(scene, challenge, plan, random), _told(challenge, camera, plan, random)


def _live(seen: Portrait, challenge: Challenge, camera: Camera, plan: _Plan, random: Random) -> _Made:
    return _before(surfaces.head(seen, random.uniform(*_DEPTHS)), challenge, camera, plan, random)


def _printed(seen: Portrait, challenge: Challenge, camera: Camera, plan: _Plan, random: Random) -> _Made:
    return _before(surfaces.paper(seen, random), challenge, camera, plan, random)


def _shown(seen: Portrait, challenge: Challenge, camera: Camera, plan: _Plan, random: Random) -> _Made:
    return _before(surfaces.display(seen, random), challenge, camera, plan, random)


def _masked(seen: Portrait, challenge: Challenge, camera: Camera, plan: _Plan, random: Random) -> _Made:
    return _before(surfaces.mask(seen, random), challenge, camera, plan, random)


def _rendered(seen: Portrait, challenge: Challenge, camera: Camera, plan: _Plan, random: Random) -> _Made:
    """Put in place of the camera: no screen lights it, or software colours it once it saw what the screen shows."""
    late = random.uniform(300, 1200) if random.random() < 0.5 else None
    clean = replace(camera, noise=random.choice((0.0, 1.0)), adapts=0.0, balances=0.0)
    scene = _scene(surfaces.rendered(seen, random), clean, random, lit=late is not None)
    return _film(scene, challenge, plan, random, late or 0.0), _told(challenge, camera, plan, random)


def _replayed(seen: Portrait, challenge: Challenge, camera: Camera, plan: _Plan, random: Random) -> _Made:
    """A live session that was recorded for another challenge: put in place of the camera, or shown to it.

    Whoever replays it knows the new challenge, and begins so that its colours begin with the old ones.
    """
    other = draw(WIDTH, HEIGHT, light=bool(challenge.flashes), random=random)
    old = _planned(other, camera, random)
    later = old.path.arrives - plan.path.arrives
    needed = _Plan(old.path, tuple(start + later for start in plan.starts), plan.ends + later)
    # The person stayed a little longer before the camera than the old challenge took.
    longer = replace(old, ends=max(old.ends, needed.ends))
    recorded = _film(_scene(surfaces.head(seen, random.uniform(*_DEPTHS)), camera, random), other, longer, random)
    recorded = [(ms, pixels) for ms, pixels in recorded if ms <= needed.ends]
    if random.random() < 0.5:
        tint, shine = np.float32(random.uniform(0.75, 1)), random.uniform(0.0, 0.06) * camera.screen
        recorded = [
            (ms, np.clip(pixels * tint + 255 * shine * _light_at(challenge, needed, ms), 0, 255).astype(np.uint8))
            for ms, pixels in recorded
        ]
    return recorded, _told(challenge, camera, needed, random)


_FILMED: dict[str, Callable[[Portrait, Challenge, Camera, _Plan, Random], _Made]] = {
    LIVE: _live,
    "printed photo": _printed,
    "photo on a screen": _shown,
    "replayed session": _replayed,
    "cut-out mask": _masked,
    "rendered head": _rendered,
}
