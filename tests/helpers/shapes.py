"""Pictures of coloured shapes with the boxes around them, and an eye that looks at windows of them."""

from __future__ import annotations

import io
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from regard.evaluation.custom.detector import Pictured
from regard.vision.heads.box_head import CELLS, PROPOSALS, Candidates
from regard.vision.heads.head import Base
from regard.vision.pictures.images import Picture

SIDE = 96
COLOURS = {"leaf": (20, 200, 20), "wave": (20, 20, 220)}
NAMES = sorted(COLOURS)
Box = tuple[str, int, int, int, int]


def drawn(number: int) -> tuple[Picture, list[Box]]:
    """A grey picture with one shape of each colour, another one for each number; the boxes in pixels."""
    draw = np.random.default_rng(number)
    pixels = draw.integers(110, 140, (SIDE, SIDE, 3)).astype(np.uint8)
    boxes = []
    for half, name in zip((0, SIDE // 2), draw.permutation(NAMES), strict=True):
        width, height = draw.integers(24, 40, 2)
        left, top = half + draw.integers(0, SIDE // 2 - width), draw.integers(0, SIDE - height)
        pixels[top : top + height, left : left + width] = COLOURS[name]
        boxes.append((str(name), int(left), int(top), int(width), int(height)))
    return Picture(pixels, "PNG"), boxes


def png(picture: Picture) -> bytes:
    """The picture as a file."""
    file = io.BytesIO()
    Image.fromarray(picture.pixels).save(file, "PNG")
    return file.getvalue()


@dataclass
class Windows:
    """Stands in for Seeker: proposals are windows on a grid, seen as colours and how they change; cells see nothing."""

    base = Base("windows", "1" * 64, "colours")

    def __call__(self, picture: Picture, ways: tuple[str, ...] = (PROPOSALS, CELLS)) -> dict[str, Candidates]:
        places = [(x, y) for y in range(0, SIDE - 31, 8) for x in range(0, SIDE - 31, 8)]
        boxes = np.array([(x, y, 32, 32) for x, y in places], np.float32) / np.float32(SIDE)
        seen = {PROPOSALS: np.array([_seen(picture.pixels, x, y) for x, y in places], np.float16)}
        seen[CELLS] = np.random.default_rng(int(picture.pixels.sum())).normal(size=(len(places), 12)).astype(np.float16)
        return {way: Candidates(boxes, seen[way]) for way in ways}


def pictured(number: int) -> Pictured:
    """A picture that teaches."""
    picture, boxes = drawn(number)
    sides = np.array([each[1:] for each in boxes], np.float32) / np.float32(SIDE)
    return Pictured(Windows()(picture), (sides, np.array([NAMES.index(each[0]) for each in boxes], np.int64)))


def _seen(pixels: NDArray[np.uint8], x: int, y: int) -> NDArray[np.float32]:
    around = np.pad(pixels, ((8, 8), (8, 8), (0, 0)), constant_values=125)[y : y + 48, x : x + 48]
    cells = around.reshape(6, 8, 6, 8, 3).mean(axis=(1, 3)).astype(np.float32) / 128 - 1
    return np.asarray(np.abs(cells - cells.mean(axis=2, keepdims=True)) + 2 * cells, np.float32).ravel()
