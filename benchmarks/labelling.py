"""How right labels are: ImageNet's classes, VOC's boxes, and what confidences are worth on pictures held out.

Not among the benchmarks that run by default: `python -m benchmarks labelling`.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path
from statistics import median
from xml.etree import ElementTree

import numpy as np
from numpy.typing import NDArray

from benchmarks.measuring import markdown
from benchmarks.pictures import SHARED, full_hd, small
from benchmarks.shares import Share
from regard.settings import from_environment
from regard.vision.models.runtime import Runtime
from regard.vision.models.weights import Weights
from regard.vision.pictures.findings import Box, overlap
from regard.vision.pictures.images import Picture, decode
from regard.vision.things.labels import LabelFinder, joined
from regard.vision.things.taxonomy import ancestors, of_imagenet

# The classes of VOC (Everingham et al., "The PASCAL Visual Object Classes Challenge", 2010) as COCO numbers them.
VOC = {
    "person": 1, "bicycle": 2, "car": 3, "motorbike": 4, "aeroplane": 5, "bus": 6, "train": 7, "boat": 9, "bird": 16,
    "cat": 17, "dog": 18, "horse": 19, "sheep": 20, "cow": 21, "bottle": 44, "chair": 62, "sofa": 63,
    "pottedplant": 64, "diningtable": 67, "tvmonitor": 72,
}  # fmt: skip
LEAST_OVERLAP = 0.5
DRAWS, FOLDS, ROUNDS = 1000, 5, 25
BANDS = (0, 30, 55, 70, 90, 100)
Floats = NDArray[np.float64]
# A picture's boxes: (class, box, whether it is too difficult to count).
Truth = list[tuple[int, Box, bool]]


@dataclass(frozen=True, slots=True)
class Claim:
    """Something that a network said of picture number `picture`: its class, its score, and whether it is right."""

    picture: int
    kind: int
    score: float
    right: bool


def run() -> str:
    """The tables."""
    if not SHARED.is_dir():
        return markdown("Labels", ("not measured",), [("the pictures are not on this machine",)])
    finder = LabelFinder.opened(from_environment())
    first, five, labels, scenes = classes(finder, SHARED / "imagenet")
    claims, counts = boxes(finder, SHARED / "voc100")
    mean, low, high = precision_interval(claims, counts)
    rows = [
        ("the classifier's likeliest class is the right one", str(first)),
        ("the right class is among its five likeliest", str(five)),
        ("the label of the right class is among the five surest that no other is below", str(labels)),
        (f"average precision of boxes at an overlap of {LEAST_OVERLAP}, mean of {len(VOC)} classes",
         f"{mean:.3f} ({low:.3f} to {high:.3f})"),
        *taken(),
    ]  # fmt: skip
    curves = [_worth(name, each) for name, each in (("objects", claims), ("scenes", scenes))]
    return "\n\n".join((markdown("Labels", ("what", "found (95 % interval)"), rows), *curves))


def taken() -> list[tuple[str, str]]:
    """How long labels take in f32 on one thread: milliseconds of a core, so that neighbours do not count."""
    settings = from_environment()
    weights = Weights(settings.weights_dir, settings.weights_file)
    finder = LabelFinder(weights, Runtime("openvino", "f32", 1, instances=1))
    boxed = [decode(file.read_bytes()) for file, _ in _annotated(SHARED / "voc100")]
    works: list[tuple[str, Callable[[Picture], object], list[Picture]]] = [
        ("objects alone, a picture with boxes", finder.objects, boxed),
        ("all labels, 250×250", finder, [decode(small(1)[0])] * ROUNDS),
        ("all labels, HD", finder, [decode(full_hd())] * ROUNDS),
    ]
    return [
        (f"{name}, decoded before, of a core", f"{_core_ms(look, pictures):.1f} ms") for name, look, pictures in works
    ]


def _core_ms(look: Callable[[Picture], object], pictures: Sequence[Picture]) -> float:
    """The median of a core's milliseconds, after one that is not counted."""
    found = []
    for picture in (pictures[0], *pictures):
        start = time.process_time()
        look(picture)
        found.append(1e3 * (time.process_time() - start))
    return median(found[1:])


def classes(finder: LabelFinder, folder: Path) -> tuple[Share, Share, Share, list[Claim]]:
    """How often the right class is the likeliest, among the five likeliest, and its label among the five surest.

    The pictures are of every tenth class, in the order of their names, which is that of the classes. The claims are
    the labels of the classifier, as `DetectLabels` gives them; right are that of the class and those above it.
    """
    files = sorted(folder.iterdir())
    first = five = told = 0
    claims = []
    for place, file in enumerate(files):
        right = 10 * place
        name = of_imagenet()[right]
        picture = decode(file.read_bytes())
        scene = finder.scene(picture)
        order = np.argsort(-scene)
        first += int(order[0] == right)
        five += int(right in order[:5])
        found = joined(finder.objects(picture), scene)
        above = {each for label in found for each in ancestors(label.name)}
        told += name in [label.name for label in found if label.name not in above][:5]
        chances = {of_imagenet()[int(number)]: 0.0 for number in np.flatnonzero(scene)}
        for number in np.flatnonzero(scene):
            chances[of_imagenet()[int(number)]] += float(scene[number])
        claims += [Claim(place, 0, chance, each == name) for each, chance in chances.items() if chance >= 0.01]
    return Share(first, len(files)), Share(five, len(files)), Share(told, len(files)), claims


