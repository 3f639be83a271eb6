"""Faces of any share of a picture, in any quarter turn: found once, told right way up, and like nobody else."""

from __future__ import annotations

import math
from dataclasses import astuple
from itertools import chain, combinations
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray
from PIL import Image

from regard.settings import from_environment
from regard.vision.detection import sizes
from regard.vision.detection.detector import Candidates
from regard.vision.detection.scales import sure, with_closeups
from regard.vision.detection.tiles import turned
from regard.vision.detection.upright import Uprights, _Looks, _settled, quarters, turned_back
from regard.vision.eyes import open_analyzer
from regard.vision.faces.faces import FaceAnalyzer
from regard.vision.faces.quality import rejections
from regard.vision.faces.similarity import similarity
from regard.vision.models.runtime import Model
from regard.vision.pictures.crops import TEMPLATE
from regard.vision.pictures.findings import Box, Face
from regard.vision.pictures.images import Picture, decode
from regard.vision.pictures.redaction import covered, head
from regard.vision.video.film import Film
from tests.helpers.films import LIMITS

DEFAULT = frozenset({"DEFAULT"})
SMALL_AND_LARGE = [(96, 320), (320, 96), (672, 640)]
Rectangle = tuple[float, float, float, float]


@pytest.fixture(scope="module")
def analyzer() -> FaceAnalyzer:
    return open_analyzer(from_environment())


@pytest.fixture(scope="module")
def astronaut(analyzer: FaceAnalyzer, portrait: bytes) -> tuple[Image.Image, Rectangle]:
    return _with_its_face(analyzer, decode(portrait))


def _with_its_face(analyzer: FaceAnalyzer, picture: Picture) -> tuple[Image.Image, Rectangle]:
    box = analyzer.detect(picture)[0].box
    width, height = picture.width, picture.height
    place = box.left * width, box.top * height, box.width * width, box.height * height
    return Image.fromarray(picture.pixels), place


def _closeup(shown: tuple[Image.Image, Rectangle], share: float, side: int, turn: int) -> tuple[Picture, Rectangle]:
    """A square picture whose face fills `share` of the side, turned clockwise; and where the face is, in ratios."""
    image, (left, top, width, height) = shown
    whole = max(width, height) / share
    x, y = left + width / 2 - whole / 2, top + height / 2 - whole / 2
    scene = Image.new("RGB", (round(whole), round(whole)), (120, 130, 125))
    scene.paste(image, (round(-x), round(-y)))
    pixels = np.asarray(scene.resize((side, side), Image.Resampling.LANCZOS))
    truth = (left - x) / whole, (top - y) / whole, width / whole, height / whole
    for _ in range(turn):
        truth = 1 - truth[1] - truth[3], truth[0], truth[3], truth[2]
    return Picture(np.ascontiguousarray(np.rot90(pixels, -turn)), "PNG"), truth


def _overlap(box: Box, truth: Rectangle) -> float:
    across = min(box.left + box.width, truth[0] + truth[2]) - max(box.left, truth[0])
    down = min(box.top + box.height, truth[1] + truth[3]) - max(box.top, truth[1])
    shared = max(across, 0) * max(down, 0)
    return shared / (box.width * box.height + truth[2] * truth[3] - shared)


def _off(roll: float, turn: int) -> float:
    return abs((roll - 90 * turn + 180) % 360 - 180)


def _is_right(analyzer: FaceAnalyzer, picture: Picture, truth: Rectangle, turn: int) -> bool:
    faces = analyzer.detect(picture)
    if len(faces) != 1 or _overlap(faces[0].box, truth) < 0.5:
        return False
    told = analyzer.describe(picture, faces[0], DEFAULT)
    marks = {mark.name: np.array([mark.x, mark.y]) for mark in told.landmarks}
    down = (marks["mouthLeft"] + marks["mouthRight"] - marks["eyeLeft"] - marks["eyeRight"]) @ [1, 1j]
    return _off(told.pose.roll, turn) <= 15 and _off(math.degrees(np.angle(down)) - 90, turn) <= 15


