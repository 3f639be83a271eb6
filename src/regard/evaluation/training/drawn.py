"""Faces with something drawn on them, where no picture of clear terms shows enough of it: sunglasses, shut eyes.

What is drawn is no photograph. A head made of it says so, and is measured on real ones where there are any.
"""

from __future__ import annotations

import math
import random
from collections.abc import Callable, Iterator

import cv2
import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageDraw, ImageFilter

from regard.evaluation.training.masks import masks

Mesh = NDArray[np.floating]
Pixels = NDArray[np.uint8]

# Corner to corner along the upper and the lower lid, and the lower edge of the brow, of either eye.
_EYES = (
    (
        (33, 246, 161, 160, 159, 158, 157, 173, 133),
        (33, 7, 163, 144, 145, 153, 154, 155, 133),
        (46, 53, 52, 65, 55),
    ),
    (
        (362, 398, 384, 385, 386, 387, 388, 466, 263),
        (362, 382, 381, 380, 374, 373, 390, 249, 263),
        (285, 295, 282, 283, 276),
    ),
)
_TEMPLES = (127, 356)
_FINER = 4


def sunglasses(pixels: Pixels, mesh: Mesh, seed: str) -> Iterator[tuple[Pixels, bool]]:
    """The face in sunglasses, which answers yes, and in glasses whose lenses are clear or hardly tinted, which not."""
    chance = random.Random(seed)
    yield _glasses(pixels, mesh, chance, dark=True), True
    yield _glasses(pixels, mesh, chance, dark=False), False


def lids(pixels: Pixels, mesh: Mesh, seed: str) -> Iterator[tuple[Pixels, bool]]:
    """The face with shut eyes, which answers no to whether they are open, and with eyes half shut, which are open."""
    chance = random.Random(seed)
    yield _lowered(pixels, mesh, chance.uniform(0.85, 1.1), chance), False
    yield _lowered(pixels, mesh, chance.uniform(0.2, 0.5), chance), True


DRAWN: dict[str, Callable[[Pixels, Mesh, str], Iterator[tuple[Pixels, bool]]]] = {
    "sunglasses": sunglasses,
    "lids": lids,
    "masks": masks,
}
# What is drawn on eyes, which have to be free: over glasses it looks like nothing that is worn.
ON_EYES = frozenset({"sunglasses", "lids"})


def _glasses(pixels: Pixels, mesh: Mesh, chance: random.Random, dark: bool) -> Pixels:
    height, width = pixels.shape[:2]
    over = Image.new("RGBA", (width * _FINER, height * _FINER))
    draw = ImageDraw.Draw(over)
    centres = [mesh[list(upper + lower), :2].mean(axis=0) * _FINER for upper, lower, _ in _EYES]
    across = centres[1] - centres[0]
    apart = float(np.linalg.norm(across))
    across = across / max(apart, 1e-6)
    down = np.array([-across[1], across[0]])
    wide, high = chance.uniform(0.33, 0.47) * apart, chance.uniform(0.22, 0.4) * apart
    shape, drop = chance.choice([2.0, 2.5, 4.0, 6.0]), chance.uniform(-0.05, 0.12) * apart
    frame = tuple(chance.choice([(15, 15, 15), (60, 40, 25), (120, 110, 100), (190, 170, 110), (150, 30, 40)]))
    line = max(1, round(chance.uniform(0.02, 0.07) * apart))
    tint, cover = _lens(chance, dark)
    for side, (centre, temple) in enumerate(zip(centres, _TEMPLES, strict=True)):
        inner = centre + drop * down + (0.04 if side else -0.04) * apart * across
        outline = [_spot(inner, across, down, wide, high, shape, turn) for turn in np.linspace(0, 2 * math.pi, 40)]
        draw.polygon(outline, fill=(*tint, cover), outline=(*frame, 255), width=line)
        hinge = inner + (1 if side else -1) * wide * across - 0.5 * high * down
        draw.line([tuple(hinge), tuple(mesh[temple, :2] * _FINER)], fill=(*frame, 255), width=line)
        if chance.random() < 0.6:
            _shine(draw, inner, across, down, (wide, high), chance)
    bridge = [centres[0] + (wide - 0.04 * apart) * across, centres[1] - (wide - 0.04 * apart) * across]
    draw.line([tuple(each + (drop - 0.3 * high) * down) for each in bridge], fill=(*frame, 255), width=line)
    return _laid(pixels, over, chance)


def _lens(chance: random.Random, dark: bool) -> tuple[tuple[int, int, int], int]:
    """Colour and cover, 0 to 255, of a lens."""
    if not dark:
        return (200, 205, 210), round(255 * chance.uniform(0, 0.15))
    tints = [(10, 10, 12), (35, 22, 15), (20, 30, 45), (25, 40, 30), (60, 35, 20), (70, 20, 40), (60, 70, 80)]
    return chance.choice(tints), round(255 * chance.uniform(0.72, 1))


def _spot(
    middle: NDArray[np.floating],
    across: NDArray[np.floating],
    down: NDArray[np.floating],
    wide: float,
    high: float,
    shape: float,
    turn: float,
) -> tuple[float, float]:
    """A point of a superellipse: `shape` 2 is an ellipse, 6 nearly a rectangle."""
    x = wide * math.copysign(abs(math.cos(turn)) ** (2 / shape), math.cos(turn))
    y = high * math.copysign(abs(math.sin(turn)) ** (2 / shape), math.sin(turn))
    found = middle + x * across + y * down
    return float(found[0]), float(found[1])


