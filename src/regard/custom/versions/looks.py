"""What was seen of a picture once, as it is kept: its size, its largest face, and its features or candidates."""

from __future__ import annotations

import zlib

import msgspec
import numpy as np
from numpy.typing import NDArray

from regard.vision.things.candidates import Candidates

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
    def of_candidates(cls, width: int, height: int, face: float, seen: dict[str, Candidates]) -> Look:
        """What was seen, with candidates by each way. Half of their numbers are 0, and are kept as such."""
        parts = [
            (way, len(each.boxes), each.boxes.astype("<f4").tobytes(), each.features.astype("<f2").tobytes())
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
        parts = msgspec.msgpack.decode(zlib.decompress(self.features), type=list[tuple[str, int, bytes, bytes]])
        return {
            way: Candidates(
                np.frombuffer(boxes, "<f4").reshape(number, 4).astype(np.float32),
                np.frombuffer(features, "<f2").reshape(number, -1 if number else 0).astype(np.float16),
            )
            for way, number, boxes, features in parts
        }
