"""Similarity: one rising function of the cosine, with an exact inverse."""

from __future__ import annotations

import math
from pathlib import Path

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from regard.vision.faces import similarity as module
from regard.vision.faces.similarity import (
    PROFILES,
    RATES,
    SAME,
    BadCalibration,
    Calibration,
    calibration,
    score,
    shipped,
    similarity,
)

COSINES = st.floats(-1, 1)


ABOUT = [(72, 100_000), (80, 500_000), (90, 1_200_000), (99, 3_000_000), (99.9, 8_000_000)]


@pytest.mark.parametrize(("told", "one_in"), ABOUT)
@pytest.mark.parametrize("profile", PROFILES)
def test_a_similarity_says_how_rare_a_false_match_is_between_two_people(profile: str, told: float, one_in: int) -> None:
    assert 1 / RATES[told] == pytest.approx(one_in)
    # What ships keeps its scores and says their own rates, which differ a little by profile.
    assert abs(math.log(shipped(profile).false_match_rate(told) * one_in)) < math.log(1.5)


@pytest.mark.parametrize(
    ("profile", "rates"),
    [
        ("fast", {80: 1.7e-6, 90: 7.6e-7, 99: 3.3e-7, 99.9: 9e-8}),
        ("accurate", {80: 2.3e-6, 90: 9.5e-7, 99: 3.7e-7, 99.9: 1.8e-7}),
    ],
)
def test_the_rates_that_ship_are_those_of_the_recount_by_people(profile: str, rates: dict[float, float]) -> None:
    curve = shipped(profile)
    assert {level: curve.false_match_rate(level) for level in rates} == pytest.approx(rates)
    assert "16.5 million pairs of people" in curve.fitted_on


def test_the_scores_of_80_and_99_stay_where_they_were() -> None:
    assert [shipped("fast").score(level) for level in (80, 99)] == pytest.approx([0.499, 0.583])
    assert [shipped("accurate").score(level) for level in (80, 99)] == pytest.approx([0.507, 0.591])


@pytest.mark.parametrize(("profile", "score", "high"), [("fast", 0.521, 0.545), ("accurate", 0.544, 0.567)])
def test_ten_thousand_faces_need_the_score_of_one_in_a_million(profile: str, score: float, high: float) -> None:
    curve = shipped(profile)
    floor = curve.floor(10_000)
    assert floor is not None
    assert 80 < floor < 90
    # That score was counted apart from the points of the table: between them the curve goes straight.
    assert curve.score(floor) == pytest.approx(score, abs=0.004)
    assert curve.score(floor) < high
    assert curve.false_match_rate(floor) == pytest.approx(1e-6)


def test_the_ends_of_the_scale_are_the_ends_of_the_cosine() -> None:
    assert (similarity(-1), similarity(1)) == (0, 100)


@given(COSINES, COSINES)
def test_a_higher_cosine_is_never_less_similar(one: float, other: float) -> None:
    low, high = sorted((one, other))
    assert 0 <= similarity(low) <= similarity(high) <= 100
    if high - low > 1e-9 and low < SAME:
        assert similarity(low) < similarity(high)


@given(st.floats(0, 100))
def test_a_threshold_turns_into_a_score_and_back(threshold: float) -> None:
    assert similarity(score(threshold)) == pytest.approx(threshold, abs=1e-9)


def test_a_face_is_wholly_like_itself_whatever_float32_rounds() -> None:
    assert similarity(1 - 9e-7) == 100
    assert score(100) <= 1 - 9e-7
    assert similarity(1 - 2e-6) < 100


def test_rounding_beyond_one_is_cut_off() -> None:
    assert similarity(1.0000001) == 100
    assert similarity(-1.0000001) == 0


def test_the_shipped_calibration_names_the_weights_that_ship() -> None:
    weights = (Path(module.__file__).parents[1] / "models" / "weights.toml").read_text()
    assert f'sha256 = "{shipped().embedder}"' in weights


def test_what_was_not_counted_is_labelled_an_extrapolation() -> None:
    bases = {point.similarity: point.basis for point in shipped().points}
    assert [bases[level] for level in (48, 80, 90, 99, 99.9)] == ["measured"] * 2 + ["extrapolated"] * 3
    assert shipped().tail.startswith("generalised Pareto")


def test_a_calibration_of_the_settings_is_the_one_in_force(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    own = msgspec.structs.replace(shipped(), points=tuple(_moved(0.01)))
    (tmp_path / "own.json").write_bytes(msgspec.json.encode(own))
    monkeypatch.setenv("REGARD_CALIBRATION_FILE", str(tmp_path / "own.json"))
    calibration.cache_clear()
    try:
        assert score(80) == pytest.approx(shipped().score(80) + 0.01)
    finally:
        monkeypatch.undo()
        calibration.cache_clear()


def test_each_profile_has_its_own_table_and_a_file_counts_for_the_one_it_names(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    own = msgspec.structs.replace(shipped("accurate"), version="own")
    (tmp_path / "own.json").write_bytes(msgspec.json.encode(own))
    assert [calibration(version) for version in ("1.0", "1.0-accurate")] == [shipped("fast"), shipped("accurate")]
    calibration.cache_clear()
    monkeypatch.setenv("REGARD_CALIBRATION_FILE", str(tmp_path / "own.json"))
    try:
        assert calibration("1.0-accurate") == own
        assert calibration() == calibration("0.9") == shipped("fast")
        assert score(80, "1.0-accurate") > score(80)
        calibration.cache_clear()
        (tmp_path / "own.json").write_bytes(msgspec.json.encode(msgspec.structs.replace(own, face_model="0.9")))
        with pytest.raises(BadCalibration, match=r"0\.9; there are 1\.0, 1\.0-accurate"):
            calibration()
    finally:
        monkeypatch.undo()
        calibration.cache_clear()


@pytest.mark.parametrize("text", [b"", b"{}", b"[1]"])
def test_what_is_no_calibration_is_refused(text: bytes) -> None:
    with pytest.raises(BadCalibration):
        Calibration.read(text)


def test_a_calibration_that_falls_somewhere_is_refused() -> None:
    fallen = msgspec.structs.replace(shipped(), points=shipped().points[::-1])
    with pytest.raises(BadCalibration, match="rise"):
        Calibration.read(msgspec.json.encode(fallen))


def _moved(by: float) -> list[module.Point]:
    return [msgspec.structs.replace(point, score=point.score + by) for point in shipped().points]
