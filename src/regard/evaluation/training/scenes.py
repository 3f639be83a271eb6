"""A head for scenes, made of pictures of one's own and a table of which words are right of them."""

from __future__ import annotations

import csv
from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

import msgspec
import numpy as np
from numpy.typing import NDArray

from regard.evaluation.samples.pictures_on_disk import NotLabelled
from regard.evaluation.training.regression import NotFitted, calibrated, linear
from regard.settings import Settings
from regard.vision.heads.head import LARGEST, Base
from regard.vision.heads.scenes import LAYERS, MODEL, SceneHead, Source, Word, numbers
from regard.vision.models.runtime import Runtime
from regard.vision.models.weights import Weights
from regard.vision.pictures.images import ImageError, Picture, decode
from regard.vision.things.labels import classifier, prepared
from regard.vision.things.taxonomy import of_people

# A word is taken in where it is right so often on pictures of other sources, among so many that it is told of; it takes
# so many pictures of either answer, from two sources or more, to say so.
PRECISION, LEAST_TOLD, LEAST_PICTURES, LEAST_SOURCES = 0.8, 10, 10, 2
FOLDS = 10
# Nothing is told that is more likely wrong.
LEAST = 50.0
FILE = "labels.csv"
_ANSWERS = {"1": True, "0": False}
_NOT_WORDS = ("file", "image", "source", "terms", "person")
Floats = NDArray[np.float64]
See = Callable[[Picture], NDArray[np.float32]]


@dataclass(frozen=True, slots=True)
class Labelled:
    """A picture, where it comes from, and which words are right of it; of words that are not there nobody knows."""

    picture: Path
    source: str
    terms: str
    words: dict[str, bool]


@dataclass(frozen=True, slots=True)
class Left:
    """A word that is not taken in, and why."""

    name: str
    why: str


def labelled_in(folder: Path) -> list[Labelled]:
    """The pictures that `labels.csv` in the folder lists. Raises NotLabelled.

    `file` (or `image`) is a path from the folder or from `pictures/` in it, `source` where a picture comes from; every
    other column is a word but `terms` and `person`, and holds 1 or 0, or anything else where nobody looked.
    """
    if not (folder / FILE).is_file():
        raise NotLabelled(f"{folder} has no {FILE}: a line a picture, with the columns file, source and one a word.")
    return listed(folder / FILE, folder)


def listed(file: Path, folder: Path) -> list[Labelled]:
    """The pictures of the folder that a file lists, as `labels.csv` would. Raises NotLabelled."""
    with file.open(newline="", encoding="utf-8-sig") as lines:
        rows = csv.DictReader(lines)
        names = rows.fieldnames or ()
        image = next((each for each in ("file", "image") if each in names), None)
        words = [each for each in names if each not in _NOT_WORDS]
        if image is None or "source" not in names or not words:
            raise NotLabelled(f"The first line of {file} lacks file, source or words: {', '.join(names)}.")
        if people := [each for each in words if of_people(each)]:
            raise NotLabelled(f"{', '.join(people)}: what is said of people is no head's to say. Leave it out.")
        return [
            Labelled(
                _path(folder, row[image]),
                row["source"],
                row.get("terms") or "own",
                {word: _ANSWERS[row[word]] for word in words if row[word] in _ANSWERS},
            )
            for row in rows
        ]


def _path(folder: Path, image: str) -> Path:
    return folder / image if (folder / image).exists() else folder / "pictures" / image


def looker(settings: Settings) -> tuple[Base, See]:
    """What heads are made on, and what shows it of a picture, as the service does, in f32 whatever the settings say."""
    settings = msgspec.structs.replace(settings, precision="f32")
    weights = Weights.opened(settings)
    model = classifier(weights, Runtime.opened(settings), LAYERS)

    def see(picture: Picture) -> NDArray[np.float32]:
        return numbers(model(prepared(picture))[1:])

    return Base(MODEL, weights.digest(MODEL), " + ".join(LAYERS)), see


def seen(labelled: Iterable[Labelled], see: See) -> tuple[list[Labelled], Floats]:
    """The pictures that can be read, and what is seen of each: (n, d)."""
    kept, inputs = [], []
    for each in labelled:
        try:
            inputs.append(see(decode(each.picture.read_bytes())))
        except (OSError, ImageError):
            continue
        kept.append(each)
    if not kept:
        raise NotFitted(f"None of the pictures that {FILE} lists could be read.")
    return kept, np.stack(inputs).astype(np.float64)


