"""Faces as on work sites, made from portraits: small, in a scene, with helmets, straps, vests, goggles and shade."""

from __future__ import annotations

import io
import math
import random
from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageDraw, ImageFilter

from regard.vision.faces.faces import Face
from regard.vision.pictures.images import Picture

Colour = tuple[int, ...]
HELMETS: tuple[Colour, ...] = (
    *((245, 200, 30), (240, 240, 240), (230, 90, 30), (40, 90, 200)),
    *((200, 30, 30), (30, 130, 60), (25, 25, 30)),
)
VESTS: tuple[Colour, ...] = ((200, 240, 40), (250, 120, 20), (30, 50, 120), (230, 230, 230))
STRAPS: tuple[Colour, ...] = ((30, 30, 30), (230, 230, 220), (200, 160, 40))
GOGGLES: tuple[Colour, ...] = ((20, 20, 20, 235), (220, 230, 240, 110), (230, 190, 40, 150))
# What each light leaves of red, green and blue.
LIGHTS = {"cold light": (0.75, 1.0, 1.2), "warm light": (1.15, 1.0, 0.75), "green light": (0.85, 1.05, 0.85)}
# Things are drawn on faces of at least this side, in pixels, and then shrunk with them.
DRAWN = 120


@dataclass(frozen=True, slots=True)
class Axes:
    """A face's own frame: the middle of its eyes and of its mouth, unit vectors across and down, and its measure."""

    eyes: NDArray[np.float64]
    mouth: NDArray[np.float64]
    across: NDArray[np.float64]
    down: NDArray[np.float64]
    unit: float

    @classmethod
    def of(cls, face: Face) -> Axes:
        """The frame of a face that is more or less upright; its measure is about the distance of the eyes."""
        points = face.points.astype(np.float64)
        eyes, mouth, across = points[:2].mean(axis=0), points[3:].mean(axis=0), points[1] - points[0]
        apart = float(np.linalg.norm(across))
        across /= apart
        down = np.array([-across[1], across[0]])
        down *= np.sign((mouth - eyes) @ down) or 1
        return cls(eyes, mouth, across, down, max(apart, 0.95 * float((mouth - eyes) @ down)))

    def at(self, start: NDArray[np.float64], *places: tuple[float, float]) -> list[tuple[float, float]]:
        """Points so many measures across and down from `start`, in pixels."""
        found = [start + self.unit * (x * self.across + y * self.down) for x, y in places]
        return [(float(x), float(y)) for x, y in found]


Dress = Callable[[Image.Image, Axes, random.Random], Image.Image]


