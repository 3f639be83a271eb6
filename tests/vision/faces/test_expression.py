"""Expressions: a share for each class, likeliest first, and a smile that is told from a straight face."""

from __future__ import annotations

from pathlib import Path

import pytest

from regard.settings import from_environment
from regard.vision.eyes import open_analyzer
from regard.vision.pictures.images import decode


def test_shares_add_up_and_stand_in_order(portrait: bytes) -> None:
    analyzer, picture = open_analyzer(from_environment()), decode(portrait)
    found = analyzer.describe(picture, analyzer.detect(picture)[0], frozenset({"EMOTIONS"})).emotions
    assert found
    shares = [estimate.confidence for estimate in found]
    assert shares == sorted(shares, reverse=True)
    assert sum(shares) == pytest.approx(100, abs=0.1)
    assert {estimate.value for estimate in found} == {
        "HAPPY", "SAD", "ANGRY", "DISGUSTED", "SURPRISED", "CALM", "FEAR",
    }  # fmt: skip


@pytest.mark.long
def test_who_smiles_broadly_looks_happy_more_often(shared_data: Path) -> None:
    analyzer = open_analyzer(from_environment())
    happy: dict[bool, list[bool]] = {True: [], False: []}
    for file in sorted((shared_data / "lfw").rglob("*.jpg"))[::30]:
        picture = decode(file.read_bytes())
        found = analyzer.describe(picture, analyzer.detect(picture)[0], frozenset({"EMOTIONS", "SMILE"}))
        if found.smile and found.emotions and found.smile.confidence > 90:
            happy[found.smile.value].append(found.emotions[0].value == "HAPPY")
    shares = {smiles: sum(each) / len(each) for smiles, each in happy.items()}
    assert shares[True] > shares[False] + 0.3
