"""Masks drawn on faces, and faces cut out tightly: no pictures of masked people of clear terms are there."""

from __future__ import annotations

import io
import random
from collections.abc import Iterator

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageDraw, ImageFilter

Mesh = NDArray[np.floating]
Pixels = NDArray[np.uint8]
Colour = tuple[int, int, int]

# Points of the mesh: along the jaw from ear to ear, and where the upper edge of a mask may run, from high to low.
_JAW = (132, 58, 172, 136, 150, 149, 176, 148, 152, 377, 400, 378, 379, 365, 397, 288, 361)
_TOPS = (
    (227, 116, 117, 118, 119, 6, 348, 347, 346, 345, 447),
    (234, 123, 117, 118, 100, 197, 329, 347, 346, 352, 454),
    (137, 123, 50, 101, 36, 195, 266, 330, 280, 352, 366),
    (93, 147, 50, 36, 5, 266, 280, 376, 323),
)
_LIPS, _CHIN, _BRIDGE, _TEMPLES = (0, 17), 152, 6, (127, 356)
_COLOURS: tuple[Colour, ...] = (
    *((120, 170, 215), (160, 200, 225), (235, 238, 240), (245, 245, 245), (25, 25, 28), (60, 62, 66)),
    *((130, 130, 135), (30, 40, 80), (210, 150, 165), (150, 40, 50), (60, 110, 80), (200, 170, 140)),
    *((180, 140, 115), (120, 85, 65), (90, 60, 120), (225, 205, 80)),
)
_FINER = 4
# How far beyond the face a tight cut goes on each side, in parts of the face: below zero it cuts into it.
_BEYOND = (-0.06, 0.15)
_SCALES = (0.4, 0.6, 0.8, 1.0, 1.6)


def masks(pixels: Pixels, mesh: Mesh, seed: str) -> Iterator[tuple[Pixels, bool]]:
    """The face cut out, bare, which answers no, and with a mask, which answers yes."""
    chance = random.Random(seed)
    yield _cut(pixels, mesh, chance), False
    yield _cut(_masked(pixels, mesh, chance), mesh, chance), True


def _masked(pixels: Pixels, mesh: Mesh, chance: random.Random) -> Pixels:
    height, width = pixels.shape[:2]
    points = mesh[:, :2] * _FINER
    over = Image.new("RGBA", (width * _FINER, height * _FINER))
    draw = ImageDraw.Draw(over)
    outline, upper = _outline(points, chance)
    colour = _varied(chance.choice(_COLOURS), chance)
    if chance.random() < 0.8:
        _loops(draw, points, outline, upper, chance)
    draw.polygon([*map(tuple, outline)], fill=(*colour, round(255 * chance.uniform(0.93, 1))))
    _folds(draw, points, outline, upper, colour, chance)
    if chance.random() < 0.15:
        _pattern(draw, outline, chance)
    small = over.resize((width, height), Image.Resampling.BOX)
    if chance.random() < 0.6:
        small = small.filter(ImageFilter.GaussianBlur(chance.uniform(0.3, 1)))
    return _in_the_light(pixels, np.asarray(small, np.float64), chance)


def _outline(points: Mesh, chance: random.Random) -> tuple[Mesh, int]:
    """The corners of a mask, and how many of them are its upper edge."""
    top, jaw = points[list(chance.choice(_TOPS))], points[list(_JAW)]
    middle = points[list(_LIPS)].mean(axis=0)
    outline = middle + (np.vstack([top, jaw[::-1]]) - middle) * chance.uniform(1, 1.08)
    chin = slice(len(top) + 4, len(top) + 13)
    outline[chin] += chance.uniform(-0.03, 0.18) * (points[_CHIN] - points[_LIPS[0]])
    return outline, len(top)


def _varied(colour: Colour, chance: random.Random) -> Colour:
    red, green, blue = (round(min(255, max(0, each + chance.uniform(-18, 18)))) for each in colour)
    return red, green, blue


