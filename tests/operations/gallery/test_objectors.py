"""Suppression with real faces: other pictures of a person are refused at the stated rate, strangers hardly ever."""

from __future__ import annotations

import io
import random
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from regard.settings import Settings
from regard.stewardship.people.erasure import CAUGHT_RATE, FALSE_MATCH_RATE, SUPPRESSED_AT
from regard.vision.eyes import open_analyzer
from regard.vision.faces.similarity import PROFILES, shipped
from regard.vision.pictures.images import decode


@pytest.mark.long
def test_other_pictures_are_recognized_at_the_stated_rate(shared_data: Path, scale: float) -> None:
    folder, analyzer = shared_data / "synthetic_faces", open_analyzer(Settings())
    people = [number for number in range(1, 51) if number != 18]  # The pictures of 18 show two people.
    embeddings, owners = [], []
    for number in random.Random(2).sample(people, max(12, int(len(people) * scale))):
        for file in sorted(folder.glob(f"face_{number}_[0-9].*")):
            picture = decode(_smaller(file))
            if faces := analyzer.detect(picture):
                embeddings.append(analyzer.embed(picture, faces[:1])[0])
                owners.append(number)
    scores = np.stack(embeddings) @ np.stack(embeddings).T
    same = np.equal.outer(owners, owners)
    genuine = scores[same & ~np.eye(len(owners), dtype=bool)]
    # Generated faces look alike: the share of strangers is not that of photographs.
    assert (genuine >= SUPPRESSED_AT).mean() >= CAUGHT_RATE - 0.05
    assert (scores[~same] >= SUPPRESSED_AT).mean() <= 1e-3


def test_the_share_of_strangers_that_is_published_is_the_calibrations() -> None:
    curves = map(shipped, PROFILES)
    rates = [curve.false_match_rate(curve.similarity(SUPPRESSED_AT)) for curve in curves]
    assert max(rates) == pytest.approx(FALSE_MATCH_RATE, rel=0.1)


def _smaller(file: Path) -> bytes:
    data = io.BytesIO()
    Image.open(file).convert("RGB").resize((256, 256)).save(data, "JPEG", quality=92)
    return data.getvalue()
