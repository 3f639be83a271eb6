"""What was seen of a picture once, as it is kept: its size, its largest face, and its features."""

from __future__ import annotations

from collections.abc import Mapping

import msgspec
import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float32]


class Look(msgspec.Struct, frozen=True, array_like=True):
    """A picture of so many pixels. `face` is the share of it that its largest face fills, 0 where there is none.

    `moderation` are the confidences of labels of moderation, 0 to 100, of a picture that an adapter learns from.
    """

    width: int
    height: int
    face: float
    features: bytes
    moderation: dict[str, float] = {}

    @classmethod
    def of(cls, width: int, height: int, face: float, features: Floats, moderation: Mapping[str, float]) -> Look:
        """What was seen, with features (d,)."""
        return cls(width, height, face, np.ascontiguousarray(features, "<f4").tobytes(), dict(moderation))

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
