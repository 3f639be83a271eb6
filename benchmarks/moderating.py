"""Moderation: false alarms on harmless pictures, what is found, and what the confidences are worth.

Not among the benchmarks that run by default: `python -m benchmarks moderating`. It also fits the curves that turn sums
of classes into confidences: whoever replaces the classifier runs it again and writes them into
`regard.vision.things.moderation`.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from functools import cache
from itertools import pairwise
from statistics import median

import numpy as np
from numpy.typing import NDArray

from benchmarks.measuring import markdown
from benchmarks.pictures import SHARED, full_hd, small
from benchmarks.shares import Share
from regard.settings import from_environment
from regard.vision.pictures.images import Picture, decode
from regard.vision.things.labels import LabelFinder
from regard.vision.things.moderation import Curve, Moderator, chain, curve_of, taxonomy, told
from regard.vision.things.objects import curved
from regard.vision.things.taxonomy import ancestors, of_imagenet
from regard.vision.things.taxonomy import taxonomy as words

# Folders, and of how many of their pictures one is fitted to. What false alarms there are is counted on the others too.
FOLDERS = {"voc100/images": 1, "coco20": 1, "imagenet": 1, "lfw": 2, "utkface": 2}
# Pictures of voc100 with bottles and glasses of what has alcohol, told by eye; the others are harmless.
DRINKS = frozenset(("2007_000250", "2007_000346", "2007_000762", "2007_000999", "2007_001408"))
AT = 50.0
# A confidence is right where one picture in a hundred shows what it is about.
PRIOR = 0.01
# Sums below this say nothing, and are not fitted to.
LEAST = 0.01
# How many classes a label has that stands in for what is moderated.
LIKE = range(2, 13)
ROUNDS, FOLDS, BANDS, SCORES = 15, 5, (5, 20, 50, 80, 95, 100), (0.2, 0.5, 0.6, 0.7, 0.8)
Floats = NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Look:
    """What the networks say of a picture: the score for pornography, and how likely each class is, (1000,).

    `shows` is the label of moderation that the picture is known to show; empty for a harmless one. `number` is the
    class that it is known to show, of a picture of imagenet/.
    """

    folder: str
    pornography: float
    scene: NDArray[np.float32]
    shows: str = ""
    number: int | None = None

    @property
    def labels(self) -> set[str]:
        """The labels that are answered by default."""
        return {label.name for label in told(self.pornography, self.scene) if label.confidence >= AT}


def run() -> str:
    """The tables."""
    if not SHARED.is_dir():
        return markdown("Moderation", ("not measured",), [("the pictures are not on this machine",)])
    settings = from_environment()
    labels = LabelFinder.opened(settings)
    moderator = Moderator.opened(settings, labels.scene)
    seen = [look for folder, step in FOLDERS.items() for look in looks(moderator, labels, folder, step)]
    others = [
        replace(look, folder=f"{folder}, not fitted to")
        for folder, step in FOLDERS.items()
        for start in range(1, step)
        for look in looks(moderator, labels, folder, step, start)
    ]
    told_by = (worth(seen, name) for name in curves())
    parts = (alarms([*seen, *others]), found(seen), *told_by, scores([*seen, *others]), costs(moderator, labels))
    return "\n\n".join(parts)


def looks(moderator: Moderator, labels: LabelFinder, folder: str, step: int = 1, start: int = 0) -> Iterator[Look]:
    """What the networks say of every `step`-th picture of a folder beside the checkout, in the order of the names."""
    files = sorted(file for file in (SHARED / folder).rglob("*") if file.suffix.lower() in (".jpg", ".jpeg"))
    for place, file in enumerate(files):
        if place % step == start:
            picture = decode(file.read_bytes())
            # Those of imagenet/ are of every tenth class, in the order of their names.
            number = 10 * place if folder == "imagenet" else None
            shows = "Alcoholic Beverages" if file.stem in DRINKS else "" if number is None else kind_of(number)
            yield Look(folder.partition("/")[0], moderator.pornography(picture), labels.scene(picture), shows, number)


def kind_of(number: int) -> str:
    """The label of moderation that a class of the classifier stands for; empty where it stands for none."""
    return next((label.name for label in taxonomy().values() if number in label.imagenet), "")


@cache
def kinds() -> dict[str, list[int]]:
    """The labels at the top that anything answers, with their classes and those of all labels below."""
    found: dict[str, list[int]] = {}
    for label in taxonomy().values():
        if label.score or label.imagenet:
            found.setdefault(chain(label.name)[0].name, []).extend(label.imagenet)
    return found


def alarms(seen: Sequence[Look]) -> str:
    """The harmless pictures of which something is answered by default, by kind and folder."""
    harmless = [look for look in seen if not look.shows]
    folders = list(dict.fromkeys(look.folder for look in harmless))
    rows = []
    for name in (*kinds(), "any"):
        hit = [look for look in harmless if (name in look.labels if name != "any" else look.labels)]
        rows.append((name, *(str(sum(look.folder == folder for look in hit)) for folder in folders),
                     str(Share(len(hit), len(harmless)))))  # fmt: skip
    of = ("pictures", *(f"{sum(look.folder == folder for look in harmless):,}" for folder in folders))
    return markdown(
        "Moderation: false alarms", ("kind", *folders, "all (95 % interval)"), [(*of, f"{len(harmless):,}"), *rows]
    )


def found(seen: Sequence[Look]) -> str:
    """What is answered of the pictures that show what is moderated."""
    rows = [
        (
            look.folder,
            "" if look.number is None else of_imagenet()[look.number],
            look.shows,
            "yes" if look.shows in look.labels else "no",
        )
        for look in seen
        if look.shows
    ]
    return markdown("Moderation: found", ("folder", "class", "label", "answered"), rows)


def scores(seen: Sequence[Look]) -> str:
    """How many pictures, none of them pornographic, have which score."""
    all_ = [look.pornography for look in seen]
    rows = [
        (
            str(least),
            f"{curved(least, curve_of('Explicit Nudity')):.0f}",
            f"{sum(each >= least for each in all_):,}",
        )
        for least in SCORES
    ]
    return markdown(
        "Moderation: the score for pornography",
        ("score", "confidence", f"of {len(all_):,} pictures have it or more"),
        rows,
        f"The highest is {max(all_):.2f}.",
    )


def costs(moderator: Moderator, labels: LabelFinder) -> str:
    """How much of a core's time each network takes for a picture."""
    rows = []
    for name, data in {"250×250": small(1)[0], "1920×1080": full_hd()}.items():
        picture = decode(data)
        rows.append(
            (name, *(f"{1000 * _worked(look, picture):.0f} ms" for look in (moderator.pornography, labels.scene)))
        )
    return markdown(
        "Moderation: what a picture costs, of a core", ("picture", "score for pornography", "classifier"), rows
    )


