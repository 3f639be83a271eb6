"""VideoSegments, our own operation: the shots and technical cues of a film, told as GetSegmentDetection tells them."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from regard.operations.common.registry import Answer, operation
from regard.operations.common.rooms import Rooms
from regard.operations.videos.frames import metadata
from regard.operations.videos.looking import remark_damage
from regard.stewardship.policy.call import Call, Capability, DataClass
from regard.vision.video.film import Film
from regard.vision.video.messages import Heard, Measured
from regard.vision.video.sealed import SealedFilm
from regard.vision.video.segments import Measurements, Segment, cues, measurements, shots
from regard.vision.video.timecodes import time_code

VERSION = "2.0"
SHOT, TECHNICAL_CUE = "SHOT", "TECHNICAL_CUE"
# The API's.
DEFAULT_CONFIDENCE, DEFAULT_BLACK, DEFAULT_COVERAGE = 50.0, 0.2, 99.0


@operation("VideoSegments", Capability.DETECT, DataClass.OBJECTS, ours=True)
def video_segments(call: Call, rooms: Rooms) -> Answer:
    """The segments of the SegmentTypes that are asked for, by type as asked, then by time.

    Of the technical cues BlackFrames, ColorBars and Content are told: credits, logos and slates are Content.
    """
    film_seen: list[Film] = []

    def seen(film: Film) -> Iterator[Measured | Heard]:
        film_seen.append(film)
        return _watched(call, film)

    answer = segments_of(rooms, call.parameters, Path(call.parameters["Video"]), seen)
    remark_damage(call, film_seen[0])
    del answer["frames"]
    return answer


def segments_of(
    rooms: Rooms,
    given: Mapping[str, Any],
    path: Path | SealedFilm,
    seen: Callable[[Film], Iterable[Measured | Heard]] = lambda film: film.measured(),
) -> Answer:
    """The segments of a film, as the answer tells them, and its number of `frames`. Raises VideoError, OSError.

    `seen` is what is measured of the film, for whoever wants to watch it come.
    """
    wanted: Sequence[str] = given.get("SegmentTypes", (TECHNICAL_CUE, SHOT))
    filters = given.get("Filters", {})
    black = filters.get("TechnicalCueFilter", {}).get("BlackFrame", {})
    with rooms.films.measured(path, black.get("MaxPixelThreshold", DEFAULT_BLACK)) as film:
        found = measurements(seen(film), film)
    coverage = black.get("MinCoveragePercentage", DEFAULT_COVERAGE) / 100
    kinds = {SHOT: (shots(found), "ShotFilter"), TECHNICAL_CUE: (cues(found, coverage), "TechnicalCueFilter")}
    segments: list[dict[str, Any]] = []
    for kind in wanted:
        parts, name = kinds[kind]
        at_least = filters.get(name, {}).get("MinSegmentConfidence", DEFAULT_CONFIDENCE)
        told = [_told(kind, number, part, found, film.about.rate) for number, part in enumerate(parts)]
        segments += [each for each, part in zip(told, parts, strict=True) if part.confidence >= at_least]
    return {
        "VideoMetadata": [metadata(film)],
        "AudioMetadata": [
            {
                "Codec": each.codec,
                "DurationMillis": each.milliseconds,
                "SampleRate": each.rate,
                "NumberOfChannels": each.channels,
            }
            for each in film.about.sounds
        ],
        "Segments": segments,
        "frames": len(found),
        "SelectedSegmentTypes": [{"Type": kind, "ModelVersion": VERSION} for kind in wanted],
    }


def _watched(call: Call, film: Film) -> Iterator[Measured | Heard]:
    """What is told of a film, while whoever watches the call is told how far it is."""
    watching = call.parameters.get("Watching")
    for each in film.measured():
        if watching is not None and isinstance(each, Measured):
            watching(film.about, each)
        yield each


def _told(kind: str, number: int, part: Segment, found: Measurements, rate: float) -> dict[str, Any]:
    """A SegmentDetection. A shot ends on its last frame, a cue where the next begins; durations are End − Start."""
    last = part.last if kind == SHOT else min(part.last + 1, len(found) - 1)
    times = int(found.milliseconds[part.first]), int(found.milliseconds[last])
    told: dict[str, Any] = {
        "Type": kind,
        "StartTimestampMillis": times[0],
        "EndTimestampMillis": times[1],
        "DurationMillis": times[1] - times[0],
        "StartTimecodeSMPTE": time_code(part.first, rate),
        "EndTimecodeSMPTE": time_code(last, rate),
        "DurationSMPTE": time_code(last - part.first, rate),
        "StartFrameNumber": part.first,
        "EndFrameNumber": last,
        "DurationFrames": last - part.first,
    }
    if kind == SHOT:
        return told | {"ShotSegment": {"Index": number, "Confidence": part.confidence}}
    return told | {"TechnicalCueSegment": {"Type": part.kind, "Confidence": part.confidence}}