def helmet(image: Image.Image, axes: Axes, chance: random.Random) -> Image.Image:
    """A helmet with a brim, lower or higher on the brow."""
    draw, colour = ImageDraw.Draw(image), chance.choice(HELMETS)
    brim = axes.eyes - chance.uniform(0.35, 0.75) * axes.unit * axes.down
    dome = [(1.35 * math.cos(angle), -1.3 * math.sin(angle)) for angle in np.linspace(0, math.pi, 20)]
    draw.polygon(axes.at(brim, *dome), fill=colour)
    draw.polygon(axes.at(brim, (1.5, 0), (-1.5, 0), (-1.5, 0.15), (1.5, 0.15)), fill=tuple(4 * c // 5 for c in colour))
    return image


def strap(image: Image.Image, axes: Axes, chance: random.Random) -> Image.Image:
    """The strap of a helmet, from the temples to the chin."""
    draw, colour = ImageDraw.Draw(image), chance.choice(STRAPS)
    width = max(1, round(axes.unit * chance.uniform(0.06, 0.14)))
    for side in (-1, 1):
        ends = axes.at(axes.eyes, (1.05 * side, -0.5)) + axes.at(axes.mouth, (0.2 * side, 0.75))
        draw.line(ends, fill=colour, width=width)
    return image


def vest(image: Image.Image, axes: Axes, chance: random.Random) -> Image.Image:
    """A vest or a collar, close below the chin or lower."""
    top = axes.mouth + chance.uniform(0.95, 1.5) * axes.unit * axes.down
    outline = axes.at(top, (-0.6, 0), (0.6, 0), (3, 1), (3, 4), (-3, 4), (-3, 1))
    ImageDraw.Draw(image).polygon(outline, fill=chance.choice(VESTS))
    return image


def goggles(image: Image.Image, axes: Axes, chance: random.Random) -> Image.Image:
    """Goggles: dark, clear or yellow."""
    over = Image.new("RGBA", image.size)
    outline = axes.at(axes.eyes, (-1, -0.3), (1, -0.3), (0.95, 0.35), (0, 0.2), (-0.95, 0.35))
    ImageDraw.Draw(over).polygon(outline, fill=chance.choice(GOGGLES), outline=(30, 30, 30, 255))
    return Image.alpha_composite(image.convert("RGBA"), over).convert("RGB")


def shade(image: Image.Image, axes: Axes, chance: random.Random) -> Image.Image:
    """A third of the light on one side of the nose, above or below it."""
    nose, way = (axes.eyes + axes.mouth) / 2, chance.choice([(0, 1), (0, -1), (1, 0), (-1, 0)])
    y, x = np.mgrid[: image.height, : image.width]
    lit = ((x - nose[0]) * way[0] + (y - nose[1]) * way[1]) / (0.3 * axes.unit)
    left = 1 - 0.65 / (1 + np.exp(-np.clip(lit, -50, 50)))
    return Image.fromarray((np.asarray(image) * left[..., None]).astype(np.uint8))


# What a face may have about it, by what it is called in the table.
DRESSES: dict[str, tuple[Dress, ...]] = {
    "nothing": (),
    "helmet": (helmet,),
    "strap along the cheeks": (strap,),
    "vest": (vest,),
    "goggles": (goggles,),
    "half in the shade": (shade,),
    "helmet, strap and vest": (helmet, strap, vest),
    "helmet, goggles, vest, shade": (vest, goggles, shade, helmet),
}


def scene(
    image: Image.Image, face: Face, side: float, ground: Image.Image, dress: Iterable[Dress], chance: random.Random
) -> Picture:
    """A picture four times as wide as its face, whose longer side is of `side` pixels, as a JPEG keeps it."""
    dress = tuple(dress)
    drawn = max(side, DRAWN) if dress else side
    scale = drawn / max(face.box.width * image.width, face.box.height * image.height)
    small = image.resize((round(image.width * scale), round(image.height * scale)), Image.Resampling.LANCZOS)
    whole = 4 * round(drawn)
    made = ground.resize((whole, whole)).filter(ImageFilter.GaussianBlur(whole / 60))
    middle = ((face.box.left + face.box.width / 2) * small.width, (face.box.top + face.box.height / 2) * small.height)
    corner = (round(whole / 2 - middle[0]), round(whole / 2 - middle[1]))
    made.paste(small, corner)
    axes = Axes.of(replace(face, points=face.points * scale + np.array(corner)))
    for each in dress:
        made = each(made, axes, chance)
    shown = max(64, round(4 * side))
    file = io.BytesIO()
    made.resize((shown, shown), Image.Resampling.LANCZOS).save(file, "JPEG", quality=chance.choice([70, 85, 92]))
    return Picture(np.ascontiguousarray(Image.open(file).convert("RGB")), "JPEG")


def lit(picture: Picture, light: Iterable[float] | None) -> Picture:
    """The picture in a light of a colour, or without colours where there is none."""
    if light is None:
        grey = np.asarray(Image.fromarray(picture.pixels).convert("L"))
        return Picture(np.repeat(grey[..., None], 3, axis=2), "JPEG")
    pixels = np.clip(picture.pixels * np.array([*light]), 0, 255).astype(np.uint8)
    return Picture(pixels, "JPEG")