def _loops(draw: ImageDraw.ImageDraw, points: Mesh, outline: Mesh, upper: int, chance: random.Random) -> None:
    """What holds the mask: from its corners to the ears."""
    colour = chance.choice([(240, 240, 240), (30, 30, 30), (150, 170, 190)])
    line = round(_FINER * chance.uniform(0.6, 1.6))
    away = chance.uniform(0, 0.25)
    for high, low, temple in ((0, len(outline) - 1, _TEMPLES[0]), (upper - 1, upper, _TEMPLES[1])):
        ear = points[temple] + away * (points[temple] - points[_BRIDGE])
        lobe = ear + 0.25 * (points[_CHIN] - points[_BRIDGE])
        for start, end in ((outline[high], ear), (outline[low], lobe)):
            draw.line([tuple(start), tuple(end)], fill=(*colour, 255), width=max(1, line))


def _folds(
    draw: ImageDraw.ImageDraw, points: Mesh, outline: Mesh, upper: int, colour: Colour, chance: random.Random
) -> None:
    """Pleats across, a seam down, or nothing."""
    shade = chance.uniform(0.75, 0.92)
    dark = (*(round(shade * each) for each in colour), 255)
    line = max(1, round(_FINER * chance.uniform(0.5, 1.5)))
    middle, kind = points[list(_LIPS)].mean(axis=0), chance.random()
    if kind < 0.5:
        for part in np.linspace(0.25, 0.85, chance.randint(2, 4)):
            left = outline[0] + part * (points[_JAW[2]] - outline[0])
            right = outline[upper - 1] + part * (points[_JAW[-3]] - outline[upper - 1])
            sag = (left + right) / 2 + chance.uniform(0, 0.15) * (points[_CHIN] - middle)
            draw.line([tuple(left), tuple(sag), tuple(right)], fill=dark, width=line)
    elif kind < 0.75:
        draw.line([tuple(outline[upper // 2]), tuple(points[4]), tuple(points[_CHIN])], fill=dark, width=line)


def _pattern(draw: ImageDraw.ImageDraw, outline: Mesh, chance: random.Random) -> None:
    middle = outline.mean(axis=0)
    for _ in range(chance.randint(5, 40)):
        spot = middle + chance.random() * (outline[chance.randrange(len(outline))] - middle)
        reach = _FINER * chance.uniform(1, 4)
        draw.ellipse([*(spot - reach), *(spot + reach)], fill=(*chance.choice(_COLOURS), 255))


def _in_the_light(pixels: Pixels, over: NDArray[np.float64], chance: random.Random) -> Pixels:
    """The mask laid over the face, in about the light that the picture has."""
    height, width = pixels.shape[:2]
    across, down = np.linspace(-1, 1, width)[None, :, None], np.linspace(-1, 1, height)[:, None, None]
    light = 1 + chance.uniform(-0.25, 0.25) * across + chance.uniform(-0.25, 0.15) * down
    grey = pixels.astype(np.float64).mean(axis=2, keepdims=True)
    through = chance.uniform(0, 0.35)
    light = light * (1 - through + through * np.clip(grey / max(grey.mean(), 1), 0.4, 1.6))
    grain = np.random.default_rng(chance.randrange(1 << 30)).normal(0, chance.uniform(0, 6), (height, width, 1))
    seen = np.clip((over[..., :3] * light + grain) * np.clip(grey.mean() / 128, 0.45, 1.15), 0, 255)
    cover = over[..., 3:] / 255
    return np.asarray(np.clip(pixels * (1 - cover) + seen * cover, 0, 255), np.uint8)


def _cut(pixels: Pixels, mesh: Mesh, chance: random.Random) -> Pixels:
    """The face cut out so that little is around it, or some of it missing; smaller or larger, as a JPEG keeps it."""
    (left, top), (right, low) = mesh[:, :2].min(axis=0), mesh[:, :2].max(axis=0)
    wide, high = right - left, low - top
    sides = (
        max(0, int(left - wide * chance.uniform(*_BEYOND))),
        max(0, int(top - high * chance.uniform(*_BEYOND))),
        min(pixels.shape[1], int(right + wide * chance.uniform(*_BEYOND))),
        min(pixels.shape[0], int(low + high * chance.uniform(*_BEYOND))),
    )
    part, scale = Image.fromarray(pixels).crop(sides), chance.choice(_SCALES)
    size = max(24, round(part.width * scale)), max(24, round(part.height * scale))
    file = io.BytesIO()
    part.resize(size, Image.Resampling.BILINEAR).save(file, "JPEG", quality=chance.randint(60, 95))
    return np.asarray(Image.open(file).convert("RGB"))
