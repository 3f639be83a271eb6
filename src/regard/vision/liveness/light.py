"""The colours of the screen on the face: in order and time, and less behind it.

What the camera sees of a surface is what it reflects of the room's light and of the screen's. Colours change what it
sees in hue, which movement and exposure change little, and at a face, a quarter of a metre from the screen, more than
at what is a metre behind it: with the distance squared.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from regard.vision.liveness.challenge import Flash
from regard.vision.liveness.looking import Glance, Looked
from regard.vision.pictures.findings import Box

Floats = NDArray[np.float64]

# How much later, in milliseconds, the film may show a colour than the client says it began: camera and recorder lag by
# 50 to 200, and the client knows the film's beginning to within 100.
LAGS = np.arange(-100, 301, 20)
# What is left of the frames where too few would be compared.
FEWEST = 12
# A background is what is left of the picture beside the head, this share at least.
_LEAST_BEHIND = 0.02
# Cameras write light by the curve of sRGB, nearly a power of 2.2 (IEC 61966-2-1).
_LINEAR = (np.arange(256) / 255.0) ** 2.2


@dataclass(frozen=True, slots=True)
class Reflection:
    """How a film took the colours. `follows`, −1 to 1, is how the face's hue correlates with the screen's at the best
    `lag` (ms); `strength` is how much of the face's light follows it; `apart` is how much less follows behind the face:
    1 is nothing of it, 0 as much as the face, below that more. `told_apart` is the share of the colours that hue alone
    tells for the right ones. `measured` is how many frames it is from.
    """

    follows: float
    lag: float
    strength: float
    apart: float
    measured: int


NOTHING = Reflection(0.0, 0.0, 0.0, 0.0, 0)


def screen(flashes: Sequence[Flash], starts: Sequence[float], times: Floats) -> Floats:
    """The screen's light (n, 3), linear and 0 to 1, at `times` (n), where flash k began at `starts[k]`, on one clock.

    Before the first it is that of the first, after the last that of the last. While a colour comes down, both light the
    face by how much of the screen they have.
    """
    colors = _LINEAR[np.array([flash.rgb for flash in flashes], int)]
    light = np.tile(colors[0], (len(times), 1))
    for flash, start, color in list(zip(flashes, starts, colors, strict=True))[1:]:
        share = np.clip((times - start) / max(flash.scroll_ms, 1.0), 0, 1)[:, None]
        light = light * (1 - share) + color * share
    return np.asarray(light)


def reflection(looked: Looked, flashes: Sequence[Flash], starts: Sequence[float]) -> Reflection:
    """What the film shows of flashes that began at `starts`, in milliseconds of the film."""
    if not flashes or len(starts) != len(flashes) or not looked.sights:
        return NOTHING
    end = starts[-1] + flashes[-1].scroll_ms + flashes[-1].flat_ms
    seen = [each for each in looked.glances if starts[0] <= each.ms <= end + LAGS[-1]]
    if len(seen) < FEWEST:
        return NOTHING
    times = np.array([each.ms for each in seen])
    hues = [_hues(each, box) for each, box in zip(seen, _boxes(looked, times), strict=True)]
    face, behind = (np.array([hue[side] for hue in hues]) for side in (0, 1))
    found = [_fit(face, behind, flashes, starts, times, float(lag), end) for lag in LAGS]
    return max(found, key=lambda each: each.follows)


def _fit(
    face: Floats,
    behind: Floats,
    flashes: Sequence[Flash],
    starts: Sequence[float],
    times: Floats,
    lag: float,
    end: float,
) -> Reflection:
    within = (times - lag >= starts[0]) & (times - lag <= end)
    if within.sum() < FEWEST:
        return NOTHING
    times = times[within] - lag
    light = screen(flashes, starts, times)
    asked = _steady(_hue_of(light), times)
    here = _steady(face[within], times)
    strength = _share(here, asked)
    known = strength > 0 and bool(np.isfinite(behind[within]).all())
    apart = 1 - _share(_steady(behind[within], times), asked) / strength if known else 0.0
    apart = float(np.clip(apart, -1, 1.5))
    return Reflection(_correlation(here, asked), lag, strength, apart, int(within.sum()))


def _share(hues: Floats, asked: Floats) -> float:
    """By how much of `asked` hues move with it."""
    return float((hues * asked).sum() / (asked * asked).sum())


def _correlation(one: Floats, other: Floats) -> float:
    size = float(np.sqrt((one * one).sum() * (other * other).sum()))
    return float((one * other).sum()) / size if size > 0 else 0.0


def _steady(hues: Floats, times: Floats) -> Floats:
    """Hues (n, 3) less what drifts: a camera's white balance follows slowly what the screen does."""
    along = (times - times.mean()) / max(float(np.ptp(times)), 1.0)
    basis = np.stack([np.ones(len(times)), along, along**2], axis=1)
    return np.asarray(hues - basis @ np.linalg.lstsq(basis, hues, rcond=None)[0])


def _hue_of(light: Floats) -> Floats:
    return np.asarray(light - light.mean(axis=1, keepdims=True))


def _hues(glance: Glance, box: Box) -> tuple[Floats, Floats]:
    """The hue of the face and of what is behind it: logarithms (3) of linear means, less their mean."""
    linear = _LINEAR[glance.small]
    face, behind = regions(glance.small.shape[0], glance.small.shape[1], box)
    return _hue(linear[face]), _hue(linear[behind] if behind.mean() >= _LEAST_BEHIND else linear[:0])


def _hue(pixels: Floats) -> Floats:
    if not len(pixels):
        return np.full(3, np.nan)
    logs = np.log(pixels.mean(axis=0) + 1e-4)
    return np.asarray(logs - logs.mean())


def regions(height: int, width: int, box: Box) -> tuple[NDArray[np.bool_], NDArray[np.bool_]]:
    """Where the skin of a face of this box is (height, width), and where what is behind the head is: beside it and
    above it, never below, where shoulders and hands are.
    """
    middle = (box.left + box.width / 2) * width, (box.top + box.height * 0.53) * height
    across, down = box.width * width, box.height * height
    skin, head = np.zeros((height, width), np.uint8), np.ones((height, width), np.uint8)
    _fill(skin, middle, 0.33 * across, 0.33 * down, 1)
    _fill(head, (middle[0], middle[1] - 0.1 * down), 0.85 * across, 0.85 * down, 0)
    head[max(0, round((box.top + 0.75 * box.height) * height)) :] = 0
    return skin > 0, head > 0


def _fill(mask: NDArray[np.uint8], middle: tuple[float, float], across: float, down: float, value: int) -> None:
    shift = 4
    at, axes = (tuple(round(each * 2**shift) for each in pair) for pair in (middle, (across, down)))
    cv2.ellipse(mask, at, axes, 0, 0, 360, value, -1, shift=shift)


def _boxes(looked: Looked, times: Floats) -> list[Box]:
    """The face's boxes at times, straight between those that were seen."""
    seen = [sight.ms for sight in looked.sights]
    sides = np.array([(s.box.left, s.box.top, s.box.width, s.box.height) for s in looked.sights])
    return [Box(*each) for each in np.stack([np.interp(times, seen, side) for side in sides.T], axis=1).tolist()]
