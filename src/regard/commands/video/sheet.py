"""A contact sheet: frames of a film in rows, each with its time code and what was found on it."""

from __future__ import annotations

import tempfile
from collections.abc import Iterable, Mapping, Sequence
from types import TracebackType
from typing import Self

import numpy as np
import simplejpeg
from PIL import Image, ImageDraw, ImageFont

from regard.commands.video.timeline import code_of
from regard.vision.faces.drawing import Mark, drawn
from regard.vision.pictures.images import Picture

MOST_CELLS, COLUMNS = 40, 5
# Pixels of a cell's wider side, and of the line of words below it.
_SIDE, _LINE, _LETTERS, _GAP = 320, 22, 14, 6
_GROUND, _WORDS = (24, 24, 24), (235, 235, 235)


class Thumbnails:
    """Small copies of the frames of a film that is looked at, kept in a file that goes with them."""

    def __init__(self) -> None:
        self._file = tempfile.TemporaryFile()  # noqa: SIM115 - closed with the thumbnails
        self._places: dict[int, tuple[int, int]] = {}

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, _kind: type[BaseException] | None, _error: BaseException | None, _trace: TracebackType | None
    ) -> None:
        self._file.close()

    @property
    def times(self) -> list[int]:
        """The times of the frames, in milliseconds."""
        return list(self._places)

    def keep(self, milliseconds: int, picture: Picture) -> None:
        """Keep a small copy of the frame at a time."""
        image = Image.fromarray(picture.pixels)
        image.thumbnail((_SIDE, _SIDE), Image.Resampling.BILINEAR, reducing_gap=2.0)
        data = simplejpeg.encode_jpeg(np.ascontiguousarray(image), quality=85, colorspace="RGB")
        self._places[milliseconds] = (self._file.tell(), len(data))
        self._file.write(data)

    def at(self, milliseconds: int) -> Picture:
        """The small copy of the frame at a time."""
        place, length = self._places[milliseconds]
        self._file.seek(place)
        return Picture(simplejpeg.decode_jpeg(self._file.read(length), "RGB"), "JPEG")


def chosen(times: Sequence[int], found: Iterable[int], most: int = MOST_CELLS) -> list[int]:
    """At most `most` of the times, spread over the film; of those near each other one at which something was found."""
    if len(times) <= most:
        return list(times)
    hits, cells = set(found), []
    for cell in range(most):
        part = times[cell * len(times) // most : (cell + 1) * len(times) // most]
        cells.append(next((time for time in part if time in hits), part[0]))
    return cells


def sheet(frames: Thumbnails, times: Sequence[int], marks: Mapping[int, Sequence[Mark]]) -> Image.Image:
    """The frames at `times` with their marks; what has no box of its own stands below its frame."""
    cells = [_cell(frames.at(time), time, marks.get(time, ())) for time in times]
    width, height = max(cell.width for cell in cells), max(cell.height for cell in cells)
    columns = min(COLUMNS, len(cells))
    rows = -(-len(cells) // columns)
    made = Image.new("RGB", (columns * (width + _GAP) + _GAP, rows * (height + _GAP) + _GAP), _GROUND)
    for place, cell in enumerate(cells):
        made.paste(cell, (_GAP + place % columns * (width + _GAP), _GAP + place // columns * (height + _GAP)))
    return made


def _cell(picture: Picture, time: int, marks: Sequence[Mark]) -> Image.Image:
    boxed = [mark for mark in marks if mark.box.width > 0]
    words = ", ".join(mark.text for mark in marks if mark.box.width <= 0)
    image = drawn(picture, boxed)
    made = Image.new("RGB", (image.width, image.height + _LINE), _GROUND)
    made.paste(image, (0, 0))
    font = ImageFont.load_default(size=_LETTERS)
    told = f"{code_of(time)}  {words}".rstrip()
    while font.getlength(told) > image.width - 4 and len(told) > 8:
        told = told[:-2].rstrip("…") + "…"
    ImageDraw.Draw(made).text((3, image.height + _LINE / 2), told, fill=_WORDS, font=font, anchor="lm")
    return made
