"""Colours and light of a whole picture: its dominant colours, brightness, sharpness and contrast. Those of a face are
in :mod:`regard.vision.faces.quality`.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageColor

from regard.vision.pictures.findings import Box
from regard.vision.pictures.images import Picture, Pixels

# Colours are counted on a copy whose longer side is at most this: more pixels change no share by a percent.
_COUNTED = 160
# Sharpness is read off a copy of this size, so that a scan and a thumbnail of one scene are comparable.
_SHARPNESS_SIDE = 512
# Variance of the Laplacian at which a picture has a sharpness of 50, as for faces.
_MIDDLING = 100.0
# The eleven basic colour terms of Berlin and Kay (1969) and cyan, each with the colours that stand for it.
_SIMPLE = {
    "black": ("black",),
    "blue": ("blue", "navy", "royalblue", "steelblue", "cornflowerblue", "midnightblue", "slateblue"),
    "brown": ("saddlebrown", "sienna", "brown", "peru", "tan", "#4b3a2a", "#8a7560"),
    "cyan": ("cyan", "teal", "darkturquoise", "lightblue", "skyblue", "cadetblue"),
    "green": ("green", "lime", "darkolivegreen", "forestgreen", "olivedrab", "lightgreen", "darkgreen"),
    "grey": ("grey", "dimgrey", "darkgrey", "silver", "slategrey", "#333333"),
    "orange": ("orange", "darkorange", "coral", "sandybrown"),
    "pink": ("pink", "hotpink", "deeppink", "lightpink", "lightsalmon"),
    "purple": ("purple", "indigo", "mediumpurple", "orchid", "darkviolet", "fuchsia", "plum"),
    "red": ("red", "darkred", "firebrick", "crimson", "tomato"),
    "white": ("white", "whitesmoke", "ivory", "gainsboro"),
    "yellow": ("yellow", "gold", "khaki", "lemonchiffon"),
}


@dataclass(frozen=True, slots=True)
class DominantColor:
    """A colour, 0 to 255 a channel, and its share of the pixels, 0 to 100."""

    red: int
    green: int
    blue: int
    percent: float

    @property
    def hex(self) -> str:
        """As CSS writes it: #rrggbb."""
        return f"#{self.red:02x}{self.green:02x}{self.blue:02x}"

    @property
    def css(self) -> str:
        """The nearest of CSS' named colours."""
        return _nearest(_css(), self)

    @property
    def simple(self) -> str:
        """The nearest of the twelve simple colours."""
        return _nearest(_simple(), self)


@dataclass(frozen=True, slots=True)
class Properties:
    """Brightness, sharpness and contrast, 0 to 100."""

    brightness: float
    sharpness: float
    contrast: float


@dataclass(frozen=True, slots=True)
class Parts:
    """The pixels of a picture, those in boxes of objects and the others, each (n, 3) RGB."""

    whole: Pixels
    foreground: Pixels
    background: Pixels


def properties(pixels: Pixels) -> Properties:
    """The properties of `pixels` (H, W, 3) RGB, 0 to 255.

    They are the mean luma (ITU-R BT.601), the variance of its Laplacian, and the spread of the luma.

    The contrast is the root mean square one (Peli, 1990), 100 where half the pixels are black and half are white.
    """
    luma = np.asarray(_small(pixels, _SHARPNESS_SIDE).convert("L"), np.float32)
    centre = luma[1:-1, 1:-1]
    laplacian = luma[:-2, 1:-1] + luma[2:, 1:-1] + luma[1:-1, :-2] + luma[1:-1, 2:] - 4 * centre
    spread = float(laplacian.var()) if laplacian.size else 0.0
    brightness, contrast = light(luma)
    return Properties(brightness, 100 * spread / (spread + _MIDDLING), contrast)


def light(luma: NDArray[np.float32]) -> tuple[float, float]:
    """Brightness and contrast, 0 to 100, of luma of 0 to 255 in any shape."""
    return float(luma.mean()) / 2.55, min(100.0, float(luma.std()) / 1.275)


def luma_of(pixels: Pixels) -> NDArray[np.float32]:
    """The luma (ITU-R BT.601) of `pixels` (n, 3): (n,), 0 to 255."""
    return pixels.astype(np.float32) @ np.array([0.299, 0.587, 0.114], np.float32)


