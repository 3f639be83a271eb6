"""Faces: found wherever they are, described the way the API does, the same way every time."""

from __future__ import annotations

import io
import re
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest
from PIL import Image, ImageOps

from regard.settings import from_environment
from regard.vision.eyes import open_analyzer
from regard.vision.faces.faces import VERSION, Description, Face, FaceAnalyzer
from regard.vision.faces.landmarks import NAMES
from regard.vision.models.weights import Weights
from regard.vision.pictures.crops import TEMPLATE
from regard.vision.pictures.images import Picture, decode

ALL = frozenset({"DEFAULT", "ALL"})
# What an embedding depends on; another value is another model, and needs another VERSION.
EMBEDDED_BY = {
    "face-detector": "49f000ec501fef24739071fc7e68267d32209045b6822c0c72dce1da25726f10",
    "face-embedder": "fb143eea07838aa532d1c95df5f69899974ea0140e1fba05e94204be13ed74ee",
    "face-mesh": "1055cb9d4a9ca8b8c688902a3a5194311138ba256bcc94e336d8373a5f30c814",
}


@pytest.fixture(scope="module")
def analyzer() -> FaceAnalyzer:
    return open_analyzer(from_environment())


@pytest.fixture(scope="module")
def image(portrait: bytes) -> Image.Image:
    return Image.open(io.BytesIO(portrait)).convert("RGB")


def _picture(image: Image.Image) -> Picture:
    return Picture(np.ascontiguousarray(np.asarray(image)), "PNG")


def _first(analyzer: FaceAnalyzer, image: Image.Image) -> tuple[Face, Description]:
    picture = _picture(image)
    face = analyzer.detect(picture)[0]
    return face, analyzer.describe(picture, face, ALL)


def test_the_thirty_landmarks_have_the_names_and_order_of_the_api(analyzer: FaceAnalyzer, image: Image.Image) -> None:
    _, description = _first(analyzer, image)
    assert [mark.name for mark in description.landmarks] == list(NAMES)
    assert NAMES[:5] == ("eyeLeft", "eyeRight", "mouthLeft", "mouthRight", "nose")
    assert NAMES[23:] == (
        "leftPupil", "rightPupil", "upperJawlineLeft", "midJawlineLeft", "chinBottom", "midJawlineRight",
        "upperJawlineRight",
    )  # fmt: skip
    assert len(set(NAMES)) == 30


def test_landmarks_lie_where_their_names_say(analyzer: FaceAnalyzer, image: Image.Image) -> None:
    marks = {mark.name: (mark.x, mark.y) for mark in _first(analyzer, image)[1].landmarks}
    assert marks["leftPupil"] == marks["eyeLeft"]
    for left, right in [
        ("eyeLeft", "eyeRight"),
        ("leftEyeLeft", "leftEyeRight"),
        ("leftEyeRight", "rightEyeLeft"),
        ("leftEyeBrowLeft", "leftEyeBrowRight"),
        ("noseLeft", "noseRight"),
        ("mouthLeft", "mouthRight"),
        ("upperJawlineLeft", "midJawlineLeft"),
        ("midJawlineRight", "upperJawlineRight"),
    ]:
        assert marks[left][0] < marks[right][0], (left, right)
    downward = ["leftEyeBrowUp", "leftEyeUp", "leftEyeDown", "nose", "mouthUp", "mouthDown", "chinBottom"]
    heights = [marks[name][1] for name in downward]
    assert heights == sorted(heights)


def test_a_mirrored_picture_swaps_left_and_right(analyzer: FaceAnalyzer, image: Image.Image) -> None:
    face, seen = _first(analyzer, image)
    mirrored_face, mirrored = _first(analyzer, ImageOps.mirror(image))
    assert mirrored.pose.yaw == pytest.approx(-seen.pose.yaw, abs=4)
    assert mirrored.pose.roll == pytest.approx(-seen.pose.roll, abs=2)
    assert mirrored.pose.pitch == pytest.approx(seen.pose.pitch, abs=4)
    marks, swapped = ({mark.name: mark for mark in each.landmarks} for each in (seen, mirrored))
    for name, other in [("eyeLeft", "eyeRight"), ("mouthLeft", "mouthRight"), ("midJawlineLeft", "midJawlineRight")]:
        assert 1 - swapped[other].x == pytest.approx(marks[name].x, abs=0.15 * face.box.width)
    assert mirrored_face.box.width == pytest.approx(face.box.width, rel=0.1)


