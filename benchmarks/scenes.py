"""How well a head tells scenes: words judged by eye on three collections, each told by a head made of the other two.

Not among the benchmarks that run by default: `python -m benchmarks scenes`. The head is measured and thrown away: the
pictures are for measuring only.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from benchmarks.labelling import Claim, average_precision
from benchmarks.measuring import Work, markdown, medians
from benchmarks.pictures import SHARED, small
from regard.evaluation.training.scenes import Floats, Labelled, left_out, listed, looker, made, seen
from regard.settings import from_environment
from regard.vision.heads.scenes import LAYERS, Scenes, numbers
from regard.vision.models.runtime import Runtime
from regard.vision.models.weights import Weights
from regard.vision.pictures.images import decode
from regard.vision.things.labels import classifier, prepared

BY_EYE = Path(__file__).parents[1] / "tests" / "data" / "scenes_by_eye.csv"


def run() -> str:
    """The tables."""
    if not SHARED.is_dir():
        return markdown("Scenes", ("not measured",), [("the pictures are not on this machine",)])
    base, see = looker(from_environment())
    labelled, inputs = seen(listed(BY_EYE, SHARED), see)
    head, left = made("measured", base, labelled, inputs)
    taken = {word.name: word for word in head.words}
    rows = []
    for name in labelled[0].words.keys() | {word for each in labelled for word in each.words}:
        yes, precision = ranked(name, labelled, inputs)
        word = taken.get(name)
        told = (
            ("left out", "", "")
            if word is None
            else (f"{word.least:.0f}", f"{word.precision:.2f}", f"{word.recall:.2f}")
        )
        rows.append((name, str(int(yes.sum())), str(int((~yes).sum())), f"{precision:.2f}", *told))
    columns = (
        "word",
        "shown",
        "not shown",
        "average precision",
        "told from",
        "right of those told",
        "told of those shown",
    )
    whys = [f"{each.name} is left out: {each.why}" for each in left]
    table = markdown("Scenes, on pictures of other collections", columns, sorted(rows), *whys)
    return f"{table}\n\n{_cost(Scenes(head))}"


def ranked(word: str, labelled: list[Labelled], inputs: Floats) -> tuple[NDArray[np.bool_], float]:
    """Of which pictures a word is right, and its average precision, each told by a head made of other sources."""
    rows = [place for place, each in enumerate(labelled) if word in each.words]
    yes = np.array([labelled[place].words[word] for place in rows], bool)
    scores = left_out(
        inputs[rows] / np.maximum(inputs.std(axis=0), 1e-6), yes, [labelled[place].source for place in rows]
    )
    claims = [Claim(0, 0, float(score), bool(each)) for score, each in zip(scores, yes, strict=True)]
    return yes, average_precision(claims, int(yes.sum()))


def _cost(scenes: Scenes) -> str:
    settings = from_environment()
    weights, runtime = Weights.opened(settings), Runtime.opened(settings)
    shown = prepared(decode(small(1)[0]))
    plain, tapped = classifier(weights, runtime), classifier(weights, runtime, LAYERS)
    layers = tapped(shown)[1:]
    works: dict[str, Work] = {
        "the classifier": lambda: plain(shown),
        "the classifier with both layers given out": lambda: tapped(shown),
        "reading the layers": lambda: numbers(layers),
        "telling the words": lambda: scenes(layers),
    }
    rows = [(name, f"{1000 * taken:.2f} ms") for name, taken in medians(works).items()]
    return markdown("Scenes: what a picture costs", ("what", "median"), rows)
