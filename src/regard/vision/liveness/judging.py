"""A session, judged: frames, what was asked and what the client told go in, findings come out."""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np

from regard.vision.liveness.challenge import Challenge
from regard.vision.liveness.checks import checks
from regard.vision.liveness.findings import Findings
from regard.vision.liveness.fit import Fit, shipped
from regard.vision.liveness.looking import Finder, Frame, Looked, Sight, look
from regard.vision.liveness.measures import measures
from regard.vision.liveness.timing import starts
from regard.vision.liveness.told import Told

MOST_AUDITS = 4


def judge(frames: Iterable[Frame], challenge: Challenge, told: Told, finder: Finder) -> Findings:
    """What the film of a session comes to.

    `frames` are milliseconds since the film's first frame and pixels (H, W, 3) RGB, in order, all of the film; of 30
    seconds three or four frames in a second are looked at for faces, and twelve for colours. `finder` is a
    :class:`regard.vision.faces.faces.FaceAnalyzer`. Nothing is raised for a bad film: it fails.
    """
    return judged(look(frames, finder), challenge, told)


def judged(looked: Looked, challenge: Challenge, told: Told, fit: Fit | None = None) -> Findings:
    """What a film that was looked at comes to, by the fit that ships or another."""
    fit = fit or shipped()
    light = bool(challenge.flashes)
    seen = measures(looked, challenge, told)
    found = checks(seen, fit, light=light)
    passed = all(check.passed for check in found)
    confidence = fit.confidence(seen, light=light) if passed else 0.0
    reference = _reference(looked, challenge, told)
    return Findings(confidence, passed, found, reference, _audits(looked, reference))


def _reference(looked: Looked, challenge: Challenge, told: Told) -> int | None:
    """The frame with the sharpest face before any colour, which would tint it."""
    begun = starts(challenge, told)
    before = [sight for sight in looked.sights if not begun or sight.ms < begun[0]]

    def worth(sight: Sight) -> tuple[float, float]:
        return round(sight.sharpness), sight.eyes

    return max(before or looked.sights, key=worth).number if looked.sights else None


def _audits(looked: Looked, reference: int | None) -> tuple[int, ...]:
    others = [sight.number for sight in looked.sights if sight.number != reference]
    if not others:
        return ()
    places = np.linspace(0, len(others) - 1, min(MOST_AUDITS, len(others)))
    return tuple(others[place] for place in places.round().astype(int).tolist())