def _worked(look: Callable[[Picture], object], picture: Picture) -> float:
    """The median processor time of looking at a picture, in seconds: on a shared machine others take no part in it."""
    look(picture)
    taken = []
    for _ in range(ROUNDS):
        begun = time.process_time()
        look(picture)
        taken.append(time.process_time() - begun)
    return median(taken)


def curves() -> dict[str, list[str]]:
    """The curves that sums of classes are told by, each with the labels at the top that are told by it."""
    return {
        "things": [name for name, classes in kinds().items() if classes and name != "Swimwear or Underwear"],
        "swimwear": ["Swimwear or Underwear"],
    }


@dataclass(frozen=True, slots=True)
class Claims:
    """Sums of classes: what picture they are of, whether they are right, and what each weighs; all (n,)."""

    sums: Floats
    right: NDArray[np.bool_]
    weights: Floats
    pictures: NDArray[np.intp]

    def of(self, which: NDArray[np.bool_]) -> Claims:
        """Those alone."""
        return Claims(self.sums[which], self.right[which], self.weights[which], self.pictures[which])


def claims(seen: Sequence[Look], tops: Sequence[str]) -> Claims:
    """What a curve is fitted to.

    Wrong are the labels at the top, of harmless pictures. There are next to no pictures of what is moderated, so others
    stand in: a sum of classes is as good as its classifier. Right is, of each picture of imagenet/, the widest label of
    things that has 2 to 12 classes and its class among them, once for each label at the top. Together the right ones
    weigh PRIOR of all.
    """
    right = [
        (float(look.scene[_like(look.number)].sum()), place)
        for place, look in enumerate(seen)
        if look.number is not None
    ]
    wrong = [
        (float(look.scene[kinds()[top]].sum()), place)
        for place, look in enumerate(seen)
        if not look.shows
        for top in tops
    ]
    weights = [len(wrong) * PRIOR / (1 - PRIOR) / len(right)] * len(right) + [1.0] * len(wrong)
    sums, pictures = (np.array(each) for each in zip(*right, *wrong, strict=True))
    made = Claims(sums, np.arange(len(sums)) < len(right), np.array(weights), pictures.astype(np.intp))
    return made.of(sums >= LEAST)


