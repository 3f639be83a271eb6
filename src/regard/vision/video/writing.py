"""Films written: VP9, in WebM, MKV or MP4. Its encoder, libvpx, is under a BSD licence; those of H.264 here are not.

A film that is written here has frames and their times, and nothing of what another file said: no place, date, camera,
title, chapters or subtitles.
"""

from __future__ import annotations

from fractions import Fraction
from pathlib import Path
from types import TracebackType
from typing import Self

import av
import numpy as np
from av.video.frame import VideoFrame

from regard.vision.pictures.images import Picture

# The container that an ending stands for.
FORMS = {".webm": "webm", ".mkv": "matroska", ".mp4": "mp4"}
# Quick rather than small: films are long.
_OPTIONS = {"deadline": "realtime", "cpu-used": "6", "row-mt": "1", "crf": "31", "b": "0"}
_MILLISECOND = Fraction(1, 1000)


class Writer:
    """Writes one film, frame after frame. Use it as a context: at its end the film is whole."""

    def __init__(self, path: Path, suffix: str, rate: float) -> None:
        """A film at `path` of the form that `suffix` stands for, of about `rate` frames a second."""
        self._container = av.open(str(path), "w", format=FORMS[suffix])
        about = Fraction(rate).limit_denominator(1001) if rate > 0 else Fraction(25)
        self._stream = self._container.add_stream("libvpx-vp9", rate=about, options=dict(_OPTIONS))
        self._stream.pix_fmt = "yuv420p"
        self._stream.codec_context.time_base = _MILLISECOND
        self._stream.codec_context.thread_count = 1
        self._begun, self._last = False, -1

    def add(self, milliseconds: int, picture: Picture) -> None:
        """The next frame, at its time. All frames take the size of the first one."""
        frame = VideoFrame.from_ndarray(_even(picture.pixels), format="rgb24")
        if not self._begun:
            self._stream.width, self._stream.height = frame.width, frame.height
            self._begun = True
        # Two frames within one millisecond are told apart by the next one.
        self._last = max(milliseconds, self._last + 1)
        small = frame.reformat(self._stream.width, self._stream.height, "yuv420p")
        small.pts, small.time_base = self._last, _MILLISECOND
        self._container.mux(self._stream.encode(small))

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, _error: BaseException | None, _trace: TracebackType | None
    ) -> None:
        if kind is None and self._begun:
            self._container.mux(self._stream.encode(None))
        self._container.close()


def _even(pixels: np.ndarray[tuple[int, ...], np.dtype[np.uint8]]) -> np.ndarray[tuple[int, ...], np.dtype[np.uint8]]:
    """The pixels with an even number of rows and columns, as encoders want them: the last ones twice."""
    height, width = pixels.shape[:2]
    if height % 2 == 0 and width % 2 == 0:
        return pixels
    return np.ascontiguousarray(np.pad(pixels, ((0, height % 2), (0, width % 2), (0, 0)), mode="edge"))
