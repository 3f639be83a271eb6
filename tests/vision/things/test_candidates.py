"""Candidates are places of a picture, with what is seen of each."""

from __future__ import annotations

import numpy as np
import pytest

from regard.settings import from_environment
from regard.vision.heads.box_head import CELLS, PROPOSALS, WAYS
from regard.vision.pictures.images import decode
from regard.vision.pictures.overlaps import areas, shared
from regard.vision.things.candidates import Seeker


@pytest.mark.long
def test_what_lies_in_a_picture_is_proposed_and_each_cell_is_seen(portrait: bytes) -> None:
    seen = Seeker.opened(from_environment())(decode(portrait))
    assert tuple(seen) == WAYS
    proposals, cells = seen[PROPOSALS], seen[CELLS]
    assert (proposals.boxes.shape[1], proposals.features.shape[1]) == (4, 1280 + 90)
    assert np.linalg.norm(proposals.features[:, :1280].astype(np.float32), axis=1) == pytest.approx(1, abs=1e-2)
    # A person from the waist up fills the picture.
    person = np.array([(0.05, 0.0, 0.9, 1.0)])
    common = shared(proposals.boxes, person)[:, 0]
    assert (common / (areas(proposals.boxes) + areas(person) - common)).max() > 0.6
    # 40, 20, 10, 5 and 3 cells a side, the square of each around its middle.
    assert cells.boxes.shape == (2134, 4)
    assert cells.boxes[0] == pytest.approx([0.5 / 40 - 0.05, 0.5 / 40 - 0.05, 0.1, 0.1])
    assert cells.features[:, -5:].sum(axis=0).tolist() == [1600, 400, 100, 25, 9]
