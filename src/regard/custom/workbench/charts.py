"""Charts of a model of one's own as SVG, in the colours of the page that they stand in."""

from __future__ import annotations

from collections.abc import Sequence
from html import escape

from regard.custom.workbench.figures import Curve, Place
from regard.custom.workbench.kept import Point, Results

_LEFT, _TOP, _WIDE, _HIGH, _BELOW = 38, 22, 200, 150, 34
_SIZE = _LEFT + _WIDE + 12, _TOP + _HIGH + _BELOW


def precision_recall(results: Results, name: str) -> str:
    """Precision over recall of a label on the test pictures, with a dot where its threshold is."""
    curve = curve_of(results, results.names.index(name))
    parts = (_line(curve.points) if curve.points else "") + (_dot(curve.dot) if curve.dot else "")
    return _frame(name, "recall", "precision", ("0", "1"), parts)


def curve_of(results: Results, place: int) -> Curve:
    """The curve of the label at a place; of a test without its pictures the one that was kept, which may be none."""
    if results.figures is not None and not results.pictures:
        return dict(results.figures.curves).get(place, Curve((), None))
    name = results.names[place]
    ranked = sorted(((each.scores[place], name in each.shows) for each in results.pictures), reverse=True)
    points, dot = _curve(ranked, sum(yes for _, yes in ranked), results.labels[place].threshold)
    return Curve(tuple(points), dot)


def _curve(ranked: Sequence[tuple[float, bool]], shown: int, limit: float) -> tuple[list[Place], Place | None]:
    """Recall and precision from the surest picture on, pictures of one score together; and those at the threshold."""
    points: list[Place] = []
    dot: Place | None = None
    right = 0
    for number, (score, yes) in enumerate(ranked, 1):
        right += yes
        if shown and (number == len(ranked) or ranked[number][0] != score):
            if len(points) > 1 and points[-1][0] == points[-2][0] == right / shown:
                # Between two of the same recall: on the line that these draw.
                points.pop()
            points.append((right / shown, right / number))
            if score >= limit:
                dot = points[-1]
    return points, dot


def learning(curve: Sequence[Point], with_more: Point | None) -> str:
    """F1 on pictures left out, by how many a head is made of; what more would give is dashed."""
    most = max([each.pictures for each in (*curve, *([with_more] if with_more else []))])

    def at(point: Point) -> Place:
        return point.pictures / most, point.f1

    parts = _line([at(each) for each in curve]) + "".join(_dot(at(each)) for each in curve)
    if with_more:
        parts += _line([at(curve[-1]), at(with_more)], ' stroke-dasharray="4 4"')
    return _frame("F1 on pictures left out", "pictures", "F1", ("0", str(most)), parts)


def _frame(title: str, across: str, up: str, ends: tuple[str, str], parts: str) -> str:
    width, height = _SIZE
    below = _TOP + _HIGH
    shown = title if len(title) <= 32 else f"{title[:31]}…"

    def text(x: float, y: float, words: str, anchor: str = "middle") -> str:
        return f'<text x="{x:g}" y="{y:g}" text-anchor="{anchor}">{escape(words)}</text>'

    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width} {height}" width="{width}" height="{height}" '
        f'role="img" font-size="11" fill="currentColor"><title>{escape(title)}: {up} over {across}</title>'
        f'<path d="M{_LEFT} {_TOP}h{_WIDE}v{_HIGH}h-{_WIDE}z" fill="none" stroke="currentColor" opacity=".3"/>'
        + text(_LEFT + _WIDE / 2, 14, shown)
        + text(_LEFT, below + 14, ends[0])
        + text(_LEFT + _WIDE, below + 14, ends[1], "end")
        + text(_LEFT + _WIDE / 2, below + 28, across)
        + text(_LEFT - 5, below, "0", "end")
        + text(_LEFT - 5, _TOP + 8, "1", "end")
        + f'<text transform="translate({_LEFT - 20} {_TOP + _HIGH / 2:g}) rotate(-90)" text-anchor="middle">{up}</text>'
        + f"{parts}</svg>"
    )


def _scaled(place: Place) -> Place:
    return _LEFT + _WIDE * place[0], _TOP + _HIGH * (1 - place[1])


def _line(places: Sequence[Place], how: str = "") -> str:
    points = " ".join(f"{x:.1f},{y:.1f}" for x, y in map(_scaled, places))
    return f'<polyline points="{points}" fill="none" class="line"{how}/>'


def _dot(place: Place) -> str:
    x, y = _scaled(place)
    return f'<circle cx="{x:.1f}" cy="{y:.1f}" r="4" class="dot"/>'
