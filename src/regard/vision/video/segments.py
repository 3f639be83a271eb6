"""Segments: the shots of a film, to the frame of each cut, and its technical cues: black, colour bars, content.

A cut is a frame that is unlike the one before it, by far more than frames near it are. A fade or a dissolve is a change
that goes on evenly, in most of the picture, over several frames. It is left out of both shots. A shot also begins where
black begins and where it ends. Black frames with sound are content, as at AWS.
"""

from __future__ import annotations

from array import array
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

from regard.vision.video.film import Film
from regard.vision.video.messages import REACH, Heard, Measured

# A cut changes the cells of a frame by as much on the mean, in luma of 0 to 255, and by so many times what frames near
# it change by. Chosen on the truth clip, where the least of ten cuts has 15 and no other frame has 5, and looked at on
# six other clips.
_LEAST_CHANGE, _TIMES, _STILL, _NEAR = 5.0, 5.0, 0.5, 6
# After a flash the picture is again what it was.
_FLASH = 0.4
# A fade or dissolve goes on evenly in so many frames, or it is a movement.
_EVEN, _LEAST_EVEN = 0.9, 5
# A picture whose luma spreads by less is of one colour; so many frames of it are a pause, not a flicker.
_PLAIN, _LEAST_PLAIN = 2.0, 3

BLACK, BARS, CONTENT = "BlackFrames", "ColorBars", "Content"


@dataclass(frozen=True, slots=True)
class Measurements:
    """What was measured of a film's frames, an array each, in their order; `sound` says of each whether it is heard."""

    milliseconds: NDArray[np.int64]
    change: NDArray[np.float32]
    back: NDArray[np.float32]
    even: NDArray[np.float32]
    spread: NDArray[np.float32]
    black: NDArray[np.float32]
    bars: NDArray[np.bool_]
    sound: NDArray[np.bool_]

    def __len__(self) -> int:
        return len(self.milliseconds)


@dataclass(frozen=True, slots=True)
class Segment:
    """A part of a film, from its first frame to its last, both included; `confidence` is 0 to 100, not calibrated."""

    kind: str
    first: int
    last: int
    confidence: float


@dataclass(frozen=True, slots=True)
class _Change:
    """Where a shot ends and the next begins: on `last` and `first`; what is between is left out."""

    last: int
    first: int
    confidence: float


def measurements(told: Iterable[Measured | Heard], film: Film) -> Measurements:
    """What is measured of a film, by frame; `told` is read to its end. Some 80 bytes a frame are kept."""
    numbers, floats, heard = array("q"), array("f"), list[tuple[int, bool]]()
    for each in told:
        if isinstance(each, Heard):
            heard.append((each.milliseconds - film.about.begins, each.loud))
            continue
        numbers.append(each.milliseconds)
        back = (*each.back, *[np.inf] * REACH)[:REACH]
        floats.extend((each.change, each.even, each.spread, each.black, each.bars, *back))
    times = np.frombuffer(numbers, np.int64)
    columns = np.frombuffer(floats, np.float32).reshape(len(times), -1).T
    change, even, spread, black, bars = columns[:5]
    # It is told of the frame REACH frames ago.
    even = np.r_[even[REACH:], np.zeros(min(REACH, len(times)), np.float32)]
    end = film.ended.milliseconds if film.ended else 0
    return Measurements(times, change, columns[5:].T, even, spread, black, bars > 0, _sound(times, end, heard))


def _sound(times: NDArray[np.int64], end: int, heard: Sequence[tuple[int, bool]]) -> NDArray[np.bool_]:
    """Of each frame whether there is sound in at least half of its time."""
    bounds = np.append(times, max(end, int(times[-1]) + 1) if len(times) else end).astype(np.float64)
    loud = np.zeros(len(bounds))
    for (start, is_loud), (stop, _) in pairwise([*heard, (end + 1, False)]):
        if is_loud:
            loud += np.clip(bounds, start, stop) - start
    lengths = np.maximum(np.diff(bounds), 1)
    return np.asarray(np.diff(loud) * 2 >= lengths)


def shots(found: Measurements) -> list[Segment]:
    """The shots, in order: with fades and dissolves between them they make up the film."""
    changes = _changes(found)
    segments: list[Segment] = []
    first, sure = 0, 100.0
    for change in [*changes, _Change(len(found) - 1, len(found), 100.0)]:
        if change.last >= first:
            segments.append(Segment("SHOT", first, change.last, min(sure, change.confidence)))
        first, sure = change.first, change.confidence
    return segments