def made(name: str, base: Base, labelled: Sequence[Labelled], inputs: Floats) -> tuple[SceneHead, list[Left]]:
    """The head, and the words that were left out. `inputs` are (n, d). Raises NotFitted where every word is."""
    # Powers of two, so that scaling rounds nothing.
    exponents = -np.round(np.log2(np.maximum(inputs.std(axis=0), 2.0**-20))).astype(int)
    scaled = inputs * np.exp2(exponents)
    words, left = [], []
    for word in sorted({word for each in labelled for word in each.words}):
        rows = [place for place, each in enumerate(labelled) if word in each.words]
        yes = np.array([labelled[place].words[word] for place in rows], bool)
        try:
            words.append(_word(word, scaled[rows], yes, [labelled[place].source for place in rows]))
        except NotFitted as error:
            left.append(Left(word, str(error)))
    if not words:
        whys = " ".join(f"{each.name}: {each.why}" for each in left)
        raise NotFitted(f"No word holds on pictures of another source. {whys}")
    return SceneHead(name, base, tuple(map(int, exponents)), tuple(words), _data(labelled)), left


def _word(name: str, inputs: Floats, yes: NDArray[np.bool_], sources: Sequence[str]) -> Word:
    _require_enough(yes, sources)
    scores = left_out(inputs, yes, sources)
    share = float(yes.mean())
    slope, offset = calibrated(scores, yes, share)
    odds = slope * scores + offset
    least = _least(odds, yes)
    told = odds >= np.log(least / (100 - least))
    mean = inputs.mean(axis=0)
    weights, start = linear(inputs - mean, yes)
    step = float(np.abs(weights).max()) / LARGEST
    steps = np.round(weights / step)
    whole = float(f"{slope * step:.3e}")
    return Word(
        name=name,
        weights=steps.astype(np.int8).tobytes(),
        slope=whole,
        offset=round(offset + slope * start - whole * float(steps @ mean), 2),
        least=least,
        precision=round(float(yes[told].mean()), 3),
        recall=round(float(told[yes].mean()), 3),
        yes=int(yes.sum()),
        no=int((~yes).sum()),
    )


def _require_enough(yes: NDArray[np.bool_], sources: Sequence[str]) -> None:
    for answer in (True, False):
        there = [source for source, each in zip(sources, yes, strict=True) if each == answer]
        if len(there) < LEAST_PICTURES or len(set(there)) < LEAST_SOURCES:
            raise NotFitted(
                f"{len(there)} pictures of {len(set(there))} sources answer {'yes' if answer else 'no'}, and it takes "
                f"{LEAST_PICTURES} of {LEAST_SOURCES}."
            )


def _folds(sources: Sequence[str]) -> NDArray[np.int64]:
    """A fold a source, or FOLDS that hold whole sources."""
    return np.unique(np.array(sources), return_inverse=True)[1].astype(np.int64) % FOLDS


def left_out(inputs: Floats, yes: NDArray[np.bool_], sources: Sequence[str]) -> Floats:
    """The score of each picture by a head that was made without any of its source. Raises NotFitted."""
    scores, fold = np.zeros(len(inputs)), _folds(sources)
    for each in np.unique(fold):
        kept = fold != each
        mean = inputs[kept].mean(axis=0)
        weights, start = linear(inputs[kept] - mean, yes[kept])
        scores[~kept] = (inputs[~kept] - mean) @ weights + start
    return scores


def _least(odds: Floats, yes: NDArray[np.bool_]) -> float:
    """The least confidence, LEAST or more, from which on PRECISION holds. Raises NotFitted where it never does."""
    for least in np.arange(LEAST, 100, 1.0):
        told = odds >= np.log(least / (100 - least))
        if told.sum() < LEAST_TOLD:
            break
        if yes[told].mean() >= PRECISION:
            return float(least)
    raise NotFitted(f"of pictures of other sources it is never right {PRECISION:.0%} of the time.")


def _data(labelled: Sequence[Labelled]) -> tuple[Source, ...]:
    counts = Counter((each.source, each.terms) for each in labelled)
    return tuple(Source(source, terms, number) for (source, terms), number in sorted(counts.items()))
