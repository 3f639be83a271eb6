"""All that is measured of a session, in numbers: what checks and Confidence are made from, and nothing of a picture."""

from __future__ import annotations

import msgspec

from regard.vision.liveness.challenge import Challenge
from regard.vision.liveness.light import reflection
from regard.vision.liveness.looking import Looked
from regard.vision.liveness.sameness import continuity, sameness
from regard.vision.liveness.shape import solidity
from regard.vision.liveness.timing import starts, timing
from regard.vision.liveness.told import Told


class Measures(msgspec.Struct, frozen=True):
    """See :class:`.light.Reflection`, :class:`.shape.Solidity`, :class:`.sameness.Sameness`,
    :class:`.sameness.Continuity` and :class:`.timing.Timing`.
    """

    follows: float
    lag: float
    strength: float
    apart: float
    grew: float
    depth: float
    alike: float
    company: float
    missed: float
    jump: float
    still: float
    again: float
    began: float
    fits: float
    off: float


def measures(looked: Looked, challenge: Challenge, told: Told) -> Measures:
    """What a film that was looked at comes to."""
    seen = reflection(looked, challenge.flashes, starts(challenge, told))
    solid = solidity(looked.sights, looked.width, looked.height)
    same, film = sameness(looked), continuity(looked.glances)
    timed = timing(looked, challenge, told)
    return Measures(
        seen.follows,
        seen.lag,
        seen.strength,
        seen.apart,
        solid.grew,
        solid.depth,
        same.alike,
        same.company,
        same.missed,
        film.jump,
        film.still,
        film.again,
        timed.began,
        timed.fits,
        timed.off,
    )
