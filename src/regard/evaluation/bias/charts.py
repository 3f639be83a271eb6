"""Charts of an audit as SVG, drawn by hand: they stand in a page of their own, without scripts, and print. Curves of
accuracy are :mod:`regard.evaluation.accuracy.plots`.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from html import escape
from typing import NamedTuple

_ROW, _LEFT, _WIDTH, _TOP, _BOTTOM = 24, 170, 420, 8, 34
_INK, _GRID, _POINT = "#222", "#ddd", "#1a5fb4"


class Whisker(NamedTuple):
    """A rate with its interval; `rate` is None where no error was seen, and `high` the upper bound then."""

    label: str
    rate: float | None
    low: float
    high: float


def whiskers(title: str, rows: Sequence[Whisker]) -> str:
    """Rates on a logarithmic axis, a row each: a dot with its interval, an arrow from the right for a bound."""
    known = [value for row in rows for value in (row.low, row.rate, row.high) if value]
    first = math.floor(math.log10(min(known))) if known else -6
    last = max(math.ceil(math.log10(max(known))) if known else 0, first + 1)
    height = _TOP + _ROW * len(rows) + _BOTTOM
    width = _LEFT + _WIDTH + 20

    def across(value: float) -> float:
        place = (math.log10(max(value, 10.0**first)) - first) / (last - first)
        return _LEFT + _WIDTH * min(max(place, 0), 1)

    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width} {height}" width="{width}" height="{height}" '
        f'role="img" font-family="sans-serif" font-size="12" fill="{_INK}"><title>{escape(title)}</title>'
    ]
    for power in range(first, last + 1):
        x = across(10.0**power)
        parts.append(f'<line x1="{x:.1f}" y1="{_TOP}" x2="{x:.1f}" y2="{height - _BOTTOM}" stroke="{_GRID}"/>')
        parts.append(f'<text x="{x:.1f}" y="{height - _BOTTOM + 16}" text-anchor="middle">{_percent(power)}</text>')
    for number, row in enumerate(rows):
        y = _TOP + _ROW * (number + 0.5)
        parts.append(f'<text x="{_LEFT - 10}" y="{y + 4}" text-anchor="end">{escape(row.label)}</text>')
        parts.append(_bound(across(row.high), y) if row.rate is None else _dot(row.rate, row, y, across))
    return "".join([*parts, "</svg>"])


def _dot(rate: float, row: Whisker, y: float, across: object) -> str:
    assert callable(across)
    low, middle, high = (across(value) for value in (row.low, rate, row.high))
    return (
        f'<line x1="{low:.1f}" y1="{y}" x2="{high:.1f}" y2="{y}" stroke="{_POINT}" stroke-width="2"/>'
        f'<circle cx="{middle:.1f}" cy="{y}" r="4" fill="{_POINT}"/>'
    )


def _bound(x: float, y: float) -> str:
    return (
        f'<line x1="{_LEFT}" y1="{y}" x2="{x:.1f}" y2="{y}" stroke="{_POINT}" stroke-width="2" stroke-dasharray="3 3"/>'
        f'<path d="M{x:.1f} {y - 5}v10" stroke="{_POINT}" stroke-width="2"/>'
    )


def _percent(power: int) -> str:
    return f"{100 * 10.0**power:g} %"
