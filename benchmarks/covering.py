"""How many faces redaction covers, of those that people drew boxes around, and what is left of them.

Not among the benchmarks that run by default: `python -m benchmarks covering`.
"""

from __future__ import annotations

import csv
import math
from collections import defaultdict
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np

from benchmarks.measuring import markdown
from benchmarks.pictures import SHARED
from benchmarks.shares import Share
from regard.settings import from_environment
from regard.vision.faces.faces import FaceAnalyzer
from regard.vision.pictures.images import Picture, decode
from regard.vision.pictures.redaction import Style, covered, head

BY_HAND = Path(__file__).parents[1] / "tests" / "data" / "redaction_boxes.csv"
# A face is covered when the covers hold this much of its box; from this size on, in pixels, it counts towards the bar.
COVERED, LEAST_SIDE = 0.8, 16
# The faces whose likeness is measured: a smaller one is not told from others anyway.
LEAST_KNOWN, SURE = 30, 70

Corners = tuple[int, int, int, int]


@dataclass
class Found:
    """What was covered: large and small faces, and the cosines of covered crops to what they were, by style."""

    large: Share = field(default_factory=Share)
    small: Share = field(default_factory=Share)
    lost: list[tuple[str, Corners]] = field(default_factory=list)
    likeness: dict[Style, list[float]] = field(default_factory=lambda: {style: [] for style in Style})
    # Pictures without a face, and those of them in which something is covered.
    empty: Share = field(default_factory=Share)
    pictures: int = 0


def run() -> str:
    """The table."""
    if not SHARED.is_dir():
        return markdown("Redaction", ("not measured",), [("the pictures are not on this machine",)])
    found = covers(FaceAnalyzer.opened(from_environment()), SHARED, Style)
    rows = [
        (f"faces of {LEAST_SIDE} pixels and up that are covered (95 % interval)", str(found.large)),
        ("smaller ones", str(found.small)),
        ("pictures without a face in which something is covered", f"{found.empty.right} of {found.empty.of}"),
    ]
    for style, cosines in found.likeness.items():
        what = f"cosine of a crop to its original, {style.value}, {len(cosines)} faces of {LEAST_KNOWN} pixels and up"
        rows.append((what, f"{max(cosines):.2f} at most"))
    return markdown("Redaction", ("what", f"{found.pictures} pictures"), rows, f"Missed: {found.lost or 'none'}.")


def covers(analyzer: FaceAnalyzer, shared: Path, styles: type[Style] | tuple[Style, ...], step: int = 1) -> Found:
    """What is covered in one in `step` of the pictures with boxes drawn by hand."""
    found = Found()
    for file, boxes in list(_by_hand(shared).items())[::step]:
        picture = decode(file.read_bytes())
        faces = analyzer.detect_all(picture)
        areas = [head(face.box) for face in faces]
        white = Picture(np.full_like(picture.pixels, 255), "PNG")
        hidden = covered(white, areas).pixels[:, :, 0] == 0
        found.pictures += 1
        if not boxes:
            found.empty += Share(int(bool(faces)), 1)
        for left, top, right, bottom in boxes:
            is_covered = hidden[top:bottom, left:right].mean() >= COVERED
            share = Share(int(is_covered), 1)
            if math.sqrt((right - left) * (bottom - top)) < LEAST_SIDE:
                found.small += share
                continue
            found.large += share
            if not is_covered:
                found.lost.append((file.name, (left, top, right, bottom)))
        known = [face for face in faces if face.box.width * picture.width >= LEAST_KNOWN and face.confidence >= SURE]
        before = analyzer.embed(picture, known)
        for style in styles:
            after = analyzer.embed(covered(picture, areas, style), known)
            found.likeness[style] += (before * after).sum(axis=1).tolist()
    return found


def _by_hand(shared: Path) -> dict[Path, list[Corners]]:
    """The boxes of every picture that was looked at; none where there is no face."""
    found: dict[Path, list[Corners]] = defaultdict(list)
    for row in csv.DictReader(BY_HAND.read_text().splitlines()):
        boxes = found[shared / row["picture"]]
        if row["left"]:
            boxes.append((int(row["left"]), int(row["top"]), int(row["right"]), int(row["bottom"])))
    return found
