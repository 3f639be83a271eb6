"""The film of a session, judged: decoded in a process of its own, looked at, and gone; what comes of it is kept sealed.

The film lies sealed in a file without a name meanwhile, under a key in memory alone: a process that is killed leaves
nothing that opens.
"""

from __future__ import annotations

import io
import logging
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import astuple
from typing import Any, BinaryIO, NamedTuple

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from regard.liveness.session import Result, Session, Shot
from regard.operations.common.rooms import Rooms
from regard.operations.liveness.begun import Begun, sessions_of
from regard.operations.liveness.placing import Placing
from regard.stewardship.policy.denied import Denied
from regard.stores.errors import BucketRefused, ObjectUnavailable
from regard.vision.liveness.challenge import Challenge
from regard.vision.liveness.findings import Findings
from regard.vision.liveness.judging import judge
from regard.vision.liveness.told import Told
from regard.vision.models.manifest import WeightsError
from regard.vision.models.runtime import RuntimeUnavailable
from regard.vision.pictures.images import Picture
from regard.vision.video.film import MIB, Film, Limits, VideoError
from regard.vision.video.sealed import SealedFilm

# A film of AWS's client has some 20 seconds at 1 Mbit/s, and at most 60 frames a second.
MOST_MIB, MOST_MINUTES, MOST_FRAMES = 16, 1, 3600
# The API's: so many bytes of one picture.
MOST_IMAGE_BYTES = 204_800
_QUALITIES = (92, 85, 75, 60, 45)
_log = logging.getLogger(__name__)
# Milliseconds since the first frame, and pixels (H, W, 3) RGB.
Frame = tuple[float, NDArray[np.uint8]]
Judge = Callable[[Iterable[Frame], Challenge, Told, Any], Findings]


class _Started(NamedTuple):
    """What the gate is asked again: the making of a session, by the key that made it."""

    id: str
    access_key: str
    operation: str
    given: dict[str, Any]


def judged(
    begun: Begun, parts: Sequence[bytes], told: Told, rooms: Rooms, judging: Judge | None = None
) -> Result | None:
    """What the film of a session that is in `parts` comes to, which is kept; None where it failed, or came too late.

    A film that cannot be looked at, and one that may not be any more, end the session as FAILED. No picture of such a
    session, or of one that is over, stays in a bucket.
    """
    result: Result | None = None
    placing = Placing(begun.session, rooms)
    try:
        _require(begun.session, rooms)
        result = _result(begun, parts, told, rooms, judging or judge, placing)
    except (VideoError, Denied) as error:
        _log.info("the session %s failed: %s", begun.session.id, error)
    except (BucketRefused, ObjectUnavailable, OSError, WeightsError, RuntimeUnavailable) as error:
        _log.warning("the session %s failed: %s", begun.session.id, error)
    finally:
        kept = sessions_of(rooms).end(begun.session, result)
        if result is None or not kept:
            placing.take_back()
    return result if kept else None


def _require(session: Session, rooms: Rooms) -> None:
    """Raise Denied where whoever made the session might not make it now."""
    if rooms.standing is not None:
        rooms.standing.require(_Started(session.id, session.access_key, session.asked.operation, {}))


def _result(
    begun: Begun, parts: Sequence[bytes], told: Told, rooms: Rooms, judging: Judge, placing: Placing
) -> Result | None:
    assert rooms.scratch is not None
    session = begun.session

    def write(file: BinaryIO) -> None:
        for part in parts:
            file.write(part)

    rooms.scratch.require(sum(map(len, parts)))
    with rooms.scratch.film(write) as film:
        findings = judging(_frames(film, begun, rooms), begun.challenge, told, rooms.faces)
        audits = _spread(findings.audits, session.asked.audits)
        wanted = [*([] if findings.reference is None else [findings.reference]), *audits]
        shots = _shots(film, begun, wanted, rooms)
    names = [*([] if findings.reference is None else ["reference"]), *(f"audit-{n}" for n in range(1, len(audits) + 1))]
    # A stop may have come while the film was looked at, which takes seconds.
    _require(session, rooms)
    if session.expires_at <= sessions_of(rooms).clock():
        return None
    kept = [placing.placed(shot, name) for shot, name in zip(shots, names, strict=True)]
    reference = None if findings.reference is None else kept.pop(0)
    lacking = tuple(check.name for check in findings.checks if not check.passed)
    return Result(findings.confidence, reference, tuple(kept), lacking)


def _frames(film: SealedFilm, begun: Begun, rooms: Rooms) -> Iterator[Frame]:
    """Every frame of a film, in order. Raises VideoError for one that is not as its client said, or too long."""
    limits = rooms.films.limits
    with Film(film, 0, Limits(MOST_MIB * MIB, MOST_MINUTES, limits.memory, limits.threads)) as decoded:
        for number, frame in enumerate(decoded):
            picture = frame.picture
            if sorted((picture.width, picture.height)) != sorted((begun.width, begun.height)):
                raise VideoError(f"It has {picture.width}×{picture.height} pixels, and other ones were told.")
            if number >= MOST_FRAMES:
                raise VideoError(f"It has more than {MOST_FRAMES} frames.")
            yield float(frame.milliseconds), picture.pixels


def _shots(film: SealedFilm, begun: Begun, wanted: Sequence[int], rooms: Rooms) -> list[Shot]:
    """Pictures out of a film, by the numbers of frames: it is decoded once more, for all its frames fill gigabytes."""
    found: dict[int, Shot] = {}
    if not wanted:
        return []
    for number, (_, pixels) in enumerate(_frames(film, begun, rooms)):
        if number in wanted:
            picture = Picture(pixels, "PNG")
            faces = rooms.faces.detect(picture)
            box = astuple(faces[0].box) if faces else None
            found[number] = Shot(_jpeg(picture), box=box)
        if number == max(wanted):
            break
    return [found[number] for number in wanted]


def _spread(numbers: Sequence[int], most: int) -> list[int]:
    """At most so many of the numbers, from all over them."""
    some = min(most, len(numbers))
    return [numbers[place * len(numbers) // some] for place in range(some)]


def _jpeg(picture: Picture) -> bytes:
    """A JPEG file of at most MOST_IMAGE_BYTES, as good as it may be."""
    image = Image.fromarray(picture.pixels)
    while True:
        for quality in _QUALITIES:
            file = io.BytesIO()
            image.save(file, "JPEG", quality=quality)
            if file.tell() <= MOST_IMAGE_BYTES:
                return file.getvalue()
        image = image.reduce(2)
