"""What else could be embedded: points and crops tried against each other on the pictures of LFW outside fold 1.

Not among the benchmarks that run by default: `python -m benchmarks variants` takes ten minutes on one core.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PIL import Image
from rich.progress import track

from benchmarks.measuring import markdown
from benchmarks.pictures import SHARED
from regard.evaluation.pictures_on_disk import numbered, read_folder, read_pairs
from regard.evaluation.scores import Scores
from regard.settings import from_environment
from regard.vision.detector import Candidates
from regard.vision.faces import FaceAnalyzer
from regard.vision.images import decode
from regard.vision.mesh import five_of

RATES = (1e-3, 1e-4, 1e-5)
COSINES = (0.499, 0.583)
WIDER = 1.06

Pixels = NDArray[np.uint8]
Points = NDArray[np.float32]
Rows = NDArray[np.float32]

# Each variant is the mean of embeddings: of which points, and whether mirrored.
VARIANTS: dict[str, list[tuple[str, bool]]] = {
    "one, on the detector's points": [("detector", False)],
    "and its mirror image": [("detector", False), ("detector", True)],
    "a crop 6 % wider beside it": [("detector", False), ("wider", False)],
    "picture enlarged twice before detection": [("enlarged", False)],
    "second look": [("second look", False)],
    "second look and its mirror image": [("second look", False), ("second look", True)],
    "points of the mesh": [("mesh", False)],
    "mean of the detector's points and the mesh's": [("mean", False)],
    "detector's points mirrored, with the mesh's": [("detector", True), ("mesh", False)],
    "second look's points, with the mesh's mirrored": [("second look", False), ("mesh", True)],
}


def run() -> str:
    """The table, of as many rows as there are variants."""
    if not SHARED.is_dir():
        return markdown("Variants", ("not measured",), [("the pictures are not on this machine",)])
    analyzer = FaceAnalyzer.opened(from_environment())
    in_fold = {str(each.picture) for each in read_pairs(SHARED / "lfw_pairs.txt", SHARED / "lfw")[0]}
    pictures = [each for each in read_folder(SHARED / "lfw") if str(each.picture) not in in_fold]
    looks = [_looks(analyzer, Path(str(each.picture))) for each in track(pictures, "Embedding")]
    seen = [place for place, look in enumerate(looks) if look]
    subjects = numbered([pictures[place].subject for place in seen])
    rows = [
        (name, *_row(np.array([_mean(looks[place], parts) for place in seen]), subjects))
        for name, parts in VARIANTS.items()
    ]
    columns = ("embedding", *(f"TMR at {rate:g}" for rate in RATES), *(f"at cosine {score}" for score in COSINES))
    return markdown("Variants", columns, rows, f"{len(seen)} pictures outside fold 1.")


def _looks(analyzer: FaceAnalyzer, path: Path) -> dict[tuple[str, bool], Rows]:
    """The embedding of each pair of points and mirroring that a variant asks for; empty without a face."""
    pixels = decode(path.read_bytes()).pixels
    found = analyzer._detector(pixels)
    if not len(found):
        return {}
    face = _central(found, pixels)
    points = {"detector": found.points[face], "enlarged": _enlarged(analyzer, pixels, found.points[face])}
    points["mesh"] = five_of(analyzer._mesh(pixels, found.boxes[face], points["detector"]))
    points["mean"] = (points["detector"] + points["mesh"]) / 2
    points["second look"] = analyzer._second_look(pixels, found.boxes[face], points["detector"])
    points["wider"] = _wider(points["detector"])
    wanted = {part for parts in VARIANTS.values() for part in parts}
    return {(name, flip): analyzer._embedder(pixels, points[name], mirrored=flip) for name, flip in wanted}


def _enlarged(analyzer: FaceAnalyzer, pixels: Pixels, points: Points) -> Points:
    size = (2 * pixels.shape[1], 2 * pixels.shape[0])
    larger = np.asarray(Image.fromarray(pixels).resize(size, Image.Resampling.BICUBIC))
    found = analyzer._detector(larger)
    return np.asarray(found.points[_central(found, larger)] / 2, np.float32) if len(found) else points


def _wider(points: Points) -> Points:
    """Points that are aligned to a crop which shows more: farther from their middle by a factor."""
    middle = points.mean(axis=0)
    return np.asarray(middle + (points - middle) * WIDER, np.float32)


def _central(found: Candidates, pixels: Pixels) -> int:
    middles = found.boxes[:, :2] + found.boxes[:, 2:] / 2
    return int(np.argmin(np.linalg.norm(middles / pixels.shape[1::-1] - 0.5, axis=1)))


def _mean(look: dict[tuple[str, bool], Rows], parts: list[tuple[str, bool]]) -> Rows:
    total = np.sum([look[part] for part in parts], axis=0)
    return np.asarray(total / np.linalg.norm(total), np.float32)


def _row(embeddings: Rows, subjects: NDArray[np.int64]) -> list[str]:
    scores = Scores.of_everybody(embeddings, subjects)
    matched = [scores.true_match_rate_at(rate) for rate in RATES]
    return [f"{rate:.4f}" for rate in (*matched, *(1 - scores.false_non_match_rate(score) for score in COSINES))]
