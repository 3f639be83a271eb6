"""Pipes: pictures that another program writes to `regard streams source ARN -`, and that command hands on to a worker.

They come as JPEG pictures one after another, as `ffmpeg -f mjpeg -` writes them, or as H.264 (Annex B). The command and
the worker meet at a socket in the data folder, which its owner alone may use.
"""

from __future__ import annotations

import hashlib
import os
import re
import socket
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import BinaryIO

from regard.streams.cameras.packets import MOST_BYTES, SILENT_SECONDS, Packet
from regard.streams.errors import CameraLost, CameraUnfit

_CHUNK = 1 << 16
_MOST_ADDRESS, _OPEN = 107, Path("/proc/self/fd")
_JPEG, _JPEG_END = b"\xff\xd8", b"\xff\xd9"
_START = b"\x00\x00\x01"
# What either begins with: a picture, or the first parameter set.
_FIRST = re.compile(rb"\xff\xd8\xff|\x00\x00\x01[\x07\x27\x47\x67]")
# H.264's units that begin a picture, or what is before one: a delimiter, parameter sets, and slices.
_DELIMITER, _SETS, _SLICES, _KEY = 9, (7, 8), (1, 5), 5


def socket_of(folder: Path, arn: str) -> Path:
    """Where the pictures of a stream are handed on: a name that is short, as those of sockets have to be."""
    return folder / f"{hashlib.sha256(arn.encode()).hexdigest()[:24]}.pipe"


@contextmanager
def _addressed(path: Path) -> Iterator[str]:
    """A path as sockets take it: of 107 bytes at most, which data folders may be longer than. Linux has another way."""
    if len(os.fsencode(path)) <= _MOST_ADDRESS or not _OPEN.is_dir():
        yield str(path)
        return
    folder = os.open(path.parent, os.O_RDONLY | os.O_DIRECTORY)
    try:
        yield f"{_OPEN}/{folder}/{path.name}"
    finally:
        os.close(folder)


def poured(folder: Path, arn: str, source: BinaryIO) -> None:
    """Hand on what comes from `source` to whoever connects, until it ends; nobody connected, it is thrown away."""
    folder.mkdir(parents=True, exist_ok=True, mode=0o700)
    path = socket_of(folder, arn)
    path.unlink(missing_ok=True)
    taker: socket.socket | None = None
    with socket.socket(socket.AF_UNIX) as listening:
        before = os.umask(0o177)
        try:
            with _addressed(path) as address:
                listening.bind(address)
        finally:
            os.umask(before)
        listening.listen(1)
        listening.setblocking(False)
        try:
            while data := os.read(source.fileno(), _CHUNK):
                with suppress(BlockingIOError):
                    connected, _ = listening.accept()
                    if taker is not None:
                        taker.close()
                    taker = connected
                    taker.settimeout(SILENT_SECONDS)
                if taker is not None:
                    try:
                        taker.sendall(data)
                    except OSError:
                        taker.close()
                        taker = None
        finally:
            path.unlink(missing_ok=True)
            if taker is not None:
                taker.close()


class Pipe:
    """What comes through a pipe. Raises CameraLost and CameraUnfit as it is opened."""

    def __init__(self, folder: Path, arn: str) -> None:
        self._socket = socket.socket(socket.AF_UNIX)
        self._socket.settimeout(SILENT_SECONDS)
        self._data = bytearray()
        try:
            with _addressed(socket_of(folder, arn)) as address:
                self._socket.connect(address)
            self.codec = self._told()
        except OSError as error:
            self.close()
            raise CameraLost(f"nobody runs `regard streams source {arn} -`: {error.strerror or error}") from None
        except BaseException:
            self.close()
            raise

    def packets(self) -> Iterator[Packet]:
        """The pictures. Raises CameraLost at the end of what comes."""
        try:
            yield from self._pictures() if self.codec == "mjpeg" else self._units()
        except OSError as error:
            raise CameraLost(f"the pipe: {error.strerror or error}") from None

    def close(self) -> None:
        """Hang up."""
        with suppress(OSError):
            self._socket.shutdown(socket.SHUT_RDWR)
        self._socket.close()

    def _more(self) -> None:
        part = self._socket.recv(_CHUNK)
        if not part:
            raise ConnectionResetError("it ended")
        self._data += part
        if len(self._data) > MOST_BYTES:
            raise CameraUnfit(f"What comes through the pipe has no picture in {MOST_BYTES:,} bytes.")

    def _told(self) -> str:
        """The codec of what comes, which is picked up at the next place that needs nothing before it."""
        while len(self._data) < MOST_BYTES // 2:
            if found := _FIRST.search(self._data):
                del self._data[: found.start()]
                return "mjpeg" if found[0].startswith(_JPEG) else "h264"
            self._more()
        raise CameraUnfit("What comes through the pipe is neither JPEG pictures nor H.264.")

    def _pictures(self) -> Iterator[Packet]:
        while True:
            begin = self._data.find(_JPEG + b"\xff")
            end = self._data.find(_JPEG_END, begin + 2) if begin >= 0 else -1
            while end < 0:
                self._more()
                begin = self._data.find(_JPEG + b"\xff")
                end = self._data.find(_JPEG_END, begin + 2) if begin >= 0 else -1
            yield Packet(bytes(self._data[begin : end + 2]), True)
            del self._data[: end + 2]

    def _units(self) -> Iterator[Packet]:
        """The pictures of H.264: the units from one that begins a picture to the next that does."""
        picture, sliced, key, at = bytearray(), False, False, self._data.find(_START)
        while True:
            end = self._data.find(_START, at + 3)
            while end < 0:
                seen = len(self._data)
                self._more()
                end = self._data.find(_START, max(at + 3, seen - 2))
            unit = bytes(self._data[at:end])
            kind = unit[3] & 0x1F if len(unit) > 3 else 0
            # A slice whose first bit is set is the first of its picture.
            first = kind in _SLICES and len(unit) > 4 and unit[4] & 0x80
            if sliced and (first or kind in (*_SETS, _DELIMITER)):
                yield Packet(bytes(picture), key)
                picture, sliced, key = bytearray(), False, False
            picture += b"\x00" + unit
            sliced, key = sliced or kind in _SLICES, key or kind == _KEY
            del self._data[:end]
            at = 0
