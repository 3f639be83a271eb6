"""What was learned of sessions that were rendered: where checks draw their lines, and what a session that passes is
worth. :mod:`regard.evaluation.liveness.fitting` makes it; docs/liveness.md has what was measured with it.
"""

from __future__ import annotations

from functools import cache
from importlib import resources

import msgspec

from regard.vision.liveness.measures import Measures

# What has a line that is fitted, and a distance from it that Confidence is read off; without colours there is but one.
LIGHT, MOVEMENT = ("follows", "depth"), ("depth",)


class Worth(msgspec.Struct, frozen=True):
    """Of sessions that passed with at least this `margin`: the Confidence that they have, 0 to 100, and what it stands
    on: how many of how many live ones, and of how many attacks.
    """

    margin: float
    confidence: float
    live: int
    of_live: int
    attacks: int
    of_attacks: int


class Fit(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """`limits` are where the fitted checks pass, `typical` what half of live sessions reach. `light` and `movement` are
    what sessions of each challenge are worth, by rising margin. `weights` and `pictures` say what it was made with: the
    models by name and SHA-256, and the SHA-256 of the pictures' bytes in the order of their names.
    """

    version: str
    weights: tuple[str, ...]
    pictures: str
    live: int
    attacks: int
    limits: dict[str, float]
    typical: dict[str, float]
    light: tuple[Worth, ...]
    movement: tuple[Worth, ...]

    def margin(self, seen: Measures, *, light: bool) -> float:
        """How far the scaled measure that is nearest to its line is from it: 0 on it, 1 where half of live ones are."""
        return margin(seen, self.limits, self.typical, LIGHT if light else MOVEMENT)

    def confidence(self, seen: Measures, *, light: bool) -> float:
        """The Confidence of a session that passed all checks, 0 to 100."""
        steps = self.light if light else self.movement
        at = self.margin(seen, light=light)
        return max((step.confidence for step in steps if step.margin <= at), default=0.0)


def margin(seen: Measures, limits: dict[str, float], typical: dict[str, float], names: tuple[str, ...]) -> float:
    """The least distance from the limits, each on a scale where what is typical is 1."""
    return min((float(getattr(seen, name)) - limits[name]) / max(typical[name] - limits[name], 1e-6) for name in names)


@cache
def shipped() -> Fit:
    """The fit that ships."""
    data = resources.files("regard.vision.liveness").joinpath("fitted.json").read_bytes()
    return msgspec.json.decode(data, type=Fit)
