"""The fit of the liveness checks, made from rendered sessions of one half of the people."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path

import numpy as np

from regard.evaluation.liveness.running import Seen
from regard.evaluation.liveness.sessions import LIVE
from regard.evaluation.statistics.intervals import interval, upper_bound
from regard.vision.liveness.checks import checks
from regard.vision.liveness.fit import LIGHT, MOVEMENT, Fit, Worth, margin

VERSION = "1"
# The attacks that each fitted check is there to tell.
TELLS = {
    "follows": ("replayed session", "rendered head"),
    "depth": ("printed photo", "photo on a screen", "cut-out mask"),
}
# Of live sessions a fitted check may refuse so many; as many of its attacks may pass it.
REFUSED = 0.01
# What is found without an error is worth no more than what so many trials leave possible, at this level.
LEVEL = 0.95
_MARGINS = tuple(step / 10 for step in range(11))


class TooFew(ValueError):
    """Too few sessions to draw lines from."""


@dataclass(frozen=True, slots=True)
class Passed:
    """How many of how many."""

    passed: int
    of: int


def fitted(seen: Sequence[Seen], weights: tuple[str, ...], pictures: str) -> Fit:
    """The fit to the sessions of the half `fit`. Raises TooFew where it has fewer than 20 live ones."""
    ours = [each for each in seen if each.case.half == "fit"]
    live = [each.measures for each in ours if each.case.kind == LIVE]
    if len(live) < 20:
        raise TooFew(f"{len(live)} live sessions are too few to draw lines from: 20 are the least.")
    bare = Fit(
        version=VERSION,
        weights=weights,
        pictures=pictures,
        live=len(live),
        attacks=len(ours) - len(live),
        limits={name: _line(ours, name) for name in LIGHT},
        typical={name: round(float(np.median([getattr(each, name) for each in live])), 3) for name in LIGHT},
        light=(),
        movement=(),
    )
    return Fit(
        **{name: getattr(bare, name) for name in bare.__struct_fields__ if name not in ("light", "movement")},
        light=_worths(ours, bare, light=True),
        movement=_worths(ours, bare, light=False),
    )


def _line(ours: Sequence[Seen], name: str) -> float:
    """Midway between the worst live sessions and the best of the attacks that the check tells; where those meet, where
    the worst live ones are.
    """

    def of(kinds: Sequence[str]) -> list[float]:
        return [float(getattr(each.measures, name)) for each in ours if each.case.kind in kinds]

    live = float(np.quantile(of([LIVE]), REFUSED, method="lower"))
    attacks = float(np.quantile([0.0, *of(TELLS[name])], 1 - REFUSED, method="higher"))
    return float(np.floor(1000 * min(live, (live + attacks) / 2)) / 1000)


def passes(each: Seen, fit: Fit, *, light: bool, least: float = -np.inf) -> bool:
    """Whether a session passes all checks, with a margin of at least so much."""
    found = all(check.passed for check in checks(each.measures, fit, light=light))
    names = LIGHT if light else MOVEMENT
    return found and margin(each.measures, fit.limits, fit.typical, names) >= least


def _worths(ours: Sequence[Seen], fit: Fit, *, light: bool) -> tuple[Worth, ...]:
    """What a session is worth by its margin: the share of live ones among those that look at least so, were live ones
    and attacks equally many, and attacks as many as they may be at LEVEL. It never falls as the margin rises.
    """
    live = [each for each in ours if each.case.kind == LIVE]
    attacks = [each for each in ours if each.case.kind != LIVE]
    found: list[Worth] = []
    for least in _MARGINS:
        one, other = (sum(passes(each, fit, light=light, least=least) for each in some) for some in (live, attacks))
        share, most = one / len(live), _most(other, len(attacks))
        worth = 100 * share / (share + most) if share else 0.0
        worth = max(round(worth, 1), found[-1].confidence if found else 0.0)
        found.append(Worth(least, worth, one, len(live), other, len(attacks)))
    return tuple(found)


def _most(passed: int, of: int) -> float:
    """The largest share that `passed` of `of` leaves possible, one-sided at LEVEL."""
    if not of:
        return 1.0
    return upper_bound(of, LEVEL) if not passed else interval(passed / of, of, 2 * LEVEL - 1).high


def digest(folder: Path) -> str:
    """SHA-256 over the bytes of the pictures of a folder, in the order of their names."""
    found = sha256()
    for file in sorted(folder.glob("face_*.jpeg")):
        found.update(file.read_bytes())
    return found.hexdigest()
