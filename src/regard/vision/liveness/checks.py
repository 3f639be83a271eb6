"""The checks of a session: each a figure, its line, and a sentence."""

from __future__ import annotations

from collections.abc import Iterator

from regard.vision.liveness.findings import Check
from regard.vision.liveness.fit import Fit
from regard.vision.liveness.measures import Measures

# A face that comes into the oval from where AWS's client begins grows by 1.7 and more (:data:`.challenge.FARTHEST_EYES`
# against 0.52); nearly so much has to be seen.
LEAST_GROWN = 1.5
# The eyes at first, against the oval's width: FARTHEST_EYES, and a fifth for how detectors differ.
MOST_BEGUN = 0.36
# What is behind the face takes at most half as much of the colours: it is half as far again from the screen.
LEAST_APART = 0.5
# Intersection over union of the oval and the face's box as AWS's client makes it, which sees eyes and mouth a little
# elsewhere than our detector: 0.62 and more in 57 rendered films of people.
LEAST_FITS = 0.6
# Without colours the film of AWS's client ends as it says so, and the last sight is up to 280 ms older, while the face
# still comes nearer: 0.47 was seen of a head that ended as it should.
LEAST_FITS_AT_THE_END = 0.4
# The cosine of Similarity 80 (:mod:`regard.vision.faces.similarity`), to the mean of a session's faces: strangers are
# hardly ever so alike. Somebody near is to the same far away: 0.85 and more in 57 rendered films.
LEAST_ALIKE = 0.5
# Others may look in for a moment, and a face be missed in a few frames while it moves.
MOST_COMPANY, MOST_MISSED = 0.1, 0.2
# A cut to another person, room or take changed the pattern by 0.9 to 1.15 in 7 rendered films, the fastest of 57 live
# ones by 0.38.
MOST_JUMP = 0.6
# Cameras drop frames in the dark, and browsers pause: never for long.
MOST_STILL = 600.0
# Two moments that lie apart differed by 0.39 levels of 255 and more in 57 rendered films of people, by 0.19 where a
# second came twice and was compressed anew.
LEAST_AGAIN = 0.25
# Milliseconds that what the client tells may be off: clocks of browsers tick every 10 to 16, and recorders take long to
# begin and end.
MOST_OFF = 600.0
# Names of checks that others know.
OVAL, SEEN = "oval", "face seen"


def checks(seen: Measures, fit: Fit, *, light: bool) -> tuple[Check, ...]:
    """The checks of a session, with colours where `light`."""
    return tuple(_checks(seen, fit, light))


def _checks(seen: Measures, fit: Fit, light: bool) -> Iterator[Check]:
    least = fit.limits
    if light:
        yield _least("colours", seen.follows, least["follows"], "the face takes the colours in their order and time")
        yield _least("background", seen.apart, LEAST_APART, "what is behind the face takes less of the colours")
    yield _least("solid", seen.depth, least["depth"], "the face bulges as a head does that comes nearer")
    yield _least("nearer", seen.grew, LEAST_GROWN, "the face comes so many times nearer")
    yield _most("far at first", seen.began, MOST_BEGUN, "the face begins far from the oval's size")
    fits = LEAST_FITS if light else LEAST_FITS_AT_THE_END
    yield _least(OVAL, seen.fits, fits, "the face is in the oval when the client says so")
    yield _least("person", seen.alike, LEAST_ALIKE, "it is the same person throughout")
    yield _most("one face", seen.company, MOST_COMPANY, "there is one face")
    yield _most(SEEN, seen.missed, MOST_MISSED, "the face is seen throughout")
    yield _most("no cut", seen.jump, MOST_JUMP, "the film has no cut")
    yield _most("no stop", seen.still, MOST_STILL, "the film does not stand still")
    yield _least("no repetition", seen.again, LEAST_AGAIN, "no moment comes twice")
    yield _most("timing", seen.off, MOST_OFF, "the session took the time that was asked, in milliseconds")


def _least(name: str, measured: float, limit: float, why: str) -> Check:
    return Check(name, measured >= limit, measured, limit, f"{why}: at least {limit:g}")


def _most(name: str, measured: float, limit: float, why: str) -> Check:
    return Check(name, measured <= limit, measured, limit, f"{why}: at most {limit:g}")
