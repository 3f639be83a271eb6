"""What the pages on versions say: the results of one, taken apart for its template; and two of them compared."""

from __future__ import annotations

import base64
import io
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import msgspec
from markupsafe import Markup
from PIL import Image

from regard.custom.workbench.charts import learning, precision_recall
from regard.custom.workbench.groups import Matrix, matrix_of
from regard.custom.workbench.kept import Asked, Point, Results
from regard.custom.workbench.outlines import in_words
from regard.names import shown
from regard.pages.console.boxes import Drawing, drawing

# Pictures of each side, where two versions are compared.
MOST_CHANGED = 12
# Labels of a matrix that can be read; pairs that are told where there are more.
MOST_SQUARE, MOST_PAIRS = 12, 40
# Labels of a table, of charts, and of the list of weak ones: those of the least F1. Pictures that are twice there.
MOST_LABELS, MOST_CHARTS, MOST_WEAK, MOST_TWINS = 50, 12, 30, 50
# Boxes on pictures that are seen at once: each has some fifty characters, and a page under 100 KB.
MOST_BOXES = 300
WRONG, RIGHT = "wrong", "right"
# By how many pictures more the summary says what they would give: its member's name has it.
_MORE = 50
# What strangers did not name, or is asked for by what it is; of 250 labels there are 200,000 scores.
_AS_IT_IS = frozenset({"path", "twins", "digest", "scores", "boxes"})


@dataclass(frozen=True, slots=True)
class Chosen:
    """The pictures that are looked at: in which words, and what each is asked for with in the address."""

    show: str
    words: str
    pictures: Sequence[Asked]


@dataclass(frozen=True, slots=True)
class Compared:
    """Two versions: rows of F1 by label, those that changed most, how many pictures were in both tests, and those that
    came out otherwise.
    """

    name: str
    rows: Sequence[Sequence[str]]
    both: int
    worse: Sequence[Asked]
    better: Sequence[Asked]


class View:
    """The results of a version, as a page looks at them: what is asked of every picture is worked out once."""

    def __init__(self, results: Results) -> None:
        self.results = results
        self.right = {each.path for each in results.pictures if results.right(each)}

    @cached_property
    def matrix(self) -> Matrix:
        """What is taken for what."""
        return matrix_of(self.results)


def results_in(told: Mapping[str, Any]) -> Results:
    """The results of a version as an operation told them, in words that may be shown."""
    return msgspec.convert(_legible(told), Results)


def chosen(view: View, show: str) -> Chosen:
    """The pictures that an address asks for: those that are wrong or right, of one cell, or with one label."""
    results = view.results
    cells = {each.anchor: each for each in view.matrix.cells.values()}
    if show in cells:
        return Chosen(show, cells[show].title, cells[show].pictures)
    labels = {f"l-{number}": name for number, name in enumerate(results.names)}
    if show in labels:
        name = labels[show]
        found = [each for each in results.pictures if name in each.shows or name in results.told(each)]
        return Chosen(show, f"{name}: shown or told", found)
    if show == RIGHT:
        return Chosen(RIGHT, "told rightly", [each for each in results.pictures if each.path in view.right])
    return Chosen(WRONG, "told wrongly", [each for each in results.pictures if each.path not in view.right])


def about(view: View, first: int = 0) -> dict[str, Any]:
    """What the template of a version is told of it, beside its pictures; what is confused from the number `first` on,
    from 0, where there are more labels than a matrix has.
    """
    results, matrix = view.results, view.matrix
    tested = results.tested
    figures = results.figures
    charted = tested[:MOST_CHARTS] if results.pictures or figures else []
    numbered = sorted(enumerate(results.labels), key=lambda each: each[1].f1)[:MOST_LABELS]
    weak = sorted((each for each in results.labels if each.advice), key=lambda each: each.f1)
    more = None if results.with_more is None else Point(results.trained + _MORE, results.with_more)
    pairs = matrix.pairs
    first = min(first, max(len(pairs) - 1, 0))
    return {
        "results": results,
        "weak": weak[:MOST_WEAK],
        "weaker": len(weak[MOST_WEAK:]),
        "labels": sorted(numbered, key=lambda each: each[0]),
        "twins": results.twins[:MOST_TWINS],
        "matrix": matrix if len(results.labels) <= MOST_SQUARE else None,
        "heads": [f"as {each}" if each in results.names else each for each in matrix.columns],
        "pairs": pairs[first : first + MOST_PAIRS],
        "first": first,
        "confused": len(pairs),
        "mistaken": figures.wrong if figures else len(results.pictures) - len(view.right),
        "counted": figures.pictures if figures else len(results.pictures),
        "copy": results.beside.get("copy"),
        "charts": [Markup(precision_recall(results, each.name)) for each in charted],
        "uncharted": len(tested) - len(charted),
        # What is in these charts is ours, or was escaped where it was drawn.
        "learning": Markup(learning(results.curve, more)) if len(results.curve) > 1 else "",
        "more": _MORE,
    }