@cache
def _like(number: int) -> list[int]:
    """The classes of the widest label of things that has as many as LIKE says, this one among them."""
    name = of_imagenet()[number]
    wide = [numbers for each in (name, *ancestors(name)) if len(numbers := _classes(each)) in LIKE]
    return max(wide, key=len, default=[number])


@cache
def _classes(name: str) -> list[int]:
    """The classes that a label of things and those below it stand for."""
    return [number for each, term in words().items() if name in (each, *ancestors(each)) for number in term.imagenet]


def fitted(given: Claims) -> Curve:
    """Slope and offset of the logistic curve of greatest likelihood, by Newton's steps."""
    odds = np.clip(given.sums, 1e-6, 1 - 1e-3)
    inputs = np.stack([np.log(odds / (1 - odds)), np.ones(len(odds))], axis=1)
    found = np.array([1.0, 0.0])
    for _ in range(30):
        chance = 1 / (1 + np.exp(-inputs @ found))
        bend = inputs.T @ (inputs * (given.weights * chance * (1 - chance))[:, None])
        found += np.linalg.solve(bend, inputs.T @ (given.weights * (given.right - chance)))
    return float(found[0]), float(found[1])


def worth(seen: Sequence[Look], name: str) -> str:
    """What confidences of a curve are worth on pictures that it was not fitted to, and the curve fitted to all."""
    given = claims(seen, curves()[name])
    sure = np.empty(len(given.sums))
    for fold in range(FOLDS):
        inside = given.pictures % FOLDS == fold
        curve = fitted(given.of(~inside))
        sure[inside] = [curved(each, curve) for each in given.sums[inside]]
    rows = []
    for low, high in pairwise(BANDS):
        band = given.of((sure >= low) & (sure < high))
        if len(band.sums):
            share = (band.weights * band.right).sum() / band.weights.sum()
            mean = np.average(sure[(sure >= low) & (sure < high)], weights=band.weights)
            rows.append(
                (
                    f"{low} to {high}",
                    f"{mean:.0f}",
                    f"{100 * share:.0f}",
                    str(band.right.sum()),
                    str((~band.right).sum()),
                )
            )
    slope, offset = fitted(given)
    return markdown(
        f"Moderation: what a confidence is worth, {name}",
        ("confidence", "mean", "right in a hundred", "stand-ins in it", "harmless pictures in it"),
        rows,
        f"Each by a curve fitted to the pictures of the other {FOLDS - 1} folds, where one picture in {1 / PRIOR:.0f} "
        f"shows it. Fitted to all: slope {slope:.3f}, offset {offset:.3f}.",
    )
