"""Boxes in pixels, as manifests have them, and in ratios, as detectors do."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from regard.custom.versions.shown import Frame, Shown
from regard.evaluation.custom.detector import Pictured
from regard.vision.heads.box_head import Candidates, Framed


def pictured(seen: Sequence[dict[str, Candidates]], pictures: Sequence[Shown], names: Sequence[str]) -> list[Pictured]:
    """Pictures that teach. What shows a label that is not among `names` cannot be found, and does not count."""
    found = []
    for candidates, picture in zip(seen, pictures, strict=True):
        frames = [each for each in picture.frames if each.name in names]
        sides = np.array([[each.left, each.top, each.width, each.height] for each in frames], np.float32)
        size = np.array([picture.width, picture.height] * 2, np.float32)
        kinds = np.array([names.index(each.name) for each in frames], np.int64)
        found.append(Pictured(candidates, (sides.reshape(-1, 4) / size, kinds)))
    return found


def framed(told: Framed, names: Sequence[str], width: int, height: int) -> tuple[Frame, ...]:
    """What a detector tells of a picture of so many pixels."""
    found = []
    for box, kind, score in zip(told.boxes.tolist(), told.kinds, told.scores, strict=True):
        left, top, wide, high = box
        found.append(Frame(names[kind], left * width, top * height, wide * width, high * height, float(score)))
    return tuple(found)