def compared(view: View, old: View) -> Compared:
    """What is other in a version than in one before, each label on the test of each; pictures of both tests beside."""
    now, before = view.results, old.results
    olds = {each.name: each.f1 for each in before.labels}
    changes = [(each.name, olds.pop(each.name, None), each.f1) for each in now.labels]
    labels = [*changes, *((name, f1, None) for name, f1 in olds.items())]
    most = sorted(labels, key=lambda each: -abs((each[1] or 0.0) - (each[2] or 0.0)))[:MOST_LABELS]
    rows = [_row("all labels", before.f1, now.f1), *(_row(*each) for each in labels if each in most)]
    earlier = {(each.path, each.digest): each.path in old.right for each in before.pictures}
    both = [each for each in now.pictures if (each.path, each.digest) in earlier]
    worse, better = (
        [each for each in both if (each.path in view.right, earlier[each.path, each.digest]) == change]
        for change in ((False, True), (True, False))
    )
    return Compared(before.name, rows, len(both), *(seen_at_once(each, MOST_CHANGED) for each in (worse, better)))


def seen_at_once(pictures: Sequence[Asked], most: int) -> list[Asked]:
    """The first `most` pictures, or fewer where they have more boxes than a page takes: one at least."""
    found, boxes = list[Asked](), 0
    for each in pictures[:most]:
        boxes += len(each.boxes)
        if found and boxes > MOST_BOXES:
            break
        found.append(each)
    return found


def tiles(results: Results, pictures: Sequence[Asked], small: Mapping[str, bytes]) -> list[dict[str, Any]]:
    """Pictures as a page shows them: what each shows, what was told of it, and the picture as a data address."""
    return [_tile(results, each, small.get(each.path, b"")) for each in pictures]


def _tile(results: Results, picture: Asked, small: bytes) -> dict[str, Any]:
    scores = dict(zip(results.names, picture.scores, strict=True))
    told = [f"{name} {100 * scores[name]:.0f}" for name in results.told(picture)]
    nearest = max(scores, key=lambda each: scores[each])
    return {
        "name": picture.path.rpartition("/")[2],
        "shows": ", ".join(picture.shows) or "none of the labels",
        "told": ", ".join(told) or f"none; nearest {nearest} {100 * scores[nearest]:.0f}",
        "data": f"data:image/jpeg;base64,{base64.b64encode(small).decode()}" if small else "",
        "over": _over(results, picture, small) if small and picture.boxes else None,
    }


def _over(results: Results, picture: Asked, small: bytes) -> Drawing:
    """The boxes over a picture: those that were told are dashed."""
    with Image.open(io.BytesIO(small)) as seen:
        width, height = seen.size
    boxes = [
        ("", "" if each.there else "told", (each.left, each.top, each.width, each.height)) for each in picture.boxes
    ]
    return drawing(boxes, width, height, in_words(picture.boxes, results.names))


def _row(name: str, before: float | None, now: float | None) -> list[str]:
    change = f"{now - before:+.3f}" if before is not None and now is not None else ""
    return [name, *("not there" if each is None else f"{each:.3f}" for each in (before, now)), change]


def _legible(told: Any) -> Any:
    """Strangers named the labels. A picture's path is asked for by what it is, and a page shows it as all words."""
    if isinstance(told, Mapping):
        return {name: each if name in _AS_IT_IS else _legible(each) for name, each in told.items()}
    if isinstance(told, list | tuple):
        return [_legible(each) for each in told]
    return shown(told) if isinstance(told, str) else told
