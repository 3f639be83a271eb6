"""What each frame of a film is measured by, in the decoding process: how it changed, how black it is, whether it shows
colour bars; and when there is sound.

All of it is worked out on a copy of 160×90 pixels, in luma and chroma of limited range (ITU-R BT.709: black is 16,
white 235).
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator
from fractions import Fraction

import numpy as np
from av.audio.frame import AudioFrame
from av.video.frame import VideoFrame
from numpy.typing import NDArray

from regard.vision.video.messages import REACH, Heard, Measured

_WIDTH, _HEIGHT, _CELL = 160, 90, 5
_BLACK, _RANGE = 16.0, 219.0
# Changes of less than this, in luma a cell over REACH frames, are noise; where fewer cells take part, a title appears.
_LEAST, _BROAD = 1.0, 0.2
# Colour bars: columns of the upper part of one colour each, of at least five and at most nine colours, most of them
# strong ones. What is written over them may take three tenths of a column.
_ROWS, _ALIKE, _OF_ONE, _COLUMNS, _STRONG = 50, 10.0, 0.7, 0.9, 40.0
# Sound is told in windows of 10 ms: louder than −60 dB of full scale is sound.
_WINDOW, _SILENT = 100, 1e-3

Planes = NDArray[np.float32]


class Measures:
    """Measures the frames of a film as they come."""

    def __init__(self, black: float) -> None:
        """Pixels are black up to `black`, a share, 0 to 1, of the range of luma."""
        self._black = _BLACK + black * _RANGE
        self._cells: deque[Planes] = deque(maxlen=2 * REACH + 1)

    def of(self, number: int, milliseconds: int, frame: VideoFrame) -> Measured:
        """What is measured of a frame; `even` is of the one REACH frames before it."""
        planes = _planes(frame)
        cells = planes.reshape(3, _HEIGHT // _CELL, _CELL, _WIDTH // _CELL, _CELL).mean(axis=(2, 4)).ravel()
        earlier = list(self._cells)[::-1]
        self._cells.append(cells)
        return Measured(
            number,
            milliseconds,
            change=_distance(cells, earlier[0]) if earlier else 0.0,
            back=tuple(_distance(cells, each) for each in earlier[1 : REACH + 1]),
            even=self._even(),
            spread=round(float(planes[0].std()), 3),
            black=round(float((planes[0] <= self._black).mean()), 5),
            bars=_shows_bars(planes),
        )

    def _even(self) -> float:
        """How much the change before the middle frame is like the one after it: 1 where it goes on, as in a fade.

        0 where nothing changes, or only a part of the picture.
        """
        if len(self._cells) < 2 * REACH + 1:
            return 0.0
        before, after = self._cells[REACH] - self._cells[0], self._cells[-1] - self._cells[REACH]
        lengths = float(np.linalg.norm(before)), float(np.linalg.norm(after))
        whole = before + after
        square = float((whole**2).mean())
        if min(lengths) < _LEAST * np.sqrt(len(whole)) or float(np.abs(whole).mean()) ** 2 < _BROAD * square:
            return 0.0
        return round(float(before @ after) / (lengths[0] * lengths[1]), 4)


class Hearing:
    """Hears the sound of a film, and tells when it begins and ends."""

    def __init__(self) -> None:
        self._loud: bool | None = None

    def add(self, frame: AudioFrame) -> Iterator[Heard]:
        """The changes within a piece of sound; times are those of the file."""
        if frame.pts is None or frame.time_base is None or not frame.sample_rate:
            return
        samples = _samples(frame)
        window = max(1, frame.sample_rate // _WINDOW)
        begin = Fraction(frame.pts * frame.time_base)
        for at in range(0, len(samples), window):
            loud = bool(np.sqrt(np.mean(np.square(samples[at : at + window]))) > _SILENT)
            if loud != self._loud:
                self._loud = loud
                yield Heard(int((begin + Fraction(at, frame.sample_rate)) * 1000), loud)


def _planes(frame: VideoFrame) -> Planes:
    small = frame.reformat(_WIDTH, _HEIGHT, "yuv444p", interpolation="AREA", dst_color_range="MPEG")
    rows = [np.frombuffer(bytes(plane), np.uint8).reshape(_HEIGHT, -1)[:, :_WIDTH] for plane in small.planes]
    return np.stack(rows).astype(np.float32)


def _distance(one: Planes, other: Planes) -> float:
    return round(float(np.abs(one - other).mean()), 3)


def _shows_bars(planes: Planes) -> bool:
    upper = planes[:, :_ROWS]
    middle = np.median(upper, axis=1)
    alike = (np.abs(upper - middle[:, None]).max(axis=0) <= _ALIKE).mean(axis=0)
    if (alike >= _OF_ONE).mean() < _COLUMNS:
        return False
    steps = np.abs(np.diff(middle, axis=1)).max(axis=0) > _ALIKE
    # A step that is smeared over two columns is one.
    colours = 1 + int((steps[1:] & ~steps[:-1]).sum() + steps[0])
    strong = np.abs(middle[1:] - 128).max(axis=0) > _STRONG
    return 5 <= colours <= 9 and float(strong.mean()) >= 0.5


def _samples(frame: AudioFrame) -> NDArray[np.float32]:
    """The samples of all channels together, -1 to 1, in time: (n,)."""
    given = frame.to_ndarray()
    middle = 128.0 if given.dtype.kind == "u" else 0.0
    full = 1.0 if given.dtype.kind == "f" else float(1 << (8 * given.itemsize - 1))
    values: NDArray[np.float32] = (np.asarray(given, np.float32) - np.float32(middle)) / np.float32(full)
    channels = frame.layout.nb_channels if len(given) == 1 else len(given)
    if len(given) == 1 and channels > 1:
        values = values.reshape(-1, channels).T
    return np.asarray(np.abs(values).max(axis=0))
