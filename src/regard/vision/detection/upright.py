"""Which way up faces are: pictures that lie on their side or stand on their head without saying so.

The detector finds most faces that are upside down and half of those at a right angle, but marks them as if they were
upright: eyes where the mouth is. Embedded so, strangers are alike. What tells a turned face is its score: the detector
is surest of a face when it sees it upright (see SURE). A face that scores less is looked at in four turns at once.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from regard.vision.detection.detector import LEAST_SCORE, Candidates, Detector, apart, joined, quickly_shrunk
from regard.vision.detection.scales import COPY, sure, within
from regard.vision.detection.second_look import tilt
from regard.vision.detection.tiles import Pixels, Tiles, chip_of, turned
from regard.vision.pictures.crops import Placement
from regard.vision.pictures.overlaps import areas, shared

# A turn is believed that scores so much in the sheet, and leads the opposite turn by so much: what is less sure has to
# lead by more. Upside down, the wrong turn scored up to 0.90, but then the right one scored 0.91 and more.
LEADS = ((0.91, 0.0), (0.88, 0.05), (0.5, 0.15))
# What scores less in the picture is not looked at in a sheet.
SOMETHING = 0.5
# What scores so much, and by so much less in the opposite turn alone, needs no sheet, which takes five times as long:
# so did 0.88 of the upright faces of LFW that are not SURE, and 3 of 5,369 faces of other turns.
NEARLY, LESS = 0.905, 0.02
# A face between two quarters scores in both of them; either will do.
NEAR = 0.1
# Where nothing is found, the picture is looked at in the other turns at this side; where nothing is sure, at that of
# the small copy.
GLANCE = 640
# By how much a face has to be seen better as it stands than in every other turn of its picture, where the sheet does
# not tell; and how much two boxes share (of what they cover together) that are of one face.
LEAD_IN_PICTURE, SAME = 0.1, 0.3
# Of so many frames of a film that follow each other one is looked at in the other turns.
TOLD_FOR = 4
# A cheek and an ear, or a mouth and a chin, were taken for faces that lay in the true one by a third and more.
PARTLY = 0.3


@dataclass(frozen=True, slots=True)
class Uprights:
    """Faces whose points are right whichever way up they are: `doubtful` (n,) holds of which this is not sure.

    `lies` is true of a picture that shows faces in another turn than its own.
    """

    found: Candidates
    doubtful: NDArray[np.bool_]
    lies: bool = False


class UprightDetector:
    """Finds faces in four turns. `look` finds upright ones; `detector` is the network by itself."""

    def __init__(self, detector: Detector, look: Callable[[Pixels], Candidates], tiles: Tiles) -> None:
        self._look = look
        self._glance = detector.of_side(GLANCE)
        self._glance_at_closeups = detector.of_side(COPY)
        self._tiles = tiles

    def of_frames(self, frames: Sequence[Pixels]) -> list[Uprights]:
        """The faces of frames of a film that follow each other.

        A film that lies on its side does so for longer than a moment: whether it does is looked at in every fourth
        frame, and in all of them where one of those says so.
        """
        told = {at: self(frames[at]) for at in range(0, len(frames), TOLD_FOR)}
        lies = any(each.lies for each in told.values())
        return [told[at] if at in told else self(pixels, glancing=lies) for at, pixels in enumerate(frames)]

    def __call__(self, pixels: Pixels, *, glancing: bool = True) -> Uprights:
        """The faces of `pixels` (H, W, 3) RGB, points and boxes in its frame.

        Without `glancing` only what seems to be a face as the picture stands is looked at in other turns.
        """
        looks = _Looks(pixels, self._look)
        found = looks[0]
        sheets = self._sheets(pixels, found)
        turns = sheets.argmax(axis=1)[found.scores >= LEAST_SCORE]
        glanced = self._glanced(pixels, found) if glancing else set[int]()
        others = sorted((set(turns.tolist()) | glanced) - {0})
        if not others and bool((sheets[:, :1] == 1).all()):
            return Uprights(found, np.zeros(len(found), bool))
        if others:
            seen = [looks[turn] for turn in (0, *others)]
            every, seen_in = joined(*seen), np.repeat([0, *others], [len(look) for look in seen])
            return _settled(self._once_each(pixels, every, seen_in), looks)
        plain, stays = _believed(found, np.zeros(len(found), int), sheets)
        return _settled(Uprights(found[np.flatnonzero(stays)], ~plain[stays]), looks)

    def _once_each(self, pixels: Pixels, every: Candidates, seen_in: NDArray[np.int_]) -> Uprights:
        """Each face of what was seen in some turns: what turns out to be none hides none that it lies upon."""
        chosen = apart(every, every.scores, sure(every, pixels))
        found, turns = every[chosen], seen_in[chosen]
        plain, stays = _believed(found, turns, self._sheets(pixels, found))
        if stays.all():
            return Uprights(found, ~plain, True)
        left = np.setdiff1d(np.arange(len(every)), chosen[~stays])
        return self._once_each(pixels, every[left], seen_in[left])

    def _glanced(self, pixels: Pixels, found: Candidates) -> set[int]:
        """The turn in which a picture shows a face at a glance, where it is not sure of one as it stands."""
        if len(found) and (max(pixels.shape[:2]) <= COPY or sure(found, pixels).any()):
            return set()
        glance = self._glance_at_closeups if len(found) else self._glance
        small = quickly_shrunk(pixels, GLANCE)
        seen = [glance(turned(small, turn)).scores.max(initial=0) for turn in (1, 2, 3)]
        best = int(np.argmax(seen))
        return {1 + best} if seen[best] > found.scores.max(initial=0) else set()

    def _sheets(self, pixels: Pixels, found: Candidates) -> NDArray[np.float64]:
        """How well each of n faces scores in each turn (n, 4): 1 in that of which the detector is sure anyway."""
        certain, scores = sure(found, pixels), np.zeros((len(found), 4))
        standing = [quarters(points) for points in found.points]
        # People in one picture have one sky: who seems to stand as those do that are sure, is believed.
        ways = {standing[place] for place in np.flatnonzero(certain)}
        for place, (score, stands) in enumerate(zip(found.scores, standing, strict=True)):
            if certain[place] or (score >= LEAST_SCORE and ways == {stands}):
                scores[place, stands] = 1
            elif score >= SOMETHING:
                chip = chip_of(pixels, found.boxes[place], lean(found.points[place]))
                if score >= NEARLY and score - self._tiles.alone(turned(chip, stands ^ 2)) >= LESS:
                    scores[place, stands] = 1
                    ways.add(stands)
                else:
                    scores[place] = self._tiles.in_four_turns(chip)
        return scores


class _Looks(dict[int, Candidates]):
    """What a picture shows in each turn, in its own frame; each is looked at once, when it is first asked for."""

    def __init__(self, pixels: Pixels, look: Callable[[Pixels], Candidates]) -> None:
        self._pixels = pixels
        self._look = look

    def __missing__(self, turn: int) -> Candidates:
        if turn == 0:
            found = self._look(self._pixels)
        else:
            found = turned_back(self._look(turned(self._pixels, turn)), self._pixels, turn)
        self[turn] = found
        return found


def _settled(told: Uprights, looks: _Looks) -> Uprights:
    """The same, and sure of a face too that the detector sees far better as it stands than in any other turn.

    The sheet shows a face without its surroundings: of masked ones, and of portraits cut close, it knows few.
    """
    if not told.doubtful.any():
        return told
    found, stands = told.found, np.array([quarters(points) for points in told.found.points], int)
    here, clear = np.zeros(len(found), np.float32), told.doubtful.copy()
    for turn in np.unique(stands[clear]):
        own = clear & (stands == turn)
        here[own] = _scores_of(found, looks[turn])[own]
    clear &= here >= LEAST_SCORE
    # Each look takes as long as the first: there is none more once no face is left that it could speak for.
    for turn in sorted(range(4), key=lambda turn: turn not in looks):
        others = clear & (stands != turn)
        if others.any():
            clear[others] = (here - _scores_of(found, looks[turn]))[others] >= LEAD_IN_PICTURE
    return Uprights(found, told.doubtful & ~clear, told.lies)


def _believed(
    found: Candidates, seen_in: NDArray[np.int_], sheets: NDArray[np.float64]
) -> tuple[NDArray[np.bool_], NDArray[np.bool_]]:
    """Which of n faces, seen as upright in the turns `seen_in`, the sheets show to stand so, and which may (n,)."""
    here, across = (np.take_along_axis(sheets, turn[:, None], axis=1)[:, 0] for turn in (seen_in, seen_in ^ 2))
    agree = here >= sheets.max(axis=1, initial=0) - NEAR
    leads = [(here >= score) & (here - across >= lead) for score, lead in LEADS]
    plain = agree & np.logical_or.reduce(leads)
    # What is seen only when the picture lies on another side, and then seems to lie on this one, is no face.
    part = within(found, found[np.flatnonzero(plain)]) > PARTLY
    return plain, plain | (~part & ((seen_in == 0) | agree))


def _scores_of(found: Candidates, seen: Candidates) -> NDArray[np.float64]:
    """The best score (n,) with which each of n faces was seen again; 0 where it was not."""
    common = shared(found.boxes, seen.boxes)
    same = common > SAME * (areas(found.boxes)[:, None] + areas(seen.boxes) - common)
    scores: NDArray[np.float64] = np.where(same, seen.scores, 0.0).max(axis=1, initial=0)
    return scores


def turned_back(found: Candidates, pixels: Pixels, quarter: int) -> Candidates:
    """What was found in `turned(pixels, quarter)`, in the frame of `pixels`."""
    height, width = pixels.shape[:2]
    origin = (0j, complex(width), complex(width, height), complex(0, height))[quarter]
    back = Placement(1j**quarter, origin)
    one, other = back.to_picture(found.boxes[:, :2]), back.to_picture(found.boxes[:, :2] + found.boxes[:, 2:])
    boxes = np.concatenate([np.minimum(one, other), np.abs(other - one)], axis=1)
    points = back.to_picture(found.points.reshape(-1, 2)).reshape(-1, 5, 2)
    return Candidates(boxes.astype(np.float32), found.scores, points.astype(np.float32))


def quarters(points: NDArray[np.floating]) -> int:
    """By how many quarters, 0 to 3, a face with these points is turned with the clock; 0 where all five are one."""
    if not np.ptp(points, axis=0).any():
        return 0
    return round(tilt(points) / (math.pi / 2)) % 4


def lean(points: NDArray[np.floating]) -> float:
    """What the tilt of a face has beyond whole quarter turns, in radians, −π/4 to π/4."""
    return math.remainder(tilt(points), math.pi / 2)
