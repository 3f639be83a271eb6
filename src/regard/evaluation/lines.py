"""A figure over time as a line, as SVG: its colours are the page's, and it needs no script."""

from __future__ import annotations

import math
from collections.abc import Sequence
from html import escape
from itertools import groupby

_WIDTH, _HEIGHT, _LEFT, _RIGHT, _TOP, _BOTTOM = 320, 150, 44, 14, 12, 24


def line(title: str, names: Sequence[str], figures: Sequence[float | None]) -> str:
    """A line through `figures`, one a name, from 0 up; where one is None, which is not told, the line has a gap.

    It has the classes `line`, `dot` and `grid`. Raises ValueError where there is nothing to draw.
    """
    if not names or len(names) != len(figures):
        raise ValueError(f"{len(figures)} figures of {len(names)} names make no line")
    top = _round_up(max((each for each in figures if each is not None), default=0))

    def across(place: int) -> float:
        return _LEFT + (_WIDTH - _LEFT - _RIGHT) * (place / (len(names) - 1) if len(names) > 1 else 0.5)

    def up(figure: float) -> float:
        return _HEIGHT - _BOTTOM - (_HEIGHT - _TOP - _BOTTOM) * figure / top

    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {_WIDTH} {_HEIGHT}" width="{_WIDTH}" '
        f'height="{_HEIGHT}" role="img"><title>{escape(title)}</title>'
    ]
    for figure in (0, top / 2, top):
        y = up(figure)
        parts.append(f'<line class="grid" x1="{_LEFT}" y1="{y:.1f}" x2="{_WIDTH - _RIGHT}" y2="{y:.1f}"/>')
        parts.append(f'<text x="{_LEFT - 6}" y="{y + 4:.1f}" text-anchor="end">{_short(figure)}</text>')
    # The first and the last: between them nobody has to read twelve names in so little room.
    for place, anchor in {0: "start", len(names) - 1: "end"}.items():
        anchor = anchor if len(names) > 1 else "middle"
        parts.append(
            f'<text x="{across(place):.1f}" y="{_HEIGHT - 6}" text-anchor="{anchor}">{escape(names[place])}</text>'
        )
    told = [(place, figure) for place, figure in enumerate(figures)]
    for known, run in groupby(told, lambda each: each[1] is not None):
        points = [(across(place), up(figure)) for place, figure in run if figure is not None]
        if known and len(points) > 1:
            parts.append(f'<polyline class="line" points="{" ".join(f"{x:.1f},{y:.1f}" for x, y in points)}"/>')
        parts += [f'<circle class="dot" cx="{x:.1f}" cy="{y:.1f}" r="3"/>' for x, y in points]
    return "".join([*parts, "</svg>"])


def _round_up(figure: float) -> float:
    """The least of 2, 4, 10, 20, 40, 100 … that is not below the figure: half of it is a whole number, too."""
    if figure <= 2:
        return 2
    power = 10.0 ** math.floor(math.log10(figure))
    return next(each for each in (power, 2 * power, 4 * power, 10 * power) if each >= figure)


def _short(figure: float) -> str:
    for size, letter in ((1_000_000, "M"), (1_000, "k")):
        if figure >= size:
            return f"{figure / size:g} {letter}"
    return f"{figure:g}"
