"""How a head, or what stands for one, is moved before the camera: still, nearer, into the oval, and held there."""

from __future__ import annotations

import math
from dataclasses import dataclass
from random import Random

from regard.evaluation.liveness.rendering import Camera, Placed
from regard.vision.liveness.challenge import Oval

# The oval of AWS's client is so wide at a face, in millimetres: it compares it with twice the distance of the pupils
# and 1.8 times that from eyes to mouth, halved.
OVAL = 121.0
# Its middle is between eyes and nose: so far under the eyes.
UNDER = 18.0


@dataclass(frozen=True, slots=True)
class Swing:
    """A movement to and fro: sines of these heights, frequencies in Hz, and phases."""

    parts: tuple[tuple[float, float, float], ...]

    @classmethod
    def drawn(cls, random: Random, height: float, lowest: float = 0.1, highest: float = 1.2) -> Swing:
        """Three sines, together about this high."""
        return cls(
            tuple(
                (height * random.uniform(0.2, 0.6), random.uniform(lowest, highest), random.uniform(0, 2 * math.pi))
                for _ in range(3)
            )
        )

    def at(self, ms: float) -> float:
        """Where it is at a time."""
        return sum(height * math.sin(2 * math.pi * hertz * ms / 1000 + phase) for height, hertz, phase in self.parts)


@dataclass(frozen=True, slots=True)
class Path:
    """From `far` to `near` millimetres between `leaves` and `arrives` (ms), toward the oval's middle; swings of place
    in millimetres and of turns in radians, and the camera's own shake in pixels.
    """

    far: Placed
    near: Placed
    leaves: float
    arrives: float
    place: tuple[Swing, Swing, Swing]
    turns: tuple[Swing, Swing, Swing]
    shake: tuple[Swing, Swing]

    def at(self, ms: float) -> Placed:
        """Where the surface is."""
        share = min(max((ms - self.leaves) / (self.arrives - self.leaves), 0.0), 1.0)
        eased = share * share * (3 - 2 * share)

        def between(name: str) -> float:
            one, other = float(getattr(self.far, name)), float(getattr(self.near, name))
            return one + (other - one) * eased

        right, down, away = (between(name) for name in ("right", "down", "away"))
        # What is held steadily is steadier near than far, as a share of its distance.
        return Placed(
            right + self.place[0].at(ms) * away / 400,
            down + self.place[1].at(ms) * away / 400,
            away + self.place[2].at(ms) * away / 400,
            between("yaw") + self.turns[0].at(ms),
            between("pitch") + self.turns[1].at(ms),
            between("roll") + self.turns[2].at(ms),
        )

    def shaken(self, ms: float) -> tuple[float, float]:
        """How far the background is off, in pixels."""
        return self.shake[0].at(ms), self.shake[1].at(ms)


def path(camera: Camera, oval: Oval, random: Random) -> Path:
    """A path into this oval."""
    away = camera.focal * OVAL / oval.width * random.uniform(0.94, 1.06)
    near = Placed(
        (oval.center_x + random.gauss(0, 0.02) * oval.width - camera.width / 2) * away / camera.focal,
        (oval.center_y + random.gauss(0, 0.02) * oval.height - camera.height / 2) * away / camera.focal - UNDER,
        away,
        random.gauss(0, 0.05),
        random.gauss(0, 0.06),
        random.gauss(0, 0.03),
    )
    far = away * random.uniform(1.8, 2.6)
    start = Placed(
        random.gauss(0, 0.05) * far,
        random.gauss(0, 0.05) * far - UNDER,
        far,
        near.yaw + random.gauss(0, 0.06),
        near.pitch + random.gauss(0, 0.06),
        near.roll + random.gauss(0, 0.03),
    )
    leaves = random.uniform(600, 1200)
    hand, neck = random.uniform(1, 6), random.uniform(0.005, 0.035)
    return Path(
        start,
        near,
        leaves,
        leaves + random.uniform(900, 2400),
        (Swing.drawn(random, hand), Swing.drawn(random, hand), Swing.drawn(random, hand)),
        (Swing.drawn(random, neck), Swing.drawn(random, neck), Swing.drawn(random, neck / 2)),
        (Swing.drawn(random, hand / 3, 0.5, 3), Swing.drawn(random, hand / 3, 0.5, 3)),
    )