@settings(max_examples=16)
@given(st.floats(0.3, 1.1), st.integers(320, 2000), st.integers(0, 3))
def test_a_face_is_found_once_at_any_share_size_and_turn(
    analyzer: FaceAnalyzer, astronaut: tuple[Image.Image, Rectangle], share: float, side: int, turn: int
) -> None:
    assert _is_right(analyzer, *_closeup(astronaut, share, side, turn), turn)


@pytest.mark.long
@pytest.mark.slow("looks at hundreds of pictures of up to 4,096 pixels")
def test_faces_of_many_people_are_found_at_any_share_size_and_turn(
    analyzer: FaceAnalyzer, shared_data: Path, scale: float
) -> None:
    random = np.random.default_rng(20)
    files = sorted((shared_data / "synthetic_faces").glob("face_?.jpeg"))
    people = [_with_its_face(analyzer, decode(file.read_bytes())) for file in files]
    tries, right = round(400 * scale), 0
    for _ in range(tries):
        share, side = random.uniform(0.3, 1.2), round(math.exp(random.uniform(math.log(320), math.log(4096))))
        turn = int(random.integers(4))
        right += _is_right(analyzer, *_closeup(people[random.integers(len(people))], share, side, turn), turn)
    print(f"{right} of {tries} faces are found once, in their place and the right way up")
    assert right >= 0.98 * tries


@pytest.mark.long
@pytest.mark.parametrize("turn", [0, 1, 2, 3])
def test_strangers_stay_strangers_and_are_found_in_any_turn(
    analyzer: FaceAnalyzer, shared_data: Path, scale: float, turn: int
) -> None:
    people = sorted(each for each in (shared_data / "lfw").iterdir() if each.is_dir())[: round(1400 * scale) : 14]
    embeddings, found = [], 0
    for person in people:
        upright = decode(min(person.glob("*.jpg")).read_bytes())
        picture = Picture(turned(upright.pixels, -turn), "PNG")
        faces = [face for face in analyzer.detect(picture) if not face.doubtful]
        found += bool(faces)
        embeddings += list(analyzer.embed(picture, faces[:1]))
    alike = sum(similarity(float(one @ other)) >= 80 for one, other in combinations(embeddings, 2))
    print(f"turn {turn}: {found} of {len(people)} found, {alike} pairs of strangers at 80")
    assert found >= 0.95 * len(people)
    assert alike == 0


@pytest.mark.long
def test_few_faces_with_masks_are_doubtful(analyzer: FaceAnalyzer, shared_data: Path) -> None:
    pictures = [decode(file.read_bytes()) for file in sorted((shared_data / "facemask" / "with_mask").iterdir())[:120]]
    found = [faces[0] for picture in pictures if (faces := analyzer.detect(picture))]
    assert len(found) >= 100
    assert sum(face.doubtful for face in found) <= 0.2 * len(found)


@pytest.mark.parametrize("turn", [1, 2, 3])
def test_a_turned_picture_shows_the_same_person(
    analyzer: FaceAnalyzer, astronaut: tuple[Image.Image, Rectangle], turn: int
) -> None:
    upright, lying = (_closeup(astronaut, 0.5, 500, each)[0] for each in (0, turn))
    one, other = (analyzer.embed(each, analyzer.detect(each))[0] for each in (upright, lying))
    assert similarity(float(one @ other)) > 99


@pytest.mark.long
@pytest.mark.parametrize("turn", [0, 1, 2, 3])
@pytest.mark.parametrize("share", [0.6, 0.95])
def test_a_closeup_is_covered_wholly(
    analyzer: FaceAnalyzer, astronaut: tuple[Image.Image, Rectangle], share: float, turn: int
) -> None:
    picture, (left, top, width, height) = _closeup(astronaut, share, 1500, turn)
    white = Picture(np.full_like(picture.pixels, 255), "PNG")
    hidden = covered(white, [head(face.box, quarters(face.points)) for face in analyzer.detect_all(picture)]).pixels
    rows = slice(max(0, round(top * 1500)), round((top + height) * 1500))
    columns = slice(max(0, round(left * 1500)), round((left + width) * 1500))
    assert not hidden[rows, columns].any()


