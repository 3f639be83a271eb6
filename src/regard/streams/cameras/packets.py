"""What every camera gives: packets of one codec, as they come."""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple, Protocol

# A camera that sends nothing for so long is lost.
SILENT_SECONDS = 10.0
# No picture, and no packet, has more bytes than this: a frame of 8K in MJPEG has less.
MOST_BYTES = 16 << 20


class Packet(NamedTuple):
    """A picture, encoded. Whether it needs none before it (`whole`), as every one of MJPEG and each key frame."""

    data: bytes
    whole: bool


class Stream(Protocol):
    """A camera that is connected to. `codec` is mjpeg, h264 or hevc."""

    @property
    def codec(self) -> str:
        """What its packets are."""

    def packets(self) -> Iterator[Packet]:
        """The packets, as they come, for ever. Raises CameraLost, CameraUnfit."""

    def close(self) -> None:
        """Hang up; who waits for a packet hears of it."""
