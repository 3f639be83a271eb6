"""Glasses and sunglasses are labels where a face wears them: of the largest faces, none that is small or no face."""

from __future__ import annotations

import csv
from collections.abc import Iterator
from hashlib import sha256
from pathlib import Path

import numpy as np
import pytest

from regard.settings import from_environment
from regard.vision.eyes import open_eyes
from regard.vision.pictures.findings import Box, Face, Worn
from regard.vision.pictures.images import Picture, decode
from regard.vision.things.glasses import LEAST_PIXELS, MOST_FACES, glasses

PICTURE = Picture(np.zeros((400, 400, 3), np.uint8), "JPEG")
# The heads were made without these.
HELD_BACK = "CivilServiceUSA"
# By the digest of each picture of LFW: 1 for glasses that are dark or tinted, 0 where it only looked a little like it.
BY_EYE = Path(__file__).parents[2] / "data" / "sunglasses_by_eye.csv"


def _face(height: float, score: float = 95.0, left: float = 0.1) -> Face:
    return Face(Box(left, 0.1, 0.8 * height, height), score, np.zeros((5, 2), np.float32))


def test_the_label_is_as_sure_as_of_the_face_that_wears_them_most_surely() -> None:
    faces = [_face(0.3), _face(0.2)]
    worn = [Worn(0.2, 0.1), Worn(0.9, 0.02)]
    clear, dark = glasses(PICTURE, faces, lambda _, face: worn[0 if face is faces[0] else 1])
    assert (clear.name, dark.name) == ("Glasses", "Sunglasses")
    assert [clear.confidence, dark.confidence] == pytest.approx([90, 10])


def test_small_faces_and_what_may_be_none_are_not_asked_about() -> None:
    faces = [_face((LEAST_PIXELS - 1) / 400), _face(0.5, score=70.0)]
    assert glasses(PICTURE, faces, lambda *_: Worn(1.0, 1.0)) == []


def test_only_the_largest_faces_are_asked_about() -> None:
    faces = [_face(0.15 + number / 100) for number in range(9)]
    asked: list[Face] = []

    def wears(_: Picture, face: Face) -> Worn:
        asked.append(face)
        return Worn(0.5, 0.5)

    glasses(PICTURE, faces, wears)
    assert asked == faces[: -MOST_FACES - 1 : -1]


def test_without_heads_nothing_is_told() -> None:
    assert glasses(PICTURE, [_face(0.5)], lambda *_: None) == []


@pytest.mark.long
@pytest.mark.slow("looks at a hundred pictures and more")
def test_faces_that_no_head_saw_are_told_right(shared_data: Path, scale: float) -> None:
    folder = shared_data / "attributes"
    with (folder / "labels.csv").open() as file:
        rows = [row for row in csv.DictReader(file) if row["eyeglasses"] in "01"]
    known = {row["person"] for row in rows if not row["source"].startswith(HELD_BACK)}
    rows = [row for row in rows if row["source"].startswith(HELD_BACK) and row["person"] not in known]
    look = open_eyes(from_environment()).labels
    told = []
    for row in rows[:: 1 if scale == 1 else 5]:
        labels = look(decode((folder / "pictures" / row["file"]).read_bytes()))
        sure = next((label.confidence for label in labels if label.name == "Glasses"), 0.0)
        told.append((row["eyeglasses"] == "1", sure))
    right = [is_right for is_right, sure in told if sure >= 55]
    assert sum(right) >= 0.92 * len(right)
    assert sum(right) >= 0.92 * sum(is_right for is_right, _ in told)


@pytest.mark.long
@pytest.mark.slow("looks at seventy pictures")
def test_dark_glasses_on_real_faces_are_told_and_others_are_not(shared_data: Path) -> None:
    with BY_EYE.open() as file:
        known = {row["sha256"]: row["sunglasses"] == "1" for row in csv.DictReader(file)}
    told = [(known[digest], _sunglasses(picture)) for digest, picture in _pictures(shared_data / "lfw", known)]
    assert len(told) == len(known)
    sure = [is_right for is_right, confidence in told if confidence >= 55]
    assert sum(sure) >= 0.95 * len(sure)
    assert sum(sure) >= 0.7 * sum(known.values())


def _pictures(folder: Path, known: dict[str, bool]) -> Iterator[tuple[str, bytes]]:
    for path in sorted(folder.rglob("*.jpg")):
        content = path.read_bytes()
        if (digest := sha256(content).hexdigest()[:16]) in known:
            yield digest, content


def _sunglasses(content: bytes) -> float:
    labels = open_eyes(from_environment()).labels(decode(content))
    return next((label.confidence for label in labels if label.name == "Sunglasses"), 0.0)
