"""Pictures that show nothing, of any size, colour and grain, and photographs, which do."""

from __future__ import annotations

import io
from pathlib import Path

import numpy as np
import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from numpy.typing import NDArray
from PIL import Image

from regard.settings import from_environment
from regard.vision.pictures.images import Picture, decode
from regard.vision.things.content import shows_something
from regard.vision.things.labels import LabelFinder

Pixels = NDArray[np.uint8]
SIDES = st.integers(80, 900)
# What a picture is packed with: as it is, or as JPEG of this quality.
PACKED = st.sampled_from([None, 40, 75, 95])
KINDS = ("uniform", "gaussian", "grey", "salt and pepper")


def _packed(pixels: Pixels, quality: int | None) -> Picture:
    if quality is None:
        return Picture(pixels, "PNG")
    file = io.BytesIO()
    Image.fromarray(pixels).save(file, "JPEG", quality=quality)
    return decode(file.getvalue())


def _noise(kind: str, height: int, width: int, grain: int, seed: int) -> Pixels:
    rng = np.random.default_rng(seed)
    rows, columns = -(-height // grain), -(-width // grain)
    match kind:
        case "uniform":
            seen = rng.uniform(0, 256, (rows, columns, 3))
        case "gaussian":
            seen = rng.normal(128, 50, (rows, columns, 3)).clip(0, 255)
        case "grey":
            seen = rng.uniform(0, 256, (rows, columns, 1)).repeat(3, axis=2)
        case _:
            seen = rng.choice([0.0, 128.0, 255.0], (rows, columns, 1), p=[0.1, 0.8, 0.1]).repeat(3, axis=2)
    return seen.astype(np.uint8).repeat(grain, 0).repeat(grain, 1)[:height, :width]


@given(st.sampled_from(KINDS), SIDES, SIDES, st.integers(1, 25), st.integers(0, 2**32), PACKED)
@example("uniform", 400, 400, 1, 3, 75)
def test_noise_shows_nothing(kind: str, height: int, width: int, grain: int, seed: int, quality: int | None) -> None:
    grain = min(grain, min(height, width) // 25)
    assert not shows_something(_packed(_noise(kind, height, width, grain, seed), quality))


@given(st.tuples(*[st.integers(0, 255)] * 3), SIDES, SIDES, PACKED)
def test_one_colour_shows_nothing(colour: tuple[int, int, int], height: int, width: int, quality: int | None) -> None:
    assert not shows_something(_packed(np.full((height, width, 3), colour, np.uint8), quality))


@given(
    st.tuples(*[st.integers(0, 255)] * 3),
    st.tuples(*[st.integers(0, 255)] * 3),
    st.floats(0, 2 * np.pi),
    st.booleans(),
    SIDES,
    SIDES,
    PACKED,
)
@example((0, 0, 0), (161, 10, 203), 0.0, True, 274, 318, 40)
@example((120, 37, 255), (42, 216, 114), 0.0, True, 439, 386, 40)
def test_a_gradient_shows_nothing(
    one: tuple[int, ...],
    other: tuple[int, ...],
    turn: float,
    round_: bool,
    height: int,
    width: int,
    quality: int | None,
) -> None:
    y, x = np.mgrid[-1 : 1 : height * 1j, -1 : 1 : width * 1j]
    along = np.hypot(x, y) if round_ else x * np.cos(turn) + y * np.sin(turn)
    share = ((along - along.min()) / np.ptp(along))[..., None]
    pixels = (np.array(one) * share + np.array(other) * (1 - share)).round().astype(np.uint8)
    assert not shows_something(_packed(pixels, quality))


def test_a_thing_on_a_plain_ground_shows_something() -> None:
    pixels = np.full((300, 300, 3), 200, np.uint8)
    pixels[100:160, 120:180] = (180, 40, 40)
    assert shows_something(Picture(pixels, "PNG"))


@pytest.mark.long
@pytest.mark.parametrize("name", ["imagenet", "coco20", "voc100", "aws_docs_media", "synthetic_faces", "sroie"])
def test_no_photograph_is_taken_for_empty(shared_data: Path, name: str) -> None:
    files = [file for file in (shared_data / name).rglob("*") if file.suffix.lower() in (".jpg", ".jpeg")][:100]
    assert files
    assert [file.name for file in files if not shows_something(decode(file.read_bytes()))] == []


def test_no_label_is_given_of_a_picture_without_content() -> None:
    finder = LabelFinder.opened(from_environment())
    assert finder(Picture(_noise("uniform", 400, 400, 1, 3), "PNG")) == []
    assert finder(Picture(np.full((80, 80, 3), (255, 0, 0), np.uint8), "PNG")) == []
