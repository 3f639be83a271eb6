"""The unrelated pictures: what ships names its sources, and the same folder makes the same bytes."""

from __future__ import annotations

from pathlib import Path

import msgspec
import numpy as np
import pytest
from PIL import Image

from regard.evaluation.custom.background import Background, background, background_of
from regard.evaluation.samples.pictures_on_disk import NotLabelled
from regard.settings import from_environment
from regard.vision.heads.head import Base
from regard.vision.models.weights import Weights
from regard.vision.pictures.images import Picture

BASE = Base("things-and-scenes", "ab" * 32, "inner + last")
CLEAR = ("public domain", "CC0", "CC BY", "CC-BY", "MIT", "Apache", "Pexels")


def _look(picture: Picture) -> np.ndarray:
    return np.asarray(picture.pixels.mean(axis=(0, 1)) / 255, np.float32)


def test_what_ships_is_of_clear_terms_and_of_the_model_that_ships() -> None:
    shipped = Background.shipped()
    assert shipped.base.sha256 == Weights.opened(from_environment()).digest(shipped.base.model)
    assert sum(each.pictures for each in shipped.data) == shipped.pictures >= 150
    assert all(each.terms.startswith(CLEAR) and "-SA" not in each.terms for each in shipped.data)
    assert np.allclose(np.linalg.norm(background(), axis=1), np.sqrt(1.25), atol=0.05)


def test_over_another_model_it_is_refused() -> None:
    with pytest.raises(ValueError, match=r"by another model.*regard train background"):
        background(BASE)


def test_a_folder_makes_the_same_bytes_and_names_what_it_lacks(tmp_path: Path) -> None:
    for name, colour in (("red.png", (250, 5, 5)), ("blue.png", (5, 5, 250))):
        Image.new("RGB", (80, 80), colour).save(tmp_path / name)
    (tmp_path / "labels.csv").write_text("file,source,terms\nred.png,own,CC0\nblue.png,own,CC0\n")
    made = background_of(tmp_path, BASE, "whole", _look)
    assert made.written() == background_of(tmp_path, BASE, "whole", _look).written()
    (tmp_path / "background.json").write_bytes(made.written())
    read = Background.read(tmp_path / "background.json")
    assert np.allclose(read.features(BASE, "whole")[0], np.array([250, 5, 5]) / 255, atol=0.005)
    (tmp_path / "blue.png").unlink()
    with pytest.raises(NotLabelled, match=r"blue\.png cannot be read"):
        background_of(tmp_path, BASE, "whole", _look)
    (tmp_path / "background.json").write_bytes(msgspec.json.encode({"base": 1}))
    with pytest.raises(ValueError, match="is no background"):
        Background.read(tmp_path / "background.json")
