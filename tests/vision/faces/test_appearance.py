"""What heads tell is put together as they depend on each other, and what they were taught is seen on faces."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray

from regard.settings import from_environment
from regard.vision.eyes import open_analyzer
from regard.vision.faces.appearance import TOLD, appearance, chances_of_glasses, cover
from regard.vision.faces.faces import Description, FaceAnalyzer
from regard.vision.faces.mesh import Mesh
from regard.vision.heads.head import chance
from regard.vision.models.manifest import MissingWeights
from regard.vision.pictures.findings import Worn
from regard.vision.pictures.images import Picture, decode

ALL = frozenset(TOLD)


@pytest.fixture(scope="module")
def analyzer() -> FaceAnalyzer:
    try:
        return open_analyzer(from_environment())
    except MissingWeights as error:
        pytest.skip(str(error))


def test_dark_lenses_are_decided_first() -> None:
    told = appearance({"eyeglasses": 0.95, "sunglasses": 0.99, "eyes-open": 0.02})
    assert told["sunglasses"].value
    assert not told["eyeglasses"].value
    assert told["eyes_open"].confidence < 55


def test_glasses_are_clear_or_dark() -> None:
    assert chances_of_glasses({"eyeglasses": 0.0, "sunglasses": 1.0}) == Worn(1.0, 1.0)
    assert chances_of_glasses({"eyeglasses": 0.5, "sunglasses": 0.5}) == Worn(0.75, 0.5)
    assert chances_of_glasses({"eyeglasses": 0.5}) is None


def test_without_dark_lenses_clear_ones_and_eyes_are_told_as_they_are() -> None:
    told = appearance({"eyeglasses": 0.95, "sunglasses": 0.0, "eyes-open": 0.02})
    assert told["eyeglasses"].value
    assert not told["eyes_open"].value
    assert [told[name].confidence for name in ("eyeglasses", "eyes_open")] == pytest.approx([95, 98])


def test_two_heads_tell_a_mask_by_the_mean_of_their_odds() -> None:
    both, one = cover({"face-cover": 3.0, "face-cover-deep": -1.0}), cover({"face-cover": -2.0})
    assert both is not None
    assert one is not None
    assert both.value
    assert not one.value
    assert [both.confidence, one.confidence] == pytest.approx([100 * chance(1), 100 * chance(2)])
    assert cover({"beard": 9.0}) is None


def test_what_no_head_tells_is_not_told() -> None:
    assert appearance({"beard": 0.2}).keys() == {"beard"}
    assert appearance({}) == {}


@given(st.dictionaries(st.sampled_from([name.replace("_", "-") for name in TOLD.values()]), st.floats(0, 1)))
def test_a_confidence_is_that_of_what_is_told(chances: dict[str, float]) -> None:
    for estimate in appearance(chances).values():
        assert 50 <= estimate.confidence <= 100


def _described(analyzer: FaceAnalyzer, picture: Picture, wanted: frozenset[str] = ALL) -> Description:
    return analyzer.describe(picture, analyzer.detect(picture)[0], wanted)


def _values(described: Description) -> dict[str, bool]:
    return {name: getattr(described, name).value for name in TOLD.values()}


def test_a_portrait_is_described(analyzer: FaceAnalyzer, portrait: bytes) -> None:
    assert _values(_described(analyzer, decode(portrait))) == {
        "smile": True,
        "eyeglasses": False,
        "sunglasses": False,
        "beard": False,
        "mustache": False,
        "eyes_open": True,
        "mouth_open": True,
    }


def test_only_what_is_wanted_is_told(analyzer: FaceAnalyzer, portrait: bytes) -> None:
    described = _described(analyzer, decode(portrait), frozenset({"DEFAULT", "BEARD"}))
    assert described.beard is not None
    assert described.mustache is None
    assert described.smile is None


def _mesh(analyzer: FaceAnalyzer, picture: Picture) -> NDArray[np.float64]:
    from regard.vision.faces.faces import in_pixels

    face = analyzer.detect(picture)[0]
    mesh: Mesh = analyzer._mesh
    return mesh(picture.pixels, in_pixels(face.box, picture), face.points)


def test_drawn_sunglasses_and_shut_eyes_are_told(analyzer: FaceAnalyzer, portrait: bytes) -> None:
    from regard.evaluation.training.drawn import lids, sunglasses

    picture = decode(portrait)
    mesh = _mesh(analyzer, picture)
    dark, clear = (Picture(pixels, "PNG") for pixels, _ in sunglasses(picture.pixels, mesh, "any"))
    shut, half = (Picture(pixels, "PNG") for pixels, _ in lids(picture.pixels, mesh, "any"))
    assert _values(_described(analyzer, dark))["sunglasses"]
    assert not _values(_described(analyzer, clear))["sunglasses"]
    assert not _values(_described(analyzer, shut))["eyes_open"]
    assert _values(_described(analyzer, half))["eyes_open"]


def test_a_bare_face_and_one_with_a_drawn_mask_are_told_apart(analyzer: FaceAnalyzer, portrait: bytes) -> None:
    from regard.evaluation.training.masks import masks

    picture = decode(portrait)
    for pixels, masked in masks(picture.pixels, _mesh(analyzer, picture), "any"):
        seen = Picture(np.ascontiguousarray(pixels), "PNG")
        told = analyzer.cover(seen, analyzer.detect(seen)[0])
        assert told is not None
        assert told.value == masked