def _shine(
    draw: ImageDraw.ImageDraw,
    middle: NDArray[np.floating],
    across: NDArray[np.floating],
    down: NDArray[np.floating],
    size: tuple[float, float],
    chance: random.Random,
) -> None:
    """What a lens mirrors: a light spot or streak within it."""
    start = middle + chance.uniform(-0.5, 0.3) * size[0] * across + chance.uniform(-0.6, 0.1) * size[1] * down
    end = start + chance.uniform(0.1, 0.5) * size[0] * across + chance.uniform(0.1, 0.5) * size[1] * down
    colour = (255, 255, 255, round(255 * chance.uniform(0.15, 0.7)))
    draw.line([tuple(start), tuple(end)], fill=colour, width=max(1, round(chance.uniform(0.1, 0.4) * size[1])))


def _laid(pixels: Pixels, over: Image.Image, chance: random.Random) -> Pixels:
    """A finer picture with an alpha channel laid over, as sharp as the picture may be."""
    small = Image.new("RGBA", (pixels.shape[1], pixels.shape[0]))
    if drawn := over.getbbox():
        # Only where something is: each pixel is of its own finer ones alone.
        left, top = (each // _FINER for each in drawn[:2])
        right, bottom = (-(-each // _FINER) for each in drawn[2:])
        part = over.crop((left * _FINER, top * _FINER, right * _FINER, bottom * _FINER))
        small.paste(part.resize((right - left, bottom - top), Image.Resampling.BOX), (left, top))
    if chance.random() < 0.5:
        small = small.filter(ImageFilter.GaussianBlur(chance.uniform(0.3, 0.9)))
    return np.asarray(Image.alpha_composite(Image.fromarray(pixels).convert("RGBA"), small).convert("RGB"))


def _lowered(pixels: Pixels, mesh: Mesh, part: float, chance: random.Random) -> Pixels:
    """The upper lids lowered by `part` of what is open: skin from brow to lid is stretched, and ends in lashes."""
    found = pixels
    for upper, lower, brow in _EYES:
        found = _lid(found, mesh[list(upper), :2], mesh[list(lower), :2], mesh[list(brow), :2], part, chance)
    return found


def _lid(pixels: Pixels, upper: Mesh, lower: Mesh, brow: Mesh, part: float, chance: random.Random) -> NDArray[np.uint8]:
    start = upper[0]
    across = upper[-1] - start
    long = max(float(np.linalg.norm(across)), 1.0)
    across = across / long
    down = np.array([-across[1], across[0]])
    thick, black = max(chance.uniform(0.02, 0.05) * long, 0.5), chance.uniform(0.4, 0.85)
    # Only where something changes: beyond seven times its width, the line of lashes darkens no pixel by any bit.
    heights = [float(down @ (point - start)) for point in (*upper, *lower, *brow)]
    high, low = min(heights) - 7 * thick, max(heights) + max(part - 1, 0) * float(np.ptp(heights)) + 7 * thick
    place = _around([start + x * across + y * down for x in (0, long) for y in (high, low)], pixels)
    rows, columns = np.mgrid[place].astype(np.float64)
    if not rows.size:
        return pixels
    along = (columns - start[0]) * across[0] + (rows - start[1]) * across[1]
    below = (columns - start[0]) * down[0] + (rows - start[1]) * down[1]
    top, shut, still = (_curve(each, start, across, down, along) for each in (upper, lower, brow))
    still = 0.6 * still + 0.4 * top
    closed = top + part * np.maximum(shut - top, 0)
    inside = (along > 0) & (along < long) & (below > still) & (below < closed)
    # What is now seen at `below` was at `source`: brow to lid, stretched down to where the lid ends now. The lashes of
    # the open lid stay where they were, and are drawn anew.
    lash = 0.04 * long
    source = still + (below - still) * np.maximum(top - lash - still, 0) / np.maximum(closed - still, 1e-6)
    shift = np.where(inside, source - below, 0)
    moved = cv2.remap(
        pixels,
        (columns + shift * down[0]).astype(np.float32),
        (rows + shift * down[1]).astype(np.float32),
        cv2.INTER_LINEAR,
        borderMode=cv2.BORDER_REPLICATE,
    )
    line = np.exp(-(((below - closed) / thick) ** 2))
    dark = np.where((along > 0) & (along < long), black * line, 0)[..., None]
    found = pixels.copy()
    found[place] = np.clip(moved * (1 - dark) + 30 * dark, 0, 255)
    return found


def _around(points: list[NDArray[np.floating]], pixels: Pixels) -> tuple[slice, slice]:
    """The rows and columns of a picture that hold some points, across and down."""
    least, most = np.floor(np.min(points, axis=0)).astype(int), np.ceil(np.max(points, axis=0)).astype(int) + 1
    height, width = pixels.shape[:2]
    (left, top), (right, bottom) = np.clip([least, most], 0, (width, height)).tolist()
    return slice(top, bottom), slice(left, right)


def _curve(
    points: Mesh, start: Mesh, across: NDArray[np.floating], down: NDArray[np.floating], along: NDArray[np.float64]
) -> NDArray[np.float64]:
    """How far below the line of the corners a row of points lies, at each place along it."""
    places = (points - start) @ np.stack([across, down], axis=1)
    order = np.argsort(places[:, 0])
    return np.asarray(np.interp(along, places[order, 0], places[order, 1]))
