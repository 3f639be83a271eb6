"""Films that went through a codec, as a browser's recorder sends them."""

from __future__ import annotations

from collections.abc import Sequence
from fractions import Fraction

import av
import numpy as np
from numpy.typing import NDArray

from regard.vision.liveness.looking import Frame

Pixels = NDArray[np.uint8]


def compressed(frames: Sequence[tuple[float, Pixels]], width: int, height: int, bits: float) -> tuple[Frame, ...]:
    """The frames after H.264 at so many bits a second, which forgets most of the noise and a part of the colours."""
    coder = av.CodecContext.create("libx264", "w")
    coder.width, coder.height, coder.pix_fmt = width, height, "yuv420p"
    coder.time_base, coder.framerate = Fraction(1, 1000), Fraction(10)
    coder.bit_rate = int(bits)
    coder.options = {"preset": "superfast", "tune": "zerolatency", "threads": "1"}
    decoder = av.CodecContext.create("h264", "r")
    decoder.thread_count = 1
    packets = []
    for ms, pixels in frames:
        frame = av.VideoFrame.from_ndarray(pixels, format="rgb24")
        frame.pts, frame.time_base = round(ms), Fraction(1, 1000)
        packets.extend(coder.encode(frame))
    packets.extend(coder.encode(None))
    shown = [frame for packet in packets for frame in decoder.decode(packet)] + list(decoder.decode(None))
    return tuple(
        (ms, np.asarray(frame.to_ndarray(format="rgb24"), np.uint8))
        for (ms, _), frame in zip(frames, shown, strict=True)
    )
