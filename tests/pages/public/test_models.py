"""The page of models: weights, the worth of a similarity, and what it means in a gallery."""

from __future__ import annotations

import json
import time
from pathlib import Path
from typing import Any

import httpx
import msgspec
import pytest

from regard.ledger.tree.tiles import ENTRIES, Tile, split_bundle
from regard.pages.frame import document
from regard.pages.public.model_words import model_words
from regard.pages.public.models import models
from regard.vision.faces.similarity import shipped
from regard.vision.models.weights import Weights
from tests.helpers.running import Running


@pytest.fixture
def weights(tmp_path: Path) -> Weights:
    return Weights(tmp_path)


def test_the_page_needs_no_signature(service: Running) -> None:
    told = httpx.get(f"{service.url}/stewardship/v1/models").json()
    assert told["FaceModelVersion"] == "1.0"
    assert told["CalibrationBelongs"] is True
    heads = {each["Name"]: each for each in told["Heads"]}
    assert heads["beard"]["Loaded"]
    assert {"source", "terms", "people", "yes", "no", "drawn"} <= heads["beard"]["Data"][0].keys()
    assert heads["sunglasses"]["Measured"]["drawn"]
    (other,) = told["OtherProfiles"]
    assert (other["FaceModelVersion"], other["CalibrationBelongs"]) == ("1.0-accurate", True)
    for profile in (told, other):
        points = {point["similarity"]: point for point in profile["Calibration"]["points"]}
        for level in (72, 80, 90, 99, 99.9):
            missed, matched = points[level]["false_non_match"], points[level]["false_match"]
            assert 0 < missed["low"] < missed["rate"] < missed["high"]
            assert matched["low"] <= matched["rate"] < matched["high"]
            assert matched["trials"] == 1903 * 1902 // 2 - 4
            # The rate that is stated is one that these pictures do not gainsay.
            assert matched["low"] < points[level]["rate"] < matched["high"]
        assert [points[level]["basis"] for level in (80, 90, 99)] == ["measured", "extrapolated", "extrapolated"]
        assert "Pareto" in profile["Calibration"]["tail"]
        assert len(profile["Galleries"]) == 4


def test_a_browser_reads_it_as_a_page(service: Running) -> None:
    answer = httpx.get(f"{service.url}/stewardship/v1/models", headers={"accept": "text/html,*/*;q=0.8"})
    assert (answer.status_code, answer.headers["content-type"]) == (200, "text/html; charset=utf-8")
    assert answer.headers["content-security-policy"].startswith("default-src 'none'")
    told = httpx.get(f"{service.url}/stewardship/v1/models").json()
    assert all(each["SHA256"] in answer.text for each in told["Weights"])
    assert "False matches a search, face model 1.0-accurate" in answer.text
    assert len(answer.content) < 100_000


def test_a_service_without_an_audit_says_that_nobody_knows_for_whom_it_fails(service: Running) -> None:
    page = httpx.get(f"{service.url}/models").text
    assert "NOT MEASURED HERE" in page
    assert "one search in 30 meets somebody else at similarity 99" in page
    told = httpx.get(f"{service.url}/stewardship/v1/models").json()
    assert told["Audits"] == []
    silent = [each["Name"] for each in told["Weights"] if not each["Trained"]]
    assert "face-embedder" in silent
    assert f"Of {len(silent)} of {len(told['Weights'])} model files nobody has told" in page
    assert page.count(">not told<") >= len(silent)


def test_what_the_newest_audit_found_is_told_by_group(weights: Weights) -> None:
    rates = {"false match, Similarity 80": {"women": "0.2 % (0.1 to 0.4)", "men": "0.1 % (0 to 0.2)"}}
    found = {"sex, false match, Similarity 80": "women 2.1 times men, <b>planted</b>"}
    results = {"pictures": 1200, "people": 300, "disparities found": found, "rates": {"sex": rates}}
    told = models(weights, "1.0", shipped()) | {"Heads": [], "OtherProfiles": []}
    newest, older = ({"made": made, "results": results} for made in ("2026-11-02T00:00:00Z", "2026-01-02T00:00:00Z"))
    page = document(model_words(told | {"Audits": [newest, older]})).decode()
    assert "on 1,200 pictures of 300 people: 1 difference between groups was found" in page
    assert "women 2.1 times men, &lt;b&gt;planted" in page
    assert '<td data-of="women">0.2 % (0.1 to 0.4)</td>' in page
    assert "2026-01-02" not in page
    none = document(model_words(told | {"Audits": [{"model": "1.0", "results": {}}]})).decode()
    assert "no differences between groups were found" in none
    assert "is no proof" in none


def test_the_page_and_the_log_tell_the_digests_of_what_runs(service: Running, portrait: bytes) -> None:
    service.client().compare_faces(SourceImage={"Bytes": portrait}, TargetImage={"Bytes": portrait})
    service.client().detect_faces(Image={"Bytes": portrait})
    told = httpx.get(f"{service.url}/stewardship/v1/models").json()["Weights"]
    listed = {each["Name"]: each["SHA256"] for each in told}
    loaded = {each["Name"]: each["Loaded"] for each in told if each["Loaded"]}
    assert {"face-detector", "face-embedder", "face-mesh"} <= loaded.keys()
    assert loaded.items() <= listed.items()
    until = time.monotonic() + 30
    while not (entries := _told_of_models(service)):  # a checkpoint follows its entries
        assert time.monotonic() < until
        time.sleep(0.1)
    assert [entry["weights"] for entry in entries] == [listed]


def _told_of_models(service: Running) -> list[dict[str, Any]]:
    """The entries of the public log on model files."""
    period = httpx.get(f"{service.url}/log/periods").json()[-1]
    size = int(httpx.get(f"{service.url}/log/{period}/checkpoint").text.splitlines()[1])
    bundle = httpx.get(f"{service.url}/log/{period}/{Tile(ENTRIES, 0).within(size).path}").content if size else b""
    return [entry for entry in map(json.loads, split_bundle(bundle)) if entry["kind"] == "regard/models"]


def test_expected_false_matches_grow_with_the_gallery(weights: Weights) -> None:
    galleries = models(weights, "1.0", shipped())["Galleries"]
    assert [each["Faces"] for each in galleries] == [1_000, 10_000, 100_000, 1_000_000]
    assert [each["FalseMatchesASearch"]["80"] for each in galleries] == pytest.approx([0.0017, 0.017, 0.17, 1.7])
    assert [each["FalseMatchesASearch"]["99"] for each in galleries] == pytest.approx([0.00033, 0.0033, 0.033, 0.33])


def test_the_floor_rises_with_the_gallery_until_no_threshold_is_enough(weights: Weights) -> None:
    floors = [each["Floor"] for each in models(weights, "1.0", shipped())["Galleries"]]
    assert floors[:3] == pytest.approx([72, 86.6, 99.8], abs=0.1)
    assert floors[3] is None
    floors = [each["Floor"] for each in models(weights, "1.0-accurate", shipped("accurate"))["Galleries"]]
    assert floors[:2] == pytest.approx([72, 89.4], abs=0.1)
    assert floors[2:] == [None, None]


def test_a_calibration_of_other_weights_or_another_profile_is_said_not_to_belong(weights: Weights) -> None:
    other = msgspec.structs.replace(shipped(), embedder="0" * 64)
    assert models(weights, "1.0", other)["CalibrationBelongs"] is False
    assert models(weights, "1.0-accurate", shipped())["CalibrationBelongs"] is False