def cues(found: Measurements, coverage: float) -> list[Segment]:
    """The technical cues, in order; frames are black from `coverage` on, a share of their pixels, 0 to 1.

    What is neither black without sound nor bars is content; each begins where the one before it ends.
    """
    kinds = np.full(len(found), CONTENT, object)
    kinds[found.bars] = BARS
    kinds[(found.black >= coverage) & ~found.sound] = BLACK
    for first, last in _runs(kinds != CONTENT):
        if last - first + 1 < _LEAST_PLAIN:
            kinds[first : last + 1] = CONTENT
    edges = [0, *(int(edge) for edge in np.flatnonzero(kinds[1:] != kinds[:-1]) + 1), len(found)]
    return [
        Segment(str(kinds[first]), first, end - 1, _surety(found, str(kinds[first]), slice(first, end)))
        for first, end in pairwise(edges)
        if end > first
    ]


def _surety(found: Measurements, kind: str, part: slice) -> float:
    """The mean share of black pixels of black frames; of the others by how many frames they hold."""
    if kind == BLACK:
        return 100 * float(found.black[part].mean())
    return 100 * float(found.bars[part].mean()) if kind == BARS else 100 * float(1 - found.bars[part].mean())


def _changes(found: Measurements) -> list[_Change]:
    soft = list(_soft(found))
    # Frames that a fade takes have no cut of their own.
    hard = [cut for cut in _cuts(found) if not any(each.last < cut.first <= each.first for each in soft)]
    pauses = [
        pause
        for pause in _pauses(found)
        if not any(each.last - _NEAR <= pause.first <= each.first + 1 for each in [*soft, *hard])
    ]
    return sorted([*soft, *hard, *pauses], key=lambda each: each.first)


def _cuts(found: Measurements) -> Iterator[_Change]:
    for number in np.flatnonzero(found.change >= _LEAST_CHANGE):
        near = np.r_[found.change[max(1, number - _NEAR) : number], found.change[number + 1 : number + 1 + _NEAR]]
        needed = max(_LEAST_CHANGE, _TIMES * (float(np.median(near)) + _STILL)) if len(near) else _LEAST_CHANGE
        change = float(found.change[number])
        if change >= needed and not _flashes(found, int(number)):
            yield _Change(int(number) - 1, int(number), 100 * (1 - needed / change / 2))


def _flashes(found: Measurements, number: int) -> bool:
    """Whether within REACH frames the picture is again as before the frame, or was as the frame is a moment ago."""
    change = found.change[number]
    again = [found.back[number + k, k - 1] for k in range(1, REACH + 1) if number + k < len(found)]
    return bool(min([*again, *found.back[number]]) < _FLASH * change)


def _soft(found: Measurements) -> Iterator[_Change]:
    """The fades and dissolves: to where the change is no longer half of what it is in their middle."""
    for first, last in _runs(found.even > _EVEN):
        if last - first + 1 < _LEAST_EVEN:
            continue
        strong = found.change > 0.5 * float(np.median(found.change[first : last + 1]))
        while not strong[first] and first < last:
            first += 1
        while first > 1 and strong[first - 1]:
            first -= 1
        while last + 1 < len(found) and strong[last + 1]:
            last += 1
        # The last frame that changed is as the next shot is.
        yield _Change(first - 1, last, 100 * float(found.even[first : last + 1].max()))


def _pauses(found: Measurements) -> Iterator[_Change]:
    """Where black begins and where it ends: what appears out of it may be too little for a cut."""
    for first, last in _runs((found.spread < _PLAIN) & (found.black >= 1)):
        if last - first + 1 >= _LEAST_PLAIN:
            yield from (_Change(at - 1, at, 100.0) for at in (first, last + 1) if 0 < at < len(found))


def _runs(chosen: NDArray[np.bool_]) -> Iterator[tuple[int, int]]:
    """First and last of each stretch."""
    edges = np.flatnonzero(np.diff(np.r_[False, chosen, False].astype(np.int8)))
    for first, end in zip(edges[::2], edges[1::2], strict=True):
        yield int(first), int(end) - 1
