"""The pictures that are measured on: research pictures where there are, else a portrait from a package."""

from __future__ import annotations

import io
from pathlib import Path

import numpy as np
from PIL import Image

SHARED = Path(__file__).parents[2] / "shared" / "data"


def small(count: int) -> list[bytes]:
    """JPEG files of 250×250 pixels with one face in the middle."""
    files = sorted((SHARED / "lfw").rglob("*.jpg"))
    if not files:
        return [_jpeg(_portrait().resize((250, 250)), 90)] * count
    return [file.read_bytes() for file in files[:: len(files) // count][:count]]


def full_hd() -> bytes:
    """A JPEG file of 1920×1080 pixels under 300 KB with several faces of some 100 pixels."""
    scene = Image.new("RGB", (1920, 1080), (90, 100, 110))
    for number, data in enumerate(small(12)):
        face = Image.open(io.BytesIO(data)).resize((250, 250))
        scene.paste(face, (80 + number % 6 * 300, 120 + number // 6 * 480))
    noise = np.random.default_rng(0).normal(0, 3, (1080, 1920, 1))
    pixels = np.clip(np.asarray(scene) + noise, 0, 255).astype(np.uint8)
    return _jpeg(Image.fromarray(pixels), 80)


def _portrait() -> Image.Image:
    from skimage.data import astronaut

    return Image.fromarray(astronaut())


def _jpeg(image: Image.Image, quality: int) -> bytes:
    file = io.BytesIO()
    image.save(file, "JPEG", quality=quality)
    return file.getvalue()
