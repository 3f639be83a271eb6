"""What was seen of a picture once, as it is kept: its size, its largest face, and its features."""

from __future__ import annotations

import msgspec
import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float32]


class Look(msgspec.Struct, frozen=True, array_like=True):
    """A picture of so many pixels. `face` is the share of it that its largest face fills, 0 where there is none."""

    width: int
    height: int
    face: float
    features: bytes

    @classmethod
    def of(cls, width: int, height: int, face: float, features: Floats) -> Look:
        """What was seen, with features (d,)."""
        return cls(width, height, face, np.ascontiguousarray(features, "<f4").tobytes())

    @classmethod
    def read(cls, data: bytes) -> Look:
        """What was kept. Raises msgspec.MsgspecError."""
        return msgspec.msgpack.decode(data, type=cls)

    def kept(self) -> bytes:
        """What is kept of it."""
        return msgspec.msgpack.encode(self)

    @property
    def seen(self) -> Floats:
        """The features, float32 (d,)."""
        return np.frombuffer(self.features, "<f4").astype(np.float32)
