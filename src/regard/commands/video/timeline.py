"""What is seen when: the rows of a film, each with the times at which it shows something, as a table and as a plot."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from PIL import Image, ImageDraw, ImageFont

# Eighths of a column would be finer than two frames a second of a minute; a cell is full, or empty.
_FULL, _EMPTY = "█", "·"
_ROW, _MARGIN, _WIDTH, _LETTERS = 22, 12, 900, 14
_SEEN, _GROUND, _WORDS, _LINE = (0, 140, 90), (255, 255, 255), (30, 30, 30), (220, 220, 220)
MOST_ROWS, _MOST_LETTERS = 40, 40


@dataclass(frozen=True, slots=True)
class Row:
    """One thing that a film shows: the times of its frames, in milliseconds, and the highest confidence, 0 to 100."""

    name: str
    times: tuple[int, ...]
    confidence: float

    @property
    def first(self) -> int:
        """When it is first seen."""
        return self.times[0]

    @property
    def last(self) -> int:
        """When it is last seen."""
        return self.times[-1]


def rows_of(seen: Iterable[tuple[str, int, float]]) -> list[Row]:
    """The rows of (name, milliseconds, confidence), those that are seen in most frames first."""
    times: dict[str, set[int]] = {}
    best: dict[str, float] = {}
    for name, at, confidence in seen:
        times.setdefault(name, set()).add(at)
        best[name] = max(best.get(name, 0.0), confidence)
    rows = [Row(name, tuple(sorted(each)), best[name]) for name, each in times.items()]
    return sorted(rows, key=lambda row: (-len(row.times), row.first, row.name))


def bar(row: Row, milliseconds: int, columns: int) -> str:
    """The row as a line of text: each column stands for as much of the film."""
    full = {min(columns - 1, time * columns // max(milliseconds, 1)) for time in row.times}
    return "".join(_FULL if column in full else _EMPTY for column in range(columns))


def code_of(milliseconds: int) -> str:
    """A time as people read it: 1:02:03.4, or 02:03.4 in the first hour."""
    minutes, rest = divmod(milliseconds, 60_000)
    hours, minutes = divmod(minutes, 60)
    told = f"{minutes:02}:{rest // 1000:02}.{rest % 1000 // 100}"
    return f"{hours}:{told}" if hours else told


def plot(rows: Sequence[Row], milliseconds: int, interval: int) -> Image.Image:
    """A picture of at most MOST_ROWS rows over the film; each frame stands for `interval` milliseconds."""
    shown = rows[:MOST_ROWS]
    font = ImageFont.load_default(size=_LETTERS)
    names = [row.name if len(row.name) <= _MOST_LETTERS else f"{row.name[: _MOST_LETTERS - 1]}…" for row in shown]
    left = _MARGIN + max((round(font.getlength(name)) for name in names), default=0) + _MARGIN
    image = Image.new("RGB", (left + _WIDTH + _MARGIN, 2 * _MARGIN + _ROW * (len(shown) + 1)), _GROUND)
    canvas = ImageDraw.Draw(image)
    bottom = _MARGIN + _ROW * len(shown)
    for tick in _ticks(milliseconds):
        x = left + _WIDTH * tick / max(milliseconds, 1)
        canvas.line((x, _MARGIN, x, bottom), fill=_LINE)
        canvas.text((x, bottom + 4), code_of(tick), fill=_WORDS, font=font, anchor="ma")
    for place, row in enumerate(shown):
        top = _MARGIN + _ROW * place
        canvas.text((left - _MARGIN, top + _ROW / 2), names[place], fill=_WORDS, font=font, anchor="rm")
        for time in row.times:
            from_x = left + _WIDTH * time / max(milliseconds, 1)
            to_x = left + _WIDTH * min(time + interval, milliseconds) / max(milliseconds, 1)
            canvas.rectangle((from_x, top + 4, max(from_x, to_x - 1), top + _ROW - 4), fill=_SEEN)
    return image


def _ticks(milliseconds: int) -> list[int]:
    """Round times, at most nine of them."""
    steps = (1, 2, 5, 10, 20, 30, 60, 120, 300, 600, 1200, 1800, 3600)
    step = next((each * 1000 for each in steps if milliseconds <= 8000 * each), 3_600_000)
    return list(range(0, milliseconds + 1, step))