def parts(picture: Picture, objects: Sequence[Box]) -> Parts:
    """The picture in front and behind: what lies in a box of an object is foreground."""
    small = np.asarray(_small(picture.pixels, _COUNTED))
    front = np.zeros(small.shape[:2], bool)
    for box in objects:
        front[_inside(box, (small.shape[0], small.shape[1]))] = True
    return Parts(small.reshape(-1, 3), small[front], small[~front])


def cut(picture: Picture, box: Box) -> Pixels:
    """The pixels in a box, (n, 3) RGB; none where it lies outside."""
    rows, columns = _inside(box, (picture.height, picture.width))
    part = picture.pixels[rows, columns]
    return np.asarray(_small(part, _COUNTED)).reshape(-1, 3) if part.size else np.empty((0, 3), np.uint8)


def dominant(pixels: Pixels, most: int) -> list[DominantColor]:
    """At most `most` colours of `pixels` (n, 3), the most frequent first (median cut, Heckbert 1982)."""
    if not len(pixels) or most < 1:
        return []
    found = Image.fromarray(pixels[None]).quantize(most, Image.Quantize.MEDIANCUT, kmeans=1)
    palette = found.getpalette() or []
    counts = np.bincount(np.asarray(found).ravel(), minlength=256)
    shares: dict[tuple[int, int, int], int] = {}
    for place in np.flatnonzero(counts):
        color = (palette[3 * place], palette[3 * place + 1], palette[3 * place + 2])
        shares[color] = shares.get(color, 0) + int(counts[place])
    colors = [DominantColor(*color, 100 * count / len(pixels)) for color, count in shares.items()]
    return sorted(colors, key=lambda color: (-color.percent, color.hex))


def _small(pixels: Pixels, longest: int) -> Image.Image:
    image = Image.fromarray(np.ascontiguousarray(pixels))
    scale = min(1.0, longest / max(image.size))
    size = (max(1, round(image.width * scale)), max(1, round(image.height * scale)))
    return image if scale == 1 else image.resize(size, Image.Resampling.BILINEAR, reducing_gap=2.0)


def _inside(box: Box, shape: tuple[int, int]) -> tuple[slice, slice]:
    height, width = shape
    rows = slice(max(0, round(box.top * height)), max(0, round((box.top + box.height) * height)))
    return rows, slice(max(0, round(box.left * width)), max(0, round((box.left + box.width) * width)))


_Named = tuple[list[str], NDArray[np.float64]]


def _nearest(named: _Named, color: DominantColor) -> str:
    names, places = named
    place = _lab(np.array([[color.red, color.green, color.blue]]))[0]
    return names[int(np.argmin(((places - place) ** 2).sum(axis=1)))]


@cache
def _css() -> _Named:
    # Of the two spellings of grey the one that the API's own examples have.
    names = [name for name in ImageColor.colormap if "gray" not in name]
    return names, _lab(np.array([ImageColor.getrgb(name)[:3] for name in names]))


@cache
def _simple() -> _Named:
    pairs = [(name, ImageColor.getrgb(each)[:3]) for name, colors in _SIMPLE.items() for each in colors]
    return [name for name, _ in pairs], _lab(np.array([color for _, color in pairs]))


def _lab(rgb: NDArray[np.integer]) -> NDArray[np.float64]:
    """CIE L*a*b* (D65) of sRGB colours (n, 3), 0 to 255: there, near means alike to the eye."""
    linear = rgb / 255
    linear = np.where(linear <= 0.04045, linear / 12.92, ((linear + 0.055) / 1.055) ** 2.4)
    to_xyz = [[0.4124, 0.3576, 0.1805], [0.2126, 0.7152, 0.0722], [0.0193, 0.1192, 0.9505]]
    xyz = linear @ np.array(to_xyz).T / [0.9505, 1.0, 1.089]
    root = np.where(xyz > 0.008856, np.cbrt(xyz), 7.787 * xyz + 16 / 116)
    x, y, z = root.T
    return np.stack([116 * y - 16, 500 * (x - y), 200 * (y - z)], axis=1)
