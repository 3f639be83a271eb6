"""Faces that are turned, and the profile that looks twice."""

from __future__ import annotations

import io
import math

import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import Image

from regard.settings import from_environment
from regard.vision.detection.second_look import SecondLook, tilt
from regard.vision.faces.faces import VERSIONS, FaceAnalyzer, UnknownVersion
from regard.vision.faces.mesh import five_of
from regard.vision.faces.similarity import similarity
from regard.vision.pictures.crops import TEMPLATE
from regard.vision.pictures.images import Picture

PROFILES = list(VERSIONS)


@pytest.fixture(scope="module")
def analyzers() -> dict[str, FaceAnalyzer]:
    return {profile: FaceAnalyzer.opened(from_environment(profile=profile)) for profile in PROFILES}


def _turned(portrait: bytes, degrees: float) -> Picture:
    image = Image.open(io.BytesIO(portrait)).convert("RGB").crop((100, 0, 350, 250))
    return Picture(np.asarray(image.rotate(degrees, Image.Resampling.BICUBIC)).copy(), "PNG")


def _embedded(analyzer: FaceAnalyzer, picture: Picture) -> NDArray[np.float32]:
    return np.asarray(analyzer.embed(picture, analyzer.detect(picture)[:1])[0])


@pytest.mark.parametrize("profile", PROFILES)
@pytest.mark.parametrize("degrees", [-40, -25, 25, 40])
def test_a_turned_face_stays_the_same_person(
    analyzers: dict[str, FaceAnalyzer], portrait: bytes, profile: str, degrees: float
) -> None:
    upright, turned = (_embedded(analyzers[profile], _turned(portrait, angle)) for angle in (0, degrees))
    assert similarity(float(upright @ turned)) > 99


def test_each_profile_has_a_model_version_of_its_own(analyzers: dict[str, FaceAnalyzer]) -> None:
    assert {analyzer.version for analyzer in analyzers.values()} == {"1.0", "1.0-accurate"}


def test_either_profile_embeds_as_the_other_when_asked(analyzers: dict[str, FaceAnalyzer], portrait: bytes) -> None:
    fast, accurate, picture = *analyzers.values(), _turned(portrait, 0)
    faces = fast.detect(picture)
    for one, other in ((fast, accurate), (accurate, fast)):
        assert one.embed(picture, faces, other.version).tobytes() == other.embed(picture, faces).tobytes()
    with pytest.raises(UnknownVersion, match=r"as face model 1\.0 or 1\.0-accurate, not as 0\.9"):
        fast.embed(picture, [], "0.9")


def test_an_embedding_of_two_looks_has_length_one_and_is_near_that_of_one(
    analyzers: dict[str, FaceAnalyzer], portrait: bytes
) -> None:
    fast, accurate = (_embedded(analyzers[profile], _turned(portrait, 0)) for profile in PROFILES)
    assert float(accurate @ accurate) == pytest.approx(1, abs=1e-5)
    assert 0.8 < float(fast @ accurate) < 0.9999


@pytest.mark.parametrize("degrees", [0, 10, -35, 90])
def test_the_tilt_is_how_far_the_points_are_turned(degrees: float) -> None:
    turn = np.exp(1j * math.radians(degrees))
    points = (TEMPLATE[:, 0] + 1j * TEMPLATE[:, 1]) * turn
    assert math.degrees(tilt(np.stack([points.real, points.imag], axis=1))) == pytest.approx(degrees)


def test_a_second_look_finds_the_same_face_again(analyzers: dict[str, FaceAnalyzer], portrait: bytes) -> None:
    analyzer, picture = analyzers["fast"], _turned(portrait, 0)
    face = analyzer.detect(picture)[0]
    box = np.array([face.box.left, face.box.top, face.box.width, face.box.height]) * 250
    again = analyzer._second_look(picture.pixels, box, face.points)
    assert np.abs(again - face.points).max() < 0.05 * box[2]
    assert isinstance(analyzer._second_look, SecondLook)


def test_where_the_second_look_finds_nothing_the_first_one_holds(analyzers: dict[str, FaceAnalyzer]) -> None:
    points = (TEMPLATE + 40).astype(np.float32)
    blank = np.zeros((250, 250, 3), np.uint8)
    assert analyzers["fast"]._second_look(blank, np.array([50, 50, 80, 100]), points) is points


def test_five_points_of_a_mesh_lie_where_the_detectors_do(analyzers: dict[str, FaceAnalyzer], portrait: bytes) -> None:
    analyzer, picture = analyzers["fast"], _turned(portrait, 0)
    face = analyzer.detect(picture)[0]
    box = np.array([face.box.left, face.box.top, face.box.width, face.box.height]) * 250
    mesh = analyzer._mesh(picture.pixels, box, face.points)
    assert np.abs(five_of(mesh) - face.points).max() < 0.12 * box[2]
