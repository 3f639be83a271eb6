"""What was seen of a picture once, as it is kept: its size, its largest face, and its features or candidates."""

from __future__ import annotations

import zlib
from collections.abc import Mapping

import msgspec
import numpy as np
from numpy.typing import NDArray

from regard.vision.heads.box_head import Candidates

Floats = NDArray[np.float32]


class Look(msgspec.Struct, frozen=True, array_like=True):
    """A picture of so many pixels. `face` is the share of it that its largest face fills, 0 where there is none.

    `moderation` are the confidences of labels of moderation, 0 to 100, of a picture that an adapter learns from.
    `alike` are 64 bits, of which few differ in pictures that look alike.
    """

    width: int
    height: int
    face: float
    features: bytes
    moderation: dict[str, float] = {}
    alike: int = 0

    @classmethod
    def of(cls, width: int, height: int, face: float, features: Floats, moderation: Mapping[str, float]) -> Look:
        """What was seen, with features (d,)."""
        return cls(width, height, face, np.ascontiguousarray(features, "<f4").tobytes(), dict(moderation))

    @classmethod
    def of_candidates(cls, width: int, height: int, face: float, seen: dict[str, Candidates]) -> Look:
        """What was seen, with candidates by each way. Many of their numbers are 0."""
        parts = [
            (way, each.features.shape, each.boxes.astype("<f4").tobytes(), each.features.astype("<f2").tobytes())
            for way, each in seen.items()
        ]
        return cls(width, height, face, zlib.compress(msgspec.msgpack.encode(parts), 1))

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

    @property
    def candidates(self) -> dict[str, Candidates]:
        """The candidates, by each way."""
        kind = list[tuple[str, tuple[int, int], bytes, bytes]]
        parts = msgspec.msgpack.decode(zlib.decompress(self.features), type=kind)
        return {
            way: Candidates(
                np.frombuffer(boxes, "<f4").reshape(-1, 4).astype(np.float32),
                np.frombuffer(features, "<f2").reshape(shape).astype(np.float16),
            )
            for way, shape, boxes, features in parts
        }