@given(st.integers(0, 3), st.integers(40, 200), st.integers(40, 200))
def test_what_is_found_in_a_turned_picture_lies_where_it_does_in_the_picture(
    turn: int, width: int, height: int
) -> None:
    pixels = np.zeros((height, width, 3), np.uint8)
    pixels[20:30, 5:25] = 255
    rows, columns = np.nonzero(turned(pixels, turn)[:, :, 0])
    left, top = columns.min(), rows.min()
    box = np.array([[left, top, np.ptp(columns) + 1, np.ptp(rows) + 1]], np.float32)
    points = TEMPLATE.astype(np.float32)[None]
    back = turned_back(Candidates(box, np.ones(1, np.float32), points), pixels, turn)
    assert back.boxes[0] == pytest.approx([5, 20, 20, 10])
    assert quarters(back.points[0]) == turn


def _candidates(*boxes: tuple[float, float, float, float, float]) -> Candidates:
    array = np.array(boxes, np.float32).reshape(-1, 5)
    return Candidates(array[:, :4], array[:, 4], np.zeros((len(array), 5, 2), np.float32))


def test_a_closeup_keeps_what_is_sure_and_swallows_its_parts() -> None:
    pixels: NDArray[np.uint8] = np.zeros((1000, 1000, 3), np.uint8)
    sure_one, part, small_and_sure = (10, 10, 100, 100, 0.93), (500, 500, 80, 80, 0.8), (600, 600, 50, 50, 0.95)
    found = _candidates(sure_one, part, small_and_sure)
    assert sure(found, pixels).tolist() == [True, False, True]
    seen = _candidates((300, 300, 500, 500, 0.96), (12, 12, 100, 100, 0.96))
    kept = with_closeups(found, seen, pixels)
    assert sorted(kept.boxes[:, 0].tolist()) == [10, 300, 600]


@pytest.mark.parametrize(
    ("scores", "is_doubtful", "looks"),
    [
        # Too low as it stands, whatever the other turns say; as high in the next; in the last; and far below in all.
        ((0.69, 0, 0, 0), True, 1),
        ((0.8, 0.71, 0, 0), True, 2),
        ((0.8, 0.1, 0.1, 0.9), True, 4),
        ((0.8, 0.69, 0.1, 0.69), False, 4),
    ],
)
def test_a_doubtful_face_is_looked_at_in_other_turns_for_as_long_as_these_may_speak_for_it(
    scores: tuple[float, ...], is_doubtful: bool, looks: int
) -> None:
    looked: list[Candidates] = []

    def look(_: NDArray[np.uint8]) -> Candidates:
        # In the middle of the picture, a face lies there in each turn.
        looked.append(_candidates((40, 40, 20, 20, scores[len(looked)])))
        return looked[-1]

    seen = _Looks(np.zeros((100, 100, 3), np.uint8), look)
    told = _settled(Uprights(seen[0], np.ones(1, bool)), seen)
    assert (told.doubtful.tolist(), len(looked)) == ([is_doubtful], looks)


def test_a_face_that_fills_the_picture_has_to_score_more() -> None:
    pixels: NDArray[np.uint8] = np.zeros((100, 100, 3), np.uint8)
    found = _candidates((0, 0, 90, 90, 0.93), (0, 0, 90, 90, 0.95), (0, 0, 50, 50, 0.93))
    assert sure(found, pixels).tolist() == [False, True, True]


