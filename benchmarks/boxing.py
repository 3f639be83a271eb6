"""How well things of one's own are found: by how many pictures with boxes, by each way, and how long it takes.

Not among the benchmarks that run by default: `python -m benchmarks boxing`.
"""

from __future__ import annotations

import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

import numpy as np

from benchmarks.boxed import MASKS, THINGS, Boxes, apart, masks, receipts, strips, voc
from benchmarks.measuring import markdown
from benchmarks.pictures import SHARED
from regard.evaluation.custom.detections import Detections
from regard.evaluation.custom.detector import Pictured, TrainedDetector, train_detector
from regard.evaluation.custom.errors import NotTrained
from regard.evaluation.custom.logistic import Bools
from regard.settings import from_environment
from regard.vision.heads.box_head import WAYS
from regard.vision.pictures.images import Picture
from regard.vision.things.candidates import Seeker

# Classes of VOC that enough of its pictures show.
VOC = ("aeroplane", "boat", "bottle", "car", "cow", "person")
DRAWS, MADE = 3, 150


@dataclass(frozen=True, slots=True)
class Set:
    """Pictures with boxes, how many detectors are made of, and how many they are measured on."""

    name: str
    pictures: Sequence[Pictured]
    names: Sequence[str]
    trained: Sequence[int]
    tested: int
    # Processor seconds to look at one picture.
    each: float


def run() -> str:
    """The tables."""
    if not SHARED.is_dir():
        return markdown("Things of one's own", ("not measured",), [("the pictures are not on this machine",)])
    seeker = Seeker.opened(from_environment())
    sets = [
        _set("VOC: 6 classes", seeker, voc(), VOC, (10, 33), 17),
        _set("faces with and without a mask, set into scenes", seeker, masks(MADE), MASKS, (10, 50, 100), 50),
        _set("animals and things, set into scenes", seeker, apart(MADE), THINGS, (10, 40), 20),
        _set("lines of text on receipts", seeker, receipts(), ("line",), (10,), 5),
        _set("the same, in strips of eight lines", seeker, strips(), ("line",), (10, 30), 20),
    ]
    columns = (
        "set",
        "made of",
        "proposals, left out",
        "cells, left out",
        "taken",
        "mAP50",
        "F1",
        "F1 left out",
        "told at 70 to 90: right",
        "a run",
    )
    rows = [_row(each, number) for each in sets for number in each.trained]
    looked = ", ".join(f"{each.each:.2f}" for each in sets)
    note = f"Processor seconds to look at a picture: {looked}; a run is processor seconds to train after that."
    return markdown(f"Things of one's own, {DRAWS} detectors each, measured on other pictures", columns, rows, note)


def _set(
    name: str,
    seeker: Seeker,
    pictures: Iterator[tuple[Picture, Boxes]],
    names: Sequence[str],
    trained: Sequence[int],
    tested: int,
) -> Set:
    found, taken = [], 0.0
    for picture, boxes in pictures:
        begun = time.process_time()
        seen = seeker(picture)
        taken += time.process_time() - begun
        own = [each for each in boxes if each[0] in names]
        size = np.array([picture.width, picture.height] * 2, np.float32)
        sides = np.array([each[1:] for each in own], np.float32).reshape(-1, 4) / size
        found.append(Pictured(seen, (sides, np.array([names.index(each[0]) for each in own], np.int64))))
    return Set(name, found, names, trained, tested, taken / max(len(found), 1))


def _row(one: Set, number: int) -> tuple[str, ...]:
    made, taken, sure = [], [], []
    for draw in range(DRAWS):
        order = np.random.default_rng(draw).permutation(len(one.pictures)).tolist()
        places = order[: one.tested], order[one.tested :][:number]
        there = sorted({int(kind) for place in places[1] for kind in one.pictures[place].truth[1]})
        test, rest = ([_narrowed(one.pictures[place], there) for place in each] for each in places)
        begun = time.process_time()
        trained = _trained(rest, [one.names[kind] for kind in there], test)
        taken.append(time.process_time() - begun)
        if trained is not None:
            made.append(trained)
            sure.append(_sure(trained, test))
    if not made:
        return (one.name, str(number), *["nothing found"] * 7, "")
    ways = [_mean([each.manifest["ways"][way] for each in made]) for way in WAYS]
    which = " / ".join(f"{sum(each.way == way for each in made)} {way}" for way in WAYS)
    right = np.concatenate(sure)
    told = f"{right.sum()} of {len(right)}" if len(right) else "none"
    figures = [
        _mean([each.precision for each in made]),
        _mean([each.summary.f1 for each in made]),
        _mean([each.summary.cross_validated for each in made]),
    ]
    return (one.name, str(number), *ways, which, *figures, told, f"{np.mean(taken):.0f} s")


def _narrowed(each: Pictured, there: Sequence[int]) -> Pictured:
    """The picture with the labels `there` alone, those that the pictures show that a detector is made of."""
    boxes, kinds = each.truth
    kept = np.isin(kinds, there)
    return replace(each, truth=(boxes[kept], np.searchsorted(there, kinds[kept])))


def _trained(pictures: Sequence[Pictured], names: Sequence[str], test: Sequence[Pictured]) -> TrainedDetector | None:
    try:
        return train_detector(pictures, names, test=test)
    except NotTrained:
        return None


def _sure(trained: TrainedDetector, test: Sequence[Pictured]) -> Bools:
    """Of the boxes that are told of pictures with confidences of 70 to 90, which are right."""
    least = np.full(len(trained.labels), 0.7, np.float32)
    told = [trained.head(each.seen[trained.way], least) for each in test]
    found = Detections.of(told, [each.truth for each in test], len(trained.labels))
    return np.asarray(found.right[found.scores <= 0.9], bool)


def _mean(values: Sequence[float]) -> str:
    return f"{np.mean(values):.2f}".removeprefix("0") if values else ""