def boxes(finder: LabelFinder, folder: Path) -> tuple[list[Claim], list[dict[int, int]]]:
    """The objects of the shared classes, right where they overlap one not yet found; by picture, how many there are."""
    claims, counts = [], []
    for number, (file, truth) in enumerate(_annotated(folder)):
        left = [each for each in truth if not each[2]]
        counts.append({kind: sum(each[0] == kind for each in left) for kind in VOC.values()})
        for found in finder.objects(decode(file.read_bytes())):
            if found.kind not in VOC.values():
                continue
            near = max(
                (each for each in left if each[0] == found.kind),
                key=lambda each: overlap(each[1], found.box),
                default=None,
            )
            right = False
            if near is not None and overlap(near[1], found.box) >= LEAST_OVERLAP:
                right = True
                left.remove(near)
            difficult = any(
                hard and kind == found.kind and overlap(box, found.box) >= LEAST_OVERLAP for kind, box, hard in truth
            )
            if right or not difficult:
                claims.append(Claim(number, found.kind, found.score, right))
    return claims, counts


def average_precision(claims: Iterable[Claim], there: int) -> float:
    """The area under precision over recall, each precision the best at that recall or more (VOC 2010)."""
    right = np.array([each.right for each in sorted(claims, key=lambda each: -each.score)], np.float64)
    if not len(right):
        return 0.0
    precision = np.cumsum(right) / np.arange(1, len(right) + 1)
    best = np.maximum.accumulate(precision[::-1])[::-1]
    return float((best * right).sum() / there)


def mean_precision(claims: Sequence[Claim], counts: Sequence[dict[int, int]]) -> float:
    """The mean over the classes that are there."""
    there = {kind: sum(each[kind] for each in counts) for kind in VOC.values()}
    by_kind: dict[int, list[Claim]] = {kind: [] for kind in there}
    for each in claims:
        by_kind[each.kind].append(each)
    return float(np.mean([average_precision(by_kind[kind], number) for kind, number in there.items() if number]))


def precision_interval(claims: Sequence[Claim], counts: Sequence[dict[int, int]]) -> tuple[float, float, float]:
    """The mean average precision, and its 95 % interval over draws of pictures (percentile bootstrap)."""
    of: list[list[Claim]] = [[] for _ in counts]
    for each in claims:
        of[each.picture].append(each)
    chance = np.random.default_rng(0)
    drawn = [chance.integers(0, len(counts), len(counts)) for _ in range(DRAWS)]
    means = [mean_precision([each for at in draw for each in of[at]], [counts[at] for at in draw]) for draw in drawn]
    low, high = np.percentile(means, (2.5, 97.5))
    return mean_precision(claims, counts), float(low), float(high)


def held_out(claims: Sequence[Claim]) -> Floats:
    """The confidence of each claim, 0 to 100, by a curve fitted to the pictures of the other folds."""
    folds = np.array([each.picture % FOLDS for each in claims])
    found = np.empty(len(claims))
    for fold in range(FOLDS):
        slope, offset = fitted([each for each, of in zip(claims, folds, strict=True) if of != fold])
        found[folds == fold] = 100 / (1 + np.exp(-slope * _odds(claims)[folds == fold] - offset))
    return found


def fitted(claims: Sequence[Claim]) -> tuple[float, float]:
    """Slope and offset of the logistic curve of greatest likelihood, with Platt's targets (1999), by Newton's steps."""
    inputs = np.stack([_odds(claims), np.ones(len(claims))], axis=1)
    right = np.array([each.right for each in claims])
    targets = np.where(right, (right.sum() + 1) / (right.sum() + 2), 1 / ((~right).sum() + 2))
    weights = np.array([1.0, 0.0])
    for _ in range(30):
        chance = 1 / (1 + np.exp(-inputs @ weights))
        bend = inputs.T @ (inputs * (chance * (1 - chance))[:, None])
        weights += np.linalg.solve(bend, inputs.T @ (targets - chance))
    return float(weights[0]), float(weights[1])


def bands(confidences: Floats, claims: Sequence[Claim]) -> Iterator[tuple[int, int, float, Share]]:
    """By band of confidence: its bounds, the mean confidence in it, and how many of its claims are right."""
    right = np.array([each.right for each in claims])
    for low, high in pairwise(BANDS):
        inside = (confidences >= low) & ((confidences < high) | (high == 100))
        if inside.any():
            yield low, high, float(confidences[inside].mean()), Share(int(right[inside].sum()), int(inside.sum()))


def _odds(claims: Sequence[Claim]) -> Floats:
    scores = np.clip([each.score for each in claims], 1e-6, 1 - 1e-3)
    odds: Floats = np.log(scores / (1 - scores))
    return odds


def _worth(name: str, claims: Sequence[Claim]) -> str:
    slope, offset = fitted(claims)
    rows = [
        (f"{low} to {high}", f"{mean:.0f}", str(share)) for low, high, mean, share in bands(held_out(claims), claims)
    ]
    return markdown(
        f"What a confidence is worth: {name}",
        ("confidence", "mean", "of them right (95 % interval)"),
        rows,
        f"Each by a curve fitted to the pictures of the other {FOLDS - 1} folds. Fitted to all: slope {slope:.3f}, "
        f"offset {offset:.3f}.",
    )


def _annotated(folder: Path) -> Iterator[tuple[Path, Truth]]:
    for file in sorted((folder / "xml").glob("*.xml")):
        root = ElementTree.parse(file).getroot()
        width, height = (float(root.findtext(f"size/{side}", "0")) for side in ("width", "height"))
        truth = []
        for each in root.iter("object"):
            left, top, right, bottom = (
                float(each.findtext(f"bndbox/{name}", "0")) for name in ("xmin", "ymin", "xmax", "ymax")
            )
            box = Box(left / width, top / height, (right - left) / width, (bottom - top) / height)
            truth.append((VOC[each.findtext("name", "")], box, each.findtext("difficult") == "1"))
        yield folder / "images" / f"{file.stem}.jpg", truth
