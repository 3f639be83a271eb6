"""A detector in one ONNX file comes by the same places as this software does, and tells the same boxes of them."""

from __future__ import annotations

import numpy as np
import pytest
from PIL import Image

from regard.evaluation.custom.detections import overlaps
from regard.settings import from_environment
from regard.vision.heads.box_head import CELLS, PROPOSALS, BoxHead
from regard.vision.models.weights import Weights
from regard.vision.pictures.images import decode
from regard.vision.things.alone_boxes import alone
from regard.vision.things.candidates import Seeker
from regard.vision.things.objects import SIDE

LIMIT = 0.55


def _head(width: int, loud: float) -> BoxHead:
    """A head of two labels that looks at all numbers a little, and moves nothing far."""
    draw = np.random.default_rng(0)
    shapes = ((width, 2), loud), ((2,), 1.0), ((width, 4), 0.01), ((4,), 0.01)
    return BoxHead(*(draw.normal(0, spread, shape).astype(np.float32) for shape, spread in shapes))


@pytest.mark.long
@pytest.mark.slow("writes networks of 8 bits as ONNX")
@pytest.mark.parametrize(("way", "head"), [(PROPOSALS, _head(1370, 1.5)), (CELLS, _head(133, 0.1))])
def test_the_file_tells_what_this_software_tells(way: str, head: BoxHead, portrait: bytes) -> None:
    onnxruntime = pytest.importorskip("onnxruntime", reason="onnxruntime, which such a file is for, is not installed")
    weights, picture = Weights.opened(from_environment()), decode(portrait)
    seeker = Seeker.opened(from_environment(), weights)
    labels = [{"name": name, "threshold": LIMIT} for name in ("one", "other")]
    base = {"sha256": weights.digest("object-detector"), "layer": seeker.base.layer}
    data = alone(weights, head, {"base": base, "way": way, "labels": labels})
    small = Image.fromarray(picture.pixels).resize((SIDE, SIDE), Image.Resampling.BILINEAR, reducing_gap=2.0)
    session = onnxruntime.InferenceSession(data, providers=["CPUExecutionProvider"])
    given = {"picture": picture.pixels, "small": np.asarray(small)[None]}
    boxes, kinds, scores = session.run(None, given)
    assert (np.diff(scores) <= 0).all()
    assert scores.min() >= LIMIT
    # A little lower, since what is just told on one side may just not be on the other.
    own = head(seeker(picture, (way,))[way], np.full(2, LIMIT - 0.2, np.float32))
    near = np.where(kinds[:, None] == own.kinds[None], overlaps(boxes, own.boxes), 0)
    assert len(boxes) >= 3
    assert (near.max(axis=1) > 0.5).mean() >= 0.8
    found = near.max(axis=1) > 0.5
    assert np.abs(scores - own.scores[near.argmax(axis=1)])[found].mean() < 0.1


def test_a_head_over_other_weights_is_not_exported() -> None:
    weights = Weights.opened(from_environment())
    manifest = {"base": {"sha256": "0" * 64, "layer": ""}, "way": CELLS, "labels": []}
    with pytest.raises(ValueError, match="made on other weights"):
        alone(weights, _head(133, 0.1), manifest)