@pytest.mark.parametrize("level", ["NONE", "AUTO", "HIGH"])
def test_no_template_is_made_of_a_doubtful_face(
    analyzer: FaceAnalyzer, astronaut: tuple[Image.Image, Rectangle], level: str
) -> None:
    picture, _ = _closeup(astronaut, 0.5, 500, 0)
    face = analyzer.detect(picture)[0]
    doubtful = Face(face.box, face.confidence, face.points, doubtful=True)
    description = analyzer.describe(picture, face, DEFAULT)
    assert not rejections(face, description, level, picture) or level == "HIGH"
    assert "EXTREME_POSE" in rejections(doubtful, description, level, picture)
    assert not analyzer.embed(picture, [doubtful]).any()


@pytest.mark.parametrize("name", ["0_0_0 copy 27", "0_0_1 copy 17", "0_0_1 copy 19", "299"])
def test_a_masked_face_that_fills_its_picture_is_found_though_it_looks_like_one_in_another_turn(
    analyzer: FaceAnalyzer, shared_data: Path, name: str
) -> None:
    picture = decode((shared_data / "facemask" / "with_mask" / f"{name}.jpg").read_bytes())
    (face,) = analyzer.detect(picture)
    assert quarters(face.points) == 0
    assert face.box.height > 0.5


def test_the_head_of_a_turned_face_has_its_hair_where_the_face_has_its_brow() -> None:
    box = Box(0.4, 0.4, 0.1, 0.1)
    upright, right, down, left = (head(box, turn) for turn in range(4))
    assert box.top - upright.top == pytest.approx(0.04)
    assert right.left + right.width - 0.5 == pytest.approx(0.04)
    assert down.top + down.height - 0.5 == pytest.approx(0.04)
    assert box.left - left.left == pytest.approx(0.04)
    assert (head(box, None).left, head(box, None).width) == pytest.approx((0.36, 0.18))


@pytest.mark.long
@pytest.mark.parametrize("turn", [0, 1])
def test_in_a_film_the_same_faces_are_found_as_in_its_frames(
    analyzer: FaceAnalyzer, shared_data: Path, turn: int
) -> None:
    with Film(shared_data / "clips" / "chaplin.mp4", 500, LIMITS) as film:
        frames = [Picture(turned(frame.picture.pixels, turn), "PNG") for frame in film]
    found = [[(face.box, face.confidence) for face in faces] for faces in analyzer.detect_each(frames)]
    alone = [[(face.box, face.confidence) for face in analyzer.detect(frame)] for frame in frames]
    assert sum(map(len, alone)) > 10
    assert found == alone


@pytest.mark.long
def test_in_a_film_of_many_pixels_faces_are_found_where_its_frames_have_them(
    analyzer: FaceAnalyzer, shared_data: Path
) -> None:
    with Film(shared_data / "clips" / "chaplin.mp4", 1000, LIMITS) as film:
        pictures = [Image.fromarray(frame.picture.pixels) for frame in film]
    frames = [Picture(np.asarray(each.resize((1920, 1440))), "PNG") for each in pictures]
    found, alone = analyzer.detect_each(frames), [analyzer.detect(frame) for frame in frames]
    assert [len(faces) for faces in found] == [len(faces) for faces in alone]
    assert sum(map(len, alone)) > 5
    for seen, known in zip(chain(*found), chain(*alone), strict=True):
        assert astuple(seen.box) == pytest.approx(astuple(known.box), abs=0.01)


def test_which_network_looks_changes_nothing(analyzer: FaceAnalyzer, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sizes, "OFTEN", 2)
    asked: list[tuple[int, ...]] = []
    any_size = analyzer._load("face-detector", (1, 3, -1, -1), fine=True)

    def load(shape: tuple[int, ...]) -> Model:
        asked.append(shape)
        return analyzer._load("face-detector", shape, fine=True)

    network = sizes.Sizes(any_size, load)
    canvases = [np.random.default_rng(3).uniform(0, 255, (1, 3, *size)).astype(np.float32) for size in SMALL_AND_LARGE]
    for _ in range(4):
        for canvas in canvases:
            assert all(map(np.array_equal, network(canvas), any_size(canvas)))
    assert asked == [(1, 3, 96, 320), (1, 3, 320, 96)]
