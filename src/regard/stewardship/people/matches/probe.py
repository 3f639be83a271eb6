"""A probe: what was searched with, as reviews know it again: a picture, and where the face in it is.

Two faces of one picture are two probes: whoever was confirmed for the one is not confirmed for the other. Where the box
of a face comes out a little different, by another operation or another model, it is the same face.
"""

from __future__ import annotations

import struct
from dataclasses import dataclass
from typing import Self

from regard.vision.pictures.findings import SAME_FACE, Box, overlap

_DIGEST_BYTES, _EDGES, _WHOLE = 32, struct.Struct(">4H"), 65_535


@dataclass(frozen=True, slots=True)
class Probe:
    """A keyed digest of 32 bytes, the same for the same picture; and a face in it, unless it is about all of it."""

    picture: bytes
    face: Box | None = None

    @classmethod
    def read(cls, written: bytes) -> Self:
        """The probe that :meth:`__bytes__` wrote."""
        picture, edges = written[:_DIGEST_BYTES], written[_DIGEST_BYTES:]
        if not edges:
            return cls(picture)
        left, top, right, bottom = (edge / _WHOLE for edge in _EDGES.unpack(edges))
        return cls(picture, Box(left, top, right - left, bottom - top))

    def __bytes__(self) -> bytes:
        """The digest, then left, top, right and bottom of the face in 65,535ths of the picture, which they end with."""
        if self.face is None:
            return self.picture
        left, top = self.face.left, self.face.top
        edges = left, top, left + self.face.width, top + self.face.height
        return self.picture + _EDGES.pack(*(round(_WHOLE * min(max(edge, 0.0), 1.0)) for edge in edges))

    @property
    def span(self) -> tuple[bytes, bytes]:
        """The first and the last of what is written of this picture, with a face or without."""
        return self.picture, self.picture + b"\xff" * _EDGES.size

    def same(self, other: Probe) -> bool:
        """Whether two probes of one picture are about the same face, or both about all of it."""
        if self.face is None or other.face is None:
            return self.face == other.face
        return bytes(self) == bytes(other) or overlap(self.face, other.face) >= SAME_FACE