@pytest.mark.parametrize("degrees", [-20, 15])
def test_a_tilted_head_rolls_by_as_much(analyzer: FaceAnalyzer, image: Image.Image, degrees: int) -> None:
    upright = _first(analyzer, image)[1].pose
    # Pillow turns counterclockwise; roll grows clockwise.
    tilted = _first(analyzer, image.rotate(-degrees, center=(220, 120)))[1].pose
    assert tilted.roll - upright.roll == pytest.approx(degrees, abs=3)


def test_a_face_of_forty_pixels_in_a_wide_picture_is_found(analyzer: FaceAnalyzer, image: Image.Image) -> None:
    head = image.crop((110, 0, 330, 220)).resize((89, 89), Image.Resampling.LANCZOS)
    scene = Image.new("RGB", (1920, 1080), (96, 110, 120))
    scene.paste(head, (1200, 700))
    (face,) = analyzer.detect(_picture(scene))
    assert 30 <= max(face.box.width * 1920, face.box.height * 1080) <= 60
    assert face.box.left * 1920 == pytest.approx(1220, abs=25)


def test_faces_come_largest_first_and_at_most_a_hundred(analyzer: FaceAnalyzer, image: Image.Image) -> None:
    head = image.crop((110, 0, 330, 220))
    scene = Image.new("RGB", (1200, 1200), (96, 110, 120))
    for number in range(144):
        side = 96 - number % 12
        at = (number % 12 * 100, number // 12 * 100)
        scene.paste(head.resize((side, side), Image.Resampling.LANCZOS), at)
    faces = analyzer.detect(_picture(scene))
    areas = [face.box.width * face.box.height for face in faces]
    assert areas == sorted(areas, reverse=True)
    assert len(faces) == 100


@pytest.mark.parametrize("size", [(80, 80), (80, 4000), (4000, 80), (1281, 97)])
def test_pictures_of_any_shape_without_faces_have_none(analyzer: FaceAnalyzer, size: tuple[int, int]) -> None:
    assert analyzer.detect(_picture(Image.new("RGB", size, (90, 120, 90)))) == []


def test_the_same_picture_gives_the_same_answer_from_every_thread(analyzer: FaceAnalyzer, portrait: bytes) -> None:
    picture = decode(portrait)

    def look(_: int) -> tuple[str, bytes]:
        face = analyzer.detect(picture)[0]
        return repr(analyzer.describe(picture, face, ALL)), analyzer.embed(picture, [face]).tobytes()

    with ThreadPoolExecutor(8) as pool:
        assert len(set(pool.map(look, range(32)))) == 1


def test_embeddings_have_length_one_and_know_their_face(analyzer: FaceAnalyzer, image: Image.Image) -> None:
    embeddings = [
        analyzer.embed(_picture(each), analyzer.detect(_picture(each))[:1])[0]
        for each in (image, ImageOps.mirror(image), image.resize((300, 300)))
    ]
    assert np.linalg.norm(embeddings, axis=1) == pytest.approx(np.ones(3), abs=1e-5)
    assert min(float(one @ other) for one in embeddings for other in embeddings) > 0.8


def test_no_face_gives_no_embedding(analyzer: FaceAnalyzer, portrait: bytes) -> None:
    assert analyzer.embed(decode(portrait), []).shape == (0, 128)


def test_the_version_stands_for_weights_and_alignment(analyzer: FaceAnalyzer) -> None:
    assert re.fullmatch(r"[0-9.]+", analyzer.version)
    assert VERSION == "1.0"
    listed = {entry.weight.name: entry.weight.sha256 for entry in Weights(from_environment().weights_dir).entries()}
    assert {name: listed[name] for name in EMBEDDED_BY} == EMBEDDED_BY
    assert TEMPLATE.sum() == pytest.approx(639.6347)
