"""Live pictures, decoded in a process of its own: packets in as they come, frames out, none faster than asked for."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import suppress

from regard.vision.video.film import DECODERS, Decoded, Frame, Limits, VideoError
from regard.vision.video.messages import CODECS, HEAD, Failed, Garbled, Request, Shown, receive

# How long one process decodes, by the processor time that is allowed: whoever goes on for longer begins another.
MOST_SECONDS = 24 * 3600


def make_ready(limits: Limits) -> None:
    """Have what decodes loaded, before there is a camera whose pictures would wait for it. Raises OSError."""
    Live("mjpeg", 1000, limits).close()


class Live(Decoded):
    """What a camera sends, being decoded. One thread feeds packets, another iterates; each once.

    Use it as a context, so that its process ends.
    """

    def __init__(self, codec: str, interval: int, limits: Limits) -> None:
        """Packets of `codec` (mjpeg, h264, hevc), and a frame each `interval` milliseconds at most. Raises OSError,
        and VideoError for a codec that is not decoded here.
        """
        if codec not in CODECS:
            raise VideoError(f"Live video of the codec {codec} is not decoded; set the camera to H.264 or MJPEG.")
        request = Request(interval, MOST_SECONDS * 1000, limits.memory, 1, codec=codec)
        read, write = os.pipe()
        try:
            with os.fdopen(read, "rb") as theirs:
                super().__init__(DECODERS.begin(theirs, request))
        except BaseException:
            os.close(write)
            raise
        self._packets = os.fdopen(write, "wb", buffering=0)

    def feed(self, milliseconds: int, packet: bytes) -> None:
        """Hand over what came then. Waits while the process has enough; raises BrokenPipeError after its end."""
        whole = memoryview(HEAD.pack(len(packet), milliseconds) + packet)
        while whole:
            whole = whole[self._packets.write(whole) or 0 :]

    def finish(self) -> None:
        """Nothing more comes: what was fed is decoded to its end."""
        with suppress(OSError):
            self._packets.close()

    def close(self) -> None:
        """End the process, whatever it is at."""
        super().close()
        self.finish()

    def __iter__(self) -> Iterator[Frame]:
        """The frames, until nothing more is fed. Raises VideoError where decoding them fails."""
        while True:
            try:
                message = receive(self._told)
            except Garbled as error:
                raise VideoError(f"The decoder stopped: {error}.") from None
            if message is None and self._packets.closed and self._decoder.wait().code == 0:
                return
            if message is None:
                raise VideoError(self._ended_early())
            if isinstance(message, Failed):
                raise VideoError(message.cause)
            if isinstance(message, Shown):
                yield Frame(message.number, message.milliseconds, self._picture(message))
