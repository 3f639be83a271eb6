"""What the client told of a session: when, by its own clock, and where it saw the face. Claims, which pixels check."""

from __future__ import annotations

import msgspec

from regard.vision.pictures.findings import Box


class InOval(msgspec.Struct, frozen=True):
    """From when to when the client saw the face in the oval, and the box that it says so of, as ratios of the video."""

    start_ms: float
    end_ms: float
    box: Box


class Shown(msgspec.Struct, frozen=True):
    """A colour that the client says it showed: its place among the challenge's flashes, from 0 on, and from when.

    AWS's client tells each colour but the first twice: as it begins to scroll, and as it is flat. `start_ms` of the
    first of the two counts.
    """

    flash: int
    start_ms: float


class Told(msgspec.Struct, frozen=True):
    """All of it. Times are milliseconds of the client's clock; `begun_ms` is that of the film's first frame.

    `width` and `height` are the video's pixels as the client asked with them. Boxes are those of AWS's client: of the
    face at the start, and of the oval at the end. `shown` is empty where there were no colours.
    """

    begun_ms: float
    ended_ms: float
    initial_face: Box
    face_in_oval: InOval
    shown: tuple[Shown, ...]
    width: int
    height: int
