"""Faces of a film stay covered: between looks, while they move, and where the detector loses them for a moment."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from benchmarks.covering import IN_FILMS_BY_HAND, covers_in_films
from regard.operations.images.redaction import cover_of
from regard.settings import from_environment
from regard.vision.faces.faces import FaceAnalyzer
from regard.vision.pictures.findings import Box
from regard.vision.pictures.images import Picture
from regard.vision.video.covering import covering
from regard.vision.video.film import Film, Frame
from regard.vision.video.writing import Writer
from tests.helpers.films import LIMITS


def _frames(count: int) -> Iterator[Frame]:
    for number in range(count):
        yield Frame(number, 40 * number, Picture(np.full((2, 2, 3), number, np.uint8), "PNG"))


def _at(x: float) -> Box:
    return Box(x, 0.4, 0.1, 0.2)


def _covers(areas: list[Box], box: Box) -> bool:
    return any(
        area.left <= box.left + 1e-9
        and area.top <= box.top + 1e-9
        and area.left + area.width >= box.left + box.width - 1e-9
        and area.top + area.height >= box.top + box.height - 1e-9
        for area in areas
    )


@pytest.mark.parametrize("every", [1, 2, 3, 7])
@pytest.mark.parametrize("count", [0, 1, 2, 3, 8, 40])
def test_each_frame_comes_once_and_in_order(count: int, every: int) -> None:
    done = [frame.number for frame, _ in covering(_frames(count), lambda _: [], every)]
    assert done == list(range(count))


def test_a_face_that_moves_is_covered_between_two_looks() -> None:
    looks = []

    def look(picture: Picture) -> list[Box]:
        looks.append(int(picture.pixels[0, 0, 0]))
        return [_at(looks[-1] / 50)]

    for frame, areas in covering(_frames(41), look, 3):
        assert _covers(areas, _at(frame.number / 50)), frame.number
    assert looks == [*range(0, 40, 3), 40]


def test_a_face_that_is_lost_for_a_look_stays_covered_and_one_that_is_gone_does_not() -> None:
    def look(picture: Picture) -> list[Box]:
        number = int(picture.pixels[0, 0, 0])
        return [] if number == 12 or number > 30 else [_at(0.5)]

    found = {frame.number: areas for frame, areas in covering(_frames(60), look, 3)}
    assert all(_covers(found[number], _at(0.5)) for number in range(31))
    assert not any(found[number] for number in range(40, 60))


def test_frames_do_not_wait_for_the_end_of_the_film() -> None:
    read = 0

    def frames() -> Iterator[Frame]:
        nonlocal read
        for frame in _frames(200):
            read = frame.number
            yield frame

    for frame, _ in covering(frames(), lambda _: [], 3):
        assert read - frame.number <= 9 or read == 199


@pytest.mark.parametrize("suffix", [".webm", ".mkv", ".mp4"])
def test_a_film_that_is_written_has_its_frames_at_their_times_and_nothing_else(tmp_path: Path, suffix: str) -> None:
    times = [0, 33, 67, 500, 533, 2000]
    path = tmp_path / f"film{suffix}"
    with Writer(path, suffix, 30.0) as to:
        for number, time in enumerate(times):
            to.add(time, Picture(np.full((91, 121, 3), 40 * number, np.uint8), "PNG"))
    with Film(path, 0, LIMITS) as film:
        frames = list(film)
        assert (film.about.codec, film.about.width, film.about.height) == ("vp9", 122, 92)
        assert film.about.sounds == ()
    assert [frame.milliseconds for frame in frames] == times
    assert [round(float(frame.picture.pixels.mean()) / 40) for frame in frames] == list(range(6))


@pytest.mark.long
@pytest.mark.slow("looks thoroughly at the frames of a film")
def test_faces_whose_places_are_known_are_covered_on_every_frame(shared_data: Path, scale: float) -> None:
    """Generated faces of 40 to 90 pixels that cross the picture, enter it and leave it: recall over frames 0.98."""
    files = sorted((shared_data / "synthetic_faces").glob("face_*_0.jpeg"))[: max(2, round(20 * scale))]
    analyzer = FaceAnalyzer.opened(from_environment())

    def look(picture: Picture) -> list[Box]:
        return [cover_of(face) for face in analyzer.detect_all(picture)]

    right = every = 0
    for number, file in enumerate(files):
        with Image.open(file) as opened:
            portrait = Picture(np.asarray(opened.convert("RGB")), "PNG")
        known = analyzer.detect(portrait)[0].box
        side = 80 + number * 13 % 100
        made = list(_crossing(portrait, side, 36))
        truth = [_placed(known, x, y, side) for x, y, _ in made]
        frames = [Frame(at, 40 * at, Picture(pixels, "PNG")) for at, (_, _, pixels) in enumerate(made)]
        for frame, areas in covering(frames, look, 2):
            box = truth[frame.number]
            if box.left >= 0 and box.left + box.width <= 1:
                every += 1
                right += _share(areas, box) >= 0.8
    assert every > 40
    assert right >= 0.98 * every, (right, every)


@pytest.mark.long
@pytest.mark.slow("looks thoroughly at the frames of films")
def test_faces_of_real_films_are_covered_on_each_frame_and_between_two_looks(shared_data: Path, scale: float) -> None:
    """Boxes drawn by hand on 62 frames: recall of at least 0.98, and no leak between two looks."""
    films = list(IN_FILMS_BY_HAND)[: max(1, round(len(IN_FILMS_BY_HAND) * scale))]
    found = covers_in_films(FaceAnalyzer.opened(from_environment()), shared_data, films)
    every = found.looked + found.between
    assert every.of >= (76 if scale == 1 else 8)
    assert found.between.of > found.looked.of
    assert every.right >= 0.98 * every.of, found.lost
    assert found.between.right == found.between.of, found.lost


def _crossing(portrait: Picture, side: int, count: int) -> Iterator[tuple[int, int, np.ndarray]]:
    """Where a portrait of so many pixels lies on each frame, left and top, and the frame."""
    small = np.asarray(Image.fromarray(portrait.pixels).resize((side, side), Image.Resampling.LANCZOS))
    ground = np.random.default_rng(side).integers(60, 190, (24, 32, 3), np.uint8).repeat(10, axis=0).repeat(10, axis=1)
    for number in range(count):
        x, y = round(-side + (320 + side) * number / count), round(60 + 40 * np.sin(number / 5))
        pixels = ground.copy()
        left, right = max(0, x), min(320, x + side)
        if right > left:
            pixels[y : y + side, left:right] = small[: 240 - y, left - x : right - x]
        yield x, y, pixels


def _placed(known: Box, x: int, y: int, side: int) -> Box:
    """A box of a portrait, where the portrait lies in the frame, of 320×240 pixels."""
    left, top = (x + side * known.left) / 320, (y + side * known.top) / 240
    return Box(left, top, side * known.width / 320, side * known.height / 240)


def _share(areas: list[Box], box: Box) -> float:
    """How much of a box the areas hold together."""
    mask = np.zeros((240, 320), bool)
    for area in areas:
        mask[_pixels(area)] = True
    inside = mask[_pixels(box)]
    return float(inside.mean()) if inside.size else 1.0


def _pixels(box: Box) -> tuple[slice, slice]:
    rows = slice(max(0, round(box.top * 240)), max(0, round((box.top + box.height) * 240)))
    return rows, slice(max(0, round(box.left * 320)), max(0, round((box.left + box.width) * 320)))
